//! The schema of both files, and its migrations.

use rusqlite::{Connection, TransactionBehavior};

use super::tables::{TABLES, Table};

/// The version of the mirror. A mirror of another version is emptied and read again.
const MIRROR: i64 = 5;

/// One step for each version of the state file, which is never emptied.
const STATE: [&str; 1] = ["
    CREATE TABLE state.changes (
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        field TEXT,
        before TEXT,
        after TEXT
    );
    CREATE INDEX state.changes_by_time ON changes (at);
    CREATE TABLE state.usage (
        account_id TEXT NOT NULL,
        read_at INTEGER NOT NULL,
        raw TEXT NOT NULL,
        PRIMARY KEY (account_id, read_at)
    ) WITHOUT ROWID;
    CREATE TABLE state.versions (
        install_id TEXT PRIMARY KEY,
        wordpress TEXT,
        plugins TEXT,
        recorded_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE state.plans (
        id TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL,
        ended_at INTEGER,
        plan TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE state.steps (
        plan_id TEXT NOT NULL,
        step INTEGER NOT NULL,
        entry TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (plan_id, step)
    ) WITHOUT ROWID;
"];

/// Brings both files to the present version. Two processes may do this at the same time.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA main.user_version", [], |row| row.get(0))?;
    if version != MIRROR {
        transaction.execute_batch(&mirror())?;
        transaction.pragma_update(Some("main"), "user_version", MIRROR)?;
    }
    let version: i64 = transaction.query_row("PRAGMA state.user_version", [], |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(0);
    for step in STATE.iter().skip(done) {
        transaction.execute_batch(step)?;
    }
    if done < STATE.len() {
        let version = i64::try_from(STATE.len()).unwrap_or(i64::MAX);
        transaction.pragma_update(Some("state"), "user_version", version)?;
    }
    transaction.commit()
}

/// Drops what another version left, and creates all tables.
fn mirror() -> String {
    let mut sql = String::from(
        "
        DROP TABLE IF EXISTS main.reads;
        CREATE TABLE main.reads (
            class TEXT NOT NULL,
            subject TEXT NOT NULL,
            read_at INTEGER,
            tried_at INTEGER NOT NULL,
            failure TEXT,
            PRIMARY KEY (class, subject)
        ) WITHOUT ROWID;
        DROP TABLE IF EXISTS main.figures;
        CREATE TABLE main.figures (
            class TEXT NOT NULL,
            subject TEXT NOT NULL,
            raw TEXT NOT NULL,
            PRIMARY KEY (class, subject)
        ) WITHOUT ROWID;
        DROP TABLE IF EXISTS main.search;
        DROP TABLE IF EXISTS main.indexed;
        CREATE TABLE main.indexed (
            rowid INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            words TEXT NOT NULL,
            UNIQUE (kind, id)
        );
        -- Trigrams find any part of a name, not only its beginning.
        CREATE VIRTUAL TABLE main.search USING fts5 (words, content = 'indexed', tokenize = 'trigram');
        CREATE TRIGGER main.indexed_added AFTER INSERT ON indexed BEGIN
            INSERT INTO search (rowid, words) VALUES (new.rowid, new.words);
        END;
        CREATE TRIGGER main.indexed_changed AFTER UPDATE ON indexed BEGIN
            INSERT INTO search (search, rowid, words) VALUES ('delete', old.rowid, old.words);
            INSERT INTO search (rowid, words) VALUES (new.rowid, new.words);
        END;
        CREATE TRIGGER main.indexed_removed AFTER DELETE ON indexed BEGIN
            INSERT INTO search (search, rowid, words) VALUES ('delete', old.rowid, old.words);
        END;
        ",
    );
    for table in TABLES {
        sql.push_str(&create(table));
    }
    sql.push_str(
        "
        CREATE INDEX main.domains_by_name ON domains (name);
        -- What is there, by account: each snapshot counts it.
        CREATE INDEX main.sites_present ON sites (account_id) WHERE gone_at IS NULL;
        CREATE INDEX main.installs_present ON installs (account_id) WHERE gone_at IS NULL;
        ",
    );
    sql
}

/// The response is the last column: it is long, and what stands behind it is slow to read.
fn create(table: &Table) -> String {
    let name = table.name;
    let parent = table
        .parent
        .map_or(String::new(), |parent| format!("{parent} TEXT NOT NULL,"));
    let key = table
        .parent
        .map_or("id".to_owned(), |parent| format!("{parent}, id"));
    let columns: String = table
        .columns
        .iter()
        .map(|column| format!("{},", column.name))
        .collect();
    format!(
        "DROP TABLE IF EXISTS main.{name};
        CREATE TABLE main.{name} (
            {parent}
            id TEXT NOT NULL,
            {columns}
            seen_at INTEGER NOT NULL,
            gone_at INTEGER,
            raw TEXT NOT NULL,
            PRIMARY KEY ({key})
        );"
    )
}
