//! When to look at what.
//!
//! A look costs requests, and shows changes that come at some rate. With R requests an hour, the mean time until a change is seen is
//! least if each thing is looked at every Tᵢ = √(qᵢ/wᵢ) · Σⱼ√(qⱼwⱼ) / R hours, where q is its price and w its rate of changes. What is
//! due first is looked at first, as fast as R allows; to use all of R, things are due a little before their interval is over.
//!
//! Rates are learnt from what looks show, beginning with the rate of all things of their class. What is about to change is looked at
//! early, for which a share of the requests is kept.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
};

/// A number that can be ordered; there is no NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Number(f64);

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// How many changes were seen in how many hours. What is long ago counts less.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rate {
    pub(crate) changes: f64,
    pub(crate) hours: f64,
}

/// After so many hours a change counts a third: a month.
const MEMORY: f64 = 30.0 * 24.0;

impl Rate {
    pub(crate) fn observe(&mut self, changes: u32, hours: f64) {
        let hours = hours.max(0.0);
        let kept = (-hours / MEMORY).exp();
        self.changes = self.changes * kept + f64::from(changes);
        self.hours = self.hours * kept + hours;
    }
}

/// At least so many seconds lie between two looks at the same thing.
pub(crate) const LEAST: f64 = 30.0;

/// The share of its interval after which something is due: more is due than can be done, so nothing of the limit is left unused.
const EARLY_BY: f64 = 0.9;

/// The share of the requests that may go to what is about to change.
const IN_FLIGHT: f64 = 0.3;

/// Nothing shorter is promised, in seconds: a single look may take so long.
const SHORTEST: f64 = 180.0;

/// How much shorter a promise can become from one balance to the next: half in about two hours.
const SHRINK: f64 = 0.995;

/// What is about to change is looked at after this share of the time for which it has been.
const PATIENCE: f64 = 0.1;

/// The share of the requests that may be spent on keeping the promised longest intervals, beyond what is best on average.
const PROMISE: f64 = 0.08;

const MINUTE: f64 = 60.0;

/// A thing that is looked at.
#[derive(Clone, Debug)]
struct Thing<K> {
    key: K,
    /// Its account in the table; 0 is none: it covers all.
    account: usize,
    class: usize,
    price: f64,
    rate: Rate,
    /// When it was looked at, in seconds.
    looked: Option<f64>,
    /// When a look at it failed, if the last one did.
    failed: Option<f64>,
    /// When it was added.
    added: f64,
    /// Not before that time.
    not_before: f64,
    /// Entries of the queues with another version are void.
    version: u32,
    running: bool,
    removed: bool,
    /// Whether the last look at it was refused.
    is_refused: bool,
    /// The time of an early look, if one is wanted.
    early: Option<f64>,
    in_flight_since: Option<f64>,
}

/// Requests that may be sent, refilled over time.
#[derive(Clone, Debug)]
struct Bucket {
    per_second: f64,
    left: f64,
    at: f64,
}

/// The most requests that a bucket collects.
const BURST: f64 = 5.0;

/// What a bucket begins with, so that a small fleet is seen at once. The share of the limits that is left to people has room for it.
const FIRST: f64 = 40.0;

impl Bucket {
    fn new(per_hour: f64, at: f64) -> Self {
        Self {
            per_second: per_hour / 3_600.0,
            left: FIRST,
            at,
        }
    }

    fn refill(&mut self, now: f64) {
        let more = self.per_second * (now - self.at).max(0.0);
        self.left = (self.left + more).min(BURST.max(self.left));
        self.at = self.at.max(now);
    }

    /// The seconds until there is one.
    fn wait(&self) -> f64 {
        if self.left > 0.0 {
            0.0
        } else {
            (1e-6 - self.left) / self.per_second
        }
    }
}

type Queue = BinaryHeap<Reverse<(Number, usize, u32)>>;

