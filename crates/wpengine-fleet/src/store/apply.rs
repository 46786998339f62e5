//! Writing what was read: whole listings, figures and failures.

use std::collections::{HashMap, HashSet};

use rusqlite::{
    OptionalExtension as _, Row, Transaction, params, params_from_iter,
    types::{ToSqlOutput, Value as Cell},
};
use serde_json::Value;
use wpengine::jiff::Timestamp;

use super::{
    millis,
    tables::{ACCOUNTS, INSTALLS, SITES, Table},
};
use crate::{Failure, class::Class};

/// What was seen in the three listings that cover everything, page by page.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The ids, by class.
    ids: HashMap<Class, HashSet<String>>,
    /// The accounts that have sites or installs, by class.
    accounts: HashMap<Class, HashSet<String>>,
}

impl Seen {
    pub(crate) fn note(&mut self, class: Class, rows: &[Value]) {
        let ids = rows.iter().filter_map(|row| row["id"].as_str());
        let accounts = rows.iter().filter_map(|row| row["account"]["id"].as_str());
        let known = self.ids.entry(class).or_default();
        known.extend(ids.map(str::to_owned));
        let known = self.accounts.entry(class).or_default();
        known.extend(accounts.map(str::to_owned));
    }
}

/// Ends the three listings, whose pages are written already: what is missing is marked as gone, where the listing was read whole.
pub(crate) fn snapshot(
    transaction: &Transaction<'_>,
    seen: &Seen,
    failures: &[(Class, Failure)],
    began: Timestamp,
) -> rusqlite::Result<()> {
    let is_whole = |class| failures.iter().all(|(failed, _)| *failed != class);
    let mut present = HashSet::new();
    for class in [Class::Sites, Class::Installs] {
        present.extend(seen.accounts.get(&class).into_iter().flatten().cloned());
    }
    // Accounts that had sites or installs, and now list none. Whether these were deleted or the access was lost cannot be told, so
    // their rows stay. A new mirror does not have them.
    let silent = &accounts_with_rows(transaction)? - &present;
    if is_whole(Class::Sites) && is_whole(Class::Installs) {
        note_lost(transaction, &silent, began)?;
    }
    let nothing = HashSet::new();
    for (table, class) in [
        (&ACCOUNTS, Class::Accounts),
        (&SITES, Class::Sites),
        (&INSTALLS, Class::Installs),
    ] {
        if is_whole(class) {
            let seen = seen.ids.get(&class).unwrap_or(&nothing);
            gone(transaction, table, None, seen, &silent, began)?;
            note_read(transaction, class, "", began)?;
        }
    }
    for (class, failure) in failures {
        note_failure(transaction, *class, "", failure, began)?;
    }
    Ok(())
}

