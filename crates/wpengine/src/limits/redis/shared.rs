//! What all requests of this process share: the lines, the link, and what is remembered.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hasher},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{ScriptInvocation, Value, from_redis_value};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};

use super::{
    line::Line,
    link::{Link, Scripts, Trouble},
    memory::{Memory, Why},
    place::News,
    report,
    settings::Settings,
};
use crate::limits::{LimitKey, Observation, Window, word::Word};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) link: Link,
    pub(super) scripts: Scripts,
    /// What the places of this process begin with; drawn at random.
    process: String,
    next_place: AtomicU64,
    lines: Mutex<HashMap<String, Arc<Line>>>,
    memory: Mutex<Memory>,
    /// What the service said and Redis is to be told.
    words: Mutex<Vec<(Arc<Line>, Word, Instant)>>,
    /// Wakes the keeper.
    pub(super) news: Arc<Notify>,
    pub(super) keeper: Mutex<Option<JoinHandle<()>>>,
    /// Whether the keeper sleeps until it is woken, for want of anything to keep.
    pub(super) keeper_sleeps: AtomicBool,
    /// When Redis was last looked at, by whomever.
    looked: Mutex<Instant>,
}

/// What Redis says of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Taken,
    /// There is no room, for so long, in the account's line or else the credentials'.
    Full {
        wait: Duration,
        of_account: bool,
    },
    /// Redis is to hear first what this process knows.
    Publish,
    /// It cannot know what has left, for so long if nobody helps.
    Blind(Duration),
}