/// The things of one account in the order in which they are due, and its requests.
#[derive(Clone, Debug)]
struct Account {
    bucket: Option<Bucket>,
    /// The share of its requests for early looks, and what is to be looked at early.
    in_flight: Bucket,
    early: Queue,
    queue: Queue,
    /// Σ√(qw)/R of the things that it pays for, in hours.
    sum: f64,
}

/// What a class of things has in common.
#[derive(Clone, Debug)]
struct Class {
    changes: f64,
    hours: f64,
    /// The longest interval that is wanted, and the one that can be kept, in seconds.
    wanted: f64,
    most: f64,
    /// What was promised, in seconds.
    promised: f64,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next<K> {
    /// Look at this.
    Look(K),
    /// There is nothing to do for so many seconds.
    Wait(f64),
}

/// Which thing is looked at when. Times are in seconds, from any beginning.
#[derive(Clone, Debug)]
pub(crate) struct Schedule<K> {
    things: Vec<Thing<K>>,
    index: HashMap<K, usize>,
    accounts: Vec<Account>,
    classes: Vec<Class>,
    address: Bucket,
    /// The requests that went to early looks since the last balance, and when that was.
    early_used: (f64, f64),
    paused_until: f64,
    per_account: f64,
    random: fastrand::Rng,
}

impl<K: Copy + Eq + std::hash::Hash> Schedule<K> {
    /// A schedule that sends at most so many requests an hour for each account, and in all. `most` are the longest intervals of the classes
    /// that are wanted, in seconds.
    pub(crate) fn new(per_account: f64, in_all: f64, most: &[f64], now: f64, seed: u64) -> Self {
        let class = |most: &f64| Class {
            changes: 0.0,
            hours: 0.0,
            wanted: *most,
            most: *most,
            promised: 0.0,
        };
        let mut this = Self {
            things: Vec::new(),
            index: HashMap::new(),
            accounts: Vec::new(),
            classes: most.iter().map(class).collect(),
            address: Bucket::new(in_all, now),
            early_used: (0.0, now),
            paused_until: now,
            per_account,
            random: fastrand::Rng::with_seed(seed),
        };
        // What covers all accounts is paid by each of them.
        let early = Bucket::new(per_account.min(in_all) * IN_FLIGHT, now);
        this.add_account(None, early);
        this
    }

    /// Adds an account, and returns its place in the table.
    pub(crate) fn account(&mut self, now: f64) -> usize {
        let early = Bucket::new(self.per_account * IN_FLIGHT, now);
        self.add_account(Some(Bucket::new(self.per_account, now)), early)
    }

    fn add_account(&mut self, bucket: Option<Bucket>, in_flight: Bucket) -> usize {
        self.accounts.push(Account {
            bucket,
            in_flight,
            early: Queue::new(),
            queue: Queue::new(),
            sum: 0.0,
        });
        self.accounts.len() - 1
    }

    /// How many requests an hour can be sent in all.
    pub(crate) fn per_hour(&self) -> f64 {
        let accounts = (self.accounts.len() - 1).max(1);
        (self.per_account * accounts as f64).min(self.address.per_second * 3_600.0)
    }

    /// Adds a thing that was looked at at some time. What was never looked at is next. [`balance`](Self::balance) is to be called when
    /// all are there.
    #[allow(clippy::too_many_arguments, reason = "they are what a thing is")]
    pub(crate) fn add(
        &mut self,
        key: K,
        account: usize,
        class: usize,
        price: f64,
        rate: Rate,
        looked: Option<f64>,
        now: f64,
    ) {
        if self.index.contains_key(&key) {
            return;
        }
        let at = self.things.len();
        self.classes[class].changes += rate.changes;
        self.classes[class].hours += rate.hours;
        self.things.push(Thing {
            key,
            account,
            class,
            price: price.max(1.0),
            rate,
            looked,
            failed: None,
            added: now,
            not_before: now,
            version: 0,
            running: false,
            removed: false,
            is_refused: false,
            early: None,
            in_flight_since: None,
        });
        self.index.insert(key, at);
        self.queue(at);
    }

