//! The output of `spec`.

use std::collections::BTreeSet;

use super::{document, find, list, show};

fn shown(id: &str) -> String {
    let document = document().expect("the document");
    let operations = document.operations();
    show::text(&document, find(&operations, id).expect("the operation"))
}

#[test]
fn the_list_is_a_header_and_one_line_for_each_operation() {
    let document = document().expect("the document");
    let text = list::text(&document.operations());
    let rows: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "ID", "METHOD", "PATH", "SAFETY", "RETRY", "PAGING", "EFFECTS"
        ]
    );
    assert_eq!(rows.len(), document.operations().len() + 1);
    let ids: BTreeSet<&str> = rows[1..].iter().map(|row| row[0]).collect();
    assert_eq!(ids.len(), rows.len() - 1, "every id once");
    for row in &rows[1..] {
        assert_eq!(row.len(), 7, "{row:?}");
        assert_eq!(row[6] == "-", row[3] == "read", "{row:?}");
        assert!(
            ["GET", "POST", "PATCH", "DELETE"].contains(&row[1]),
            "{row:?}"
        );
        assert!(row[2].starts_with('/'), "{row:?}");
        assert!(
            ["read", "write", "destructive"].contains(&row[3]),
            "{row:?}"
        );
        assert!(["safe", "unsent"].contains(&row[4]), "{row:?}");
        assert!(["offset", "token", "none"].contains(&row[5]), "{row:?}");
    }
}

#[test]
fn an_operation_is_shown_with_all_it_takes_and_answers() {
    let text = shown("create_backup");
    let line = |start: &str| {
        text.lines()
            .find(|line| line.trim_start().starts_with(start))
            .unwrap_or_else(|| panic!("{text}"))
    };
    assert!(
        text.starts_with("create_backup  POST /installs/{install_id}/backups\n"),
        "{text}"
    );
    assert!(
        line("install_id ").contains("path  string  required"),
        "{text}"
    );
    assert!(
        line("notification_emails").contains("array of string  required  minItems 1"),
        "{text}"
    );
    assert!(
        line("status").contains("one of requested, in_progress, completed, aborted"),
        "{text}"
    );
    assert!(
        line("wordpress_version").contains("string or null"),
        "{text}"
    );
    assert!(
        line("\"description\"").contains("Before the new theme goes live"),
        "{text}"
    );
    for code in ["202", "400", "429", "503"] {
        line(code);
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 200),
        "{text}"
    );
}

#[test]
fn nested_fields_are_indented_below_their_parent() {
    let text = shown("list_domains");
    let indent = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name))
            .unwrap_or_else(|| panic!("no {name} in {text}"));
        line.len() - line.trim_start().len()
    };
    assert_eq!(indent("network_details"), indent("results") + 2);
    assert_eq!(indent("dns_config_info"), indent("results") + 4);
    assert_eq!(indent("cname"), indent("results") + 6);
}

#[test]
fn every_operation_can_be_shown_in_both_forms() {
    let document = document().expect("the document");
    for operation in &document.operations() {
        let text = show::text(&document, operation);
        let json = show::json(&document, operation);
        assert!(text.contains(operation.id()), "{text}");
        assert_eq!(json["id"], operation.id());
        assert_eq!(
            json["answers"].as_array().map(Vec::len),
            Some(operation.answers.len())
        );
    }
}

#[test]
fn an_operation_is_found_by_method_and_path_too() {
    let document = document().expect("the document");
    let operations = document.operations();
    assert_eq!(
        find(&operations, "get /sites").expect("the operation").id(),
        "list_sites"
    );
}

#[test]
fn an_unknown_name_is_answered_with_near_ones() {
    let document = document().expect("the document");
    let operations = document.operations();
    for wrong in ["creat_backup", "createBackup"] {
        let error = find(&operations, wrong)
            .expect_err("no such operation")
            .to_string();
        assert!(error.contains("create_backup"), "{error}");
    }
    let error = find(&operations, "zzzz")
        .expect_err("no such operation")
        .to_string();
    assert!(error.contains("spec list"), "{error}");
}
