//! The two files of a fleet.
//!
//! The **mirror** in the cache folder holds what the service answered. It may be deleted: the next sync reads it again. The
//! **state** file holds what cannot be read again, such as the history of changes. Both are SQLite files that several processes
//! may use at the same time.

mod apply;
mod rows;
mod schema;
mod sql;
mod tables;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{Mutex, OwnedMutexGuard};
use wpengine::jiff::Timestamp;

pub(crate) use apply::{
    Seen, add, counts, figures, note_failure, note_read, one_global, snapshot, whole,
};
pub use rows::Change;
pub(crate) use rows::{
    BackupRow, CertificateRow, DomainRow, Facts, InstallRow, Map, PersonRow, Read,
    Rows as FactRows, changes, count, covers, is_of_platform, lost, number, reads, reads_of,
};
pub use sql::Rows;
pub(crate) use sql::query;
pub(crate) use tables::{
    ACCOUNTS, BACKUPS, CERTIFICATES, DOMAINS, INSTALLS, PEOPLE, SITES, TRANSFERS, Table,
};

use crate::Error;

/// How long a process waits for another one that writes.
const BUSY: Duration = Duration::from_secs(30);

/// After how many pages of 4 KiB what was written goes from the log into the file. To do that while a fleet is read would wait for the
/// disk again and again.
const LOG: u32 = 16_384;

/// How much of the mirror is mapped into memory for reading. A question reads most of a table.
const MAPPED: i64 = 256 << 20;

/// Both files of one origin and user. Cheap to clone.
///
/// Reading has connections of its own, so that a question does not wait for a sync that writes.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    writer: Arc<Mutex<Connection>>,
    readers: [Arc<Mutex<Connection>>; 2],
    mirror: PathBuf,
}

impl Store {
    /// Opens the files in two folders, and creates them if they are missing.
    pub(crate) fn open(cache: &Path, state: &Path) -> Result<Self, Error> {
        let (mirror, kept) = (cache.join("mirror.db"), state.join("state.db"));
        for folder in [cache, state] {
            create(folder).map_err(|error| file(folder, error))?;
        }
        let open = || -> rusqlite::Result<Connection> {
            let mut connection = Connection::open(&mirror)?;
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // After a power cut the mirror may miss what was read last, and is read again.
            connection.pragma_update(Some("main"), "synchronous", "normal")?;
            connection.pragma_update(None, "wal_autocheckpoint", LOG)?;
            connection.execute("ATTACH ?1 AS state", [kept.to_string_lossy()])?;
            connection.pragma_update(Some("state"), "journal_mode", "wal")?;
            // The journal of plans must be on the disk before a request is sent.
            connection.pragma_update(Some("state"), "synchronous", "full")?;
            schema::migrate(&mut connection)?;
            Ok(connection)
        };
        let reader = || -> rusqlite::Result<_> {
            let reader = open()?;
            reader.pragma_update(Some("main"), "mmap_size", MAPPED)?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(Arc::new(Mutex::new(reader)))
        };
        let opened = || -> rusqlite::Result<_> { Ok((open()?, [reader()?, reader()?])) };
        let (writer, readers) = opened().map_err(|error| file(&mirror, error))?;
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            readers,
            mirror,
        })
    }

    pub(crate) fn mirror(&self) -> &Path {
        &self.mirror
    }

    /// Runs a transaction on a thread that may block.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.writer).lock_owned().await;
        self.run(connection, |connection| {
            // Immediate: two processes that read first and then write would fail one another.
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Runs a query on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let [first, second] = &self.readers;
        let connection = match Arc::clone(second).try_lock_owned() {
            Ok(free) => free,
            Err(_) => Arc::clone(first).lock_owned().await,
        };
        self.run(connection, |connection| work(connection)).await
    }

    /// Only what has its turn takes a thread: each thread has memory of its own.
    async fn run<T: Send + 'static>(
        &self,
        mut connection: OwnedMutexGuard<Connection>,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        match tokio::task::spawn_blocking(move || work(&mut connection)).await {
            Ok(done) => done.map_err(|error| file(&self.mirror, error)),
            Err(panic) => Err(file(&self.mirror, panic.to_string())),
        }
    }
}

/// Creates a folder that only this user can read: the files hold names and e-mail addresses of people.
fn create(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn file(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::File {
        path: path.to_owned(),
        source: source.into(),
    }
}

/// A time as the files hold it.
pub(crate) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// A time of the files.
pub(crate) fn timestamp(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}
