//! Queries by the user: read-only, with a time limit.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, types::ValueRef};
use serde::Serialize;
use serde_json::Value;

use crate::Error;

/// The rows of a query.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The cells of each row.
    pub rows: Vec<Vec<Value>>,
}

/// How often SQLite asks whether the time is over, in steps of its virtual machine.
const STEPS: i32 = 10_000;

/// Runs one query on a connection of its own, which cannot write.
pub(crate) fn query(
    mirror: &Path,
    state: &Path,
    sql: &str,
    within: Duration,
) -> Result<Rows, Error> {
    let run = || -> rusqlite::Result<Rows> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let mut connection = Connection::open_with_flags(mirror, flags)?;
        let mut path = state.display().to_string();
        for (letter, escaped) in [('%', "%25"), ('?', "%3f"), ('#', "%23")] {
            path = path.replace(letter, escaped);
        }
        let state = format!("file:{path}?mode=ro");
        connection.execute("ATTACH ?1 AS state", [state])?;
        connection.pragma_update(None, "query_only", true)?;
        connection.authorizer(Some(only_reads))?;
        let until = Instant::now().checked_add(within);
        connection.progress_handler(
            STEPS,
            Some(move || until.is_some_and(|until| Instant::now() >= until)),
        )?;
        let mut statement = connection.prepare(sql)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let width = columns.len();
        let rows = statement.query_map([], |row| {
            (0..width).map(|at| row.get_ref(at).map(json)).collect()
        })?;
        let rows = rows.collect::<rusqlite::Result<_>>()?;
        Ok(Rows { columns, rows })
    };
    run().map_err(|error| {
        let is_late = error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted);
        Error::Query(if is_late {
            format!("it was not over within {} s", within.as_secs_f64())
        } else {
            error.to_string()
        })
    })
}

/// Whatever is not reading is refused, also `ATTACH`, which would create a file, and `PRAGMA`.
fn only_reads(context: rusqlite::hooks::AuthContext<'_>) -> rusqlite::hooks::Authorization {
    use rusqlite::hooks::{AuthAction, Authorization};
    match context.action {
        AuthAction::Read { .. }
        | AuthAction::Select
        | AuthAction::Recursive
        | AuthAction::Function { .. } => Authorization::Allow,
        // Full-text search asks for this by itself.
        AuthAction::Pragma {
            pragma_name: "data_version",
            ..
        } => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

fn json(cell: ValueRef<'_>) -> Value {
    match cell {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()).into(),
    }
}
