//! Tables for people.

use serde_json::Value;

use super::{Cell, Column, Look, Table};
use crate::{
    context::Ctx,
    terminal::{cut, width_of},
};

/// The narrowest width to which a column is cut.
const NARROWEST: usize = 12;

/// A table that fits the terminal. Where it is too narrow, the widest column is cut and then columns go from the right; never
/// the one with the name. Without a terminal nothing goes and nothing is cut.
pub(super) fn fit(
    c: &Ctx,
    table: &Table,
    columns: &[&Column],
    mut cells: Vec<Vec<String>>,
) -> String {
    let heads: Vec<String> = columns.iter().map(|column| column.head()).collect();
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let head = if c.globals.no_header {
                0
            } else {
                width_of(&heads[column])
            };
            cells
                .iter()
                .map(|row| width_of(&row[column]))
                .max()
                .unwrap_or(0)
                .max(head)
        })
        .collect();
    let name = columns
        .iter()
        .position(|column| table.is_name(column))
        .unwrap_or(0);
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    if let Some(width) = c.terminal.width {
        shown = shrink(&mut widths, name, width);
        if shown.len() < columns.len() {
            let hidden: Vec<&str> = (0..columns.len())
                .filter(|column| !shown.contains(column))
                .map(|column| columns[column].id)
                .collect();
            c.terminal.say(&format!(
                "no room for {}; --columns chooses others",
                hidden.join(", ")
            ));
        }
        for row in &mut cells {
            for column in &shown {
                row[*column] = cut(&row[*column], widths[*column]);
            }
        }
    }
    let line = |cells: &[String]| line(columns, &shown, &widths, cells);
    let mut text = String::new();
    if !c.globals.no_header {
        let heads: Vec<String> = heads
            .iter()
            .zip(&widths)
            .map(|(head, width)| cut(head, *width))
            .collect();
        let line = line(&heads);
        text.push_str(&if c.terminal.colour {
            format!("\x1b[1m{line}\x1b[0m")
        } else {
            line
        });
        text.push('\n');
    }
    for row in &cells {
        text.push_str(&line(row));
        text.push('\n');
    }
    text
}

/// Makes the columns fit, and returns which are shown.
fn shrink(widths: &mut [usize], name: usize, width: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..widths.len()).collect();
    loop {
        let total = shown.iter().map(|column| widths[*column]).sum::<usize>()
            + 2 * shown.len().saturating_sub(1);
        if total <= width {
            return shown;
        }
        let over = total - width;
        let widest = shown
            .iter()
            .copied()
            .filter(|column| *column != name)
            .max_by_key(|column| widths[*column]);
        match widest {
            Some(column)
                if widths[column].saturating_sub(over) >= NARROWEST.min(widths[column]) =>
            {
                widths[column] -= over;
            }
            Some(column) if widths[column] > 24 => widths[column] = 24,
            // The name stays as it is, however narrow the terminal is.
            _ => match shown.iter().rposition(|column| *column != name) {
                Some(last) => {
                    shown.remove(last);
                }
                None => return shown,
            },
        }
    }
}

fn line(columns: &[&Column], shown: &[usize], widths: &[usize], cells: &[String]) -> String {
    let mut text = String::new();
    for (position, column) in shown.iter().copied().enumerate() {
        if position > 0 {
            text.push_str("  ");
        }
        let cell = &cells[column];
        let padding = " ".repeat(widths[column].saturating_sub(width_of(cell)));
        if columns[column].is_right() {
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
        .map(|(name, _)| width_of(name))
        .max()
        .unwrap_or(0);
    lines
        .into_iter()
        .map(|(name, text)| format!("{name:<width$}  {text}\n"))
        .collect()
}

fn flatten(c: &Ctx, table: &Table, prefix: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    let names = Default::default();
    let look = Look {
        times: c.times,
        is_plain: false,
        names: &names,
    };
    let text = |pointer: &str, value: &Value| {
        let column = table.columns.iter().find(|column| column.at == pointer);
        let cell = column.map_or_else(|| guess(pointer), |column| column.cell);
        // Without a name that is known, a sheet shows the id itself.
        cell.text(value, &look)
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
        assert_eq!(shrink(&mut widths, 0, 80), [0, 1, 2, 3]);
        assert_eq!(widths, [12, 10, 32, 20], "the widest is cut first");
        assert_eq!(
            shrink(&mut widths, 0, 40),
            [0, 1, 2],
            "then the last one goes"
        );
        assert_eq!(shrink(&mut widths, 0, 5), [0], "the name stays whole");
        let mut widths = vec![10, 30, 12];
        assert_eq!(shrink(&mut widths, 2, 14), [2], "wherever it is");
        assert_eq!(widths[2], 12);
    }
}