impl Shared {
    pub(super) fn new(settings: Settings, client: redis::Client) -> Self {
        let random = || RandomState::new().build_hasher().finish();
        Self {
            link: Link::new(client, settings.timeout),
            settings,
            scripts: Scripts::new(),
            process: format!("{:016x}{:016x}", random(), random()),
            next_place: AtomicU64::new(0),
            lines: Mutex::default(),
            memory: Mutex::default(),
            words: Mutex::default(),
            news: Arc::default(),
            keeper: Mutex::default(),
            keeper_sleeps: AtomicBool::default(),
            looked: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Redis cannot be used; the keeper looks after that.
    pub(super) fn trouble(&self, why: Why) {
        self.unusable(&why.to_string(), |memory| memory.trouble(why));
    }

    /// Redis did not answer a request.
    pub(super) fn failed(&self, why: Why) {
        let gap =
            (self.settings.beat() * 4).saturating_add(self.settings.timeout.saturating_mul(2));
        self.unusable(&why.to_string(), |memory| memory.failed(why, gap));
    }

    fn unusable(&self, why: &str, remember: impl FnOnce(&mut Memory) -> bool) {
        let is_new = remember(&mut self.memory());
        if is_new {
            report::lost(&self.link.address(), why, &self.settings);
        }
        if self.keeper_sleeps.load(Ordering::Relaxed) {
            self.news.notify_one();
        }
    }

    fn heard(&self, epoch: &str, holders: i64, server_time: i64) {
        let mut memory = self.memory();
        if memory.outage.is_some() && self.has_untold() {
            // What left without Redis while this answer was under way is not in it.
            drop(memory);
            self.news.notify_one();
            return;
        }
        let outage = memory.heard(epoch, holders, server_time);
        drop(memory);
        if let Some(outage) = outage {
            report::found(&self.link.address(), outage);
        }
    }

    pub(super) fn looks(&self) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether nobody looks any more: the keeper is on a runtime that is not driven.
    pub(super) fn is_neglected(&self) -> bool {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.elapsed()
            > (self.settings.beat() * 3).saturating_add(self.settings.timeout.saturating_mul(2))
    }

    pub(super) fn place(&self) -> String {
        let number = self.next_place.fetch_add(1, Ordering::Relaxed);
        format!("{}:{number}", self.process)
    }

    /// The account's line and the credentials'.
    pub(super) fn lines_of(&self, key: &LimitKey) -> [Arc<Line>; 2] {
        let credentials = format!("{:016x}", key.credentials);
        let account = match &key.account {
            // Whoever asks: the limit is the account's.
            Some(account) => format!("account:{account}"),
            None => format!("{credentials}:no-account"),
        };
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of = |name: String, windows: &[Window]| {
            let line = lines
                .entry(name.clone())
                .or_insert_with(|| Arc::new(Line::new(name, windows.to_vec())));
            Arc::clone(line)
        };
        [
            of(account, &self.settings.per_account),
            of(credentials, &self.settings.per_credentials),
        ]
    }

    /// Whether this process holds places that Redis was not told of.
    fn has_untold(&self) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.values().any(|line| line.state().places.has_untold())
    }

    /// All lines in which this process has something to keep.
    pub(super) fn busy_lines(&self) -> Vec<Arc<Line>> {
        let now = Instant::now();
        let (longest, margin) = (self.settings.longest(), self.settings.margin);
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .values()
            .filter(|line| {
                let places = &mut line.state().places;
                places.forget(longest, margin, now);
                !places.is_empty()
            })
            .cloned()
            .collect()
    }

    fn key(&self, kind: &str, name: &str) -> String {
        // In braces: in a cluster all keys of one prefix live together.
        format!("{{{}}}:{kind}{name}", self.settings.prefix)
    }

    /// The hash that tells whether the windows are known.
    pub(super) fn meta_key(&self) -> String {
        self.key("meta", "")
    }

    fn horizon(&self) -> Duration {
        self.settings.longest() + self.settings.margin
    }

    /// The part of a script that all have.
    fn begin<'a>(
        &self,
        script: &'a redis::Script,
        recollection: &super::memory::Recollection,
    ) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        call.key(self.meta_key())
            .key(self.key("members", ""))
            .key(self.key("roll", ""))
            .arg(&self.process)
            .arg(micros(self.settings.margin))
            .arg(&recollection.epoch)
            .arg(micros(self.settings.longest()))
            .arg(micros(self.settings.settle()))
            .arg(i32::from(self.settings.trust_empty));
        call
    }

    /// Asks for a place in both lines.
    pub(super) async fn ask(&self, lines: [&Line; 2], place: &str) -> Result<Said, Trouble> {
        let recollection = self.memory().recollection(self.horizon());
        let mut call = self.begin(&self.scripts.acquire, &recollection);
        for kind in ["places:", "said:"] {
            for line in lines {
                call.key(self.key(kind, &line.name));
            }
        }
        call.arg(place);
        for line in lines {
            call.arg(line.windows.len());
            for window in &line.windows {
                call.arg(window.limit).arg(micros(window.period));
            }
        }
        let answer = self.link.run(&call).await?;
        let mut answer = Answer(answer.into_iter());
        let kind = answer.text()?;
        self.memory().answered();
        let wait = Duration::from_micros(answer.number()?.unsigned_abs());
        let line = answer.number()?;
        let epoch = answer.text()?;
        let holders = answer.number()?;
        match kind.as_str() {
            "publish" => return Ok(Said::Publish),
            "blind" => return Ok(Said::Blind(wait)),
            _ => {}
        }
        let server_time = answer.number()?;
        self.heard(&epoch, holders, server_time);
        let now = Instant::now();
        for line in lines {
            line.taken(&answer.counts(line.windows.len())?, now);
        }
        Ok(if kind == "taken" {
            Said::Taken
        } else {
            Said::Full {
                wait,
                of_account: line == 1,
            }
        })
    }

    /// Tells Redis what it has not heard of the places of this process; or all, after a loss.
    pub(super) async fn publish(&self, all: bool) -> Result<Said, Trouble> {
        self.looks();
        let lines = self.busy_lines();
        let recollection = self.memory().recollection(self.horizon());
        let mut telling = Telling::new(lines, self.settings.margin, all);
        let mut call = self.begin(&self.scripts.publish, &recollection);
        for (line, _) in &telling.news {
            call.key(self.key("places:", &line.name));
        }
        let holds = telling
            .news
            .iter()
            .any(|(line, _)| line.state().places.holds());
        call.arg(recollection.holders)
            .arg(recollection.server_time)
            .arg(match (holds, all) {
                (false, _) => 0,
                (true, true) => 1,
                (true, false) => 2,
            });
        for (line, news) in &telling.news {
            call.arg(news.places.len());
            for (place, age) in &news.places {
                call.arg(place).arg(*age);
            }
            call.arg(news.unused.len());
            for place in &news.unused {
                call.arg(place);
            }
            call.arg(line.windows.len());
            for window in &line.windows {
                call.arg(micros(window.period));
            }
        }
        let answer = self.link.run(&call).await?;
        telling.heard = true;
        let mut answer = Answer(answer.into_iter());
        let known = answer.text()? == "known";
        let wait = Duration::from_micros(answer.number()?.unsigned_abs());
        let epoch = answer.text()?;
        let holders = answer.number()?;
        let server_time = answer.number()?;
        let now = Instant::now();
        for (line, _) in &telling.news {
            line.taken(&answer.counts(line.windows.len())?, now);
        }
        if !known {
            self.trouble(Why::Blind(wait));
            return Ok(Said::Blind(wait));
        }
        let other_windows = !recollection.epoch.is_empty() && recollection.epoch != epoch;
        if other_windows && !all {
            // Something was lost in between: all has to be told.
            return Ok(Said::Publish);
        }
        self.heard(&epoch, holders, server_time);
        Ok(Said::Taken)
    }

    /// Learns from an answer: in this process at once, and the others hear of it by the keeper.
    pub(super) fn observe(self: &Arc<Self>, key: &LimitKey, answer: &Observation<'_>) {
        for line in self.lines_of(key) {
            let word = Word::read(&line.windows, answer);
            if let Some(pause) = word.pause {
                line.pause(pause);
            }
            if word != Word::default() {
                self.words().push((line, word, Instant::now()));
            }
        }
        self.news.notify_one();
    }

    pub(super) fn words(&self) -> MutexGuard<'_, Vec<(Arc<Line>, Word, Instant)>> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody what the service said of a line.
    pub(super) async fn tell(&self, line: &Line, word: &Word) -> Result<(), Trouble> {
        let recollection = self.memory().recollection(self.horizon());
        let mut call = self.begin(&self.scripts.refuse, &recollection);
        call.key(self.key("said:", &line.name))
            .key(self.key("places:", &line.name));
        call.arg(word.pause.map_or(-1, micros))
            .arg(word.gap.map_or(0, micros))
            .arg(
                // Lua's numbers are exact up to here.
                word.left.map_or(-1, |(left, _)| {
                    i64::try_from(left.min(1 << 53)).unwrap_or(-1)
                }),
            )
            .arg(word.left.map_or(-1, |(_, time)| micros(time)));
        self.link.run(&call).await.map(drop)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The keeper looks, and finds that nobody is left.
        self.news.notify_one();
    }
}

