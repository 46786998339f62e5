//! Reading what is stale, the cheapest and production first.

use std::{
    collections::HashMap,
    fmt,
    marker::Sync as Sync_,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{
    future,
    stream::{self, StreamExt as _},
};
use serde::Serialize;
use tokio::sync::mpsc;
use wpengine::{Client, jiff::Timestamp};

use crate::{
    Candidate, Error, Failure, Fleet, Observed,
    class::{Class, Per, pages},
    read::{self, Item, Listing, Unread},
    store::{self, Facts, Seen, Table},
};

/// What something costs under the documented rate limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cost {
    /// How many requests it takes if none fails.
    pub requests: u64,
    /// The least time that takes: 100 requests a minute.
    pub least_time: Duration,
}

impl Cost {
    pub(crate) fn new(requests: u64) -> Self {
        let minutes = requests.saturating_sub(1) / 100;
        Self {
            requests,
            least_time: Duration::from_secs(60 * minutes),
        }
    }
}

/// A request to read from the service what the mirror does not have or has only old. Made by [`Fleet::sync`].
///
/// Every listing is written to the mirror as soon as it is read. A sync that is stopped, by its budget, by a crash or by a
/// rate limit, goes on where it was when it is run again.
#[derive(Clone)]
#[must_use = "a sync does nothing until it is run"]
pub struct Sync<'a> {
    fleet: &'a Fleet,
    classes: Vec<Class>,
    max_age: Duration,
    requests: u64,
    within: Duration,
    concurrency: usize,
    only: Option<Vec<String>>,
    tell: Option<Tell<'a>>,
}

/// Called after each listing.
pub(crate) type Tell<'a> = Arc<dyn Fn(&Progress<'_>) + Send + Sync_ + 'a>;

impl fmt::Debug for Sync<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sync")
            .field("classes", &self.classes)
            .field("max_age", &self.max_age)
            .field("requests", &self.requests)
            .field("within", &self.within)
            .field("concurrency", &self.concurrency)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

/// How far a sync is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// How many listings were read or tried.
    pub done: usize,
    /// How many there are, as far as that is known.
    pub all: usize,
    /// How many requests were sent.
    pub requests: u64,
    /// The last listing, such as `backups of install torquemag`.
    pub last: &'a str,
    /// Whether it could be read.
    pub is_read: bool,
}

/// What a sync did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Synced {
    /// How many listings were read.
    pub read: usize,
    /// How many listings are still to be read.
    pub remaining: usize,
    /// When the rate limit has room again, if it stopped the sync.
    pub retry_after: Option<Duration>,
}

/// One listing to read.
#[derive(Clone, Debug)]
struct Task {
    class: Class,
    subject: String,
    /// What failures call it.
    name: String,
    requests: u64,
}

impl<'a> Sync<'a> {
    pub(crate) fn new(fleet: &'a Fleet) -> Self {
        Self {
            fleet,
            classes: Class::ALL
                .into_iter()
                .filter(|class| !class.is_on_demand())
                .collect(),
            max_age: Duration::from_secs(24 * 3_600),
            requests: u64::MAX,
            within: Duration::MAX,
            concurrency: 8,
            only: None,
            tell: None,
        }
    }

    /// Reads only these classes; by default all but those [on demand](Class::is_on_demand). The accounts, sites and installs are
    /// always read, because everything else belongs to them.
    pub fn only(mut self, classes: impl IntoIterator<Item = Class>) -> Self {
        self.classes = classes.into_iter().collect();
        self
    }

