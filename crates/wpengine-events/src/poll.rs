//! The poller: looks at everything, as often as the limits allow.

use std::{
    collections::{HashMap, HashSet},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::task::JoinSet;
use wpengine::{Client, jiff::Timestamp};
use wpengine_fleet::{Class, Fleet};

use crate::{
    Error, Events,
    commit::{Committed, Listed, Subject, listed},
    conditions::{Conditions, check},
    look::{Eyes, Failed, Looked, lost},
    schedule::{Next, Rate, Schedule},
    store::{Draft, insert},
};

/// How many looks may be under way at the same time.
const AT_ONCE: usize = 16;

/// How often the intervals are computed anew, and how often conditions of the clock are looked at, in seconds.
const BALANCE: f64 = 60.0;
const CONDITIONS: f64 = 600.0;

/// How often another process may have asked for something, in seconds.
const ASK: f64 = 5.0;

/// How often it is counted how many sites and installs there are, in seconds.
const COUNT: f64 = 60.0;

/// So many looks in a row that fail are no accident.
const IN_A_ROW: u32 = 3;

/// A class is lagging if something of it was not looked at for so many times the interval that is promised, and in time again below so many.
const LAGGING: f64 = 2.0;
const IN_TIME: f64 = 1.3;

/// The documented limits.
const ACCOUNT_PER_HOUR: f64 = 1_000.0;
const ADDRESS_PER_HOUR: f64 = 6_000.0;

/// Looks at the service, and writes down what changed.
///
/// The client should be a background client with few retries: then what people do comes first, and a listing that fails does not keep
/// others from their turn. A look that failed is tried again anyway. The poller paces itself at 80 % of what the documented limits allow.
/// The limiter of its client is the same as that of everything else with these credentials, so nothing goes beyond the limits together.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use wpengine_events::{Events, Poller};
///
/// let client = wpengine::Client::builder_from_env()?.background().retry(wpengine::RetryPolicy::default().max_attempts(3)).build()?;
/// let events = Events::open("events.db")?;
/// Poller::new(&client, &events).run(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a poller does nothing until it is run"]
pub struct Poller {
    eyes: Eyes,
    limits: (f64, f64),
    share: f64,
    longest: Duration,
    conditions: Conditions,
    retention: Duration,
    watch: Watch,
}

/// How a poller does, for whoever shows it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Watch(Arc<Mutex<PollerStatus>>);

impl Watch {
    /// How it does now.
    #[must_use]
    pub fn status(&self) -> PollerStatus {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change(&self, change: impl FnOnce(&mut PollerStatus)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// How a poller does.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct PollerStatus {
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When a look succeeded last.
    pub last_look: Option<Timestamp>,
    /// How many looks succeeded.
    pub looks: u64,
    /// How many failed.
    pub failures: u64,
    /// Since when every look has failed.
    pub failing_since: Option<Timestamp>,
    /// Why the last one that failed did so, and when.
    pub last_failure: Option<(Timestamp, String)>,
    /// How many requests were sent.
    pub requests: u64,
    /// How many requests may be sent in an hour.
    pub requests_per_hour: f64,
    /// How many changes were seen.
    pub changes: u64,
    /// How many listings there are to look at.
    pub listings: usize,
    /// The mean delay from a change until it was seen, in seconds, of about the last thousand; `None` before the first.
    pub delay: Option<f64>,
    /// The least mean delay that the known rates of changes and the limits allow, in seconds.
    pub best_delay: f64,
    /// The longest interval of each class that is promised, in seconds.
    pub promised: Vec<(String, f64)>,
    /// The classes that are late now.
    pub lagging: Vec<String>,
    /// The longest time that it took to write what a look showed, in seconds, without first looks.
    pub longest_commit: f64,
    /// The accounts of [`Poller::accounts`] that the API has never shown to these credentials.
    pub unknown_accounts: Vec<String>,
    /// Why the mirror could not be written, if so.
    pub mirror: Option<String>,
}

/// What is looked at: a listing, or how many rows one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// The place in the table of classes; from [`CLASSES`] on it is a count.
    class: usize,
    /// The place in the table of subjects; 0 is all.
    subject: usize,
}

const CLASSES: usize = Class::ALL.len();
const COUNTED: [Class; 2] = [Class::Sites, Class::Installs];

fn place(class: Class) -> usize {
    Class::ALL
        .iter()
        .position(|other| *other == class)
        .unwrap_or(0)
}

impl Poller {
    /// A poller of everything that the client can see.
    pub fn new(client: &Client, events: &Events) -> Self {
        Self {
            eyes: Eyes {
                client: client.clone(),
                events: events.clone(),
                mirror: None,
                accounts: Vec::new(),
                is_initial_loud: false,
            },
            limits: (ACCOUNT_PER_HOUR, ADDRESS_PER_HOUR),
            share: 0.8,
            longest: Duration::from_secs(24 * 3_600),
            conditions: Conditions::default(),
            retention: Duration::from_secs(30 * 24 * 3_600),
            watch: Watch::default(),
        }
    }

    /// Refreshes a mirror with what is read. The events do not depend on it.
    pub fn mirror(mut self, fleet: &Fleet) -> Self {
        self.eyes.mirror = Some(fleet.clone());
        self
    }

    /// Looks at these accounts only. So several machines can divide the accounts among them, each with a file of its own.
    pub fn accounts<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.eyes.accounts = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Makes events of everything that the first look at something shows. By default it makes none.
    pub fn initial_events(mut self) -> Self {
        self.eyes.is_initial_loud = true;
        self
    }

    /// Sets the share of the documented limits that may be used: 0.8 by default, 1 at most.
    pub fn share(mut self, share: f64) -> Self {
        self.share = share.clamp(0.01, 1.0);
        self
    }

    /// Sets the limits: how many requests an hour may be sent for each account, and in all. By default the documented ones, 1,000 and
    /// 6,000. A simulator has none.
    pub fn limits(mut self, per_account: u32, in_all: u32) -> Self {
        self.limits = (f64::from(per_account.max(1)), f64::from(in_all.max(1)));
        self
    }

    /// Sets the longest time that anything may go without a look, if the limits allow it: a day by default.
    pub fn longest_interval(mut self, longest: Duration) -> Self {
        self.longest = longest.max(Duration::from_secs(60));
        self
    }

    /// Sets when `backup.overdue` is said: so many days after the last completed backup, 2 by default.
    pub fn backup_days(mut self, days: u32) -> Self {
        self.conditions.backup_days = days;
        self
    }

    /// Sets when `certificate.expiring` is said: so many days before the end, each once. 30, 14, 7, 3 and 1 by default.
    pub fn certificate_days(mut self, days: impl IntoIterator<Item = u32>) -> Self {
        self.conditions.certificate_days = days.into_iter().collect();
        self
    }

    /// Sets when `usage.limit_near` is said: from so many percent of a limit on, each once, until the figure was
    /// well below it. 80, 95 and 100 by default.
    pub fn usage_percent(mut self, percent: impl IntoIterator<Item = u32>) -> Self {
        self.conditions.usage_percent = percent.into_iter().collect();
        self
    }

    /// Sets how long events are kept: 30 days by default. What is still to be delivered is kept longer.
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Returns what shows how it does.
    #[must_use]
    pub fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// Runs until `stop` is ready, and lets the looks that are under way end.
    ///
    /// # Errors
    ///
    /// [`Error::Taken`] if another process runs these events; [`Error::File`] if the file cannot be written any more.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let lock = self.eyes.events.lock()?;
        let run = self.run_locked(stop).await;
        drop(lock);
        run
    }

    pub(crate) async fn run_locked(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let mut run = Run::new(self).await?;
        let mut stop = std::pin::pin!(stop);
        let mut looks = JoinSet::new();
        loop {
            run.chores().await?;
            let mut wait = ASK;
            if looks.len() < AT_ONCE {
                match run.schedule.next(run.now()) {
                    Next::Wait(more) => wait = wait.min(more),
                    Next::Look(key) => {
                        looks.spawn(run.look(key));
                        continue;
                    }
                }
            }
            tokio::select! {
                () = &mut stop => break,
                Some(done) = looks.join_next() => run.done(done).await?,
                () = tokio::time::sleep(Duration::from_secs_f64(wait)) => {}
            }
        }
        while let Some(done) = looks.join_next().await {
            run.done(done).await?;
        }
        Ok(())
    }
}

/// What a task returns.
enum Done {
    Look(Key, Looked),
    Count(Key, Result<u64, Failed>, u64),
}

/// A poller that runs.
struct Run {
    poller: Poller,
    schedule: Schedule<Key>,
    subjects: Vec<String>,
    places: HashMap<String, usize>,
    accounts: HashMap<String, usize>,
    /// The subjects of each account.
    of_account: HashMap<String, HashSet<String>>,
    counts: HashMap<usize, u64>,
    failures: HashMap<Key, i32>,
    /// How many looks failed without one that succeeded, and since when.
    in_a_row: (u32, Option<Timestamp>),
    lagging: HashMap<usize, Timestamp>,
    delays: (f64, f64),
    now: f64,
    balanced: f64,
    checked: f64,
    asked: f64,
    pruned: f64,
}

impl Run {
    async fn new(poller: Poller) -> Result<Self, Error> {
        let now = seconds(poller.eyes.events.clock.now());
        let mut longest = vec![poller.longest.as_secs_f64(); CLASSES + COUNTED.len()];
        for class in &mut longest[CLASSES..] {
            *class = COUNT;
        }
        let schedule = Schedule::new(
            poller.limits.0 * poller.share,
            poller.limits.1 * poller.share,
            &longest,
            now,
            fastrand::u64(..),
        );
        let mut run = Self {
            schedule,
            subjects: vec![String::new()],
            places: HashMap::from([(String::new(), 0)]),
            accounts: HashMap::new(),
            of_account: HashMap::new(),
            counts: HashMap::new(),
            failures: HashMap::new(),
            in_a_row: (0, None),
            lagging: HashMap::new(),
            delays: (0.0, 0.0),
            now,
            balanced: f64::NEG_INFINITY,
            checked: now,
            asked: now,
            pruned: now,
            poller,
        };
        let (known, lost) = run
            .events()
            .read(|connection| Ok((listed(connection)?, lost(connection)?)))
            .await?;
        let scopes = match run.poller.eyes.accounts.as_slice() {
            [] => vec![String::new()],
            accounts => accounts.to_vec(),
        };
        let find = |class: Class, subject: &str| {
            known
                .iter()
                .find(|listed| listed.class == class.name() && listed.subject == subject)
        };
        run.add(Class::Accounts, "", None, find(Class::Accounts, ""), now);
        for class in COUNTED {
            for scope in &scopes {
                let account = (!scope.is_empty()).then_some(scope.as_str());
                run.add(class, scope, account, find(class, scope), now);
            }
            if run.poller.eyes.accounts.is_empty() {
                let counted = COUNTED
                    .iter()
                    .position(|other| *other == class)
                    .unwrap_or(0);
                run.schedule.add(
                    Key {
                        class: CLASSES + counted,
                        subject: 0,
                    },
                    0,
                    CLASSES + counted,
                    1.0,
                    Rate::default(),
                    None,
                    now,
                );
            }
        }
        for one in &known {
            let Some(class) = Class::ALL
                .iter()
                .find(|class| class.name() == one.class)
                .copied()
            else {
                continue;
            };
            let account = one.account.as_deref().unwrap_or_default();
            if matches!(class, Class::Accounts | Class::Sites | Class::Installs)
                || lost.contains(account)
                || !run.is_ours(account)
            {
                continue;
            }
            run.add(class, &one.subject, Some(account), Some(one), now);
        }
        run.poller
            .watch
            .change(|status| status.started_at = Timestamp::from_second(now as i64).ok());
        Ok(run)
    }

    fn events(&self) -> &Events {
        &self.poller.eyes.events
    }

    fn now(&self) -> f64 {
        seconds(self.events().clock.now())
    }

    fn is_ours(&self, account: &str) -> bool {
        let only = &self.poller.eyes.accounts;
        only.is_empty() || only.iter().any(|id| id == account)
    }

    fn key(&mut self, class: Class, subject: &str) -> Key {
        let next = self.subjects.len();
        let subject = *self.places.entry(subject.to_owned()).or_insert_with(|| {
            self.subjects.push(subject.to_owned());
            next
        });
        Key {
            class: place(class),
            subject,
        }
    }

    fn add(
        &mut self,
        class: Class,
        subject: &str,
        account: Option<&str>,
        listed: Option<&Listed>,
        now: f64,
    ) {
        let key = self.key(class, subject);
        let account = match account.filter(|id| !id.is_empty()) {
            None => 0,
            Some(id) => {
                self.of_account
                    .entry(id.to_owned())
                    .or_default()
                    .insert(subject.to_owned());
                match self.accounts.get(id) {
                    Some(place) => *place,
                    None => {
                        let place = self.schedule.account(now);
                        self.accounts.insert(id.to_owned(), place);
                        place
                    }
                }
            }
        };
        let rate = listed.map_or(Rate::default(), |listed| listed.rate);
        // A time to come is of a clock that was wrong.
        let looked = listed.and_then(|listed| listed.began);
        let looked = looked.map(|began| seconds(began).min(now));
        // Pages of 100 overlap by one row.
        let price = listed.map_or(1.0, |listed| {
            listed.objects.saturating_sub(1).div_ceil(99).max(1) as f64
        });
        self.schedule
            .add(key, account, key.class, price, rate, looked, now);
    }

    fn add_subject(&mut self, subject: &Subject, now: f64) {
        for class in subject.classes() {
            self.add(*class, &subject.id, Some(&subject.account), None, now);
        }
    }

    fn remove_subject(&mut self, id: &str) {
        if let Some(subject) = self.places.get(id).copied() {
            for class in 0..CLASSES {
                // With divided accounts, their sites and installs are looked at under the id of the account.
                if !COUNTED.contains(&Class::ALL[class]) {
                    self.schedule.remove(Key { class, subject });
                }
            }
        }
    }

    /// What is done now and then.
    async fn chores(&mut self) -> Result<(), Error> {
        let now = self.now();
        if now < self.now - 1.0 {
            let by = self.now - now;
            self.schedule.set_back(by);
            for time in [
                &mut self.balanced,
                &mut self.asked,
                &mut self.checked,
                &mut self.pruned,
            ] {
                *time -= by;
            }
        }
        self.now = now;
        if now - self.balanced >= BALANCE {
            self.balanced = now;
            self.schedule.balance(now);
            self.tell(now).await?;
        }
        if now - self.asked >= ASK {
            self.asked = now;
            self.drain_touched().await?;
        }
        if now - self.checked >= CONDITIONS {
            self.checked = now;
            self.check_conditions().await?;
        }
        if now - self.pruned >= 3_600.0 {
            self.pruned = now;
            let kept = wpengine::jiff::SignedDuration::try_from(self.poller.retention);
            let kept = kept.unwrap_or(wpengine::jiff::SignedDuration::MAX);
            let before = self
                .events()
                .clock
                .now()
                .checked_sub(kept)
                .unwrap_or(Timestamp::MIN);
            self.events().prune(before).await?;
        }
        Ok(())
    }

    async fn check_conditions(&self) -> Result<(), Error> {
        let (conditions, now) = (self.poller.conditions.clone(), self.events().clock.now());
        let added = self
            .events()
            .write(move |transaction| check(transaction, &conditions, now))
            .await?;
        if added > 0 {
            self.events().added.notify_waiters();
        }
        Ok(())
    }

    /// Things that other programs have changed are looked at soon.
    async fn drain_touched(&mut self) -> Result<(), Error> {
        let some = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached("SELECT subject FROM touched")?;
            statement
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()
        };
        let touched = self.events().read(some).await?;
        if touched.is_empty() {
            return Ok(());
        }
        let take = |transaction: &rusqlite::Transaction<'_>| {
            let mut statement =
                transaction.prepare_cached("DELETE FROM touched RETURNING subject")?;
            statement
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()
        };
        for id in self.events().write(take).await? {
            self.raise(&id);
            self.hurry_lists(self.now());
        }
        Ok(())
    }

    /// The lists of sites and installs are looked at now.
    fn hurry_lists(&mut self, now: f64) {
        let scopes = match self.poller.eyes.accounts.as_slice() {
            [] => vec![String::new()],
            accounts => accounts.to_vec(),
        };
        for scope in scopes {
            for class in COUNTED {
                let key = self.key(class, &scope);
                self.schedule.hurry(key, now);
            }
        }
    }

    /// All listings of something are taken for ones that change.
    fn raise(&mut self, id: &str) {
        let Some(subject) = self.places.get(id).copied() else {
            return;
        };
        for class in 0..CLASSES {
            let key = Key { class, subject };
            self.schedule.raise(key);
            let now = self.now();
            let time = self.schedule.spread(now, 10.0);
            self.schedule.hurry(key, time);
        }
    }

    /// Says how it does, and what is late.
    async fn tell(&mut self, now: f64) -> Result<(), Error> {
        let name = |class: usize| Class::ALL.get(class).map(|class| class.name().to_owned());
        let promised: Vec<(String, f64)> = self
            .schedule
            .promised()
            .into_iter()
            .enumerate()
            .filter_map(|(class, seconds)| Some((name(class)?, seconds)))
            .filter(|(_, seconds)| *seconds > 0.0)
            .collect();
        let mut drafts = Vec::new();
        for (class, late) in self.schedule.lateness(now).into_iter().enumerate() {
            let Some(name) = name(class) else {
                continue;
            };
            if late > LAGGING && !self.lagging.contains_key(&class) {
                let at = self.events().clock.now();
                self.lagging.insert(class, at);
                let promise = promised
                    .iter()
                    .find(|(other, _)| *other == name)
                    .map_or(0.0, |(_, seconds)| *seconds);
                let failure = self
                    .poller
                    .watch
                    .status()
                    .last_failure
                    .map(|(_, text)| text);
                let data = serde_json::json!({
                    "subject": format!("poller/{name}"),
                    "object": {
                        "class": name,
                        "promised_seconds": promise.round(),
                        "intervals": (late * 10.0).round() / 10.0,
                        "last_failure": failure,
                    },
                    "observed_at": at.to_string(),
                });
                let serde_json::Value::Object(data) = data else {
                    continue;
                };
                let id = crate::event::id(&["poller.lagging", &name, &at.to_string()]);
                drafts.push(Draft {
                    id,
                    kind: "poller.lagging".to_owned(),
                    at,
                    data,
                });
            } else if late < IN_TIME {
                self.lagging.remove(&class);
            }
        }
        if !drafts.is_empty() {
            self.events()
                .write(|transaction| insert(transaction, drafts))
                .await?;
            self.events().added.notify_waiters();
        }
        let lagging: Vec<String> = self
            .lagging
            .keys()
            .filter_map(|class| name(*class))
            .collect();
        let (best, listings, limit) = (
            self.schedule.best(),
            self.schedule.len(),
            self.schedule.per_hour(),
        );
        self.poller.watch.change(|status| {
            status.best_delay = best;
            status.listings = listings;
            status.requests_per_hour = limit;
            status.promised = promised;
            status.lagging = lagging;
        });
        Ok(())
    }

    /// The look at something, as a task.
    fn look(&self, key: Key) -> impl Future<Output = Done> + Send + 'static {
        let eyes = self.poller.eyes.clone();
        let subject = self.subjects[key.subject].clone();
        async move {
            match Class::ALL.get(key.class) {
                Some(class) => Done::Look(key, eyes.look(*class, &subject).await),
                None => {
                    let (count, requests) = eyes.count(COUNTED[key.class - CLASSES]).await;
                    Done::Count(key, count, requests)
                }
            }
        }
    }

    async fn done(&mut self, done: Result<Done, tokio::task::JoinError>) -> Result<(), Error> {
        let now = self.now();
        match done {
            Err(panic) => Err(Error::settings(format!(
                "a look ended in a way that it should not: {panic}"
            ))),
            Ok(Done::Count(key, count, requests)) => {
                self.counted(requests);
                match count {
                    Err(failed) => {
                        // A count has no object that could be gone.
                        let failed = Failed {
                            is_refused: false,
                            ..failed
                        };
                        self.failed(key, requests, &failed, now)
                    }
                    Ok(count) => {
                        self.failures.remove(&key);
                        self.in_a_row = (0, None);
                        self.poller
                            .watch
                            .change(|status| status.failing_since = None);
                        self.schedule.done(key, requests, 0, false, now);
                        let class = COUNTED[key.class - CLASSES];
                        if self
                            .counts
                            .insert(key.class, count)
                            .is_some_and(|before| before != count)
                        {
                            let list = self.key(class, "");
                            self.schedule.hurry(list, now);
                        }
                        Ok(())
                    }
                }
            }
            Ok(Done::Look(key, looked)) => {
                self.counted(looked.requests);
                let mirror = looked.mirror.clone();
                self.poller.watch.change(|status| {
                    status.mirror = mirror;
                    if let Some(unknown) = looked.unknown {
                        status.unknown_accounts = unknown;
                    }
                });
                if !looked.lost.is_empty() {
                    // It says when they are shown again.
                    let list = self.key(Class::Accounts, "");
                    self.schedule.hurry(list, now + 60.0);
                }
                for account in &looked.lost {
                    for id in self.of_account.get(account).cloned().unwrap_or_default() {
                        self.remove_subject(&id);
                    }
                    self.remove_subject(account);
                }
                for account in &looked.restored {
                    self.restore(account, now).await?;
                }
                match looked.result {
                    Ok(committed) => self.committed(key, looked.requests, committed, now),
                    Err(failed) => self.failed(key, looked.requests, &failed, now)?,
                }
                Ok(())
            }
        }
    }

    fn counted(&self, requests: u64) {
        self.poller
            .watch
            .change(|status| status.requests += requests);
    }

    fn committed(&mut self, key: Key, requests: u64, committed: Committed, now: f64) {
        self.failures.remove(&key);
        self.in_a_row = (0, None);
        self.schedule.done(
            key,
            requests,
            committed.changes,
            committed.is_in_flight,
            now,
        );
        for id in &committed.removed {
            for ids in self.of_account.values_mut() {
                ids.remove(id);
            }
            self.remove_subject(id);
        }
        for subject in &committed.added {
            self.add_subject(subject, now);
        }
        // What changed may have changed in other ways, too.
        if Class::ALL[key.class] == Class::Installs {
            for id in committed
                .changed
                .iter()
                .filter(|id| committed.added.iter().all(|added| added.id != **id))
            {
                self.raise(id);
            }
        }
        let (sum, weight) = &mut self.delays;
        for delay in &committed.delays {
            *sum = *sum * 0.999 + delay;
            *weight = *weight * 0.999 + 1.0;
        }
        let delay = (*weight > 0.0).then(|| *sum / *weight);
        let at = self.events().clock.now();
        let listings = self.schedule.len();
        self.poller.watch.change(|status| {
            status.listings = listings;
            if !committed.is_first {
                status.longest_commit = status.longest_commit.max(committed.took.as_secs_f64());
            }
            status.looks += 1;
            status.last_look = Some(at);
            status.failing_since = None;
            status.changes += u64::from(committed.changes);
            status.delay = delay;
        });
    }

    /// Looks again at what belongs to an account that is shown again.
    async fn restore(&mut self, account: &str, now: f64) -> Result<(), Error> {
        let known = self.events().read(listed).await?;
        for one in known
            .iter()
            .filter(|one| one.account.as_deref() == Some(account))
        {
            if let Some(class) = Class::ALL.iter().find(|class| class.name() == one.class) {
                self.add(*class, &one.subject, Some(account), Some(one), now);
            }
        }
        Ok(())
    }

    fn failed(&mut self, key: Key, requests: u64, failed: &Failed, now: f64) -> Result<(), Error> {
        /// A look that is refused is not wanted again for so long, in seconds.
        const REFUSED: f64 = 900.0;

        if failed.is_of_file {
            return Err(Error::file(self.events().path(), failed.text.clone()));
        }
        let at = self.events().clock.now();
        // An answer that refuses is an answer, and a limit is no fault.
        if failed.is_of_all || !failed.is_refused && failed.limited.is_none() {
            self.in_a_row.0 += 1;
            self.in_a_row.1.get_or_insert(at);
        }
        let (times, since) = self.in_a_row;
        let failing_since = since.filter(|_| times >= IN_A_ROW);
        self.poller.watch.change(|status| {
            status.failures += 1;
            status.failing_since = failing_since;
            status.last_failure = Some((at, failed.text.clone()));
        });
        if failed.is_of_all {
            // Every other look would fail, too.
            let all = self.key(Class::Accounts, "");
            self.schedule.pause(all, now + 60.0, now);
        }
        if let Some(wait) = failed.limited {
            let wait = wait
                .map_or(60.0, |wait| wait.as_secs_f64())
                .clamp(1.0, 3_600.0);
            self.schedule.pause(key, now + wait, now);
        }
        let times = self.failures.entry(key).or_default();
        let is_first = *times == 0;
        *times = (*times + 1).min(8);
        let wait = match failed.is_refused {
            true => REFUSED,
            // A minute, then doubling up to a quarter of an hour.
            false => (30.0 * 2.0_f64.powi(*times)).min(900.0),
        };
        self.schedule
            .failed(key, requests, wait, failed.is_refused, now);
        // What is refused of an install may be gone with it.
        let is_of_install = Class::ALL.get(key.class).is_some_and(|class| {
            matches!(
                class,
                Class::Certificates | Class::Backups | Class::Domains | Class::Details
            )
        });
        if failed.is_refused && is_of_install && is_first {
            self.hurry_lists(now);
        }
        Ok(())
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1_000.0
}
