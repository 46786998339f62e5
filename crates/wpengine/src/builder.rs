//! Configuring a client.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use http::HeaderValue;
use url::{Host, Url};

use crate::{
    Client, Credentials, RetryPolicy,
    client_limits::ClientLimits,
    error::Error,
    limits::{RateLimiter, Windows},
    transport::{Authenticator, Budget, Core, Counting, Http, Timeouts, Wire},
};

/// Where the API is.
pub(crate) const BASE_URL: &str = "https://api.wpengineapi.com/v1";
/// The variable that overrides it.
pub(crate) const BASE_URL_VARIABLE: &str = "WPE_API_BASE_URL";
/// The largest answer that is read by default. The largest one seen is below one megabyte.
const MAX_RESPONSE_SIZE: usize = 32 * 1024 * 1024;
/// How many repetitions in a row are paid for by default.
const RETRY_BUDGET: u32 = 100;
/// How long an idle connection is kept by default.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// Configures a [`Client`].
///
/// Only the credentials have to be given. By default a connection may take 10 s, an attempt 45 s and a call with all
/// its attempts 300 s; a safe request is repeated as [`RetryPolicy`] says; requests leave as [`Windows`] allows, and wait
/// for it at most 65 minutes; and an answer may have 32 MiB. [`limits`](Self::limits) says what holds.
///
/// ```
/// use std::time::Duration;
/// use wpengine::{Client, Credentials};
///
/// let client = Client::builder()
///     .credentials(Credentials::basic("my-api-user-id", "my-password"))
///     .user_agent_suffix("fleet-report/2.1")
///     .total_timeout(Duration::from_secs(120))
///     .read_only()
///     .build()?;
/// # let _ = client;
/// # Ok::<(), wpengine::Error>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    base_url: Option<String>,
    credentials: Option<Credentials>,
    user_agent_suffix: Option<String>,
    timeouts: Timeouts,
    retry: RetryPolicy,
    retry_budget: u32,
    limiter: Limiter,
    proxy: Option<String>,
    root_certificates: Vec<Vec<u8>>,
    pool_idle_timeout: Duration,
    pool_max_idle: Option<usize>,
    max_response_size: usize,
    read_only: bool,
    wire: Option<Arc<dyn Wire>>,
}

/// What limits the rate of a client.
#[derive(Debug)]
enum Limiter {
    Default,
    Own(Arc<dyn RateLimiter>),
    None,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            base_url: None,
            credentials: None,
            user_agent_suffix: None,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            retry_budget: RETRY_BUDGET,
            limiter: Limiter::Default,
            proxy: None,
            root_certificates: Vec::new(),
            pool_idle_timeout: POOL_IDLE_TIMEOUT,
            pool_max_idle: None,
            max_response_size: MAX_RESPONSE_SIZE,
            read_only: false,
            wire: None,
        }
    }
}

impl ClientBuilder {
    /// Talks to another base URL than `https://api.wpengineapi.com/v1`: a simulator, or a gateway of your own. Plain
    /// `http://` is accepted for this machine only.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The credentials to ask with.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Adds something to the `User-Agent`, such as the name and version of your program.
    pub fn user_agent_suffix(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent_suffix = Some(suffix.into());
        self
    }