    /// Reads only what these installs and accounts have themselves, besides the accounts, sites and installs.
    pub fn of<'c>(self, candidates: impl IntoIterator<Item = &'c Candidate>) -> Self {
        self.of_ids(candidates.into_iter().map(|candidate| candidate.id.clone()))
    }

    pub(crate) fn of_ids(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.only = Some(ids.into_iter().collect());
        self
    }

    /// Reads what is older than this; 24 hours by default. With zero, everything is read.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Reads no listing that would need more requests than this in all. Retries are not counted in advance, and a listing that was
    /// never read counts as one request. The accounts, sites and installs are read in any case if they are stale.
    pub fn requests(mut self, most: u64) -> Self {
        self.requests = most;
        self
    }

    /// Starts no listing after this time.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Calls this after each listing, for a display of the progress.
    pub fn tell(mut self, tell: impl Fn(&Progress<'_>) + Send + Sync_ + 'a) -> Self {
        self.tell = Some(Arc::new(tell));
        self
    }

    pub(crate) fn tell_to(mut self, tell: Option<Tell<'a>>) -> Self {
        self.tell = tell;
        self
    }

    /// How many listings are read at the same time; 8 by default.
    pub fn concurrency(mut self, listings: usize) -> Self {
        self.concurrency = listings.clamp(1, 64);
        self
    }

    /// Returns what the sync costs, without a request if the mirror knows the fleet. A listing that was never read counts as
    /// one request.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn plan(&self) -> Result<Cost, Error> {
        let global = self.stale_global().await?;
        let (tasks, ..) = self.tasks().await?;
        let requests = global.iter().chain(&tasks).map(|task| task.requests).sum();
        Ok(Cost::new(requests))
    }

    /// Reads what is stale.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be written. What the service refuses is a [`Failure`] in the result.
    pub async fn run(self) -> Result<Observed<Synced>, Error> {
        let (began, until) = (Timestamp::now(), Instant::now().checked_add(self.within));
        let mut synced = Synced::default();
        let (mut failures, mut requests) = (Vec::new(), 0);
        if !self.stale_global().await?.is_empty() {
            let snapshot = self.fleet.read_snapshot().await?;
            synced.read += 3 - snapshot.failures.len().min(3);
            requests += snapshot.requests;
            failures.extend(snapshot.failures);
        }
        let (tasks, as_of, lost) = self.tasks().await?;
        for failure in lost {
            if !failures.contains(&failure) {
                failures.push(failure);
            }
        }
        let all = tasks.len();
        let affordable = affordable(tasks, self.requests.saturating_sub(requests));
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = {
            let stop = Arc::clone(&stop);
            move || {
                stop.load(Ordering::Relaxed) || until.is_some_and(|until| Instant::now() >= until)
            }
        };
        let client = self.fleet.client().clone();
        let mut results = stream::iter(affordable.into_iter().take_while(|_| !is_over()))
            .map(|task| read_one(client.clone(), task))
            .buffer_unordered(self.concurrency);
        let mut tried = 0;
        while let Some((task, began, listing)) = results.next().await {
            tried += 1;
            requests += listing.requests;
            if let Some(wait) = listing.rows.as_ref().err().and_then(Unread::limited) {
                stop.store(true, Ordering::Relaxed);
                synced.retry_after = wait.max(synced.retry_after);
            }
            let name = task.name.clone();
            let failure = self.write(task, began, listing).await?;
            if let Some(tell) = &self.tell {
                tell(&Progress {
                    done: tried,
                    all,
                    requests,
                    last: &name,
                    is_read: failure.is_none(),
                });
            }
            match failure {
                None => synced.read += 1,
                Some(failure) => failures.push(failure),
            }
        }
        drop(results);
        synced.remaining = all - tried;
        let as_of = as_of.map_or(began, |as_of| as_of.min(began));
        let mut observed = Observed::new(synced, Some(as_of)).with(failures, requests);
        observed.complete &= observed.data.remaining == 0;
        Ok(observed)
    }

    /// Writes what was read of a listing, or why it could not be read.
    async fn write(
        &self,
        task: Task,
        began: Timestamp,
        listing: Listing,
    ) -> Result<Option<Failure>, Error> {
        self.fleet
            .store()
            .write(move |transaction| {
                // What another process has seen since then is not gone.
                let (class, subject, now) = (task.class, task.subject.as_str(), began);
                let rows = match listing.rows {
                    Ok(rows) => rows,
                    Err(unread) => {
                        let failure = unread.failure(task.name);
                        store::note_failure(transaction, class, subject, &failure, now)?;
                        return Ok(Some(failure));
                    }
                };
                match table(class) {
                    Some(table) => {
                        if !store::whole(transaction, table, subject, &rows, now)? {
                            let failure = Failure::unreadable(task.name);
                            store::note_failure(transaction, class, subject, &failure, now)?;
                            return Ok(Some(failure));
                        }
                    }
                    None => {
                        for row in &rows {
                            store::figures(transaction, class, subject, row, now)?;
                        }
                    }
                }
                store::note_read(transaction, class, subject, now)?;
                Ok(None)
            })
            .await
    }

    /// The global listings, if one of them is stale.
    async fn stale_global(&self) -> Result<Vec<Task>, Error> {
        let now = Timestamp::now();
        let oldest = now - age(self.max_age);
        self.fleet
            .store()
            .read(move |connection| {
                let mut tasks = Vec::new();
                for (class, table) in [
                    (Class::Accounts, &store::ACCOUNTS),
                    (Class::Sites, &store::SITES),
                    (Class::Installs, &store::INSTALLS),
                ] {
                    let items = store::counts(connection, table)?.into_values().sum();
                    let reads = store::reads(connection, class)?;
                    let is_stale = reads.get("").is_none_or(|read| !read.is_fresh(oldest, now));
                    tasks.push((
                        is_stale,
                        Task {
                            class,
                            subject: String::new(),
                            name: class.name().to_owned(),
                            requests: pages(items),
                        },
                    ));
                }
                if tasks.iter().any(|(is_stale, _)| *is_stale) {
                    return Ok(tasks.into_iter().map(|(_, task)| task).collect());
                }
                Ok(Vec::new())
            })
            .await
    }

    /// What else is stale, in the order in which it is read, when the oldest of the rest was read, and the lost accounts.
    async fn tasks(&self) -> Result<(Vec<Task>, Option<Timestamp>, Vec<Failure>), Error> {
        let now = Timestamp::now();
        let (classes, oldest) = (self.classes.clone(), now - age(self.max_age));
        let only = self.only.clone();
        self.fleet
            .store()
            .read(move |connection| {
                let facts = Facts::load(connection, &classes)?;
                let (mut tasks, mut again) = (Vec::new(), Vec::new());
                let mut as_of: Option<Timestamp> = None;
                for class in Class::ALL
                    .into_iter()
                    .filter(|class| classes.contains(class))
                {
                    let counts = match table(class) {
                        Some(table) => store::counts(connection, table)?,
                        None => HashMap::new(),
                    };
                    for (subject, name) in subjects(&facts, class) {
                        if only.as_ref().is_some_and(|only| !only.contains(&subject)) {
                            continue;
                        }
                        let read = facts.read(class, &subject);
                        if let Some(read_at) = read.read_at.filter(|_| read.is_fresh(oldest, now)) {
                            as_of = Some(as_of.map_or(read_at, |as_of| as_of.min(read_at)));
                            continue;
                        }
                        let task = Task {
                            requests: pages(counts.get(&subject).copied().unwrap_or(0)),
                            name: format!("{} of {name}", class.name()),
                            class,
                            subject,
                        };
                        // What failed last time comes last: with a budget, it must not keep others from their turn.
                        match read.failure {
                            None => tasks.push(task),
                            Some(_) => again.push(task),
                        }
                    }
                }
                tasks.extend(again);
                let lost = facts.lost().map(|(_, failure)| failure.clone()).collect();
                Ok((tasks, as_of, lost))
            })
            .await
    }
}