    /// Removes a thing.
    pub(crate) fn remove(&mut self, key: K) {
        if let Some(at) = self.index.remove(&key) {
            let thing = &mut self.things[at];
            thing.removed = true;
            thing.version += 1;
            let class = &mut self.classes[thing.class];
            class.changes -= thing.rate.changes;
            class.hours -= thing.rate.hours;
        }
    }

    /// How many things there are.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// The changes an hour that are expected of a thing. So long as little is known of it, it is taken for one like the others.
    fn weight(&self, thing: &Thing<K>) -> f64 {
        /// What is known of others counts as much as half a change of its own.
        const DOUBT: f64 = 0.5;
        let class = &self.classes[thing.class];
        // Before anything was seen: one change in a month.
        let usual = (class.changes.max(0.0) + 1.0) / (class.hours.max(0.0) + MEMORY);
        (thing.rate.changes + DOUBT) / (thing.rate.hours + DOUBT / usual)
    }

    /// √(qw), which is what a thing adds to the sum.
    fn root(&self, thing: &Thing<K>) -> f64 {
        (thing.price * self.weight(thing)).sqrt()
    }

    /// How long it is from one look to the next, in seconds.
    fn interval(&self, thing: &Thing<K>) -> f64 {
        let best = thing.price / self.root(thing) * self.accounts[thing.account].sum * 3_600.0;
        best.min(self.classes[thing.class].most).max(LEAST)
    }

    fn queue(&mut self, at: usize) {
        let thing = &self.things[at];
        if thing.removed || thing.running {
            return;
        }
        // One that fails has its turn like the others; that it is tried sooner is paid by the share for early looks.
        let due = thing
            .failed
            .or(thing.looked)
            .map_or(0.0, |tried| tried + EARLY_BY * self.interval(thing));
        let due = due.max(thing.not_before);
        let thing = &mut self.things[at];
        thing.version += 1;
        if let Some(early) = thing.early {
            // Never sooner than it may be.
            let early = early.max(thing.not_before);
            let entry = Reverse((Number(early), at, thing.version));
            self.accounts[thing.account].early.push(entry);
        }
        let entry = Reverse((Number(due), at, thing.version));
        self.accounts[thing.account].queue.push(entry);
    }

    /// Says what to do next. What it says to look at is under way until [`done`](Self::done) or [`failed`](Self::failed).
    pub(crate) fn next(&mut self, now: f64) -> Next<K> {
        if now < self.paused_until {
            return Next::Wait(self.paused_until - now);
        }
        self.address.refill(now);
        for account in &mut self.accounts {
            account.in_flight.refill(now);
            if let Some(bucket) = &mut account.bucket {
                bucket.refill(now);
            }
        }
        if self.address.wait() > 0.0 {
            return Next::Wait(self.address.wait());
        }
        let mut wait = 60.0_f64;
        if let Some(at) = self.next_early(now, &mut wait) {
            return Next::Look(self.begin(at));
        }
        let of_all = self.wait_of_all();
        let mut first: Option<(f64, usize)> = None;
        for account in &mut self.accounts {
            let Some((due, at)) = head(&mut account.queue, &self.things) else {
                continue;
            };
            let bucket = account.bucket.as_ref().map_or(of_all, Bucket::wait);
            let left = (due - now).max(bucket);
            if left > 0.0 {
                wait = wait.min(left);
            } else if first.is_none_or(|(first, _)| due < first) {
                first = Some((due, at));
            }
        }
        match first {
            Some((_, at)) => Next::Look(self.begin(at)),
            None => Next::Wait(wait.max(0.001)),
        }
    }

    /// The seconds until the accounts together have a request for what covers all of them.
    fn wait_of_all(&self) -> f64 {
        let buckets = self
            .accounts
            .iter()
            .filter_map(|account| account.bucket.as_ref());
        let (left, count) = buckets.fold((0.0, 0.0), |(left, count), bucket| {
            (left + bucket.left, count + 1.0)
        });
        if left >= 0.0 {
            0.0
        } else {
            -left / count / (self.per_account / 3_600.0)
        }
    }