    /// How long making a connection may take; 10 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// How long one attempt may take, from the connection to the end of the answer; 45 s by default.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.attempt = timeout;
        self
    }

    /// How long a call may take, with all its attempts and the waits between them; 300 s by default. In a listing it
    /// holds for each page.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.total = timeout;
        self
    }

    /// How failed attempts are repeated; at most 4 attempts by default, as [`RetryPolicy`] says.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How many attempts may be repeated in a row, over all clones of the client, before calls fail after one attempt;
    /// 100 by default. Every call that succeeds earns a fifth of a repetition back. What a limit refused (429) costs nothing.
    pub fn retry_budget(mut self, repetitions: u32) -> Self {
        self.retry_budget = repetitions;
        self
    }

    /// Limits how often requests leave by something else than [`Windows::default`], which keeps the two limits that the
    /// API documents: 100 requests a minute, and 1000 an hour for each account.
    pub fn rate_limiter(mut self, limiter: impl RateLimiter) -> Self {
        self.limiter = Limiter::Own(Arc::new(limiter));
        self
    }

    /// Shares a limiter with other clients.
    pub fn shared_rate_limiter(mut self, limiter: Arc<dyn RateLimiter>) -> Self {
        self.limiter = Limiter::Own(limiter);
        self
    }

    /// Lets every request leave at once. What the service refuses (429) is still waited for and repeated.
    pub fn no_rate_limiter(mut self) -> Self {
        self.limiter = Limiter::None;
        self
    }

    /// How long a request may wait for the rate limit before it fails unsent; 65 minutes by default, and not counted in the
    /// other timeouts. With zero a request that would have to wait fails at once.
    pub fn max_rate_limit_wait(mut self, wait: Duration) -> Self {
        self.timeouts.limit_wait = wait;
        self
    }

    /// Sends everything through a proxy, such as `http://proxy.example.com:3128`. Without it the variables
    /// `HTTPS_PROXY` and `ALL_PROXY` count; for a base URL on this machine none does.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Trusts the certificates of a PEM file too, besides those of the platform.
    pub fn root_certificates_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// How long an idle connection is kept; 90 s by default.
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.pool_idle_timeout = timeout;
        self
    }

    /// How many idle connections are kept; not limited by default.
    pub fn pool_max_idle(mut self, connections: usize) -> Self {
        self.pool_max_idle = Some(connections);
        self
    }

    /// The longest answer that is read, in bytes; 32 MiB by default.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.max_response_size = bytes;
        self
    }

    /// Refuses every operation that could change something, before anything is sent.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// What will limit the client: the defaults, and what was set in place of them.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let limits = wpengine::Client::builder().attempt_timeout(Duration::from_secs(20)).limits();
    /// assert_eq!(limits.attempt_timeout, Duration::from_secs(20));
    /// assert_eq!(limits.total_timeout, Duration::from_secs(300));
    /// ```
    #[must_use]
    pub fn limits(&self) -> ClientLimits {
        ClientLimits {
            connect_timeout: self.timeouts.connect,
            attempt_timeout: self.timeouts.attempt,
            total_timeout: self.timeouts.total,
            max_rate_limit_wait: self.timeouts.limit_wait,
            max_attempts: self.retry.max_attempts,
            first_wait: self.retry.first_wait,
            longest_wait: self.retry.longest_wait,
            longest_retry_after: self.retry.longest_retry_after,
            retry_budget: self.retry_budget,
            pool_idle_timeout: self.pool_idle_timeout,
            max_response_size: self.max_response_size,
        }
    }

    /// Sends requests by something else than HTTP. For tests.
    #[doc(hidden)]
    pub fn wire(mut self, wire: Arc<dyn Wire>) -> Self {
        self.wire = Some(wire);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) for a base URL, a proxy, a certificate, a suffix or credentials
    /// that cannot be used, or if the platform has no certificates to trust.
    pub fn build(self) -> Result<Client, Error> {
        let credentials = self.credentials.clone().ok_or_else(|| {
            Error::configuration("the client has no credentials")
                .hint("give it some with `credentials`, or use `Client::from_env`")
        })?;
        credentials.check()?;
        let base = base_url(self.base_url.as_deref().unwrap_or(BASE_URL))?;
        let user_agent = user_agent(self.user_agent_suffix.as_deref())?;
        for (what, limit) in [
            ("connect_timeout", self.timeouts.connect),
            ("attempt_timeout", self.timeouts.attempt),
            ("total_timeout", self.timeouts.total),
        ] {
            if limit.is_zero() {
                return Err(Error::configuration(format!(
                    "a `{what}` of nothing lets no request through"
                ))
                .hint("give it some time, or leave it out for the default"));
            }
        }
        let http = self.http_client(&base)?;
        let limits = self.limits();
        let wire = match &self.wire {
            Some(wire) => Arc::clone(wire),
            None => Arc::new(Http(http.clone())),
        };
        Ok(Client::from_core(Core {
            base,
            http,
            wire,
            authenticator: Authenticator::new(credentials),
            timeouts: self.timeouts,
            retry: self.retry,
            budget: Budget::new(self.retry_budget),
            limiter: match self.limiter {
                Limiter::Default => Some(Arc::new(Windows::default())),
                Limiter::Own(limiter) => Some(limiter),
                Limiter::None => None,
            },
            counting: Counting::default(),
            user_agent,
            max_response_size: self.max_response_size,
            limits,
            read_only: self.read_only,
        }))
    }

    fn http_client(&self, base: &Url) -> Result<reqwest::Client, Error> {
        let loopback = is_loopback(base);
        let mut builder = reqwest::Client::builder()
            .connect_timeout(self.timeouts.connect)
            .pool_idle_timeout(self.pool_idle_timeout)
            // What may be repeated is decided here, not there; and a redirect would take the credentials along.
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        if let Some(most) = self.pool_max_idle {
            builder = builder.pool_max_idle_per_host(most);
        }
        match &self.proxy {
            Some(proxy) => builder = builder.proxy(proxy_of(proxy)?),
            // Plain HTTP through a proxy would show the credentials to it.
            None if loopback => builder = builder.no_proxy(),
            None => {}
        }
        builder = self.tls(builder, base)?;
        builder.build().map_err(|error| {
            Error::configuration("TLS cannot be set up")
                .hint("it needs the certificates that this machine trusts: install them (Debian, Ubuntu and Alpine: the package `ca-certificates`)")
                .caused_by(error)
        })
    }

    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    fn tls(
        &self,
        builder: reqwest::ClientBuilder,
        base: &Url,
    ) -> Result<reqwest::ClientBuilder, Error> {
        #[cfg(feature = "rustls")]
        let builder = builder.tls_backend_rustls();
        let mut certificates = Vec::new();
        for pem in &self.root_certificates {
            let read = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| {
                Error::configuration("the root certificates are not PEM").caused_by(error)
            })?;
            if read.is_empty() {
                return Err(
                    Error::configuration("the root certificates hold no certificate")
                        .hint("PEM begins with `-----BEGIN CERTIFICATE-----`"),
                );
            }
            certificates.extend(read);
        }
        if base.scheme() == "http" {
            // Nothing of this machine needs certificates, and there may be none.
            return Ok(builder.tls_certs_only(certificates));
        }
        Ok(builder.tls_certs_merge(certificates))
    }

    #[cfg(not(any(feature = "rustls", feature = "native-tls")))]
    fn tls(
        &self,
        builder: reqwest::ClientBuilder,
        base: &Url,
    ) -> Result<reqwest::ClientBuilder, Error> {
        if base.scheme() == "https" {
            return Err(Error::configuration(
                "this build of `wpengine` has no TLS, and the base URL is `https://`",
            )
            .hint("switch on its feature `rustls` or `native-tls`"));
        }
        Ok(builder)
    }
}

