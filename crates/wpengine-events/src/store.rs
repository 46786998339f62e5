//! The file: what was seen, what happened, and what is to be delivered, in one transaction.
//!
//! SQLite with `synchronous=FULL`: what was committed survives a power cut. One process runs the events, which it holds a lock for;
//! others may read, add events and ask for deliveries.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Notify};
use wpengine::jiff::Timestamp;

use crate::{Endpoint, Error, Event, Filter, Secret, clock::Clock};

/// How long a process waits for another one that writes.
const BUSY: Duration = Duration::from_secs(30);

/// How often a lock is tried, 2 ms apart.
const TRIES: u32 = 50;

/// How much of the file a process keeps in memory, as SQLite counts it: KiB, below zero. The operating system keeps more.
const CACHE: i32 = -1_000;

const SCHEMA: &str = "
CREATE TABLE objects (class TEXT, subject TEXT, id TEXT, account TEXT, body TEXT NOT NULL, PRIMARY KEY (class, subject, id)) WITHOUT ROWID;
CREATE TABLE looks (class TEXT, subject TEXT, account TEXT, began INTEGER, loud INTEGER NOT NULL DEFAULT 0, changes REAL NOT NULL DEFAULT 0,
  hours REAL NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, failure TEXT, figure TEXT, PRIMARY KEY (class, subject)) WITHOUT ROWID;
CREATE TABLE lost (account TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE touched (subject TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE fired (id BLOB PRIMARY KEY, times INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, subject TEXT NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL);
CREATE INDEX events_at ON events (at);
CREATE TABLE endpoints (name TEXT PRIMARY KEY, target TEXT NOT NULL, filter TEXT NOT NULL, ordered INTEGER NOT NULL, active INTEGER NOT NULL,
  place TEXT NOT NULL, failing_since INTEGER, disabled_at INTEGER, reason TEXT) WITHOUT ROWID;
CREATE TABLE deliveries (endpoint TEXT, seq INTEGER, subject TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, next_at INTEGER,
  done_at INTEGER, error TEXT, PRIMARY KEY (endpoint, seq)) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (endpoint, next_at) WHERE state = 'pending' AND next_at IS NOT NULL;
CREATE INDEX deliveries_order ON deliveries (endpoint, subject, seq) WHERE state = 'pending';
CREATE INDEX deliveries_of ON deliveries (seq);
PRAGMA user_version = 1;
";

/// The events of one fleet: a file, or memory alone. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Events {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
    pub(crate) clock: Clock,
    /// Told when there may be something to deliver.
    pub(crate) added: Arc<Notify>,
}

/// Held by the one process that runs the events. The operating system gives it back when the process ends, however it ends.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Lock {
    _file: Option<File>,
}

/// Which events to list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Query {
    /// Those that were observed at this time or later.
    pub since: Option<Timestamp>,
    /// Those after this number.
    pub after: Option<i64>,
    /// Those that a filter lets through.
    pub filter: Filter,
    /// The latest so many only.
    pub last: Option<usize>,
}

/// An event with its place in the file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stored {
    /// Its number; later events have greater ones.
    pub seq: i64,
    /// The event.
    pub event: Event,
}

/// A delivery of an event to an endpoint.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Delivery {
    /// The name of the endpoint.
    pub endpoint: String,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next. A pending one without a time waits for an earlier event of the same object.
    pub next_at: Option<Timestamp>,
    /// When it was delivered, or given up.
    pub done_at: Option<Timestamp>,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// An endpoint, as the file knows it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct EndpointStatus {
    /// Its name.
    pub name: String,
    /// Where it leads: an address without its query, a command, or `stdout`.
    pub target: String,
    /// Whether the program that runs the events has it in its settings.
    pub configured: bool,
    /// How many deliveries are to be done.
    pub pending: u64,
    /// How many were done, as far as they are kept.
    pub delivered: u64,
    /// How many were given up, as far as they are kept.
    pub dead: u64,
    /// Since when every delivery has failed.
    pub failing_since: Option<Timestamp>,
    /// When it was disabled.
    pub disabled_at: Option<Timestamp>,
    /// Why it was disabled, or why deliveries fail.
    pub reason: Option<String>,
}

/// What is wrong with an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trouble {
    /// The name of the endpoint.
    pub endpoint: String,
    /// Whether it is disabled; otherwise its deliveries fail, and are tried again.
    pub is_disabled: bool,
    /// Why.
    pub reason: String,
}

