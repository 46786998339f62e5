//! The description of a table: one a noun. Tables, CSV, help, completion and the documentation come from it.

use std::{borrow::Cow, collections::HashMap};

use serde_json::Value;
use wpengine::jiff::{Timestamp, tz::TimeZone};

use super::Format;
use crate::{context::Ctx, failure::Failure, terminal::clean};

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
#[derive(Clone, Debug)]
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
    /// Bytes, as GB.
    Gigabytes,
    /// Bytes that null and 0 say are not measured lately.
    Storage,
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
    /// Where a domain redirects to. The API has two names and two forms for it.
    Redirect,
}

/// What a GB of WP Engine's plans is.
const GB: f64 = 1_073_741_824.0;

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
            Cell::Gigabytes | Cell::Storage => format!("{head} GB"),
            Cell::Percent => format!("{head} %"),
            _ => head,
        }
    }

    /// The name of the column for programs, with its unit.
    pub(crate) fn plain_id(&self) -> String {
        match self.cell {
            Cell::Gigabytes | Cell::Storage => format!("{}_bytes", self.id),
            _ => self.id.to_owned(),
        }
    }

    pub(crate) fn is_right(&self) -> bool {
        matches!(
            self.cell,
            Cell::Gigabytes | Cell::Storage | Cell::Number | Cell::Percent
        )
    }

    pub(crate) fn text(&self, item: &Value, look: &Look<'_>) -> String {
        let value = match self.cell {
            Cell::Redirect => ["redirect_to", "redirects_to"]
                .iter()
                .filter_map(|name| item.get(*name))
                .find(|value| {
                    !plain(value).is_empty()
                        && plain(value) != "-"
                        && **value != serde_json::json!({})
                }),
            _ => item.pointer(self.at),
        };
        self.cell.text(value.unwrap_or(&Value::Null), look)
    }
}

/// How values are shown.
pub(crate) struct Look<'a> {
    pub(crate) times: Times,
    /// Whether a program reads it.
    pub(crate) is_plain: bool,
    pub(crate) names: &'a Names,
}

impl<'a> Look<'a> {
    /// How the format of this run shows values.
    pub(super) fn of(c: &Ctx, names: &'a Names) -> Self {
        let is_plain = matches!(c.format, Format::Csv | Format::Tsv);
        Self {
            // What a program reads has times that it can compare, and figures that it can add.
            times: if is_plain { Times::Utc } else { c.times },
            is_plain,
            names,
        }
    }
}

impl Cell {
    pub(crate) fn text(self, value: &Value, look: &Look<'_>) -> String {
        let figure = number(value);
        let empty = if look.is_plain { "" } else { "-" };
        match (self, value) {
            (Self::Storage, _) if figure.is_none_or(|bytes| bytes == 0.0) => {
                if look.is_plain { "" } else { "stale" }.to_owned()
            }
            (_, Value::Null) => empty.to_owned(),
            (Self::Time, Value::String(text)) => time(text, look.times),
            (Self::Gigabytes | Self::Storage | Self::Number | Self::Percent, _)
                if look.is_plain =>
            {
                plain(value)
            }
            (Self::Gigabytes | Self::Storage, _) => {
                figure.map_or_else(|| plain(value), |bytes| format!("{:.2}", bytes / GB))
            }
            (Self::Number, _) => figure.map_or_else(|| plain(value), grouped),
            (Self::Percent, _) => {
                figure.map_or_else(|| plain(value), |share| format!("{share:.1}"))
            }
            (_, Value::Bool(is)) if look.is_plain => is.to_string(),
            (Self::Account | Self::Site, Value::String(id)) => {
                one_line(look.names.get(id).unwrap_or(id))
            }
            (Self::Counts, Value::Object(counts)) => {
                let counts: Vec<String> = counts
                    .iter()
                    .map(|(what, count)| format!("{} {}", clean(what), plain(count)))
                    .collect();
                counts.join(", ")
            }
            (_, Value::String(text)) if look.is_plain => text.clone(),
            (_, Value::Array(items)) if items.is_empty() => empty.to_owned(),
            _ => plain(value),
        }
    }
}

/// A text as one line.
fn one_line(text: &str) -> String {
    let text = clean(text);
    match text.contains('\n') {
        true => text.replace('\n', " "),
        false => text,
    }
}

