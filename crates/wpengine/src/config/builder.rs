//! The builder of a client.

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

/// The environment variable that holds the base URL.
pub(crate) const BASE_URL_VARIABLE: &str = "WPE_API_BASE_URL";

/// How much of every rate limit a background client leaves to others by default, in percent.
const BACKGROUND_SHARE: u8 = 20;

/// Configures a [`Client`].
///
/// Only the credentials are required. The default timeouts are 300 s for a call, 45 s for an attempt and 10 s for a
/// connection. Failed attempts are retried as described at [`RetryPolicy`]. Requests stay within the documented rate
/// limits, see [`Windows`](crate::limits::Windows), unless the base URL is on this machine.
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

/// The source of the rate limiter.
#[derive(Debug, Default)]
enum Limiter {
    #[default]
    Default,
    Given(Arc<dyn RateLimiter>),
    None,
}

impl ClientBuilder {
    setters! {
        /// Sets the base URL, for example of a simulator or a gateway; `https://api.wpengineapi.com/v1` by default.
        ///
        /// Plain `http://` is accepted for `localhost` and loopback addresses only. A URL of this machine may contain
        /// credentials, as the simulator's `url()` does. Credentials that are set with
        /// [`credentials`](Self::credentials) take precedence.
        base_url(url: impl Into<String>) base_url = Some(url.into());

        /// Sets the credentials.
        credentials(credentials: Credentials) credentials = Some(credentials);

        /// Appends text to the `User-Agent` header, such as the name and version of your program.
        user_agent_suffix(suffix: impl Into<String>) user_agent_suffix = Some(suffix.into());

        /// Sets the time limit for opening a connection; 10 s by default.
        connect_timeout(timeout: Duration) config.connect_timeout = timeout;

        /// Sets the time limit for one attempt, from opening the connection to the end of the response; 45 s by
        /// default.
        attempt_timeout(timeout: Duration) config.attempt_timeout = timeout;

        /// Sets the time limit for a whole call; 300 s by default. It covers the token, the wait for the rate limit,
        /// all attempts, the waits between them, and reading the response. In a listing it applies to each page.
        timeout(timeout: Duration) config.timeout = timeout;

        /// Sets extra time that a call may spend waiting for the rate limit, and for nothing else; none by default. An
        /// hour is a good value for programs that process a whole fleet.
        rate_limit_wait(wait: Duration) config.rate_limit_wait = wait;

        /// Sets the retry policy.
        retry(policy: RetryPolicy) config.retry = policy;

        /// Sets how many retries all clones of the client may make together before a call succeeds; 100 by default.
        /// When this budget is used up, calls fail after one attempt. A call that succeeds after a retry adds one retry
        /// to the budget; any other successful call adds one fifth. Retries after a 429 are free.
        retry_budget(repetitions: u32) config.retry_budget = repetitions;

        /// Sets the rate limiter. The default is a [`Windows`](crate::limits::Windows) with the documented limits,
        /// which all clients of the same origin in this process share. There is no default limiter for a base URL on
        /// this machine, or with an [`http_client`](Self::http_client) of your own.
        ///
        /// To share a limiter between clients, pass an `Arc` of it to each.
        rate_limiter(limiter: impl RateLimiter) limiter = Limiter::Given(Arc::new(limiter));

        /// Sends requests without a rate limiter. After a 429 of the service, the client still waits and retries.
        no_rate_limiter() limiter = Limiter::None;

        /// Marks the client as background work: it leaves 20 % of every rate limit to other clients.
        background() config.background = Some(BACKGROUND_SHARE);

        /// Marks the client as background work that leaves `percent` of every rate limit to other clients; at most 99.
        background_leaving(percent: u8) config.background = Some(percent.min(99));

        /// Sets a proxy for all requests, such as `http://proxy.example.com:3128`. Without it, the environment
        /// variables `HTTPS_PROXY` and `ALL_PROXY` apply. A base URL on this machine never uses a proxy.
        proxy(url: impl Into<String>) connections.proxy = Some(url.into());

        /// Sets how long an idle connection is kept open; 90 s by default.
        pool_idle_timeout(timeout: Duration) config.pool_idle_timeout = timeout;

        /// Sets how many idle connections are kept open; no limit by default.
        pool_max_idle(connections: usize) config.pool_max_idle = Some(connections);

        /// Sets the maximum size of a response body, in bytes; 32 MiB by default.
        max_response_size(bytes: usize) config.max_response_size = bytes;

        /// Refuses every operation that changes something, without sending a request.
        read_only() config.read_only = true;

        /// Replaces the built-in HTTP client, for example in tests or to use another transport. See [`HttpClient`].
        http_client(client: impl HttpClient + 'static) http_client = Some(Arc::new(client));
    }

    /// Trusts the certificates in a PEM text, in addition to those of the platform.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connections.root_certificates.push(pem.into());
        self
    }

    /// Returns the settings so far.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Adds a layer around the HTTP client, which can inspect, change or record every request. The layer that is added
    /// last sees a request first. See [`HttpClient`] for an example.
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
    /// [`Configuration`](crate::ErrorKind::Configuration) if a setting cannot be used, or if the platform has no
    /// trusted certificates.
    pub fn build(self) -> Result<Client, Error> {
        let (config, http_client) = (self.config, self.http_client);
        let base_url = self.base_url.as_deref().unwrap_or(base_url::BASE_URL);
        let (base, of_url) = base_url::read(base_url)?;
        let credentials = self.credentials.or(of_url).ok_or_else(|| {
            Error::configuration("the client has no credentials")
                .with_hint("set them with `credentials`, or use `Client::from_env`")
        })?;
        credentials.check()?;
        check_timeouts(&config)?;
        let user_agent = user_agent(self.user_agent_suffix.as_deref())?;
        let http = match &http_client {
            Some(_) => connections::only_for_requests()?,
            None => connections::client(&config, &self.connections, &base)?,
        };
        let limiter = match self.limiter {
            Limiter::Given(limiter) => Some(limiter),
            Limiter::Default if http_client.is_none() && !is_loopback(&base) => {
                Some(limits::default_of(&base, &credentials))
            }
            Limiter::Default | Limiter::None => None,
        };
        let inner = http_client.unwrap_or_else(|| Arc::new(Reqwest(http.clone())));
        let http_client = self
            .wraps
            .into_iter()
            .fold(inner, |inner, wrap| wrap(inner));
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
            let text = format!("`{name}` is zero, so no request could be sent");
            return Err(Error::configuration(text)
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
