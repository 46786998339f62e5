//! The description of a table: one a noun. Tables, CSV, help, completion and the documentation come from it.

use std::{borrow::Cow, collections::HashMap};

use serde_json::Value;
use wpengine::jiff::{Timestamp, tz::TimeZone};

use crate::{failure::Failure, terminal::clean};

/// The columns of a noun.
#[derive(Debug)]
pub(crate) struct Table {
    /// What a row is.
    pub(crate) noun: &'static str,
    /// Where the name of a row is, as a JSON pointer.
    name: &'static str,
    pub(crate) columns: &'static [Column],
}

/// One column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) id: &'static str,
    /// Where its value is in an item, as a JSON pointer.
    pub(crate) at: &'static str,
    pub(crate) cell: Cell,
    /// Whether only `wide` has it.
    pub(crate) wide: bool,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Text,
    Time,
    /// Bytes, as GB of 10⁹.
    Gigabytes,
    Number,
    /// A share of one hundred.
    Percent,
    YesNo,
    /// A list: its texts, or the names of its objects.
    List,
    /// The id of an account or of a site, shown by name where it is known.
    Account,
    Site,
    /// An object with counts, such as `{"7.4": 3}`.
    Counts,
}

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Relative,
    Local,
    Utc,
}

/// Names of accounts and sites by id.
pub(crate) type Names = HashMap<String, String>;

pub(crate) const fn col(id: &'static str, at: &'static str, cell: Cell) -> Column {
    Column {
        id,
        at,
        cell,
        wide: false,
    }
}

impl Column {
    pub(crate) const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    pub(crate) fn head(&self) -> String {
        let head = self.id.replace('_', " ").to_uppercase();
        match self.cell {
            Cell::Gigabytes => format!("{head} GB"),
            Cell::Percent => format!("{head} %"),
            _ => head,
        }
    }

    pub(crate) fn is_right(&self) -> bool {
        matches!(self.cell, Cell::Gigabytes | Cell::Number | Cell::Percent)
    }

    pub(crate) fn text(&self, item: &Value, times: Times, names: &Names) -> String {
        let value = item.pointer(self.at).unwrap_or(&Value::Null);
        // A storage figure of null or 0 means that it was not measured lately, not that there is none.
        if self.cell == Cell::Gigabytes
            && self.id == "storage"
            && number(value).is_none_or(|bytes| bytes == 0.0)
        {
            return "stale".to_owned();
        }
        self.cell.text(value, times, names)
    }
}

impl Cell {
    pub(crate) fn text(self, value: &Value, times: Times, names: &Names) -> String {
        match (self, value) {
            (_, Value::Null) => "-".to_owned(),
            (Self::Time, Value::String(text)) => time(text, times),
            (Self::Gigabytes, _) => {
                number(value).map_or_else(|| plain(value), |bytes| format!("{:.2}", bytes / 1e9))
            }
            (Self::Number, _) => number(value).map_or_else(|| plain(value), grouped),
            (Self::Percent, _) => {
                number(value).map_or_else(|| plain(value), |share| format!("{share:.1}"))
            }
            (Self::YesNo, Value::Bool(is)) => if *is { "yes" } else { "no" }.to_owned(),
            (Self::Account | Self::Site, Value::String(id)) => {
                names.get(id).map_or_else(|| clean(id), |name| clean(name))
            }
            (Self::Counts, Value::Object(counts)) => {
                let counts: Vec<String> = counts
                    .iter()
                    .map(|(what, count)| format!("{} {}", clean(what), plain(count)))
                    .collect();
                counts.join(", ")
            }
            _ => plain(value),
        }
    }
}

/// A value as one line of text.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => clean(text).replace('\n', " "),
        Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let name = ["name", "domain", "email", "id"]
                .iter()
                .find_map(|name| fields.get(*name));
            name.map_or_else(|| clean(&value.to_string()), plain)
        }
        Value::Number(number) => number.to_string(),
    }
}

/// The API sends some figures as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_f64(),
    }
}

