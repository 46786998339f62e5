//! Writing what was read: whole listings, figures and failures.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::{
    OptionalExtension as _, Transaction, params, params_from_iter, types::Value as Cell,
};
use serde_json::Value;
use wpengine::jiff::Timestamp;

use super::{
    millis,
    tables::{ACCOUNTS, INSTALLS, SITES, Table},
};
use crate::{Failure, class::Class};

/// The three listings that cover everything, as far as they could be read.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) accounts: Option<Vec<Value>>,
    pub(crate) sites: Option<Vec<Value>>,
    pub(crate) installs: Option<Vec<Value>>,
}

/// Writes the three listings. Accounts to which the access was lost keep their sites and installs.
pub(crate) fn snapshot(
    transaction: &Transaction<'_>,
    listed: &Listed,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let lost = lost_accounts(transaction, listed)?;
    note_lost(transaction, &lost, now)?;
    for (table, class, rows) in [
        (&ACCOUNTS, Class::Accounts, &listed.accounts),
        (&SITES, Class::Sites, &listed.sites),
        (&INSTALLS, Class::Installs, &listed.installs),
    ] {
        if let Some(rows) = rows {
            whole(transaction, table, None, rows, &lost, now)?;
            note_read(transaction, class, "", now)?;
        }
    }
    Ok(())
}

/// The accounts that had sites or installs, and of which both listings now have none. Whether they were deleted or the access was
/// lost cannot be told, so their rows stay, and a failure says so. A new mirror does not have them.
fn lost_accounts(
    transaction: &Transaction<'_>,
    listed: &Listed,
) -> rusqlite::Result<HashSet<String>> {
    let (Some(sites), Some(installs)) = (&listed.sites, &listed.installs) else {
        // Only one of the listings is known, so nobody can tell. Nothing of such an account is marked.
        let one = listed.sites.as_ref().or(listed.installs.as_ref());
        let present = one.map(|rows| accounts_of(rows)).unwrap_or_default();
        return Ok(&accounts_with_rows(transaction)? - &present);
    };
    let present = &accounts_of(sites) | &accounts_of(installs);
    Ok(&accounts_with_rows(transaction)? - &present)
}

fn accounts_of(rows: &[Value]) -> HashSet<String> {
    let ids = rows.iter().filter_map(|row| row["account"]["id"].as_str());
    ids.map(str::to_owned).collect()
}

fn accounts_with_rows(transaction: &Transaction<'_>) -> rusqlite::Result<HashSet<String>> {
    let mut statement = transaction.prepare_cached(
        "SELECT account_id FROM sites WHERE gone_at IS NULL AND account_id IS NOT NULL
         UNION SELECT account_id FROM installs WHERE gone_at IS NULL AND account_id IS NOT NULL",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Writes a whole listing: rows are added or updated, and rows that are missing from it are marked as gone. Changes go into the
/// history, except when the listing is read for the first time.
pub(crate) fn whole(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    rows: &[Value],
    lost: &HashSet<String>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let class = table.name;
    let is_first = transaction
        .query_row(
            "SELECT 1 FROM reads WHERE class = ?1 AND subject = ?2 AND read_at IS NOT NULL",
            params![class, parent.unwrap_or_default()],
            |_| Ok(()),
        )
        .optional()?
        .is_none();
    let before = present(transaction, table, parent)?;
    let mut seen = HashSet::new();
    for row in rows {
        let Some(id) = (table.id)(row) else { continue };
        let cells: Vec<Cell> = table
            .columns
            .iter()
            .map(|column| (column.read)(row))
            .collect();
        let old = before.get(&id);
        if !is_first {
            history(transaction, table, &id, old, Some(&cells), now)?;
        }
        upsert(transaction, table, parent, &id, &cells, row, now)?;
        index(transaction, table, parent, &id, row)?;
        seen.insert(id);
    }
    for (id, cells) in &before {
        let account = table
            .columns
            .iter()
            .position(|column| column.name == "account_id");
        let account = account.and_then(|at| match &cells[at] {
            Cell::Text(account) => Some(account),
            _ => None,
        });
        let is_lost_account = table.name == ACCOUNTS.name && lost.contains(id);
        let is_lost = account.is_some_and(|account| lost.contains(account)) || is_lost_account;
        if seen.contains(id) || is_lost {
            continue;
        }
        history(transaction, table, id, Some(cells), None, now)?;
        let key = key(table);
        let sql = format!("UPDATE {class} SET gone_at = ?1 WHERE {key}");
        transaction.execute(&sql, params![millis(now), id, parent.unwrap_or_default()])?;
        // What is gone is not found any more.
        transaction
            .prepare_cached("DELETE FROM indexed WHERE kind = ?1 AND id = ?2")?
            .execute(params![table.name, index_key(parent, id)])?;
    }
    Ok(())
}

/// The watched and other columns of the rows that are not gone.
fn present(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
) -> rusqlite::Result<BTreeMap<String, Vec<Cell>>> {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let of_parent = table
        .parent
        .map_or("?1 = ''".to_owned(), |parent| format!("{parent} = ?1"));
    let sql = format!(
        "SELECT id, {} FROM {} WHERE gone_at IS NULL AND {of_parent}",
        columns.join(", "),
        table.name
    );
    let mut statement = transaction.prepare_cached(&sql)?;
    let rows = statement.query_map([parent.unwrap_or_default()], |row| {
        let cells = (0..table.columns.len()).map(|at| row.get(at + 1));
        Ok((row.get(0)?, cells.collect::<rusqlite::Result<_>>()?))
    })?;
    rows.collect()
}

/// `?2` is the id, and `?3` the parent.
fn key(table: &Table) -> String {
    match table.parent {
        Some(parent) => format!("id = ?2 AND {parent} = ?3"),
        None => "id = ?2 AND ?3 = ''".to_owned(),
    }
}

fn upsert(
    transaction: &Transaction<'_>,
    table: &Table,
    parent: Option<&str>,
    id: &str,
    cells: &[Cell],
    row: &Value,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut names: Vec<&str> = table.parent.into_iter().collect();
    names.push("id");
    names.extend(table.columns.iter().map(|column| column.name));
    names.extend(["raw", "seen_at"]);
    let places: Vec<String> = (1..=names.len()).map(|place| format!("?{place}")).collect();
    let sql = format!(
        "INSERT OR REPLACE INTO {} ({}) VALUES ({})",
        table.name,
        names.join(", "),
        places.join(", ")
    );
    let mut values: Vec<Cell> = parent
        .map(|parent| parent.to_owned().into())
        .into_iter()
        .collect();
    values.push(id.to_owned().into());
    values.extend_from_slice(cells);
    values.extend([row.to_string().into(), millis(now).into()]);
    transaction
        .prepare_cached(&sql)?
        .execute(params_from_iter(values))?;
    Ok(())
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
    let key = index_key(parent, id);
    let known: Option<String> = transaction
        .prepare_cached("SELECT words FROM indexed WHERE kind = ?1 AND id = ?2")?
        .query_row(params![table.name, key], |row| row.get(0))
        .optional()?;
    if known.as_deref() == Some(words.as_str()) {
        return Ok(());
    }
    transaction
        .prepare_cached("INSERT OR REPLACE INTO indexed (kind, id, words) VALUES (?1, ?2, ?3)")?
        .execute(params![table.name, key, words])?;
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
