//! The entry point.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use etcetera::BaseStrategy as _;
use futures_util::future;
use serde::Serialize;
use wpengine::{Client, jiff::Timestamp};

use crate::{
    Change, Class, Error, Observed, Rows, Sync,
    resolve::{Candidate, Kind},
    store::{self, FactRows, Facts, Store},
};

/// Everything that some credentials can see: accounts, sites and installs, in a mirror on this machine.
///
/// Cheap to clone. Several processes can use the same mirror at the same time.
#[derive(Clone, Debug)]
pub struct Fleet {
    client: Client,
    store: Store,
    state: PathBuf,
}

/// How many accounts, sites and installs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The number of accounts.
    pub accounts: usize,
    /// The number of sites.
    pub sites: usize,
    /// The number of installs.
    pub installs: usize,
}

/// The longest time that [`Fleet::sql`] runs by default.
const QUERY: Duration = Duration::from_secs(10);

impl Fleet {
    /// Opens the fleet of a client, with its files in the cache and the state folder of the user.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if a file cannot be opened.
    pub fn new(client: &Client) -> Result<Self, Error> {
        let folders = etcetera::choose_base_strategy().map_err(|error| Error::File {
            path: PathBuf::from("~"),
            source: error.into(),
        })?;
        let state = folders.state_dir().unwrap_or_else(|| folders.data_dir());
        Self::below(
            client,
            folders.cache_dir().join("wpengine"),
            state.join("wpengine"),
        )
    }

    /// Opens the fleet of a client below two folders that several users share, each with a folder of its own in them.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if a file cannot be opened.
    pub fn below(
        client: &Client,
        cache: impl AsRef<Path>,
        state: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        let name = folder_name(client);
        Self::open(
            client,
            cache.as_ref().join(&name),
            state.as_ref().join(&name),
        )
    }

    /// Whether [`below`](Self::below) would find a mirror in this folder. It creates nothing.
    #[must_use]
    pub fn is_below(client: &Client, cache: impl AsRef<Path>) -> bool {
        cache
            .as_ref()
            .join(folder_name(client))
            .join("mirror.db")
            .exists()
    }

    /// Opens the fleet of a client with its files in two folders of your own: the mirror, which may be deleted, and what
    /// cannot be read again.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if a file cannot be opened.
    pub fn open(
        client: &Client,
        cache: impl AsRef<Path>,
        state: impl AsRef<Path>,
    ) -> Result<Self, Error> {
        Ok(Self {
            client: client.clone(),
            store: Store::open(cache.as_ref(), state.as_ref())?,
            state: state.as_ref().join("state.db"),
        })
    }

    /// Returns the client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn state_folder(&self) -> &Path {
        self.state.parent().unwrap_or(Path::new("."))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// What the mirror has of these classes.
    pub(crate) async fn facts(&self, classes: &[Class]) -> Result<Facts, Error> {
        self.load(classes, None).await
    }

    /// The same, with the rows of these installs alone.
    pub(crate) async fn facts_of(
        &self,
        classes: &[Class],
        installs: Vec<String>,
    ) -> Result<Facts, Error> {
        self.load(classes, Some(installs)).await
    }

    /// First when each listing was read, so that nothing counts as read whose rows are not there yet: another process may be
    /// writing. Then the rest. Each is done in two parts at the same time, because of a large fleet they take a while.
    async fn load(&self, classes: &[Class], only: Option<Vec<String>>) -> Result<Facts, Error> {
        let reads = |classes: &[Class]| {
            let classes = classes.to_vec();
            self.store
                .read(move |connection| store::reads_of(connection, &classes))
        };
        let (one, other) = classes.split_at(classes.len() / 2);
        let (mut reads, others) = future::try_join(reads(one), reads(other)).await?;
        reads.extend(others);
        let of_rows = classes.to_vec();
        let frame = self
            .store
            .read(move |connection| Facts::with(connection, reads));
        let rows = self
            .store
            .read(move |connection| FactRows::load(connection, &of_rows, only.as_deref()));
        let (mut facts, rows) = future::try_join(frame, rows).await?;
        facts.rows = rows;
        Ok(facts)
    }