    /// What is to be looked at early, if its time has come and the share of the requests for that is not used up. A list of everything is
    /// worth a debt: it is looked at early because something of it has changed.
    fn next_early(&mut self, now: f64, wait: &mut f64) -> Option<usize> {
        let mut first: Option<(f64, usize)> = None;
        for account in &mut self.accounts {
            let Some((due, at)) = head(&mut account.early, &self.things) else {
                continue;
            };
            let bucket = account.bucket.as_ref().map_or(0.0, Bucket::wait);
            let left = (due - now).max(account.in_flight.wait()).max(bucket);
            if left > 0.0 {
                *wait = wait.min(left);
            } else if first.is_none_or(|(first, _)| due < first) {
                first = Some((due, at));
            }
        }
        let (_, at) = first?;
        let thing = &self.things[at];
        self.accounts[thing.account].in_flight.left -= thing.price;
        self.early_used.0 += thing.price;
        Some(at)
    }

    fn begin(&mut self, at: usize) -> K {
        let thing = &mut self.things[at];
        thing.version += 1;
        thing.running = true;
        thing.early = None;
        let (account, price, key) = (thing.account, thing.price, thing.key);
        self.pay(account, price);
        key
    }

    /// What covers all accounts is charged to all: which one it counts for is not known.
    fn pay(&mut self, account: usize, requests: f64) {
        self.address.left -= requests;
        for (place, other) in self.accounts.iter_mut().enumerate() {
            if let Some(bucket) = &mut other.bucket
                && (account == 0 || account == place)
            {
                bucket.left -= requests;
            }
        }
    }

    /// Ends a look that took so many requests and showed so many changes. Something of it may be about to change.
    pub(crate) fn done(
        &mut self,
        key: K,
        requests: u64,
        changes: u32,
        is_in_flight: bool,
        now: f64,
    ) {
        let Some(&at) = self.index.get(&key) else {
            return;
        };
        let thing = &mut self.things[at];
        let before = thing.rate;
        if let Some(looked) = thing.looked {
            thing.rate.observe(changes, (now - looked) / 3_600.0);
        }
        let class = &mut self.classes[thing.class];
        class.changes += thing.rate.changes - before.changes;
        class.hours += thing.rate.hours - before.hours;
        thing.looked = Some(now);
        thing.failed = None;
        thing.is_refused = false;
        thing.not_before = now + LEAST;
        thing.in_flight_since = match thing.in_flight_since {
            Some(since) if is_in_flight && changes == 0 => Some(since),
            _ => is_in_flight.then_some(now),
        };
        // Down to once in an hour, if nothing happens.
        let pause = |since: f64| ((now - since) * PATIENCE).clamp(LEAST, 3_600.0);
        let soon = thing.in_flight_since.map(|since| now + pause(since));
        // What was asked for while this look was under way is still to be done.
        thing.early = match (thing.early, soon) {
            (Some(early), Some(soon)) => Some(early.min(soon)),
            (early, soon) => early.or(soon),
        };
        self.end(at, requests);
        self.things[at].price = self.learnt(at, requests);
    }

    /// The price of a thing that has just cost so many requests.
    fn learnt(&self, at: usize, requests: u64) -> f64 {
        (self.things[at].price * 0.5 + requests.max(1) as f64 * 0.5).max(1.0)
    }

    /// Ends a look that failed. It is tried again after so many seconds; one that was refused has its turn like any other then, and is not
    /// called late.
    pub(crate) fn failed(&mut self, key: K, requests: u64, wait: f64, is_refused: bool, now: f64) {
        let Some(&at) = self.index.get(&key) else {
            return;
        };
        let interval = self.interval(&self.things[at]);
        let thing = &mut self.things[at];
        thing.failed = Some(now);
        thing.is_refused = is_refused;
        thing.not_before = now + if is_refused { wait.max(interval) } else { wait };
        thing.early = (!is_refused).then_some(now + wait);
        self.end(at, requests);
        // What failed at once is not cheaper for that.
        self.things[at].price = self.learnt(at, requests).max(self.things[at].price);
    }