async fn read_one(client: Client, task: Task) -> (Task, Timestamp, Listing) {
    let began = Timestamp::now();
    let listing = read::listing(&client, task.class, &task.subject).await;
    (task, began, listing)
}

/// As many tasks as the budget pays for.
fn affordable(tasks: Vec<Task>, mut budget: u64) -> Vec<Task> {
    let mut kept = Vec::new();
    for task in tasks {
        let Some(rest) = budget.checked_sub(task.requests) else {
            // A smaller one may still fit.
            continue;
        };
        budget = rest;
        kept.push(task);
    }
    kept
}

/// What a class has a listing for: accounts, or installs with production first. Each with its name.
fn subjects(facts: &Facts, class: Class) -> Vec<(String, String)> {
    match class.per() {
        Per::Fleet => Vec::new(),
        Per::Account => facts
            .accounts
            .iter()
            .map(|account| (account.id.clone(), format!("account {}", account.name)))
            .collect(),
        Per::Install => {
            let mut installs: Vec<_> = facts.installs.iter().collect();
            installs.sort_by_key(|install| !install.is_production());
            installs
                .into_iter()
                .map(|install| (install.id.clone(), format!("install {}", install.name)))
                .collect()
        }
    }
}

pub(crate) fn table(class: Class) -> Option<&'static Table> {
    Some(match class {
        Class::Accounts => &store::ACCOUNTS,
        Class::Sites => &store::SITES,
        Class::Installs => &store::INSTALLS,
        Class::People => &store::PEOPLE,
        Class::Transfers => &store::TRANSFERS,
        Class::Certificates => &store::CERTIFICATES,
        Class::Backups => &store::BACKUPS,
        Class::Domains => &store::DOMAINS,
        Class::Limits | Class::Usage | Class::Details | Class::Offload => return None,
    })
}