/// News on their way to Redis. If they don't arrive, they are news still.
struct Telling {
    news: Vec<(Arc<Line>, News)>,
    heard: bool,
}

impl Telling {
    fn new(lines: Vec<Arc<Line>>, margin: Duration, all: bool) -> Self {
        let now = Instant::now();
        Self {
            news: lines
                .into_iter()
                .map(|line| {
                    let news = line.state().places.news(all, margin, now);
                    (line, news)
                })
                .collect(),
            heard: false,
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        if !self.heard {
            for (line, news) in self.news.drain(..) {
                line.state().places.unheard(news);
            }
        }
    }
}

/// The answer of a script, read in order.
struct Answer(std::vec::IntoIter<Value>);

impl Answer {
    fn next<T: redis::FromRedisValue>(&mut self) -> Result<T, Trouble> {
        let value = self.0.next().unwrap_or(Value::Nil);
        from_redis_value(value).map_err(|error| Trouble::new(&error))
    }

    fn text(&mut self) -> Result<String, Trouble> {
        self.next()
    }

    fn number(&mut self) -> Result<i64, Trouble> {
        self.next()
    }

    fn counts(&mut self, number: usize) -> Result<Vec<usize>, Trouble> {
        (0..number).map(|_| self.next()).collect()
    }
}

pub(super) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