/// A value as one line of text.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => one_line(text),
        Value::Bool(is) => if *is { "yes" } else { "no" }.to_owned(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let mut named = ["name", "domain", "email", "id"]
                .iter()
                .filter_map(|name| fields.get(*name));
            let name = named.find(|name| name.as_str().is_some_and(|name| !name.is_empty()));
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
        return clean(text).replace('\n', " ");
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

    /// Whether this column has the name of a row.
    pub(crate) fn is_name(&self, column: &Column) -> bool {
        column.at == self.name
    }

    /// The columns; of a table without any, the simple fields of the rows.
    pub(crate) fn or_fields_of(&self, items: &[Value]) -> Cow<'static, [Column]> {
        if !self.columns.is_empty() {
            return Cow::Borrowed(self.columns);
        }
        let mut derived: Vec<Column> = Vec::new();
        let has_simple = items
            .iter()
            .filter_map(Value::as_object)
            .flatten()
            .any(|(_, value)| !value.is_object());
        for (name, value) in items
            .iter()
            .take(100)
            .filter_map(Value::as_object)
            .flatten()
        {
            let is_simple = !has_simple || !value.is_object();
            if is_simple && !derived.iter().any(|known| known.id == name) {
                // The program lives as long as its one table.
                let at: &'static str =
                    format!("/{}", name.replace('~', "~0").replace('/', "~1")).leak();
                derived.push(col(name.clone().leak(), at, Cell::Text));
            }
        }
        Cow::Owned(derived)
    }

    /// The columns that were asked for: a list of ids, each with `+` to have it beside the default ones.
    pub(crate) fn choose(
        &self,
        wanted: Option<&str>,
        wide: bool,
    ) -> Result<Vec<&'static Column>, Failure> {
        self.choose_of(self.columns, wanted, wide)
    }

    /// The same, of these columns.
    pub(crate) fn choose_of<'c>(
        &self,
        columns: &'c [Column],
        wanted: Option<&str>,
        wide: bool,
    ) -> Result<Vec<&'c Column>, Failure> {
        let default = || columns.iter().filter(move |column| wide || !column.wide);
        let ids: Vec<&str> = wanted
            .unwrap_or("")
            .split(',')
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .collect();
        if ids.is_empty() {
            return Ok(default().collect());
        }
        let mut chosen: Vec<&Column> = match ids.iter().any(|id| id.starts_with('+')) {
            true => default().collect(),
            false => Vec::new(),
        };
        for id in ids {
            let column = find(columns, id.trim_start_matches('+'))?;
            if !chosen.iter().any(|known| known.id == column.id) {
                chosen.push(column);
            }
        }
        Ok(chosen)
    }

    /// Sorts by a column; `-COLUMN` sorts downwards. What has no value comes last.
    pub(crate) fn sort(&self, items: &mut [Value], by: &str, names: &Names) -> Result<(), Failure> {
        self.sort_by(self.columns, items, by, names)
    }

    /// The same, by one of these columns.
    pub(crate) fn sort_by(
        &self,
        columns: &[Column],
        items: &mut [Value],
        by: &str,
        names: &Names,
    ) -> Result<(), Failure> {
        let down = by.starts_with('-');
        let column = find(columns, by.trim_start_matches('-'))?;
        let look = Look {
            times: Times::Utc,
            is_plain: true,
            names,
        };
        items.sort_by_cached_key(|item| {
            let text = column.text(item, &look).to_lowercase();
            let figure = if column.is_right() {
                text.parse().unwrap_or(0.0)
            } else {
                0.0
            };
            let order = Order {
                figure,
                text: text.clone(),
            };
            (
                text.is_empty(),
                if down {
                    Directed::Down(std::cmp::Reverse(order))
                } else {
                    Directed::Up(order)
                },
            )
        });
        Ok(())
    }
}

fn find<'c>(columns: &'c [Column], id: &str) -> Result<&'c Column, Failure> {
    columns
        .iter()
        .find(|column| column.id == id)
        .ok_or_else(|| {
            let known: Vec<&str> = columns.iter().map(|column| column.id).collect();
            Failure::usage(match known.is_empty() {
                true => format!("there is no column `{id}` here: this command has no table"),
                false => format!("there is no column `{id}`; there are {}", known.join(", ")),
            })
        })
}

/// A value by which rows are sorted.
#[derive(PartialEq)]
struct Order {
    figure: f64,
    text: String,
}

impl Eq for Order {}

impl PartialOrd for Order {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Order {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.figure
            .total_cmp(&other.figure)
            .then_with(|| self.text.cmp(&other.text))
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Directed {
    Up(Order),
    Down(std::cmp::Reverse<Order>),
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
        TABLE.sort(&mut items, "visits", &Names::new()).unwrap();
        assert_eq!(
            items,
            [
                json!({"visits": "9"}),
                json!({"visits": "10"}),
                json!({"visits": null})
            ]
        );
        TABLE.sort(&mut items, "-visits", &Names::new()).unwrap();
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
        let storage = col("storage", "/bytes", Cell::Storage);
        let names = Names::new();
        let text = |item: Value| {
            storage.text(
                &item,
                &Look {
                    times: Times::Utc,
                    is_plain: false,
                    names: &names,
                },
            )
        };
        assert_eq!(text(json!({"bytes": "1610612736"})), "1.50");
        assert_eq!(text(json!({"bytes": null})), "stale");
        assert_eq!(text(json!({"bytes": 0})), "stale");
    }
}
