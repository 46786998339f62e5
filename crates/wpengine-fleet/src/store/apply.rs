//! Writing what was read: whole listings, figures and failures.

use std::collections::{HashMap, HashSet};

use rusqlite::{
    OptionalExtension as _, Transaction, params, params_from_iter,
    types::{ToSqlOutput, Value as Cell},
};
use serde_json::Value;
use wpengine::jiff::Timestamp;

use super::{
    count, millis,
    tables::{ACCOUNTS, Head, INSTALLS, SITES, TABLES, Table},
};
use crate::{Failure, class::Class, read::Item};

/// What was seen in the three listings that cover everything, page by page.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The ids, by class.
    ids: HashMap<Class, HashSet<String>>,
    /// The accounts that have sites or installs, by class.
    accounts: HashMap<Class, HashSet<String>>,
    /// The listings with rows without an id.
    nameless: HashSet<Class>,
}

impl Seen {
    /// A failure for each listing with rows that have no id.
    pub(crate) fn nameless(&self) -> Vec<(Class, Failure)> {
        let nameless = self.nameless.iter();
        nameless
            .map(|class| (*class, Failure::unreadable(class.name().to_owned())))
            .collect()
    }

    /// Notes what was seen of so many rows.
    pub(crate) fn note(&mut self, class: Class, rows: usize, heads: Vec<Head>) {
        if heads.len() < rows {
            self.nameless.insert(class);
        }
        for head in heads {
            self.ids.entry(class).or_default().insert(head.id);
            let accounts = self.accounts.entry(class).or_default();
            accounts.extend(head.account);
        }
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

/// Ends one of the three listings alone, whose rows are written already. What is missing of accounts that list nothing stays: whether
/// that was deleted or the access was lost is decided by whoever reads all three.
pub(crate) fn one_global(
    transaction: &Transaction<'_>,
    class: Class,
    table: &Table,
    heads: Vec<Head>,
    began: Timestamp,
) -> rusqlite::Result<()> {
    let mut seen = Seen::default();
    seen.note(class, heads.len(), heads);
    let nothing = HashSet::new();
    let present = seen.accounts.get(&class).unwrap_or(&nothing);
    let silent = &accounts_with_rows(transaction)? - present;
    let ids = seen.ids.get(&class).unwrap_or(&nothing);
    gone(transaction, table, None, ids, &silent, began)?;
    note_read(transaction, class, "", began)
}

fn accounts_with_rows(transaction: &Transaction<'_>) -> rusqlite::Result<HashSet<String>> {
    let mut statement = transaction.prepare_cached(
        "SELECT account_id FROM sites WHERE gone_at IS NULL AND account_id IS NOT NULL
         UNION SELECT account_id FROM installs WHERE gone_at IS NULL AND account_id IS NOT NULL",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Writes a whole listing: rows are added or updated, and rows that are missing from it are marked as gone. Returns whether every
/// row has an id.
pub(crate) fn whole(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: &str,
    rows: &[Item],
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let heads = add(transaction, table, Some(parent), rows, now)?;
    let is_whole = heads.len() == rows.len();
    if is_whole {
        let ids = heads.into_iter().map(|head| head.id).collect();
        gone(transaction, table, Some(parent), &ids, &HashSet::new(), now)?;
    }
    Ok(is_whole)
}

/// Adds or updates rows of a listing, and returns what it saw. Changes go into the history, except when the listing is read for the first time.
pub(crate) fn add(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    rows: &[Item],
    now: Timestamp,
) -> rusqlite::Result<Vec<Head>> {
    let is_first = transaction
        .prepare_cached(
            "SELECT 1 FROM reads WHERE class = ?1 AND subject = ?2 AND read_at IS NOT NULL",
        )?
        .query_row(params![table.name, parent.unwrap_or_default()], |_| Ok(()))
        .optional()?
        .is_none();
    let mut known = transaction.prepare_cached(&format!(
        "SELECT raw, gone_at IS NULL FROM {} WHERE {}",
        table.name,
        key(table)
    ))?;
    let mut seen = transaction.prepare_cached(&format!(
        "UPDATE {} SET seen_at = ?3 WHERE {}",
        table.name,
        key(table)
    ))?;
    let mut upsert = transaction.prepare_cached(&upsert(table))?;
    let mut heads = Vec::new();
    for row in rows {
        let raw = row.get();
        let Some(head) = table.head(raw) else {
            continue;
        };
        let id = head.id.as_str();
        let key = params![id, parent.unwrap_or_default()];
        let before: Option<(String, bool)> = known
            .query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if before
            .as_ref()
            .is_some_and(|(before, is_present)| *is_present && *before == raw)
        {
            seen.execute(params![id, parent.unwrap_or_default(), millis(now)])?;
            heads.push(head);
            continue;
        }
        let row = serde_json::from_str(raw).unwrap_or(Value::Null);
        let after = cells(table, &row);
        if !is_first {
            let before = before.filter(|(_, is_present)| *is_present);
            let before = before.and_then(|(raw, _)| serde_json::from_str(&raw).ok());
            let before = before.map(|before| cells(table, &before));
            history(transaction, table, id, before.as_ref(), Some(&after), now)?;
        }
        let own = parent.into_iter().chain([id]).map(text);
        let cells = after.iter().map(|cell| ToSqlOutput::Borrowed(cell.into()));
        let rest = [text(raw), ToSqlOutput::from(millis(now))];
        upsert.execute(params_from_iter(own.chain(cells).chain(rest)))?;
        index(transaction, table, parent, id, &row)?;
        heads.push(head);
    }
    Ok(heads)
}

/// The columns of a row, as they are read from a response.
fn cells(table: &Table, row: &Value) -> Vec<Cell> {
    let columns = table.columns.iter();
    columns.map(|column| (column.read)(row)).collect()
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
    // Everything that was seen is there. If there is not more, nothing is gone.
    if parent.is_none() && count(transaction, table)? == seen.len() {
        return Ok(());
    }
    let account = table
        .columns
        .iter()
        .position(|column| column.name == "account_id");
    for (id, cells) in unseen(transaction, table, parent, began)? {
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
        let of = match table.name {
            name if name == INSTALLS.name => "install_id",
            name if name == ACCOUNTS.name => "account_id",
            _ => continue,
        };
        for inner in TABLES.iter().filter(|inner| inner.parent == Some(of)) {
            inner_gone(transaction, inner, &id, began)?;
        }
        transaction.execute("DELETE FROM reads WHERE subject = ?1", [&id])?;
    }
    Ok(())
}

/// Marks as gone what belongs to an install or an account that is gone.
fn inner_gone(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let (name, of) = (table.name, table.parent.unwrap_or_default());
    let ids = format!("SELECT ?2 || '/' || id FROM {name} WHERE {of} = ?2");
    let indexed = format!("DELETE FROM indexed WHERE kind = ?1 AND id IN ({ids})");
    transaction.execute(&indexed, params![name, parent])?;
    let gone = format!("UPDATE {name} SET gone_at = ?2 WHERE {of} = ?1 AND gone_at IS NULL");
    transaction.execute(&gone, params![parent, millis(at)])?;
    Ok(())
}

/// The rows that are not gone, and that were not seen since a time, by id. A time to come is of a clock that was wrong.
fn unseen(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    since: Timestamp,
) -> rusqlite::Result<Vec<(String, Vec<Cell>)>> {
    let of_parent = table
        .parent
        .map_or("?1 = ''".to_owned(), |parent| format!("{parent} = ?1"));
    let sql = format!(
        "SELECT id, raw FROM {} WHERE gone_at IS NULL AND (seen_at <= ?2 OR seen_at > ?3) AND {of_parent}",
        table.name
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let rows = statement.query_map(
        params![
            parent.unwrap_or_default(),
            millis(since),
            millis(Timestamp::now())
        ],
        |row| {
            let raw: String = row.get(1)?;
            let raw = serde_json::from_str(&raw).unwrap_or(Value::Null);
            Ok((row.get(0)?, cells(table, &raw)))
        },
    )?;
    rows.collect()
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

/// Writes what is one object and no listing: the limits of an account, an install by itself. A summary of usage is kept as history,
/// too.
pub(crate) fn figures(
    transaction: &Transaction<'_>,
    class: Class,
    subject: &str,
    raw: &Item,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO figures (class, subject, raw) VALUES (?1, ?2, ?3)")?
        .execute(params![class.name(), subject, raw.get()])?;
    if class == Class::Usage {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO state.usage (account_id, read_at, raw) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![subject, millis(now), raw.get()])?;
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
