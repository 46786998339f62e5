//! The table of operations.

use serde_json::{Value, json};

use crate::description::Operation;

const HEADER: [&str; 7] = [
    "ID", "METHOD", "PATH", "SAFETY", "RETRY", "PAGING", "EFFECTS",
];

/// A header line, and one line for each operation, in the order of the document.
pub(super) fn text(operations: &[Operation<'_>]) -> String {
    let effects: Vec<String> = operations.iter().map(effects).collect();
    let rows = operations.iter().zip(&effects).map(|(operation, effects)| {
        let class = |name| class(operation, name);
        [
            operation.id(),
            &operation.method,
            &operation.path,
            class("safety"),
            class("retry"),
            class("paging"),
            effects,
        ]
    });
    let rows: Vec<[&str; 7]> = std::iter::once(HEADER).chain(rows).collect();
    table(&rows)
}

pub(super) fn json(operations: &[Operation<'_>]) -> Value {
    operations
        .iter()
        .map(|operation| {
            let classes = &operation.raw["x-wpengine"];
            json!({
                "id": operation.id(),
                "method": operation.method,
                "path": operation.path,
                "tag": operation.raw["tags"][0],
                "summary": operation.raw["summary"],
                "safety": class(operation, "safety"),
                "retry": class(operation, "retry"),
                "paging": class(operation, "paging"),
                "effects": classes.get("effects").unwrap_or(&json!([])),
                "account": classes["account"],
                "limited": classes["limited"],
                "secret": classes["secret"] == true,
            })
        })
        .collect()
}

fn class<'o>(operation: &'o Operation<'_>, name: &str) -> &'o str {
    operation.raw["x-wpengine"][name].as_str().unwrap_or("?")
}

/// The effects, such as `access`; `none` if a write has no effects, and a dash for a read.
pub(super) fn effects(operation: &Operation<'_>) -> String {
    match operation.raw["x-wpengine"]["effects"].as_array() {
        None => "-".to_owned(),
        Some(effects) if effects.is_empty() => "none".to_owned(),
        Some(effects) => {
            let words: Vec<&str> = effects.iter().filter_map(Value::as_str).collect();
            words.join(",")
        }
    }
}

/// Formats columns as wide as their widest cell, separated by two spaces, without trailing spaces.
pub(super) fn table<const COLUMNS: usize>(rows: &[[&str; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