    fn end(&mut self, at: usize, requests: u64) {
        let thing = &mut self.things[at];
        thing.running = false;
        let (account, more) = (thing.account, requests as f64 - thing.price);
        self.pay(account, more);
        self.queue(at);
    }

    /// Looks at something early, at a time.
    pub(crate) fn hurry(&mut self, key: K, time: f64) {
        if let Some(&at) = self.index.get(&key) {
            let early = self.things[at].early;
            self.things[at].early = Some(early.map_or(time, |early| early.min(time)));
            self.queue(at);
        }
    }

    /// Takes something for one that changes more often than was seen: somebody has just changed something of it.
    pub(crate) fn raise(&mut self, key: K) {
        if let Some(&at) = self.index.get(&key) {
            let thing = &mut self.things[at];
            thing.rate.changes += 1.0;
            self.classes[thing.class].changes += 1.0;
            self.queue(at);
        }
    }

    /// Looks at nothing until then: the service asked for it, or people need the requests. What covers all accounts speaks for all; anything else
    /// for its account.
    pub(crate) fn pause(&mut self, key: K, until: f64, now: f64) {
        let account = self
            .index
            .get(&key)
            .map_or(0, |at| self.things[*at].account);
        match &mut self.accounts[account].bucket {
            None => self.paused_until = self.paused_until.max(until),
            // It owes what it would have had until then.
            Some(bucket) => bucket.left = bucket.left.min(-bucket.per_second * (until - now)),
        }
    }

    /// Goes on with a clock that was set back by so many seconds.
    pub(crate) fn set_back(&mut self, by: f64) {
        for thing in &mut self.things {
            thing.looked = thing.looked.map(|looked| looked - by);
            thing.failed = thing.failed.map(|failed| failed - by);
            thing.early = thing.early.map(|early| early - by);
            thing.in_flight_since = thing.in_flight_since.map(|since| since - by);
            thing.not_before -= by;
            thing.added -= by;
        }
        let buckets = self
            .accounts
            .iter_mut()
            .flat_map(|account| account.bucket.iter_mut().chain([&mut account.in_flight]));
        for bucket in buckets.chain([&mut self.address]) {
            bucket.at -= by;
        }
        self.early_used.1 -= by;
        self.paused_until -= by;
        for at in 0..self.things.len() {
            self.queue(at);
        }
    }

    /// Computes the intervals anew, for the rates as they are known now. To be called every minute or so.
    pub(crate) fn balance(&mut self, now: f64) {
        // What goes to early looks is not there for the others.
        let (used, since) = self.early_used;
        let early = used * 3_600.0 / (now - since).max(60.0);
        let share = 1.0 - (early / self.per_hour()).min(IN_FLIGHT);
        self.early_used = (0.0, now);
        // What is gone is forgotten at last. All queues are made anew below.
        if self.things.len() > 2 * self.index.len() + 1_000 {
            self.things.retain(|thing| !thing.removed);
            let places = self.things.iter().enumerate();
            self.index = places.map(|(at, thing)| (thing.key, at)).collect();
        }
        for class in &mut self.classes {
            class.most = f64::INFINITY;
        }
        self.sum(share);
        let classes = self.classes.len();
        for class in 0..classes {
            self.classes[class].most = self.affordable(class);
        }
        // What keeps a promise is not there for the others, either.
        self.sum(share);
        // Things that were never looked at, or are added, have their turn anyway.
        for account in &mut self.accounts {
            account.queue.clear();
            account.early.clear();
        }
        for at in 0..self.things.len() {
            self.queue(at);
        }
        let mut longest = vec![SHORTEST; self.classes.len()];
        for thing in self.things.iter().filter(|thing| !thing.removed) {
            longest[thing.class] = longest[thing.class].max(self.interval(thing));
        }
        for (class, longest) in self.classes.iter_mut().zip(longest) {
            // Where more is promised than before, that takes a while.
            class.promised = longest.max(class.promised * SHRINK);
        }
    }

