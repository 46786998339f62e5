//! Building a client.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::HeaderValue;

use super::{Config, base_url, http as connections, http::Connections, is_loopback};
use crate::{
    Client, Credentials, RetryPolicy,
    error::Error,
    limits::{self, RateLimiter},
    transport::{Authenticator, Budget, Core, Counting, HttpClient, Reqwest},
};

/// The environment variable with the base URL.
pub(crate) const BASE_URL_VARIABLE: &str = "WPE_API_BASE_URL";

/// The share of every limit that a background client leaves to others by default, in percent.
const BACKGROUND_SHARE: u8 = 20;

/// Configures a [`Client`].
///
/// Only the credentials are required. Without further settings a call has 300 s, an attempt 45 s and a connection 10 s;
/// failed attempts are repeated as [`RetryPolicy`] says; and requests stay within the documented rate limits, as
/// [`Windows`](crate::limits::Windows) says, unless the base URL is on this machine.
///
/// ```
/// use std::time::Duration;
/// use wpengine::{Client, Credentials};
///
/// let client = Client::builder()
///     .credentials(Credentials::basic("my-api-user-id", "my-password"))
///     .user_agent_suffix("fleet-report/2.1")
///     .timeout(Duration::from_secs(120))
///     .read_only()
///     .build()?;
/// # let _ = client;
/// # Ok::<(), wpengine::Error>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
#[derive(Default)]
pub struct ClientBuilder {
    base_url: Option<String>,
    credentials: Option<Credentials>,
    user_agent_suffix: Option<String>,
    config: Config,
    connections: Connections,
    limiter: Limiter,
    http_client: Option<Arc<dyn HttpClient>>,
    wraps: Vec<Wrap>,
}

type Wrap = Box<dyn FnOnce(Arc<dyn HttpClient>) -> Arc<dyn HttpClient> + Send + Sync>;

/// What limits the rate of a client.
#[derive(Debug, Default)]
enum Limiter {
    #[default]
    Default,
    Given(Arc<dyn RateLimiter>),
    None,
}