/// A whole number with separators.
fn grouped(number: f64) -> String {
    if number.fract() != 0.0 {
        return format!("{number:.1}");
    }
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// A time for people, or as RFC 3339. A day without a time of day stays as it is.
pub(crate) fn time(text: &str, times: Times) -> String {
    let Ok(at) = text.parse::<Timestamp>() else {
        return clean(text);
    };
    match times {
        Times::Utc => at.to_string(),
        Times::Local => at
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M")
            .to_string(),
        Times::Relative => relative(at, Timestamp::now()),
    }
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let (count, unit) = match seconds.unsigned_abs() {
        0..=59 => {
            return if seconds >= 0 {
                "just now"
            } else {
                "in a moment"
            }
            .to_owned();
        }
        gap @ 60..=3_599 => (gap / 60, "minute"),
        gap @ 3_600..=86_399 => (gap / 3_600, "hour"),
        gap @ 86_400..=5_183_999 => (gap / 86_400, "day"),
        gap @ 5_184_000..=63_071_999 => (gap / 2_592_000, "month"),
        gap => (gap / 31_536_000, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if seconds >= 0 {
        format!("{count} {unit}{plural} ago")
    } else {
        format!("in {count} {unit}{plural}")
    }
}

impl Table {
    pub(crate) const fn new(
        noun: &'static str,
        name: &'static str,
        columns: &'static [Column],
    ) -> Self {
        Self {
            noun,
            name,
            columns,
        }
    }

    /// The name of a row, else its id.
    pub(crate) fn name_of(&self, item: &Value) -> String {
        let name = item.pointer(self.name).or_else(|| item.get("id"));
        name.map(plain).unwrap_or_default()
    }

    /// The columns that were asked for: a list of ids, each with `+` to have it beside the default ones.
    pub(crate) fn choose(&self, wanted: Option<&str>, wide: bool) -> Result<Vec<&Column>, Failure> {
        let default = || {
            self.columns
                .iter()
                .filter(move |column| wide || !column.wide)
        };
        let Some(wanted) = wanted else {
            return Ok(default().collect());
        };
        let ids: Vec<&str> = wanted
            .split(',')
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .collect();
        let mut chosen: Vec<&Column> = match ids.iter().any(|id| id.starts_with('+')) {
            true => default().collect(),
            false => Vec::new(),
        };
        for id in ids {
            let id = id.trim_start_matches('+');
            let column = self.column(id)?;
            if !chosen.iter().any(|known| known.id == id) {
                chosen.push(column);
            }
        }
        Ok(chosen)
    }

    fn column(&self, id: &str) -> Result<&Column, Failure> {
        self.columns
            .iter()
            .find(|column| column.id == id)
            .ok_or_else(|| {
                let known: Vec<&str> = self.columns.iter().map(|column| column.id).collect();
                Failure::usage(match known.is_empty() {
                    true => format!("there is no column `{id}` here: this command has no table"),
                    false => format!("there is no column `{id}`; there are {}", known.join(", ")),
                })
            })
    }

    /// Sorts by a column; `-COLUMN` sorts downwards. What has no value comes last.
    pub(crate) fn sort(&self, items: &mut [Value], by: &str) -> Result<(), Failure> {
        let down = by.starts_with('-');
        let column = self.column(by.trim_start_matches('-'))?;
        let key = |item: &Value| -> (bool, f64, String) {
            let value = item.pointer(column.at).unwrap_or(&Value::Null);
            let figure = match column.is_right() {
                true => number(value),
                false => None,
            };
            (
                value.is_null(),
                figure.unwrap_or(0.0),
                Cow::from(plain(value)).to_lowercase(),
            )
        };
        items.sort_by(|one, other| {
            let (one, other) = (key(one), key(other));
            let order = one.1.total_cmp(&other.1).then_with(|| one.2.cmp(&other.2));
            one.0
                .cmp(&other.0)
                .then(if down { order.reverse() } else { order })
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: Table = Table::new(
        "thing",
        "/name",
        &[
            col("name", "/name", Cell::Text),
            col("visits", "/visits", Cell::Number),
            col("seen", "/seen", Cell::Time).wide(),
        ],
    );

    #[test]
    fn columns_are_chosen_and_added() {
        let ids = |wanted: Option<&str>, wide| -> Vec<&str> {
            TABLE
                .choose(wanted, wide)
                .unwrap()
                .iter()
                .map(|column| column.id)
                .collect()
        };
        assert_eq!(ids(None, false), ["name", "visits"]);
        assert_eq!(ids(None, true), ["name", "visits", "seen"]);
        assert_eq!(ids(Some("seen, name"), false), ["seen", "name"]);
        assert_eq!(ids(Some("+seen"), false), ["name", "visits", "seen"]);
        let error = TABLE.choose(Some("size"), false).unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no column `size`; there are name, visits, seen"
        );
    }

    #[test]
    fn figures_are_sorted_as_figures_and_what_is_missing_comes_last() {
        let mut items = vec![
            json!({"visits": "9"}),
            json!({"visits": null}),
            json!({"visits": "10"}),
        ];
        TABLE.sort(&mut items, "visits").unwrap();
        assert_eq!(
            items,
            [
                json!({"visits": "9"}),
                json!({"visits": "10"}),
                json!({"visits": null})
            ]
        );
        TABLE.sort(&mut items, "-visits").unwrap();
        assert_eq!(items[0], json!({"visits": "10"}));
        assert_eq!(items[2], json!({"visits": null}));
    }

    #[test]
    fn times_are_relative_for_people() {
        let now: Timestamp = "2026-05-01T12:00:00Z".parse().unwrap();
        let text = |at: &str| relative(at.parse().unwrap(), now);
        assert_eq!(text("2026-05-01T11:59:30Z"), "just now");
        assert_eq!(text("2026-05-01T11:59:00Z"), "1 minute ago");
        assert_eq!(text("2026-04-28T12:00:00Z"), "3 days ago");
        assert_eq!(text("2026-07-30T12:00:00Z"), "in 3 months");
        assert_eq!(
            time("2026-05-01T12:00:00Z", Times::Utc),
            "2026-05-01T12:00:00Z"
        );
        assert_eq!(time("2026-05-01", Times::Relative), "2026-05-01");
    }

    #[test]
    fn figures_are_grouped_and_a_storage_of_nothing_is_stale() {
        assert_eq!(grouped(1_234_567.0), "1,234,567");
        assert_eq!(grouped(-999.0), "-999");
        let storage = col("storage", "/bytes", Cell::Gigabytes);
        let text = |item: Value| storage.text(&item, Times::Utc, &Names::new());
        assert_eq!(text(json!({"bytes": "1500000000"})), "1.50");
        assert_eq!(text(json!({"bytes": null})), "stale");
        assert_eq!(text(json!({"bytes": 0})), "stale");
    }
}
