//! Tables for people.

use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::{Cell, Column, Table};
use crate::{context::Ctx, terminal::cut};

/// The narrowest width to which a column is cut.
const NARROWEST: usize = 8;

/// A table that fits the terminal. Where it is too narrow, columns go from the right, then the widest is cut; never the first,
/// which has the name. Without a terminal nothing goes and nothing is cut.
pub(super) fn fit(
    c: &Ctx,
    columns: &[&Column],
    heads: &[String],
    mut cells: Vec<Vec<String>>,
) -> String {
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let head = if c.globals.no_header {
                0
            } else {
                heads[column].width()
            };
            cells
                .iter()
                .map(|row| row[column].width())
                .max()
                .unwrap_or(0)
                .max(head)
        })
        .collect();
    if let Some(width) = c.terminal.width {
        shrink(&mut widths, width);
        for row in &mut cells {
            row.truncate(widths.len());
            for (cell, width) in row.iter_mut().zip(&widths) {
                *cell = cut(cell, *width);
            }
        }
    }
    let mut text = String::new();
    if !c.globals.no_header {
        let heads: Vec<String> = heads
            .iter()
            .zip(&widths)
            .map(|(head, width)| cut(head, *width))
            .collect();
        let line = line(columns, &widths, &heads);
        text.push_str(&if c.terminal.colour {
            format!("\x1b[1m{line}\x1b[0m")
        } else {
            line
        });
        text.push('\n');
    }
    for row in &cells {
        text.push_str(&line(columns, &widths, row));
        text.push('\n');
    }
    text
}

/// Makes the columns fit: at first by cutting the widest a little, then by leaving out the last.
fn shrink(widths: &mut Vec<usize>, width: usize) {
    let total =
        |widths: &[usize]| widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    while total(widths) > width {
        let over = total(widths) - width;
        let widest = (1..widths.len()).max_by_key(|column| widths[*column]);
        match widest {
            Some(column)
                if widths[column].saturating_sub(over) >= 16.min(widths[column]).max(NARROWEST) =>
            {
                widths[column] -= over;
            }
            Some(column) if widths[column] > 24 => widths[column] = 24,
            // The name stays as it is, however narrow the terminal is.
            _ if widths.len() > 1 => {
                widths.pop();
            }
            _ => return,
        }
    }
}

fn line(columns: &[&Column], widths: &[usize], cells: &[String]) -> String {
    let mut text = String::new();
    for (position, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if position > 0 {
            text.push_str("  ");
        }
        let padding = " ".repeat(width.saturating_sub(cell.width()));
        if columns[position].is_right() {
            text.push_str(&padding);
            text.push_str(cell);
        } else {
            text.push_str(cell);
            text.push_str(&padding);
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// One thing: a line for each of its fields.
pub(super) fn sheet(c: &Ctx, table: &Table, value: &Value) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    flatten(c, table, "", value, &mut lines);
    let width = lines
        .iter()
        .map(|(name, _)| name.width())
        .max()
        .unwrap_or(0);
    lines
        .into_iter()
        .map(|(name, text)| format!("{name:<width$}  {text}\n"))
        .collect()
}

fn flatten(c: &Ctx, table: &Table, prefix: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let text = |pointer: &str, value: &Value| {
        let column = table.columns.iter().find(|column| column.at == pointer);
        let cell = column.map_or_else(|| guess(pointer), |column| column.cell);
        match cell {
            // A sheet shows the id itself.
            Cell::Account | Cell::Site => Cell::Text.text(value, c.times, &Default::default()),
            cell => cell.text(value, c.times, &Default::default()),
        }
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                flatten(c, table, &format!("{prefix}/{name}"), value, lines);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (position, item) in items.iter().enumerate() {
                flatten(c, table, &format!("{prefix}/{position}"), item, lines);
            }
        }
        value => {
            let name = prefix.trim_start_matches('/').replace('/', ".");
            lines.push((crate::terminal::clean(&name), text(prefix, value)));
        }
    }
}

/// What a field is that no column describes.
fn guess(pointer: &str) -> Cell {
    let name = pointer.rsplit('/').next().unwrap_or_default();
    let is_time = ["_at", "_time", "_date", "_on", "_until"]
        .iter()
        .any(|end| name.ends_with(end));
    if is_time { Cell::Time } else { Cell::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_loses_the_last_columns_and_never_the_name() {
        let mut widths = vec![12, 10, 36, 20];
        shrink(&mut widths, 80);
        assert_eq!(widths, [12, 10, 32, 20], "the widest is cut first");
        shrink(&mut widths, 40);
        assert_eq!(widths, [12, 10, 14], "then the last one goes");
        shrink(&mut widths, 5);
        assert_eq!(widths, [12], "the name stays whole");
    }
}