impl ClientBuilder {
    /// Sets the base URL; `https://api.wpengineapi.com/v1` by default. A simulator or a gateway has another one.
    ///
    /// Plain `http://` is accepted for `localhost` and loopback addresses only. A URL of this machine may hold the
    /// credentials, as the simulator's `url()` does; [`credentials`](Self::credentials) wins over them.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Sets the credentials.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Appends a text to the `User-Agent`, such as the name and version of your program.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent_suffix = Some(suffix.into());
        self
    }

    /// Sets the time to make a connection; 10 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout;
        self
    }

    /// Sets the time for one attempt, from the connection to the end of the answer; 45 s by default.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.config.attempt_timeout = timeout;
        self
    }

    /// Sets the time for a whole call; 300 s by default. It covers the token, the wait for the rate limit, all attempts and
    /// the waits between them, and reading the answer. In a listing it holds for each page.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.config.timeout = timeout;
        self
    }

    /// Gives calls extra time that they may only spend waiting for the rate limit; none by default. Programs that work
    /// through a fleet set an hour here.
    pub fn rate_limit_wait(mut self, wait: Duration) -> Self {
        self.config.rate_limit_wait = wait;
        self
    }

    /// Sets when a failed attempt is repeated.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.config.retry = policy;
        self
    }

    /// Sets how many repetitions in a row all clones of the client may make without a success; 100 by default. After that
    /// calls fail after one attempt. Every successful call earns a fifth of a repetition. A 429 costs nothing.
    pub fn retry_budget(mut self, repetitions: u32) -> Self {
        self.config.retry_budget = repetitions;
        self
    }

    /// Sets the rate limiter. The default is a [`Windows`](crate::limits::Windows) with the documented limits, which all
    /// clients of one origin in this process share; and none for a base URL on this machine, or with an
    /// [`http_client`](Self::http_client) of your own.
    ///
    /// An `Arc` of a limiter can be given to several clients.
    pub fn rate_limiter(mut self, limiter: impl RateLimiter) -> Self {
        self.limiter = Limiter::Given(Arc::new(limiter));
        self
    }

    /// Sends requests without a rate limiter. A 429 of the service is still waited for and repeated.
    pub fn no_rate_limiter(mut self) -> Self {
        self.limiter = Limiter::None;
        self
    }

    /// Marks the client as background work: it leaves 20 % of every rate limit to other clients.
    pub fn background(self) -> Self {
        self.background_leaving(BACKGROUND_SHARE)
    }

    /// Marks the client as background work that leaves so many percent of every rate limit to other clients, 99 at most.
    pub fn background_leaving(mut self, percent: u8) -> Self {
        self.config.background = Some(percent.min(99));
        self
    }

    /// Sends everything through a proxy, such as `http://proxy.example.com:3128`. Without it the variables
    /// `HTTPS_PROXY` and `ALL_PROXY` count. A base URL on this machine never uses a proxy.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.connections.proxy = Some(url.into());
        self
    }

    /// Trusts the certificates in a PEM text, in addition to those of the platform.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connections.root_certificates.push(pem.into());
        self
    }

    /// Sets the time after which an idle connection is closed; 90 s by default.
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.config.pool_idle_timeout = timeout;
        self
    }

    /// Sets how many idle connections are kept; there is no limit by default.
    pub fn pool_max_idle(mut self, connections: usize) -> Self {
        self.config.pool_max_idle = Some(connections);
        self
    }

    /// Sets the longest answer that is read, in bytes; 32 MiB by default.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.config.max_response_size = bytes;
        self
    }

    /// Refuses every operation that changes something, before anything is sent.
    pub fn read_only(mut self) -> Self {
        self.config.read_only = true;
        self
    }

    /// The settings so far.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Sends requests with another HTTP client than the built-in one: for tests, or for a transport of your own. See
    /// [`HttpClient`].
    pub fn http_client(mut self, client: impl HttpClient + 'static) -> Self {
        self.http_client = Some(Arc::new(client));
        self
    }

    /// Puts something around the HTTP client: what sees, changes or records every request on its way out. The last one
    /// that is added sees a request first. See [`HttpClient`] for an example.
    pub fn wrap<C: HttpClient + 'static>(
        mut self,
        wrap: impl FnOnce(Arc<dyn HttpClient>) -> C + Send + Sync + 'static,
    ) -> Self {
        self.wraps
            .push(Box::new(move |inner| Arc::new(wrap(inner))));
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) for a setting that cannot be used, or if the platform has no
    /// certificates to trust.
    pub fn build(self) -> Result<Client, Error> {
        let Self {
            base_url,
            credentials,
            user_agent_suffix,
            config,
            connections,
            limiter,
            http_client,
            wraps,
        } = self;
        let (base, of_url) = base_url::read(base_url.as_deref().unwrap_or(base_url::BASE_URL))?;
        let credentials = credentials.or(of_url).ok_or_else(|| {
            Error::configuration("the client has no credentials")
                .with_hint("set them with `credentials`, or use `Client::from_env`")
        })?;
        credentials.check()?;
        check_timeouts(&config)?;
        let user_agent = user_agent(user_agent_suffix.as_deref())?;
        let http = match &http_client {
            Some(_) => connections::only_for_requests()?,
            None => connections::client(&config, &connections, &base)?,
        };
        let limiter = match limiter {
            Limiter::Given(limiter) => Some(limiter),
            Limiter::Default if http_client.is_none() && !is_loopback(&base) => {
                Some(limits::default_of(&base, &credentials))
            }
            Limiter::Default | Limiter::None => None,
        };
        let inner = http_client.unwrap_or_else(|| Arc::new(Reqwest(http.clone())));
        let http_client = wraps.into_iter().fold(inner, |inner, wrap| wrap(inner));
        Ok(Client::from_core(Core {
            base,
            http,
            http_client,
            authenticator: Authenticator::new(credentials),
            budget: Budget::new(config.retry_budget),
            limiter,
            accounts: limits::Accounts::default(),
            counting: Counting::default(),
            user_agent,
            runtime: OnceLock::new(),
            config,
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = self.connections.proxy.as_deref();
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url.as_deref().map(base_url::shown))
            .field("credentials", &self.credentials)
            .field("user_agent_suffix", &self.user_agent_suffix)
            .field("config", &self.config)
            .field("limiter", &self.limiter)
            .field("proxy", &proxy.map(base_url::shown))
            .field(
                "root_certificates",
                &self.connections.root_certificates.len(),
            )
            .finish_non_exhaustive()
    }
}

fn check_timeouts(config: &Config) -> Result<(), Error> {
    for (name, timeout) in [
        ("connect_timeout", config.connect_timeout),
        ("attempt_timeout", config.attempt_timeout),
        ("timeout", config.timeout),
    ] {
        if timeout.is_zero() {
            return Err(Error::configuration(format!(
                "`{name}` is zero, so no request could be sent"
            ))
            .with_hint("set a longer time, or leave it out for the default"));
        }
    }
    Ok(())
}

fn user_agent(suffix: Option<&str>) -> Result<HeaderValue, Error> {
    let own = concat!("wpengine-rust/", env!("CARGO_PKG_VERSION"));
    let whole = match suffix {
        Some(suffix) => format!("{own} {suffix}"),
        None => own.to_owned(),
    };
    HeaderValue::from_str(&whole).map_err(|_| {
        Error::configuration("the suffix of the user agent cannot be sent in a header")
            .with_hint("use visible ASCII characters, such as `my-program/1.0`")
    })
}
