//! Windows that many processes share, through Redis or Valkey.
//!
//! Each request is one atomic step there, by the server's clock. The parts: `acquire` is the way of one request, `shared` what
//! all of a process have in common, `place` and `line` what this process knows of its own requests, `memory` by what it
//! notices that Redis has lost something, `keeper` the task that tells Redis what it should know, `share` what may leave
//! without Redis.

mod acquire;
mod keeper;
mod line;
mod link;
mod memory;
mod place;
mod report;
mod settings;
mod share;
mod shared;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use self::{settings::Settings, shared::Shared};
use super::{LimitKey, Observation, PermitFuture, RateLimiter, Window, WindowState};
use crate::error::Error;

pub use settings::WhenDown;

/// Sliding windows that are shared by all processes, on all machines, that use the same Redis or Valkey.
///
/// The same two limits as [`Windows`](super::Windows) by default: 100 requests a minute for each set of credentials, and 1000
/// an hour for each account that an operation names. A request is one atomic step in Redis, by the clock of the server. Within a
/// process requests leave in the order in which they asked; between processes who asks first when there is room goes first.
/// A 429 that any of them meets pauses them all.
///
/// Needs one server of Redis 6.2 or later, or of Valkey (tried with Redis 6.2.14 and 7.0.15, and with Valkey 9.1.2), whose user may run
/// scripts and `INFO`. A cluster or sentinel is not followed. It must not evict keys (`maxmemory-policy noeviction`); each key expires by itself. The keys hold a
/// hash of the user's id (or token), ids of accounts, and times: no secret.
///
/// ```
/// use std::time::Duration;
/// use wpengine::{Client, Credentials, RedisWindows};
///
/// # fn main() -> Result<(), wpengine::Error> {
/// let windows = RedisWindows::new("redis://127.0.0.1:6379")?.patience(Duration::from_secs(30));
/// let client = Client::builder()
///     .credentials(Credentials::basic("my-api-user-id", "my-password"))
///     .rate_limiter(windows)
///     .build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
///
/// # When Redis fails
///
/// A Redis that is down, or does not answer within 1 s, makes requests wait, for 10 s at most ([`patience`](Self::patience));
/// then they end with an error of the kind [`Limiter`](crate::ErrorKind::Limiter) that names the reason, and nothing is sent.
/// Or each process goes on with its part of the limits: [`when_down`](Self::when_down). With the feature `tracing` an event
/// tells when Redis is lost and when it is found again.
///
/// # Operating it
///
/// No limit is exceeded by a Redis that is restarted, with or without its data, or emptied. What that costs:
///
/// | what happens | what follows |
/// |---|---|
/// | Redis restarts; all processes that sent in the last hour are still there | they tell it what they sent, and go on after some seconds |
/// | it restarts with its data, and one of them had ended before | the others see that nothing is missing, and go on after some seconds |
/// | it restarts without its data, and one of them is gone | nothing leaves until its requests are an hour old |
/// | it has just started, and so have all processes: the first day, or everything was restarted at once | nothing leaves until Redis has run for an hour, unless [`trust_empty`](Self::trust_empty) is set and it is empty |
///
/// (The hour is the longest window. What nobody can know is what a process sent that first sent something within the last second
/// and ended together with Redis and its data. And the clock of the server may be slewed, but a step forward opens windows
/// too early.) So let Redis keep its data (`appendonly yes`), and set `trust_empty` on the first day. An
/// operator who knows that nothing that matters was lost ends such a wait with `redis-cli HSET '{wpengine}:meta' trust 1`;
/// the name is in the error too.
pub struct RedisWindows {
    settings: Settings,
    client: redis::Client,
    shared: OnceLock<Arc<Shared>>,
}

