//! What a command answers, and how it is written to standard output.

mod cell;
mod jq;
mod table;

use std::io::{self, Write};

use futures_util::{StreamExt as _, stream::BoxStream};
use serde_json::Value;

pub(crate) use cell::{Cell, Column, Names, Table, Times, col, time};

use crate::{
    context::Ctx,
    failure::{Failure, exit},
    terminal::clean,
};

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Wide,
    Json,
    Jsonl,
    Csv,
    Tsv,
    Name,
}

impl Format {
    pub(crate) const NAMES: [&'static str; 7] =
        ["table", "wide", "json", "jsonl", "csv", "tsv", "name"];

    pub(crate) fn of(name: &str) -> Option<Self> {
        const ALL: [Format; 7] = [
            Format::Table,
            Format::Wide,
            Format::Json,
            Format::Jsonl,
            Format::Csv,
            Format::Tsv,
            Format::Name,
        ];
        let position = Self::NAMES.iter().position(|known| *known == name)?;
        Some(ALL[position])
    }

    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl)
    }

    /// Whether people read it: names instead of ids are worth a request.
    fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide | Self::Csv | Self::Tsv)
    }
}

/// What a command found or did.
pub(crate) enum Answer {
    /// Nothing to write.
    Nothing,
    /// One thing.
    One(Value),
    /// A listing, item by item.
    List(BoxStream<'static, Result<Value, Failure>>),
    /// A document whose rows are at this JSON pointer; all of it is the answer in JSON.
    Document(Value, &'static str),
    /// A text or a file, as it is.
    Text(String),
}

/// An answer with its table, and the exit code if that is not 0.
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) table: Option<&'static Table>,
    pub(crate) exit: u8,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            table: None,
            exit: exit::DONE,
        }
    }
}

impl Reply {
    pub(crate) fn table(mut self, table: &'static Table) -> Self {
        self.table = Some(table);
        self
    }

    pub(crate) fn exit(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }
}

impl Answer {
    pub(crate) fn items(items: Vec<Value>) -> Self {
        Self::List(futures_util::stream::iter(items.into_iter().map(Ok)).boxed())
    }

    pub(crate) fn table(self, table: &'static Table) -> Reply {
        Reply::from(self).table(table)
    }
}

/// A table for a thing that has none of its own.
const ANY: Table = Table::new("any", "/id", &[]);

/// Writes an answer. A listing that fails leaves standard output empty, except in `jsonl`, whose lines are written as they come.
pub(crate) async fn write(
    c: &Ctx,
    answer: Answer,
    table: Option<&'static Table>,
) -> Result<(), Failure> {
    let table = table.unwrap_or(&ANY);
    let format = c.format;
    let jq = c.globals.jq.as_deref().map(jq::Filter::new).transpose()?;
    let columns = table.choose(c.globals.columns.as_deref(), format == Format::Wide)?;
    c.terminal.clear();
    match answer {
        Answer::Nothing => Ok(()),
        Answer::Text(text) => print(text.as_bytes()),
        Answer::One(value) => match (jq, format) {
            (Some(jq), _) => print(&jq.run(&value)?),
            (None, Format::Json) => print_json(&value, true),
            (None, Format::Jsonl) => print_json(&value, false),
            (None, Format::Name) => {
                print(format!("{}\n", clean(&table.name_of(&value))).as_bytes())
            }
            (None, Format::Table | Format::Wide) => {
                print(table::sheet(c, table, &value).as_bytes())
            }
            _ => rows(c, table, &columns, vec![value]).await,
        },
        Answer::Document(value, pointer) => match (jq, format) {
            (Some(jq), _) => print(&jq.run(&value)?),
            (None, Format::Json) => print_json(&value, true),
            _ => {
                let items = value.pointer(pointer).and_then(Value::as_array);
                let items = items.cloned().unwrap_or_default();
                if format == Format::Jsonl {
                    return items.iter().try_for_each(|item| print_json(item, false));
                }
                rows(c, table, &columns, limited(c, items)).await
            }
        },
        Answer::List(mut items) => {
            let limit = c.globals.limit.unwrap_or(usize::MAX);
            if format == Format::Jsonl && jq.is_none() && c.globals.sort.is_none() {
                let mut written = 0;
                while written < limit
                    && let Some(item) = items.next().await
                {
                    print_json(&item?, false)?;
                    written += 1;
                }
                return Ok(());
            }
            let mut all = Vec::new();
            // With an order the first ones are known at the end only.
            let most = c.globals.sort.as_ref().map_or(limit, |_| usize::MAX);
            while all.len() < most
                && let Some(item) = items.next().await
            {
                all.push(item?);
                c.terminal.progress(&format!("{} read", all.len()));
            }
            c.terminal.clear();
            if let Some(sort) = &c.globals.sort {
                table.sort(&mut all, sort)?;
                all.truncate(limit);
            }
            match (jq, format) {
                (Some(jq), _) => print(&jq.run(&Value::Array(all))?),
                (None, Format::Json) => print_json(&Value::Array(all), true),
                (None, Format::Jsonl) => all.iter().try_for_each(|item| print_json(item, false)),
                _ => rows(c, table, &columns, all).await,
            }
        }
    }
}

