//! What a command answers, and how it is written to standard output.

mod cell;
mod jq;
mod table;

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, stream::BoxStream};
use serde_json::Value;

pub(crate) use cell::{Cell, Column, Look, Names, Table, Times, col, time};

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

    /// The items of a listing that fit.
    pub(crate) fn only(self, fits: impl Fn(&Value) -> bool + Send + 'static) -> Self {
        match self {
            Self::List(items) => Self::List(
                items
                    .filter(move |item| std::future::ready(item.as_ref().map_or(true, &fits)))
                    .boxed(),
            ),
            other => other,
        }
    }

    pub(crate) fn table(self, table: &'static Table) -> Reply {
        Reply::from(self).table(table)
    }
}

/// A table for a thing that has none of its own: its columns are the fields of its first row.
const ANY: Table = Table::new("any", "/name", &[]);

/// Checks what the options of a command say about its answer, before anything is sent.
pub(crate) fn check(c: &Ctx) -> Result<(), Failure> {
    if c.globals.jq.is_some()
        && c.globals
            .output
            .as_deref()
            .and_then(Format::of)
            .is_some_and(|format| !format.is_json())
    {
        return Err(Failure::usage(
            "--jq filters JSON: it does not go with another format",
        ));
    }
    if c.globals.limit.is_some() && c.leaf.is_write() && c.leaf.path != ["api"] {
        return Err(Failure::usage(
            "--limit shows less of a list, and would not change less: name the targets, or select them",
        ));
    }
    if let Some(code) = &c.globals.jq {
        jq::Filter::new(code)?;
    }
    let wanted = c.globals.columns.as_deref();
    match c.leaf.table {
        Some(table) => {
            // Several targets have a table of their own, as the days of a month have.
            let others = [
                &crate::tables::RESULTS,
                &crate::tables::PLANNED,
                &crate::tables::DAYS,
            ];
            let fits = |known: &Table| {
                known.choose(wanted, false)?;
                c.globals
                    .sort
                    .as_deref()
                    .map_or(Ok(()), |sort| known.sort(&mut [], sort, &Names::new()))
            };
            if let Err(failure) = fits(table)
                && others.into_iter().all(|other| fits(other).is_err())
            {
                return Err(failure);
            }
        }
        None if c.leaf.is_write()
            && c.leaf.path != ["api"]
            && (wanted.is_some() || c.globals.sort.is_some()) =>
        {
            return Err(Failure::usage(
                "this command has no table: --columns and --sort mean nothing here",
            ));
        }
        None => {}
    }
    Ok(())
}

/// Whether the reader of standard output has gone: it has what it wanted, as `head` does.
static READER_HAS_GONE: AtomicBool = AtomicBool::new(false);

pub(crate) fn has_gone() -> bool {
    READER_HAS_GONE.load(Ordering::Relaxed)
}

