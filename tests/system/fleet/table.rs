//! The table of what goes wrong elsewhere names tests, and they exist.

use std::path::Path;

const TABLE: &str = include_str!("defects.md");

/// The text of every source file in a folder and below it.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|end| end == "rs") {
            text.push_str(&std::fs::read_to_string(path).expect("a file"));
        }
    }
}

#[test]
fn every_test_of_the_table_exists() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&here.join("system/fleet"), &mut text);
    sources(&here.join("../crates/wpengine-fleet/src"), &mut text);
    let rows: Vec<&str> = TABLE
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();
    // 16 composites and 7 audits.
    assert_eq!(rows.len(), 23);
    for row in rows {
        let test = row.trim_end_matches(['|', ' ', '`']);
        let test = test.rsplit('`').next().expect("a name");
        assert!(text.contains(&format!("fn {test}()")), "{test}");
    }
}