/// An event that is to be added.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) at: Timestamp,
    pub(crate) data: Map<String, Value>,
}

impl Events {
    /// Opens the file, and creates it and its folder if they are missing. Only this user can read them.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if it cannot be opened, or if a newer version of this crate wrote it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            let mut builder = std::fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder
                .recursive(true)
                .create(folder)
                .map_err(|error| Error::file(folder, error))?;
        }
        // SQLite's other files get the mode of this one.
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options
            .open(path)
            .map_err(|error| Error::file(path, error))?;
        let opened = Connection::open(path).and_then(|connection| {
            connection.busy_timeout(BUSY)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "cache_size", CACHE)?;
            Ok(connection)
        });
        Self::with(opened.map_err(|error| Error::file(path, error))?, path)
    }

    /// Events in memory alone, for tests.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if there is no memory for it.
    pub fn in_memory() -> Result<Self, Error> {
        let opened = Connection::open_in_memory();
        Self::with(
            opened.map_err(|error| Error::file(":memory:", error))?,
            Path::new(""),
        )
    }

    fn with(mut connection: Connection, path: &Path) -> Result<Self, Error> {
        let migrate = |connection: &mut Connection| -> rusqlite::Result<u32> {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let version = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            if version == 0 {
                transaction.execute_batch(SCHEMA)?;
            }
            transaction.commit()?;
            Ok(version)
        };
        let version = migrate(&mut connection).map_err(|error| Error::file(path, error))?;
        if version > 1 {
            return Err(Error::file(
                path,
                "a newer version of this program wrote it",
            ));
        }
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            path: path.to_owned(),
            clock: Clock::system(),
            added: Arc::default(),
        })
    }

    /// Sets the clock; by default that of this machine.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The file; an empty path if there is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock that only one process can have.
    pub(crate) fn lock(&self) -> Result<Lock, Error> {
        self.lock_of(".lock", TRIES)
    }

    /// Says that this process is the one that runs these events from now on, until what is returned is dropped. A process that
    /// watches only while it has nothing better to do asks [`is_claimed`](Self::is_claimed), and makes room.
    ///
    /// # Errors
    ///
    /// [`Error::Taken`] if another process has said so; [`Error::File`].
    pub fn claim(&self) -> Result<Lock, Error> {
        self.lock_of(".claim", TRIES)
    }

    /// Whether a process has [claimed](Self::claim) these events.
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        matches!(self.lock_of(".claim", 1), Err(Error::Taken(_)))
    }

    fn lock_of(&self, suffix: &str, tries: u32) -> Result<Lock, Error> {
        if self.path.as_os_str().is_empty() {
            return Ok(Lock { _file: None });
        }
        let mut path = self.path.clone().into_os_string();
        path.push(suffix);
        let path = PathBuf::from(path);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = file.map_err(|error| Error::file(&path, error))?;
        for tried in 1..=tries {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: Some(file) }),
                // Another process may only have looked whether it is taken. One that is just being started holds what this one held, until
                // it runs its own program.
                Err(std::fs::TryLockError::WouldBlock) if tried < tries => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Err(std::fs::TryLockError::WouldBlock) => {}
                Err(std::fs::TryLockError::Error(error)) => return Err(Error::file(&path, error)),
            }
        }
        Err(Error::Taken(self.path.clone()))
    }

    /// The number of the last event; 0 before the first.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read.
    pub async fn last(&self) -> Result<i64, Error> {
        self.read(|connection| {
            connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| {
                row.get(0)
            })
        })
        .await
    }

    /// Waits until this process adds an event, or until so much time is over: another process may have added one.
    pub async fn added_within(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.added.notified()).await;
    }

    /// The secret of receivers that are tried out. It is made when it is first asked for, and stays in the file.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be written.
    pub async fn listen_secret(&self) -> Result<Secret, Error> {
        let fresh = Secret::generate()?;
        let text = fresh.expose().to_owned();
        let kept: String = self
            .write(move |transaction| {
                transaction.execute(
                    "INSERT OR IGNORE INTO settings (name, value) VALUES ('listen', ?1)",
                    [text],
                )?;
                transaction.query_row(
                    "SELECT value FROM settings WHERE name = 'listen'",
                    [],
                    |row| row.get(0),
                )
            })
            .await?;
        kept.parse()
    }

    /// Whether another process runs these events now.
    #[must_use]
    pub fn is_run_elsewhere(&self) -> bool {
        matches!(self.lock_of(".lock", 1), Err(Error::Taken(_)))
    }

    /// Runs a transaction on a thread that may block.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(|connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
        .await
    }

    /// Reads on a thread that may block.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(|connection| work(connection)).await
    }

    /// Only what has its turn takes a thread: each thread has memory of its own.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        let done = tokio::task::spawn_blocking(move || work(&mut connection)).await;
        match done {
            Ok(done) => done.map_err(|error| Error::file(&self.path, error)),
            Err(panic) => Err(Error::file(&self.path, panic.to_string())),
        }
    }

    /// Adds an event of another program. The same `key` makes the same event: it is added once.
    ///
    /// `data` has the object that it is about, and `subject` is the name of that, such as `installs/ID`. Returns the id of the event.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if the type has other characters than letters, digits, `_` and full stops, or if the data says that it is a
    /// test; [`Error::File`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let events = wpengine_events::Events::in_memory()?;
    /// let data = serde_json::json!({ "object": { "release": "42" } });
    /// events.add("deploy.finished", "installs/1", "release 42", data.clone()).await?;
    /// events.add("deploy.finished", "installs/1", "release 42", data).await?;
    /// assert_eq!(events.list(Default::default()).await?.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn add(
        &self,
        kind: &str,
        subject: &str,
        key: &str,
        data: Value,
    ) -> Result<String, Error> {
        if data.get("test").is_some() {
            return Err(Error::settings(
                "`test` is for events of `trigger`, which go to all that want their type",
            ));
        }
        self.add_any(kind, subject, key, data).await
    }

    async fn add_any(
        &self,
        kind: &str,
        subject: &str,
        key: &str,
        data: Value,
    ) -> Result<String, Error> {
        let is_word = |word: &str| {
            !word.is_empty()
                && word
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        if !kind.split('.').all(is_word) {
            return Err(Error::settings(format!(
                "`{kind}` is no type of an event: it is words of letters, digits and _, with full stops between them"
            )));
        }
        let mut fields = Map::new();
        fields.insert("subject".to_owned(), subject.into());
        match data {
            Value::Object(data) => fields.extend(data),
            Value::Null => {}
            other => {
                fields.insert("object".to_owned(), other);
            }
        }
        let at = self.clock.now();
        fields.insert("observed_at".to_owned(), at.to_string().into());
        let id = crate::event::id(&["added", kind, subject, key]);
        let draft = Draft {
            id: id.clone(),
            kind: kind.to_owned(),
            at,
            data: fields,
        };
        self.write(move |transaction| insert(transaction, vec![draft]).map(drop))
            .await?;
        self.added.notify_waiters();
        Ok(id)
    }

    /// Adds an event of a type, to try receivers: the example of the document, with `"test": true`. Every endpoint that wants the type gets
    /// it, whatever its accounts and installs. Returns its id.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if there is no such type; [`Error::File`].
    pub async fn trigger(&self, kind: &str) -> Result<String, Error> {
        let mut data = crate::event::example(kind)
            .ok_or_else(|| Error::settings(format!("no event has the type `{kind}`")))?;
        data.insert("test".to_owned(), true.into());
        let subject = data.shift_remove("subject");
        let subject = subject.as_ref().and_then(Value::as_str);
        let subject = subject.unwrap_or_default().to_owned();
        let key = format!("{} {}", self.clock.now(), fastrand::u64(..));
        self.add_any(kind, &subject, &key, data.into()).await
    }

    /// Lists events, the oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read.
    pub async fn list(&self, query: Query) -> Result<Vec<Stored>, Error> {
        self.read(move |connection| {
            let order = if query.last.is_some() { "DESC" } else { "ASC" };
            let mut statement = connection.prepare_cached(&format!(
                "SELECT seq, id, type, at, data FROM events WHERE at >= ?1 AND seq > ?2 ORDER BY seq {order}"
            ))?;
            let since = query.since.map_or(i64::MIN, |since| since.as_millisecond());
            let rows = statement.query_map(params![since, query.after.unwrap_or(i64::MIN)], stored)?;
            let wanted = rows.filter(|row| row.as_ref().is_ok_and(|stored| query.filter.matches(&stored.event)));
            let mut events: Vec<Stored> = wanted.take(query.last.unwrap_or(usize::MAX)).collect::<Result<_, _>>()?;
            if query.last.is_some() {
                events.reverse();
            }
            Ok(events)
        })
        .await
    }

    /// Returns one event with its deliveries.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read.
    pub async fn get(&self, id: &str) -> Result<Option<(Stored, Vec<Delivery>)>, Error> {
        let id = id.to_owned();
        self.read(move |connection| {
            let found = connection
                .query_row("SELECT seq, id, type, at, data FROM events WHERE id = ?1", [id], stored)
                .optional()?;
            let Some(found) = found else {
                return Ok(None);
            };
            let mut statement = connection.prepare_cached(
                "SELECT endpoint, state, tries, next_at, done_at, error FROM deliveries WHERE seq = ?1 ORDER BY endpoint",
            )?;
            let rows = statement.query_map([found.seq], |row| {
                Ok(Delivery {
                    endpoint: row.get(0)?,
                    state: row.get(1)?,
                    tries: row.get(2)?,
                    next_at: time(row, 3)?,
                    done_at: time(row, 4)?,
                    error: row.get(5)?,
                })
            })?;
            Ok(Some((found, rows.collect::<Result<_, _>>()?)))
        })
        .await
    }

    /// Delivers events again: all that the query finds, to one endpoint or to all whose filters let them through. Returns how many
    /// deliveries that makes.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if there is no such endpoint; [`Error::File`].
    pub async fn resend(&self, query: Query, endpoint: Option<&str>) -> Result<usize, Error> {
        let events = self.list(query).await?;
        self.deliver_again(events, endpoint).await
    }

    /// Delivers one event again. `None` if there is no event with this id.
    ///
    /// # Errors
    ///
    /// As of [`resend`](Self::resend).
    pub async fn resend_one(
        &self,
        id: &str,
        endpoint: Option<&str>,
    ) -> Result<Option<usize>, Error> {
        let Some((found, _)) = self.get(id).await? else {
            return Ok(None);
        };
        self.deliver_again(vec![found], endpoint).await.map(Some)
    }

    async fn deliver_again(
        &self,
        events: Vec<Stored>,
        endpoint: Option<&str>,
    ) -> Result<usize, Error> {
        let known = self.endpoints().await?;
        if let Some(name) = endpoint
            && known
                .iter()
                .all(|endpoint| endpoint.name != name || !endpoint.configured)
        {
            let names: Vec<&str> = known
                .iter()
                .filter(|endpoint| endpoint.configured)
                .map(|endpoint| endpoint.name.as_str())
                .collect();
            return Err(Error::settings(format!(
                "there is no endpoint `{name}`; there are: {}",
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            )));
        }
        let (only, now) = (
            endpoint.map(str::to_owned),
            self.clock.now().as_millisecond(),
        );
        let count = self
            .write(move |transaction| {
                let endpoints = receivers(transaction)?;
                let mut count = 0;
                for Stored { seq, event } in &events {
                    for receiver in &endpoints {
                        let is_named = only.as_ref().is_some_and(|only| *only == receiver.name);
                        if is_named || only.is_none() && receiver.wants(event) {
                            transaction.execute(
                                "DELETE FROM deliveries WHERE endpoint = ?1 AND seq = ?2",
                                params![receiver.name, seq],
                            )?;
                            enqueue(transaction, receiver, *seq, event, now)?;
                            count += 1;
                        }
                    }
                }
                release_all(transaction, now)?;
                Ok(count)
            })
            .await?;
        self.added.notify_waiters();
        Ok(count)
    }

    /// Lists the endpoints, with how their deliveries stand: those of the settings, and those for which something is still kept.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read.
    pub async fn endpoints(&self) -> Result<Vec<EndpointStatus>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, target, active, failing_since, disabled_at,
                   coalesce(reason, iif(failing_since IS NULL, NULL, (SELECT error FROM deliveries
                     WHERE endpoint = name AND state = 'pending' AND error IS NOT NULL ORDER BY seq DESC LIMIT 1))),
                   (SELECT count(*) FROM deliveries WHERE endpoint = name AND state = 'pending'),
                   (SELECT count(*) FROM deliveries WHERE endpoint = name AND state = 'delivered'),
                   (SELECT count(*) FROM deliveries WHERE endpoint = name AND state = 'dead')
                 FROM endpoints
                 WHERE active OR EXISTS (SELECT 1 FROM deliveries WHERE endpoint = name AND state = 'pending')
                 ORDER BY name",
            )?;
            let rows = statement.query_map([], |row| {
                let count = |at| {
                    row.get(at)
                        .map(|count: i64| u64::try_from(count).unwrap_or(0))
                };
                Ok(EndpointStatus {
                    name: row.get(0)?,
                    target: row.get(1)?,
                    configured: row.get(2)?,
                    failing_since: time(row, 3)?,
                    disabled_at: time(row, 4)?,
                    reason: row.get(5)?,
                    pending: count(6)?,
                    delivered: count(7)?,
                    dead: count(8)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Lists the endpoints of the settings that are disabled or whose deliveries fail. It is cheap.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be read.
    pub async fn troubles(&self) -> Result<Vec<Trouble>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT name, disabled_at IS NOT NULL, coalesce(reason, (SELECT error FROM deliveries
                   WHERE endpoint = name AND state = 'pending' AND error IS NOT NULL ORDER BY seq DESC LIMIT 1), '')
                 FROM endpoints WHERE active AND (disabled_at IS NOT NULL OR failing_since IS NOT NULL) ORDER BY name",
            )?;
            let rows = statement.query_map([], |row| {
                Ok(Trouble {
                    endpoint: row.get(0)?,
                    is_disabled: row.get(1)?,
                    reason: row.get(2)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Delivers to a disabled endpoint again, first what has waited. `false` if there is no endpoint of this name.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be written.
    pub async fn enable(&self, name: &str) -> Result<bool, Error> {
        let (name, now) = (name.to_owned(), self.clock.now().as_millisecond());
        let found = self
            .write(move |transaction| {
                let sql = "UPDATE endpoints SET disabled_at = NULL, failing_since = NULL, reason = NULL WHERE name = ?1 AND active";
                let found = transaction.execute(sql, [name])? > 0;
                release_all(transaction, now)?;
                Ok(found)
            })
            .await?;
        self.added.notify_waiters();
        Ok(found)
    }

    /// Says that a program changed something of an account or an install, whose id it gives. It is looked at sooner.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be written.
    pub async fn touched(&self, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        self.write(move |transaction| {
            transaction
                .execute("INSERT OR IGNORE INTO touched (subject) VALUES (?1)", [id])
                .map(drop)
        })
        .await
    }

    /// Deletes events and finished deliveries that are older, except what is still to be delivered. Returns how many events.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the file cannot be written.
    pub async fn prune(&self, before: Timestamp) -> Result<usize, Error> {
        let now = self.clock.now().as_millisecond();
        self.write(move |transaction| {
            let old = transaction.execute(
                "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE at < ?1 AND NOT EXISTS (
                   SELECT 1 FROM deliveries JOIN endpoints ON name = endpoint
                   WHERE deliveries.seq = events.seq AND state = 'pending' AND active AND disabled_at IS NULL) LIMIT 10000)",
                [before.as_millisecond()],
            )?;
            if old > 0 {
                transaction.execute("DELETE FROM deliveries WHERE seq NOT IN (SELECT seq FROM events)", [])?;
                release_all(transaction, now)?;
            }
            // What was said more than a year ago may be said again.
            let year = before.as_millisecond() - 365 * 86_400_000;
            transaction.execute("DELETE FROM fired WHERE at < ?1", [year])?;
            Ok(old)
        })
        .await
    }
}

/// Who gets events.
pub(crate) struct Receiver {
    pub(crate) name: String,
    filter: Filter,
    ordered: bool,
}

impl Receiver {
    pub(crate) fn of(endpoint: &Endpoint) -> Self {
        Self {
            name: endpoint.name.clone(),
            filter: endpoint.filter.clone(),
            ordered: endpoint.ordered,
        }
    }

    /// A test is for all that want its type.
    fn wants(&self, event: &Event) -> bool {
        match event.is_test() {
            true => Filter::default()
                .types(self.filter.types.clone())
                .matches(event),
            false => self.filter.matches(event),
        }
    }
}

/// The endpoints that events are kept for: also those that are disabled, whose events wait.
fn receivers(connection: &Connection) -> rusqlite::Result<Vec<Receiver>> {
    let mut statement =
        connection.prepare_cached("SELECT name, filter, ordered FROM endpoints WHERE active")?;
    let rows = statement.query_map([], |row| {
        let filter: String = row.get(1)?;
        Ok(Receiver {
            name: row.get(0)?,
            filter: serde_json::from_str(&filter).unwrap_or_default(),
            ordered: row.get(2)?,
        })
    })?;
    rows.collect()
}

/// Adds events, with a delivery for each endpoint that wants them. An event whose id is there already is not added again. Returns how
/// many were added.
pub(crate) fn insert(transaction: &Transaction<'_>, drafts: Vec<Draft>) -> rusqlite::Result<usize> {
    if drafts.is_empty() {
        return Ok(0);
    }
    let receivers = receivers(transaction)?;
    let mut statement = transaction.prepare_cached(
        "INSERT OR IGNORE INTO events (id, type, subject, at, data) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut added = 0;
    for Draft { id, kind, at, data } in drafts {
        let event = Event {
            id,
            kind,
            timestamp: at,
            data,
        };
        let data = serde_json::to_string(&event.data).unwrap_or_default();
        if statement.execute(params![
            event.id,
            event.kind,
            event.subject(),
            at.as_millisecond(),
            data
        ])? == 0
        {
            continue;
        }
        added += 1;
        let seq = transaction.last_insert_rowid();
        for receiver in receivers.iter().filter(|receiver| receiver.wants(&event)) {
            enqueue(transaction, receiver, seq, &event, at.as_millisecond())?;
        }
    }
    Ok(added)
}

/// Adds a delivery. Behind a pending one of the same object it has no time yet.
pub(crate) fn enqueue(
    transaction: &Transaction<'_>,
    to: &Receiver,
    seq: i64,
    event: &Event,
    now: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO deliveries (endpoint, seq, subject, state, next_at) VALUES (?1, ?2, ?3, 'pending',
               CASE WHEN ?4 AND EXISTS (SELECT 1 FROM deliveries WHERE endpoint = ?1 AND subject = ?3 AND state = 'pending')
               THEN NULL ELSE ?5 END)",
        )?
        .execute(params![to.name, seq, event.subject(), to.ordered, now])?;
    Ok(())
}

/// Gives a time to each delivery that waits for an earlier one of its object, where there is no earlier one any more.
pub(crate) fn release_all(transaction: &Transaction<'_>, now: i64) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE deliveries SET next_at = ?1 WHERE state = 'pending' AND next_at IS NULL AND NOT EXISTS (
           SELECT 1 FROM deliveries AS earlier WHERE earlier.endpoint = deliveries.endpoint AND earlier.subject = deliveries.subject
           AND earlier.state = 'pending' AND earlier.seq < deliveries.seq)",
        [now],
    )?;
    Ok(())
}

/// What a look once saw is counted, so that an id is made once. Returns how often it was there before.
pub(crate) fn fire(
    transaction: &Transaction<'_>,
    id: &str,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached(
            "INSERT INTO fired (id, times, at) VALUES (?1, 0, ?2) ON CONFLICT (id) DO UPDATE SET times = times + 1, at = ?2 RETURNING times",
        )?
        .query_row(params![id.as_bytes(), now.as_millisecond()], |row| row.get(0))
}

/// The objects of a listing that the file knows, by id: of one account, if a listing of everything was asked for one account.
pub(crate) fn known(
    connection: &Connection,
    class: &str,
    subject: &str,
    account: Option<&str>,
) -> rusqlite::Result<HashMap<String, String>> {
    let mut known = HashMap::new();
    each_known(connection, class, subject, account, |id, body| {
        known.insert(id.to_owned(), body.to_owned());
    })?;
    Ok(known)
}

/// Hands over the same objects one by one, and keeps none.
pub(crate) fn each_known(
    connection: &Connection,
    class: &str,
    subject: &str,
    account: Option<&str>,
    mut take: impl FnMut(&str, &str),
) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("SELECT id, body FROM objects WHERE class = ?1 AND subject = ?2 AND (?3 IS NULL OR account = ?3)")?;
    let mut rows = statement.query(params![class, subject, account])?;
    while let Some(row) = rows.next()? {
        take(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
    }
    Ok(())
}

pub(crate) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let data: String = row.get(4)?;
    Ok(Stored {
        seq: row.get(0)?,
        event: Event {
            id: row.get(1)?,
            kind: row.get(2)?,
            timestamp: time(row, 3)?.unwrap_or_default(),
            data: serde_json::from_str(&data).unwrap_or_default(),
        },
    })
}

pub(crate) fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(at)?;
    Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
}