/// Writes an answer. A listing that fails leaves standard output empty, except in `jsonl`, whose lines are written as they come.
pub(crate) async fn write(
    c: &Ctx,
    answer: Answer,
    table: Option<&'static Table>,
) -> Result<(), Failure> {
    let table = table.unwrap_or(&ANY);
    c.terminal.clear();
    match answer {
        Answer::Nothing => Ok(()),
        Answer::Text(text) if c.format.is_json() => json(c, &Value::String(text)).await,
        Answer::Text(text) => print(text.as_bytes()),
        Answer::One(value) => match c.format {
            _ if c.format.is_json() => json(c, &value).await,
            Format::Name => print(format!("{}\n", clean(&table.name_of(&value))).as_bytes()),
            Format::Table | Format::Wide => print(table::sheet(c, table, &value).as_bytes()),
            _ => rows(c, table, vec![value], Vec::new()).await,
        },
        Answer::Document(mut value, pointer) => {
            let items = value.pointer_mut(pointer).map(Value::take);
            let mut items = match items {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            };
            order(c, table, &mut items).await?;
            match c.format {
                Format::Jsonl if c.globals.jq.is_none() => {
                    items.iter().try_for_each(|item| print_json(item, false))
                }
                _ if c.format.is_json() => {
                    if let Some(place) = value.pointer_mut(pointer) {
                        *place = Value::Array(items);
                    }
                    json(c, &value).await
                }
                _ => rows(c, table, items, Vec::new()).await,
            }
        }
        Answer::List(mut items) => {
            let limit = c.globals.limit.unwrap_or(usize::MAX);
            if c.format == Format::Jsonl && c.globals.jq.is_none() && c.globals.sort.is_none() {
                let mut written = 0;
                while written < limit
                    && !has_gone()
                    && let Some(item) = items.next().await
                {
                    c.terminal.clear();
                    print_json(&item?, false)?;
                    written += 1;
                }
                return Ok(());
            }
            if c.format == Format::Json && c.globals.jq.is_none() && c.globals.sort.is_none() {
                return array(c, items, limit).await;
            }
            // With an order the first ones are known at the end only.
            let most = c.globals.sort.as_ref().map_or(limit, |_| usize::MAX);
            let is_rows =
                !c.format.is_json() && c.format != Format::Name && c.globals.sort.is_none();
            let columns = match is_rows {
                true => table
                    .choose(c.globals.columns.as_deref(), c.format == Format::Wide)
                    .unwrap_or_default(),
                false => Vec::new(),
            };
            let read = async {
                let (mut all, mut made) = (Vec::new(), Vec::new());
                while all.len() < most
                    && let Some(item) = items.next().await
                {
                    all.push(item?);
                    // The rows are made while the next items are awaited.
                    if !columns.is_empty()
                        && let Some(names) = c.known_names()
                    {
                        let look = Look::of(c, names);
                        while let Some(item) = all.get(made.len()) {
                            made.push(cells_of(&columns, item, &look));
                        }
                    }
                    tell(c, all.len());
                }
                Ok::<_, Failure>((all, made))
            };
            // The mirror is opened while the first page is awaited.
            let has_names = table
                .columns
                .iter()
                .any(|column| matches!(column.cell, Cell::Account | Cell::Site));
            let names = async {
                if has_names && !c.format.is_json() && c.format != Format::Name {
                    c.prepare_names().await;
                }
            };
            let (read, ()) = futures_util::future::join(read, names).await;
            let (mut all, made) = read?;
            c.terminal.clear();
            order(c, table, &mut all).await?;
            match c.format {
                Format::Jsonl if c.globals.jq.is_none() => {
                    all.iter().try_for_each(|item| print_json(item, false))
                }
                _ if c.format.is_json() => json(c, &Value::Array(all)).await,
                _ => rows(c, table, all, made).await,
            }
        }
    }
}

/// Writes a list as one array. Its text is made while the next items are awaited, and written when it is complete.
async fn array(
    c: &Ctx,
    mut items: BoxStream<'static, Result<Value, Failure>>,
    limit: usize,
) -> Result<(), Failure> {
    let mut text = String::from("[");
    let mut count = 0;
    while count < limit
        && let Some(item) = items.next().await
    {
        // A line break in JSON is between its parts, never in a text.
        let item = format!("{:#}", item?).replace('\n', "\n  ");
        text.push_str(if count == 0 { "\n  " } else { ",\n  " });
        text.push_str(&item);
        count += 1;
        tell(c, count);
    }
    c.terminal.clear();
    text.push_str(if count == 0 { "]\n" } else { "\n]\n" });
    print(escaped(&text).as_bytes())
}

/// Sorts and cuts a list.
async fn order(c: &Ctx, table: &Table, items: &mut Vec<Value>) -> Result<(), Failure> {
    if let Some(sort) = &c.globals.sort {
        let derived = table.or_fields_of(items);
        let names = c.names(&derived.iter().collect::<Vec<_>>(), items).await;
        table.sort_by(&derived, items, sort, &names)?;
    }
    items.truncate(c.globals.limit.unwrap_or(usize::MAX));
    Ok(())
}

/// Writes JSON, or what a filter makes of it. What a filter cannot handle is not lost if it tells of a change.
async fn json(c: &Ctx, value: &Value) -> Result<(), Failure> {
    let Some(code) = c.globals.jq.clone() else {
        return print_json(value, c.format == Format::Json);
    };
    let text = value.to_string();
    // A filter can run for ever, and Ctrl-C ends it all the same.
    let (sender, mut chunks) = tokio::sync::mpsc::channel(4);
    let work = tokio::task::spawn_blocking(move || {
        jq::Filter::new(&code)?.run(&text, |chunk| sender.blocking_send(chunk).is_ok())
    });
    while let Some(chunk) = chunks.recv().await {
        match c.terminal.is_stdout {
            true => print(clean(&String::from_utf8_lossy(&chunk)).as_bytes())?,
            false => print(&chunk)?,
        }
        if has_gone() {
            break;
        }
    }
    drop(chunks);
    let done = work
        .await
        .map_err(|panic| Failure::new(exit::FAILED, "jq", panic.to_string()))?;
    done.map_err(|mut failure| {
        if c.leaf.is_write() && !c.globals.dry_run {
            failure
                .message
                .push_str(&format!("\nThe change itself was made: {value}"));
        }
        failure
    })
}