fn accounts_with_rows(transaction: &Transaction<'_>) -> rusqlite::Result<HashSet<String>> {
    let mut statement = transaction.prepare_cached(
        "SELECT account_id FROM sites WHERE gone_at IS NULL AND account_id IS NOT NULL
         UNION SELECT account_id FROM installs WHERE gone_at IS NULL AND account_id IS NOT NULL",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Writes a whole listing: rows are added or updated, and rows that are missing from it are marked as gone.
pub(crate) fn whole(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: &str,
    rows: &[Value],
    now: Timestamp,
) -> rusqlite::Result<()> {
    add(transaction, table, Some(parent), rows, now)?;
    let ids = rows.iter().filter_map(table.id).collect();
    gone(transaction, table, Some(parent), &ids, &HashSet::new(), now)
}

/// Adds or updates rows of a listing. Changes go into the history, except when the listing is read for the first time.
pub(crate) fn add(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    rows: &[Value],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let is_first = transaction
        .prepare_cached(
            "SELECT 1 FROM reads WHERE class = ?1 AND subject = ?2 AND read_at IS NOT NULL",
        )?
        .query_row(params![table.name, parent.unwrap_or_default()], |_| Ok(()))
        .optional()?
        .is_none();
    let mut upsert = transaction.prepare_cached(&upsert(table))?;
    for row in rows {
        let Some(id) = (table.id)(row) else { continue };
        let cells: Vec<Cell> = table
            .columns
            .iter()
            .map(|column| (column.read)(row))
            .collect();
        if !is_first {
            let before = before(transaction, table, parent, &id)?;
            history(transaction, table, &id, before.as_ref(), Some(&cells), now)?;
        }
        let raw = row.to_string();
        let own = parent.into_iter().chain([id.as_str()]).map(text);
        let cells = cells.iter().map(|cell| ToSqlOutput::Borrowed(cell.into()));
        let rest = [text(&raw), ToSqlOutput::from(millis(now))];
        upsert.execute(params_from_iter(own.chain(cells).chain(rest)))?;
        index(transaction, table, parent, &id, row)?;
    }
    Ok(())
}

fn text(text: &str) -> ToSqlOutput<'_> {
    text.into()
}

/// Marks as gone what a whole listing that began at a time does not have. What another process saw since then stays.
fn gone(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    seen: &HashSet<String>,
    lost: &HashSet<String>,
    began: Timestamp,
) -> rusqlite::Result<()> {
    let account = table
        .columns
        .iter()
        .position(|column| column.name == "account_id");
    for (id, cells) in present(transaction, table, parent, began)? {
        let account = account.and_then(|at| match &cells[at] {
            Cell::Text(account) => Some(account),
            _ => None,
        });
        let is_lost_account = table.name == ACCOUNTS.name && lost.contains(&id);
        let is_lost = account.is_some_and(|account| lost.contains(account)) || is_lost_account;
        if seen.contains(&id) || is_lost {
            continue;
        }
        history(transaction, table, &id, Some(&cells), None, began)?;
        let sql = format!(
            "UPDATE {} SET gone_at = ?3 WHERE {}",
            table.name,
            key(table)
        );
        transaction.execute(&sql, params![id, parent.unwrap_or_default(), millis(began)])?;
        // What is gone is not found any more.
        transaction
            .prepare_cached("DELETE FROM indexed WHERE kind = ?1 AND id = ?2")?
            .execute(params![table.name, index_key(parent, &id)])?;
    }
    Ok(())
}

/// The columns of the rows that are not gone, and that were not seen since a time.
fn present(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    before: Timestamp,
) -> rusqlite::Result<Vec<(String, Vec<Cell>)>> {
    let of_parent = table
        .parent
        .map_or("?1 = ''".to_owned(), |parent| format!("{parent} = ?1"));
    let sql = format!(
        "SELECT {}, id FROM {} WHERE gone_at IS NULL AND seen_at <= ?2 AND {of_parent}",
        columns(table),
        table.name
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let rows = statement.query_map(params![parent.unwrap_or_default(), millis(before)], |row| {
        Ok((row.get(table.columns.len())?, cells(table, row)?))
    })?;
    rows.collect()
}

/// The columns of a row that is not gone, as they are before it is written.
fn before(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    id: &str,
) -> rusqlite::Result<Option<Vec<Cell>>> {
    let sql = format!(
        "SELECT {} FROM {} WHERE gone_at IS NULL AND {}",
        columns(table),
        table.name,
        key(table)
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let found = statement.query_row(params![id, parent.unwrap_or_default()], |row| {
        cells(table, row)
    });
    found.optional()
}

fn columns(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    names.join(", ")
}

fn cells(table: &Table, row: &Row<'_>) -> rusqlite::Result<Vec<Cell>> {
    (0..table.columns.len()).map(|at| row.get(at)).collect()
}

/// `?1` is the id, and `?2` the parent.
fn key(table: &Table) -> String {
    match table.parent {
        Some(parent) => format!("id = ?1 AND {parent} = ?2"),
        None => "id = ?1 AND ?2 = ''".to_owned(),
    }
}

/// It takes the parent, if there is one, the id, the columns, the response and the time.
fn upsert(table: &Table) -> String {
    let mut names: Vec<&str> = table.parent.into_iter().collect();
    names.push("id");
    names.extend(table.columns.iter().map(|column| column.name));
    names.extend(["raw", "seen_at"]);
    let places: Vec<String> = (1..=names.len()).map(|place| format!("?{place}")).collect();
    format!(
        "INSERT OR REPLACE INTO {} ({}) VALUES ({})",
        table.name,
        names.join(", "),
        places.join(", ")
    )
}

fn index(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    id: &str,
    row: &Value,
) -> rusqlite::Result<()> {
    let words = (table.words)(row);
    if words.is_empty() {
        return Ok(());
    }
    transaction
        .prepare_cached(
            "INSERT INTO indexed (kind, id, words) VALUES (?1, ?2, ?3)
             ON CONFLICT (kind, id) DO UPDATE SET words = excluded.words WHERE words != excluded.words",
        )?
        .execute(params![table.name, index_key(parent, id), words])?;
    Ok(())
}

/// The id of a row in the full-text search.
fn index_key(parent: Option<&str>, id: &str) -> String {
    parent.map_or(id.to_owned(), |parent| format!("{parent}/{id}"))
}

/// Notes each lost account as a failure of its installs, until it lists something again.
fn note_lost(
    transaction: &Transaction<'_>,
    lost: &HashSet<String>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let class = Class::Installs;
    transaction.execute(
        "DELETE FROM reads WHERE class = ?1 AND subject != ''",
        [class.name()],
    )?;
    for account in lost {
        let name: Option<String> = transaction
            .query_row(
                "SELECT name FROM accounts WHERE id = ?1",
                [account],
                |row| row.get(0),
            )
            .optional()?
            .flatten();
        let name = name.as_deref().unwrap_or(account);
        note_failure(transaction, class, account, &Failure::lost(name), now)?;
    }
    Ok(())
}

/// Writes what changed: a row that is new or gone, or each watched column that is different.
fn history(
    transaction: &Transaction<'_>,
    table: &Table,
    id: &str,
    before: Option<&Vec<Cell>>,
    after: Option<&Vec<Cell>>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let name = name_of(table, after.or(before)).unwrap_or_else(|| id.to_owned());
    let note = |field: Option<&str>, old: Cell, new: Cell| {
        transaction
            .prepare_cached(
                "INSERT INTO state.changes (at, kind, id, name, field, before, after)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![millis(now), table.name, id, name, field, old, new])
    };
    match (before, after) {
        (None, Some(_)) => note(None, Cell::Null, "present".to_owned().into()).map(drop),
        (Some(_), None) => note(None, "present".to_owned().into(), Cell::Null).map(drop),
        (Some(before), Some(after)) => {
            for (at, column) in table.columns.iter().enumerate() {
                if column.is_watched && before[at] != after[at] {
                    note(Some(column.name), before[at].clone(), after[at].clone())?;
                }
            }
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

fn name_of(table: &Table, cells: Option<&Vec<Cell>>) -> Option<String> {
    let at = table
        .columns
        .iter()
        .position(|column| matches!(column.name, "name" | "email"))?;
    match cells?.get(at)? {
        Cell::Text(name) => Some(name.clone()),
        _ => None,
    }
}

/// Notes that a listing was read whole.
pub(crate) fn note_read(
    transaction: &Transaction<'_>,
    class: Class,
    subject: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO reads (class, subject, read_at, tried_at, failure)
             VALUES (?1, ?2, ?3, ?3, NULL)",
        )?
        .execute(params![class.name(), subject, millis(now)])?;
    Ok(())
}

/// Notes that a listing could not be read. What was read before stays.
pub(crate) fn note_failure(
    transaction: &Transaction<'_>,
    class: Class,
    subject: &str,
    failure: &Failure,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let failure = serde_json::to_string(failure).unwrap_or_default();
    transaction
        .prepare_cached(
            "INSERT INTO reads (class, subject, tried_at, failure) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (class, subject) DO UPDATE SET tried_at = ?3, failure = ?4",
        )?
        .execute(params![class.name(), subject, millis(now), failure])?;
    Ok(())
}

/// Writes the figures of an account: its limits, or a summary of its usage, which is kept as history too.
pub(crate) fn figures(
    transaction: &Transaction<'_>,
    class: Class,
    account: &str,
    raw: &Value,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO figures (class, account_id, raw) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![class.name(), account, raw.to_string()])?;
    if class == Class::Usage {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO state.usage (account_id, read_at, raw) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![account, millis(now), raw.to_string()])?;
    }
    Ok(())
}

/// How many rows a listing had when it was read last: what it takes to read it again.
pub(crate) fn counts(
    connection: &rusqlite::Connection,
    table: &Table,
) -> rusqlite::Result<HashMap<String, u64>> {
    let parent = table.parent.unwrap_or("''");
    let sql = format!(
        "SELECT {parent}, count(*) FROM {} WHERE gone_at IS NULL GROUP BY 1",
        table.name
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], |row| {
        let count: i64 = row.get(1)?;
        Ok((row.get(0)?, u64::try_from(count).unwrap_or(0)))
    })?;
    rows.collect()
}