    /// The longest interval of a class that can be promised: the wanted one, if that takes few enough requests.
    fn affordable(&self, class: usize) -> f64 {
        let wanted = self.classes[class].wanted;
        let of_class = self
            .things
            .iter()
            .filter(|thing| !thing.removed && thing.class == class);
        let things: Vec<(f64, f64)> = of_class
            .map(|thing| (self.interval(thing), thing.price))
            .collect();
        // What is wanted every minute is one request, and finds what is new in a whole list.
        let share = if wanted <= MINUTE {
            PROMISE
        } else {
            PROMISE / self.classes.len() as f64
        };
        let allowed = self.per_hour() * share.max(0.0);
        let more = |most: f64| -> f64 {
            let late = things.iter().filter(|(interval, _)| *interval > most);
            late.map(|(interval, price)| price * 3_600.0 * (1.0 / most - 1.0 / interval))
                .sum()
        };
        let longest = things
            .iter()
            .map(|(interval, _)| *interval)
            .fold(wanted, f64::max);
        if more(wanted) <= allowed {
            return wanted;
        }
        let (mut low, mut high) = (wanted, longest);
        for _ in 0..30 {
            let middle = (low + high) / 2.0;
            if more(middle) > allowed {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// Computes Σ√(qw)/R of each account. What has a promised interval takes its part of R, and is not in the sum.
    fn sum(&mut self, share: f64) {
        let mut roots = vec![0.0; self.accounts.len()];
        let mut fixed = vec![0.0; self.accounts.len()];
        for thing in self.things.iter().filter(|thing| !thing.removed) {
            let most = self.classes[thing.class].most;
            let sum = self.accounts[thing.account].sum;
            let best = thing.price / self.root(thing) * sum * 3_600.0;
            if most.is_finite() && best > most {
                fixed[thing.account] += thing.price * 3_600.0 / most;
            } else {
                roots[thing.account] += self.root(thing);
            }
        }
        let quotient =
            |roots: f64, limit: f64, fixed: f64| roots / (limit * share - fixed).max(limit * 0.1);
        let address = self.address.per_second * 3_600.0;
        let in_all = quotient(roots.iter().sum(), address, fixed.iter().sum());
        let mut most = in_all;
        for place in 1..self.accounts.len() {
            let own = quotient(
                roots[place] + roots[0],
                self.per_account,
                fixed[place] + fixed[0],
            );
            self.accounts[place].sum = own.max(in_all);
            most = most.max(own);
        }
        self.accounts[0].sum = most;
    }

    /// The longest interval of each class that is promised now, in seconds; 0 where there is nothing to look at.
    pub(crate) fn promised(&self) -> Vec<f64> {
        let mut promised = vec![0.0; self.classes.len()];
        for thing in self.things.iter().filter(|thing| !thing.removed) {
            promised[thing.class] = self.classes[thing.class].promised;
        }
        promised
    }

    /// How much longer than promised the last look at something of each class is ago, at worst: 1 is in time.
    pub(crate) fn lateness(&self, now: f64) -> Vec<f64> {
        let promised = self.promised();
        let mut late = vec![0.0_f64; self.classes.len()];
        let looked_at = |thing: &&Thing<K>| !thing.removed && !thing.is_refused;
        for thing in self.things.iter().filter(looked_at) {
            let since = thing.looked.unwrap_or(thing.added);
            late[thing.class] =
                late[thing.class].max((now - since) / promised[thing.class].max(SHORTEST));
        }
        late
    }

    /// The least mean delay until a change is seen that these rates, prices and limits allow, in seconds: (Σ√(qw))² / (2R Σw).
    pub(crate) fn best(&self) -> f64 {
        let (mut roots, mut weights) = (0.0, 0.0);
        for thing in self.things.iter().filter(|thing| !thing.removed) {
            roots += self.root(thing);
            weights += self.weight(thing);
        }
        if weights == 0.0 {
            return 0.0;
        }
        roots * roots / (2.0 * self.per_hour() * weights) * 3_600.0
    }

    /// A time from now on, at random within so many seconds.
    pub(crate) fn spread(&mut self, now: f64, within: f64) -> f64 {
        now + within * self.random.f64()
    }
}

/// The first entry of a queue that is not void.
fn head<K>(queue: &mut Queue, things: &[Thing<K>]) -> Option<(f64, usize)> {
    while let Some(Reverse((due, at, version))) = queue.peek() {
        if things[*at].version == *version {
            return Some((due.0, *at));
        }
        queue.pop();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{LEAST, Next, Rate, Schedule};

    const HOUR: f64 = 3_600.0;

    /// A schedule of one account with so many things of one class.
    fn of(things: usize, longest: f64) -> Schedule<usize> {
        let mut schedule = Schedule::new(800.0, 4_800.0, &[longest], 0.0, 1);
        let account = schedule.account(0.0);
        for key in 0..things {
            schedule.add(key, account, 0, 1.0, Rate::default(), None, 0.0);
        }
        schedule.balance(0.0);
        schedule
    }

    /// Looks until a time; nothing ever changes. Returns when each look was made.
    fn run(
        schedule: &mut Schedule<usize>,
        from: f64,
        to: f64,
        is_in_flight: impl Fn(usize) -> bool,
    ) -> Vec<(f64, usize)> {
        let (mut now, mut looks) = (from, Vec::new());
        while now < to {
            match schedule.next(now) {
                Next::Wait(wait) => now += wait.min(30.0),
                Next::Look(key) => {
                    looks.push((now, key));
                    schedule.done(key, 1, 0, is_in_flight(key), now);
                    if looks.len() % 50 == 0 {
                        schedule.balance(now);
                    }
                }
            }
        }
        looks
    }

    #[test]
    fn what_is_in_flight_takes_its_share_and_no_more() {
        let mut schedule = of(1_000, 24.0 * HOUR);
        run(&mut schedule, 0.0, 4.0 * HOUR, |_| false);
        let looks = run(&mut schedule, 4.0 * HOUR, 16.0 * HOUR, |key| key < 500);
        let others: std::collections::BTreeSet<usize> = looks
            .iter()
            .map(|(_, key)| *key)
            .filter(|key| *key >= 500)
            .collect();
        assert_eq!(others.len(), 500, "all others are looked at, too");
        let per_hour = looks.len() as f64 / 12.0;
        assert!((560.0..=810.0).contains(&per_hour), "{per_hour}");
    }

    #[test]
    fn a_thing_in_flight_is_looked_at_less_and_less_and_never_too_often() {
        let mut schedule = of(1, 24.0 * HOUR);
        schedule.next(0.0);
        schedule.done(0, 1, 1, true, 0.0);
        let looks = run(&mut schedule, 0.0, 2.0 * HOUR, |_| true);
        let apart: Vec<f64> = looks.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        assert!(apart.iter().all(|apart| *apart >= LEAST), "{apart:?}");
    }

    #[test]
    fn what_is_removed_and_added_again_and_again_takes_no_memory() {
        let mut schedule = of(10, 24.0 * HOUR);
        for round in 0..2_000 {
            schedule.remove(round % 10);
            schedule.add(round % 10, 1, 0, 1.0, Rate::default(), None, 0.0);
            schedule.balance(f64::from(u32::try_from(round).expect("a number")));
        }
        assert!(schedule.things.len() < 1_100 && schedule.len() == 10);
        let looked: std::collections::BTreeSet<usize> =
            run(&mut schedule, 3_000.0, 3_000.0 + HOUR, |_| false)
                .into_iter()
                .map(|(_, key)| key)
                .collect();
        assert_eq!(looked.len(), 10);
    }

    #[test]
    fn what_is_refused_is_not_late_and_takes_nothing_from_what_is_in_flight() {
        let mut schedule = of(200, 24.0 * HOUR);
        let (mut now, mut looks) = (0.0, 0);
        while now < 12.0 * HOUR {
            match schedule.next(now) {
                Next::Wait(wait) => now += wait.min(30.0),
                Next::Look(0) => {
                    looks += 1;
                    schedule.done(0, 1, u32::from(looks % 20 == 0), true, now);
                }
                Next::Look(key) if key % 2 == 1 => schedule.failed(key, 1, 900.0, true, now),
                Next::Look(key) => schedule.done(key, 1, 0, false, now),
            }
        }
        schedule.balance(now);
        let late = schedule.lateness(now);
        assert!(late[0] < 2.0, "{late:?}");
        // It changes now and then, so it is looked at every few minutes at least.
        assert!(looks > 300, "{looks}");
    }

    #[test]
    fn what_fails_and_is_tried_again_leaves_the_others_their_turn() {
        let mut schedule = of(100, 24.0 * HOUR);
        let (mut now, mut failing, mut others) = (0.0, 0, 0);
        while now < 12.0 * HOUR {
            if (failing + others) % 50 == 0 {
                schedule.balance(now);
            }
            match schedule.next(now) {
                Next::Wait(wait) => now += wait.min(30.0),
                // Each takes three attempts.
                Next::Look(key) if key < 50 && now > 6.0 * HOUR => {
                    failing += 3;
                    schedule.failed(key, 3, 60.0, false, now);
                }
                Next::Look(key) => {
                    others += u32::from(now > 6.0 * HOUR);
                    schedule.done(key, 1, 0, false, now);
                }
            }
        }
        assert!(others > 6 * 800 / 4, "{others} of {failing}");
    }

    #[test]
    fn a_list_of_everything_that_is_hurried_again_and_again_exceeds_no_limit() {
        let mut schedule = of(100, 24.0 * HOUR);
        schedule.add(1_000, 0, 0, 5.0, Rate::default(), None, 0.0);
        schedule.balance(0.0);
        let (mut now, mut requests, mut others) = (0.0, 0, 0);
        while now < 3.0 * HOUR {
            schedule.hurry(1_000, now);
            match schedule.next(now) {
                Next::Wait(wait) => now += wait.min(5.0),
                Next::Look(1_000) => {
                    requests += 5;
                    schedule.done(1_000, 5, 0, false, now);
                }
                Next::Look(key) => {
                    (requests, others) = (requests + 1, others + 1);
                    schedule.done(key, 1, 0, false, now);
                }
            }
        }
        assert!(requests <= 3 * 800 + 100, "{requests}");
        assert!(others > 1_000, "{others}");
    }

    #[test]
    fn a_clock_that_is_set_back_stops_nothing() {
        let mut schedule = of(10, 24.0 * HOUR);
        run(&mut schedule, 10.0 * HOUR, 11.0 * HOUR, |_| false);
        schedule.set_back(9.0 * HOUR);
        let looks = run(&mut schedule, 2.0 * HOUR, 3.0 * HOUR, |_| false);
        assert!(looks.len() > 20, "{}", looks.len());
    }

    #[test]
    fn an_account_that_has_to_wait_keeps_no_other_from_its_looks() {
        let mut schedule = of(5, 24.0 * HOUR);
        let other = schedule.account(0.0);
        schedule.add(100, other, 0, 1.0, Rate::default(), None, 0.0);
        schedule.balance(0.0);
        schedule.pause(0, HOUR, 0.0);
        let looks = run(&mut schedule, 1.0, 0.9 * HOUR, |_| false);
        assert!(
            looks.len() > 10 && looks.iter().all(|(_, key)| *key == 100),
            "{looks:?}"
        );
    }
}