/// What reqwest cannot use it may ignore, and then requests would go out without the proxy: it is checked here. What is
/// wrong is said without quoting it: it may hold a password.
fn proxy_of(text: &str) -> Result<reqwest::Proxy, Error> {
    let refuse = |message: &str| {
        Error::configuration(message.to_owned()).hint("write it as `http://host:port`")
    };
    let url =
        Url::parse(text).map_err(|error| refuse("the proxy is not a URL").caused_by(error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("the proxy is neither `http://` nor `https://`"));
    }
    reqwest::Proxy::all(url)
        .map_err(|error| refuse("the proxy cannot be used").caused_by(error.without_url()))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url.as_deref().map(shown))
            .field("credentials", &self.credentials)
            .field("user_agent_suffix", &self.user_agent_suffix)
            .field("limits", &self.limits())
            .field("limiter", &self.limiter)
            .field("proxy", &self.proxy.as_deref().map(shown))
            .field("root_certificates", &self.root_certificates.len())
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

/// A URL without what may be a password in it.
fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => format!(
            "{}://{}",
            url.scheme(),
            &url[url::Position::BeforeHost..url::Position::AfterPath]
        ),
        _ => "(no URL)".to_owned(),
    }
}

fn base_url(text: &str) -> Result<Url, Error> {
    // What is wrong is said without quoting it whole: it may hold a password.
    let mut url = Url::parse(text).map_err(|error| {
        Error::configuration("the base URL is not a URL")
            .hint(format!("it looks like `{BASE_URL}`"))
            .caused_by(error)
    })?;
    let refuse = |message: String, hint: String| Err(Error::configuration(message).hint(hint));
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(
            "the base URL holds credentials".to_owned(),
            "take them out of it and give them to the client with `credentials`".to_owned(),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse(
            "the base URL has a query or a fragment".to_owned(),
            "it ends with the version, like `/v1`".to_owned(),
        );
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return refuse(
                format!(
                    "the base URL is plain `http://`, which would send the credentials to {} in the open",
                    url.host_str().unwrap_or_default()
                ),
                "use `https://`; `http://` is accepted for this machine only".to_owned(),
            );
        }
        other => {
            return refuse(
                format!("the base URL has the scheme `{other}`"),
                "use `https://`".to_owned(),
            );
        }
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Whether an address is one of this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost")
                || name.to_ascii_lowercase().ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn user_agent(suffix: Option<&str>) -> Result<HeaderValue, Error> {
    let own = concat!("wpengine-rust/", env!("CARGO_PKG_VERSION"));
    let whole = match suffix {
        Some(suffix) => format!("{own} {suffix}"),
        None => own.to_owned(),
    };
    HeaderValue::from_str(&whole).map_err(|_| {
        Error::configuration("the suffix of the user agent cannot be sent in a header")
            .hint("use visible ASCII characters, such as `my-program/1.0`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_accepted_for_this_machine_only() {
        for good in [
            "https://api.wpengineapi.com/v1",
            "https://api.wpengineapi.com/v1/",
            "http://127.0.0.1:8080/v1",
            "http://127.8.9.1/v1",
            "http://[::1]:8080/v1",
            "http://localhost:8080/v1",
        ] {
            let url = base_url(good).unwrap();
            assert!(!url.as_str().ends_with("v1/"), "{good}");
        }
        for bad in [
            "http://api.wpengineapi.com/v1",
            "http://127.0.0.1.example.com/v1",
            "http://10.0.0.1/v1",
            "http://localhost.example.com/v1",
            "http://0.0.0.0/v1",
            "ftp://127.0.0.1/v1",
            "https://user:pw@example.com/v1",
            "https://example.com/v1?x=1",
            "https://example.com/v1#x",
            "api.wpengineapi.com/v1",
            "",
        ] {
            let error = base_url(bad).unwrap_err();
            assert!(!error.to_string().contains("pw"), "{error}");
        }
    }
}