    /// Reads all accounts, sites and installs from the service into the mirror.
    ///
    /// This takes P(A) + P(S) + P(I) requests for A accounts, S sites and I installs, where P(n) = max(1, ⌈(n − 1) / 99⌉).
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be written. A listing that fails is a failure in the result, and its part of the
    /// mirror stays as it was.
    pub async fn snapshot(&self) -> Result<Observed<Snapshot>, Error> {
        let mut read = self.read_snapshot().await?;
        let (data, lost, as_of) = self
            .store
            .write(|transaction| {
                let count = |table| store::count(transaction, table);
                let data = Snapshot {
                    accounts: count(&store::ACCOUNTS)?,
                    sites: count(&store::SITES)?,
                    installs: count(&store::INSTALLS)?,
                };
                // What could not be read now is as old as it was.
                let mut as_of = None;
                for class in [Class::Accounts, Class::Sites, Class::Installs] {
                    let read_at = store::reads(transaction, class)?
                        .get("")
                        .and_then(|read| read.read_at);
                    as_of = as_of.min(read_at).or(as_of).or(read_at);
                }
                Ok((data, store::lost(transaction)?, as_of))
            })
            .await?;
        read.failures.extend(lost);
        Ok(Observed::new(data, as_of).with(read.failures, read.requests))
    }

    /// Creates a sync, which reads what is stale.
    pub fn sync(&self) -> Sync<'_> {
        Sync::new(self)
    }

    /// Runs one SQL query on the mirror, read-only and for 10 s at most. The state file is attached as `state`.
    ///
    /// # Errors
    ///
    /// [`Error::Query`] if SQLite refuses the query, if it would write, or if it takes too long.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// fleet.snapshot().await?;
    /// let rows = fleet.sql("SELECT php_version, count(*) FROM installs GROUP BY 1").await?;
    /// assert_eq!(rows.columns, ["php_version", "count(*)"]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn sql(&self, query: &str) -> Result<Rows, Error> {
        self.sql_within(query, QUERY).await
    }

    /// The same with another time limit.
    ///
    /// # Errors
    ///
    /// As of [`sql`](Self::sql).
    pub async fn sql_within(&self, query: &str, within: Duration) -> Result<Rows, Error> {
        let (mirror, state) = (self.store.mirror().to_owned(), self.state.clone());
        let query = query.to_owned();
        let done =
            tokio::task::spawn_blocking(move || store::query(&mirror, &state, &query, within));
        done.await
            .unwrap_or_else(|panic| Err(Error::Query(panic.to_string())))
    }

    /// Finds everything whose name, domain, tag, group or e-mail address contains a text of three letters or more.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn search(&self, text: &str) -> Result<Vec<Found>, Error> {
        let phrase = format!("\"{}\"", text.replace('"', "\"\""));
        self.store
            .read(move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT indexed.kind, indexed.id, indexed.words FROM search
                     JOIN indexed ON indexed.rowid = search.rowid
                     WHERE search MATCH ?1 ORDER BY rank LIMIT 100",
                )?;
                let rows = statement.query_map([phrase], |row| {
                    Ok(Found {
                        kind: row.get(0)?,
                        id: row.get(1)?,
                        words: row.get(2)?,
                    })
                })?;
                rows.collect()
            })
            .await
    }

    /// Returns what changed since a time, oldest first, as far as syncs saw it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the history cannot be read.
    pub async fn changes(&self, since: Timestamp) -> Result<Vec<Change>, Error> {
        self.store
            .read(move |connection| store::changes(connection, since))
            .await
    }

    /// Records the WordPress version and the plugins of an install, for programs that learn them in another way. The API does
    /// not list them.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the state file cannot be written.
    pub async fn record_versions(
        &self,
        install: &Candidate,
        wordpress: Option<&str>,
        plugins: &serde_json::Value,
    ) -> Result<(), Error> {
        debug_assert_eq!(install.kind, Kind::Install);
        let (id, wordpress) = (install.id.clone(), wordpress.map(str::to_owned));
        let plugins = plugins.to_string();
        self.store
            .write(move |transaction| {
                transaction.execute(
                    "INSERT OR REPLACE INTO state.versions (install_id, wordpress, plugins, recorded_at) VALUES (?1, ?2, ?3, ?4)",
                    rusqlite::params![id, wordpress, plugins, store::millis(Timestamp::now())],
                )?;
                Ok(())
            })
            .await
    }
}

/// A result of a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Found {
    /// The table: `installs`, `domains` and so on.
    pub kind: String,
    /// The id; for what belongs to an install or an account, the id of that, a slash and its own.
    pub id: String,
    /// The text in which it was found.
    pub words: String,
}

/// The name of the folder that [`Fleet::below`] uses: one for each origin and user.
#[must_use]
pub fn folder_name(client: &Client) -> String {
    let origin = client.base_url().split("://").last().unwrap_or_default();
    let origin: String = origin
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '.' {
                letter
            } else {
                '-'
            }
        })
        .collect();
    format!("{origin}-{:016x}", client.user_key())
}