fn limited(c: &Ctx, mut items: Vec<Value>) -> Vec<Value> {
    items.truncate(c.globals.limit.unwrap_or(usize::MAX));
    items
}

/// Writes rows as a table, CSV, TSV or names.
async fn rows(
    c: &Ctx,
    table: &Table,
    columns: &[&Column],
    items: Vec<Value>,
) -> Result<(), Failure> {
    if c.format == Format::Name {
        let names: String = items
            .iter()
            .map(|item| format!("{}\n", clean(&table.name_of(item))))
            .collect();
        return print(names.as_bytes());
    }
    let names = if c.format.is_for_people() {
        c.names(columns, &items).await
    } else {
        Default::default()
    };
    // What a program reads has times that it can compare.
    let times = match c.format {
        Format::Csv | Format::Tsv => Times::Utc,
        _ => c.times,
    };
    let cells: Vec<Vec<String>> = items
        .iter()
        .map(|item| {
            columns
                .iter()
                .map(|column| column.text(item, times, &names))
                .collect()
        })
        .collect();
    let heads: Vec<String> = columns.iter().map(|column| column.head()).collect();
    let text = match c.format {
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(Vec::new());
            let ids = columns.iter().map(|column| column.id);
            if !c.globals.no_header {
                writer.write_record(ids).map_err(csv_failed)?;
            }
            for row in &cells {
                writer.write_record(row).map_err(csv_failed)?;
            }
            writer
                .into_inner()
                .map_err(|error| csv_failed(error.into_error()))?
        }
        Format::Tsv => {
            let mut text = String::new();
            let mut line = |fields: &mut dyn Iterator<Item = &str>| {
                let fields: Vec<String> = fields
                    .map(|field| field.replace(['\t', '\n', '\r'], " "))
                    .collect();
                text.push_str(&fields.join("\t"));
                text.push('\n');
            };
            if !c.globals.no_header {
                line(&mut columns.iter().map(|column| column.id));
            }
            for row in &cells {
                line(&mut row.iter().map(String::as_str));
            }
            text.into_bytes()
        }
        _ => {
            if items.is_empty() {
                c.terminal.say("nothing found");
                return Ok(());
            }
            table::fit(c, columns, &heads, cells).into_bytes()
        }
    };
    print(&text)
}

fn csv_failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        exit::FAILED,
        "output",
        format!("the CSV cannot be made: {error}"),
    )
}

pub(crate) fn print_json(value: &Value, pretty: bool) -> Result<(), Failure> {
    let mut text = if pretty {
        format!("{value:#}")
    } else {
        value.to_string()
    };
    text.push('\n');
    print(text.as_bytes())
}

/// Writes to standard output. A reader that has gone has what it wanted: the program ends without a word, as `head` expects.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::new(
            exit::FAILED,
            "output",
            format!("cannot write to standard output: {error}"),
        )),
    }
}