/// Shows how many items were read, now and then.
fn tell(c: &Ctx, count: usize) {
    if count.is_multiple_of(50) {
        c.terminal.progress(&format!("{count} read"));
    }
}

fn cells_of(columns: &[&Column], item: &Value, look: &Look<'_>) -> Vec<String> {
    columns
        .iter()
        .map(|column| column.text(item, look))
        .collect()
}

/// Writes rows as a table, CSV, TSV or names.
async fn rows(
    c: &Ctx,
    table: &Table,
    items: Vec<Value>,
    made: Vec<Vec<String>>,
) -> Result<(), Failure> {
    if c.format == Format::Name {
        let names: String = items
            .iter()
            .map(|item| format!("{}\n", clean(&table.name_of(item))))
            .collect();
        return print(names.as_bytes());
    }
    let derived = table.or_fields_of(&items);
    let columns = table.choose_of(
        &derived,
        c.globals.columns.as_deref(),
        c.format == Format::Wide,
    );
    // The columns of another table of this command: they were checked against that.
    let columns = match columns {
        Ok(columns) => columns,
        Err(failure) if table.columns.is_empty() => return Err(failure),
        Err(_) => table.choose(None, c.format == Format::Wide)?,
    };
    let names = c.names(&columns, &items).await;
    // Rows that were made before hold, unless names were learnt since.
    let is_made = made.len() == items.len()
        && c.known_names()
            .is_some_and(|known| names.is_empty() || known.len() == names.len());
    let cells: Vec<Vec<String>> = match is_made {
        true => made,
        false => {
            let look = Look::of(c, &names);
            items
                .iter()
                .map(|item| cells_of(&columns, item, &look))
                .collect()
        }
    };
    // The program ends soon; to free many small pieces would only take time.
    std::mem::forget(items);
    let text = match c.format {
        Format::Csv | Format::Tsv => {
            let is_csv = c.format == Format::Csv;
            let mut writer = csv::WriterBuilder::new()
                .delimiter(if is_csv { b',' } else { b'\t' })
                .quote_style(if is_csv {
                    csv::QuoteStyle::Necessary
                } else {
                    csv::QuoteStyle::Never
                })
                .from_writer(Vec::new());
            // A line of TSV has no place for these.
            let field = |text: &str| {
                if is_csv {
                    text.to_owned()
                } else {
                    text.replace(['\t', '\n', '\r'], " ")
                }
            };
            if !c.globals.no_header {
                writer
                    .write_record(columns.iter().map(|column| column.plain_id()))
                    .map_err(csv_failed)?;
            }
            for row in &cells {
                writer
                    .write_record(row.iter().map(|cell| field(cell)))
                    .map_err(csv_failed)?;
            }
            {
                let bytes = writer
                    .into_inner()
                    .map_err(|error| csv_failed(error.into_error()))?;
                // On a terminal nothing may steer it, whatever the format is.
                match c.terminal.is_stdout {
                    true => clean(&String::from_utf8_lossy(&bytes)).into_bytes(),
                    false => bytes,
                }
            }
        }
        _ if cells.is_empty() => {
            c.terminal.say("nothing found");
            return Ok(());
        }
        _ => table::fit(c, table, &columns, cells).into_bytes(),
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
    let text = match pretty {
        true => serde_json::to_string_pretty(value),
        false => serde_json::to_string(value),
    };
    let mut text = text.map_err(|error| Failure::new(exit::FAILED, "output", error.to_string()))?;
    text.push('\n');
    print(escaped(&text).as_bytes())
}

/// JSON without letters that steer a terminal: they are escaped, and mean the same.
pub(crate) fn escaped(json: &str) -> Cow<'_, str> {
    let steers = |letter: char| matches!(letter, '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !json.contains(steers) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        match steers(letter) {
            true => text.push_str(&format!("\\u{:04x}", u32::from(letter))),
            false => text.push(letter),
        }
    }
    Cow::Owned(text)
}

/// Writes to standard output. A reader that has gone has what it wanted: nothing more is written, without a word, as `head`
/// expects.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    if has_gone() {
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            READER_HAS_GONE.store(true, Ordering::Relaxed);
            Ok(())
        }
        Err(error) => Err(Failure::new(
            exit::FAILED,
            "output",
            format!("cannot write to standard output: {error}"),
        )),
    }
}
