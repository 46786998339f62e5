#![doc = include_str!("../README.md")]

mod connection;
mod script;
mod settings;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use wpengine::limits::{
    LimitError, LimitKey, Observation, Permit, PermitFuture, RateLimiter, Window, WindowState,
    Windows,
};

use connection::{Connection, Down};
use script::{Answer, Command, Lines};
use settings::Settings;
pub use settings::SettingsError;

/// The farthest time for which a place is reserved. A request with a longer wait asks again later, so that a full
/// account does not block the other accounts of its user.
const HORIZON: Duration = Duration::from_secs(60);

/// The longest documented window. A longer `Retry-After` does not describe a rate limit.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// The maximum number of keys whose state is kept for `state`.
const MOST_KEYS: usize = 1_000;

/// Sliding windows in Redis, for clients on many machines.
///
/// By default they have the limits that the API documents: 100 requests a minute for each IP address, which are counted for
/// each user here, and 1000 an hour for each account. There is no ordering guarantee across processes.
///
/// **The limiter fails open.** A new, empty or restarted Redis is used immediately. If Redis does not reply within 1 s,
/// the process logs a warning and uses its own [share](Self::processes) of the limits, without waiting for Redis again.
/// It reconnects in the background. If the limits are exceeded in the meantime, the service responds with a 429, and
/// the client waits and retries. With [`strict`](Self::strict), requests fail instead.
///
/// The connection has its own thread.
#[derive(Clone)]
pub struct RedisWindows {
    settings: Settings,
    running: Arc<std::sync::OnceLock<Arc<Running>>>,
}

/// The running limiter. It starts with the first request.
struct Running {
    settings: Settings,
    connection: Connection,
    /// The share of this process, used while Redis is down.
    share: Windows,
    states: Mutex<HashMap<LimitKey, Vec<WindowState>>>,
}

impl RedisWindows {
    fn running(&self) -> &Arc<Running> {
        self.running.get_or_init(|| {
            let settings = self.settings.clone();
            Arc::new(Running {
                connection: Connection::open(&settings),
                share: settings.share(),
                states: Mutex::default(),
                settings,
            })
        })
    }
}

impl Running {
    /// Reserves a place in Redis, or returns how long to wait before asking again.
    async fn ask(
        self: &Arc<Self>,
        key: &LimitKey,
        within: Duration,
    ) -> Result<Result<Place, Duration>, Down> {
        let lines = Lines::new(&self.settings, key);
        let member = format!("{:016x}", fastrand::u64(..));
        // Created before the reply arrives. If this future is dropped while it waits, the place is given back.
        let mut place = Place {
            running: Arc::clone(self),
            lines: lines.clone(),
            member: member.clone(),
            is_taken: true,
            starts: Instant::now(),
        };
        let command = Command::Ask {
            member,
            within,
            horizon: HORIZON,
            leave_free: key.leave_free,
        };
        let asked = self.connection.run(command, lines).await;
        let answer = asked.inspect_err(|_| place.lapse())?;
        self.remember(key, &answer);
        if !answer.is_reserved {
            place.lapse();
            return Ok(Err(answer.wait));
        }
        place.starts = Instant::now() + answer.wait;
        Ok(Ok(place))
    }

    fn remember(&self, key: &LimitKey, answer: &Answer) {
        let windows = self.settings.windows_of(key);
        let states = windows
            .zip(&answer.left)
            .map(|(window, left)| WindowState::new(window, *left));
        let mut known = self.states();
        if known.len() >= MOST_KEYS {
            known.clear();
        }
        known.insert(key.clone(), states.collect());
    }

    fn states(&self) -> MutexGuard<'_, HashMap<LimitKey, Vec<WindowState>>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn acquire(
        self: &Arc<Self>,
        key: &LimitKey,
        within: Duration,
    ) -> Result<Permit, LimitError> {
        let started = Instant::now();
        loop {
            let left = within.saturating_sub(started.elapsed());
            let wait = match self.ask(key, left).await {
                Ok(Ok(place)) => {
                    tokio::time::sleep(place.starts.saturating_duration_since(Instant::now()))
                        .await;
                    if place.starts.elapsed() > self.settings.margin {
                        // The request was not polled in time, and the place has expired.
                        continue;
                    }
                    // Counts the request in the share of this process as well, for the time when Redis is down.
                    let counted = self.share.acquire(key, Duration::ZERO).now_or_never();
                    drop(counted);
                    return Ok(Permit::new(move |sent| place.returned(sent)));
                }
                Ok(Err(wait)) if wait > left => {
                    return Err(LimitError::NoRoom {
                        retry_after: Some(wait),
                    });
                }
                // Shortens the wait by a random amount, at most half, so that waiting requests do not all ask at the same time.
                Ok(Err(wait)) => wait - HORIZON.mul_f64(fastrand::f64() / 2.0).min(wait / 2),
                Err(down) if self.settings.strict => {
                    return Err(LimitError::Failed(Box::new(down)));
                }
                Err(_) => return self.share.acquire(key, left).await,
            };
            tokio::time::sleep(wait).await;
        }
    }

    fn observe(&self, key: &LimitKey, answer: &Observation<'_>) {
        self.share.observe(key, answer);
        if answer.refused {
            let command = Command::Pause {
                time: answer.retry_after().filter(|time| *time <= LONGEST_PAUSE),
            };
            self.connection
                .send(command, Lines::new(&self.settings, key));
        }
    }
}

/// The place of a request in Redis. Dropping it gives the place back, unless the request was sent.
struct Place {
    running: Arc<Running>,
    lines: Lines,
    member: String,
    is_taken: bool,
    /// When the request may be sent.
    starts: Instant,
}

impl Place {
    fn lapse(&mut self) {
        self.is_taken = false;
    }

    fn returned(mut self, sent: bool) {
        if sent {
            self.lapse();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_taken {
            let command = Command::GiveBack {
                member: std::mem::take(&mut self.member),
            };
            self.running.connection.send(command, self.lines.clone());
        }
    }
}

impl RateLimiter for RedisWindows {
    fn acquire<'a>(&'a self, key: &'a LimitKey, within: Duration) -> PermitFuture<'a> {
        Box::pin(async move { self.running().acquire(key, within).await })
    }

    fn observe(&self, key: &LimitKey, answer: &Observation<'_>) {
        self.running().observe(key, answer);
    }

    /// Returns the last state from Redis, or that of the share of this process while Redis is down.
    fn state(&self, key: &LimitKey) -> Vec<WindowState> {
        let running = self.running();
        let share = running.share.state(key);
        if running.connection.is_down() {
            return share;
        }
        let known = running.states().get(key).cloned();
        let mut states = known.unwrap_or_else(|| {
            let windows = self.settings.windows_of(key);
            let full =
                |window: Window| WindowState::new(window, window.limit_leaving(key.leave_free));
            windows.map(full).collect()
        });
        for (state, of_share) in states.iter_mut().zip(share) {
            state.paused_for = of_share.paused_for;
        }
        states
    }
}

impl fmt::Debug for RedisWindows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}