/// An age that can be subtracted from any time.
fn age(age: Duration) -> wpengine::jiff::SignedDuration {
    let most = Duration::from_secs(10 * 365 * 24 * 3_600);
    age.min(most).try_into().unwrap_or_default()
}

impl Fleet {
    /// Writes a whole listing that another part of a program has read, so that it need not be read again for the mirror.
    ///
    /// Sites and installs of one account are added and updated only.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be written.
    pub async fn record(
        &self,
        class: Class,
        subject: &str,
        rows: Vec<Item>,
        began: Timestamp,
    ) -> Result<(), Error> {
        let subject = subject.to_owned();
        let write = move |transaction: &rusqlite::Transaction<'_>| {
            let Some(table) = table(class) else {
                for row in &rows {
                    store::figures(transaction, class, &subject, row, began)?;
                }
                return store::note_read(transaction, class, &subject, began);
            };
            if class.per() != Per::Fleet {
                return match store::whole(transaction, table, &subject, &rows, began)? {
                    true => store::note_read(transaction, class, &subject, began),
                    false => Ok(()),
                };
            }
            let heads = store::add(transaction, table, None, &rows, began)?;
            if subject.is_empty() && heads.len() == rows.len() {
                store::one_global(transaction, class, table, heads, began)?;
            }
            Ok(())
        };
        self.store().write(write).await
    }
}

/// How many pages may wait to be written.
const PAGES: usize = 32;

impl Fleet {
    /// Reads the three global listings, and writes each page as it comes.
    pub(crate) async fn read_snapshot(&self) -> Result<Observed<()>, Error> {
        let began = Timestamp::now();
        let (sender, receiver) = mpsc::channel(PAGES);
        let classes = [Class::Accounts, Class::Sites, Class::Installs];
        let readers = classes.map(|class| read::stream(self.client(), class, sender.clone()));
        drop(sender);
        let (read, seen) =
            future::join(future::join_all(readers), self.write_pages(receiver)).await;
        let seen = seen?;
        let mut requests = 0;
        let mut failures = seen.nameless();
        for (class, (read, took)) in classes.into_iter().zip(read) {
            requests += took;
            if let Err(unread) = read {
                failures.push((class, unread.failure(class.name().to_owned())));
            }
        }
        let kept = failures.clone();
        self.store()
            .write(move |transaction| store::snapshot(transaction, &seen, &kept, began))
            .await?;
        let failures = failures.into_iter().map(|(_, failure)| failure).collect();
        Ok(Observed::new((), Some(began)).with(failures, requests))
    }

    /// Writes pages while others are read, and as many at a time as are there.
    async fn write_pages(
        &self,
        mut pages: mpsc::Receiver<(Class, Vec<Item>)>,
    ) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        let mut waiting = Vec::new();
        while pages.recv_many(&mut waiting, PAGES).await > 0 {
            let batch = std::mem::take(&mut waiting);
            let now = Timestamp::now();
            let write = move |transaction: &rusqlite::Transaction<'_>| {
                let mut written = Vec::new();
                for (class, rows) in &batch {
                    if let Some(table) = table(*class) {
                        let heads = store::add(transaction, table, None, rows, now)?;
                        written.push((*class, rows.len(), heads));
                    }
                }
                Ok(written)
            };
            for (class, rows, heads) in self.store().write(write).await? {
                seen.note(class, rows, heads);
            }
        }
        Ok(seen)
    }
}