impl RedisWindows {
    /// Windows in the Redis at this URL: `redis://`, `rediss://` (TLS: needs the feature `rustls`, the default, or `native-tls`) or `unix://`, with user, password and database where
    /// needed. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) for a URL that is none; the message does not quote it.
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        let url = url.as_ref();
        // What the library says can be a part of the URL.
        let client = redis::Client::open(url).map_err(|_| {
            let problem = match url.split_once("://").map(|(scheme, _)| scheme) {
                None => "it does not begin with `redis://`",
                Some("rediss") if !cfg!(any(feature = "rustls", feature = "native-tls")) => {
                    "TLS needs the feature `rustls` or `native-tls`"
                }
                Some(_) => "it cannot be read",
            };
            Error::configuration(format!("the URL of Redis cannot be used: {problem}"))
                .hint("it has the form redis://user:password@host:6379/0, or rediss:// for TLS")
        })?;
        Ok(Self {
            settings: Settings {
                per_credentials: vec![Window::new(100, Duration::from_secs(60))],
                per_account: vec![Window::new(1_000, Duration::from_secs(3_600))],
                margin: Duration::from_secs(1),
                prefix: "wpengine".to_owned(),
                timeout: Duration::from_secs(1),
                patience: Duration::from_secs(10),
                when_down: WhenDown::Stop,
                trust_empty: false,
            },
            client,
            shared: OnceLock::new(),
        })
    }

    /// Windows for each set of credentials; by default 100 requests a minute. All processes must have the same.
    #[must_use]
    pub fn per_credentials(mut self, windows: impl IntoIterator<Item = Window>) -> Self {
        self.settings.per_credentials = windows.into_iter().collect();
        self
    }

    /// Windows for each account; by default 1000 an hour. All processes must have the same.
    #[must_use]
    pub fn per_account(mut self, windows: impl IntoIterator<Item = Window>) -> Self {
        self.settings.per_account = windows.into_iter().collect();
        self
    }

    /// How much longer a window is here than at the service, for the way from Redis to here and on to there; 1 s by default.
    #[must_use]
    pub fn margin(mut self, margin: Duration) -> Self {
        self.settings.margin = margin.min(super::window::LONGEST);
        self
    }

    /// What all keys begin with; `wpengine` by default. Processes with other prefixes have other windows.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.prefix = prefix.into();
        self
    }

    /// How long Redis may take for one step, or to be connected to; 1 s by default. What takes longer counts as down.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout.min(super::window::LONGEST);
        self
    }

    /// How long a Redis that cannot be used is waited for, before requests end with an error; 10 s by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// What requests do while Redis cannot be used; by default [`WhenDown::Stop`].
    #[must_use]
    pub fn when_down(mut self, when_down: WhenDown) -> Self {
        self.settings.when_down = when_down;
        self
    }

    /// Takes a Redis that has just started and is empty for one whose windows were never used, as in a test or on the first
    /// day. Processes that remember otherwise still have up to 4 s to say so. It may stay on: what it risks is that after a restart
    /// without data a process that has ended by then is forgotten, and its requests of the last hour with it.
    #[must_use]
    pub fn trust_empty(mut self) -> Self {
        self.settings.trust_empty = true;
        self
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared
            .get_or_init(|| Arc::new(Shared::new(self.settings.clone(), self.client.clone())))
    }
}

impl RateLimiter for RedisWindows {
    fn acquire<'a>(&'a self, key: &'a LimitKey) -> PermitFuture<'a> {
        Box::pin(async move {
            acquire::acquire(self.shared(), key)
                .await
                .map_err(Into::into)
        })
    }

    fn observe(&self, key: &LimitKey, answer: &Observation<'_>) {
        self.shared().observe(key, answer);
    }

    /// As of the last word from Redis; nothing is left while it cannot be used and [`WhenDown::Stop`] holds.
    fn state(&self, key: &LimitKey) -> Vec<WindowState> {
        let stopped = self.trouble().is_some();
        let lines = self.shared().lines_of(key);
        let states = lines.iter().flat_map(|line| line.states());
        states
            .map(|state| WindowState {
                left: if stopped { 0 } else { state.left },
                ..state
            })
            .collect()
    }

    fn trouble(&self) -> Option<String> {
        acquire::trouble(self.shared())
    }
}

impl fmt::Debug for RedisWindows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisWindows")
            .field("per_credentials", &self.settings.per_credentials)
            .field("per_account", &self.settings.per_account)
            .field("margin", &self.settings.margin)
            .field("timeout", &self.settings.timeout)
            .field("patience", &self.settings.patience)
            .field("when_down", &self.settings.when_down)
            .finish_non_exhaustive()
    }
}
