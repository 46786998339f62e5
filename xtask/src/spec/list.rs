//! The table of operations.

use serde_json::{Value, json};

use crate::description::Operation;

const HEADER: [&str; 6] = ["ID", "METHOD", "PATH", "SAFETY", "RETRY", "PAGING"];

/// A header line, and one line for each operation, in the order of the document.
pub(super) fn text(operations: &[Operation<'_>]) -> String {
    let rows: Vec<[&str; 6]> = std::iter::once(HEADER)
        .chain(operations.iter().map(row))
        .collect();
    table(&rows)
}

pub(super) fn json(operations: &[Operation<'_>]) -> Value {
    operations
        .iter()
        .map(|operation| {
            let [id, method, path, safety, retry, paging] = row(operation);
            json!({
                "id": id,
                "method": method,
                "path": path,
                "tag": operation.raw["tags"][0],
                "summary": operation.raw["summary"],
                "safety": safety,
                "retry": retry,
                "paging": paging,
            })
        })
        .collect()
}

fn row<'o>(operation: &'o Operation<'_>) -> [&'o str; 6] {
    let class = |name: &str| operation.raw["x-wpengine"][name].as_str().unwrap_or("?");
    let (id, method, path) = (operation.id(), &operation.method, &operation.path);
    [
        id,
        method,
        path,
        class("safety"),
        class("retry"),
        class("paging"),
    ]
}

/// Columns as wide as their widest cell, two blanks apart, without blanks at the end of a line.
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
