//! The settings of a client.

mod base_url;
mod builder;
mod http;

use std::time::Duration;

pub(crate) use base_url::{is_loopback, read as read_base_url};
pub(crate) use builder::BASE_URL_VARIABLE;
pub use builder::ClientBuilder;

use crate::RetryPolicy;

/// The settings of a client: timeouts, retries and sizes.
///
/// [`Client::config`](crate::Client::config) returns the settings of a client. Set them with the methods of
/// [`ClientBuilder`] that have the same names.
///
/// ```
/// use std::time::Duration;
///
/// let config = wpengine::Client::builder().attempt_timeout(Duration::from_secs(20)).config().clone();
/// assert_eq!(config.attempt_timeout, Duration::from_secs(20));
/// assert_eq!(config.timeout, Duration::from_secs(300));
/// assert_eq!(config.rate_limit_wait, Duration::ZERO);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The time limit for opening a connection.
    pub connect_timeout: Duration,
    /// The time limit for one attempt, from opening the connection to the end of the response.
    pub attempt_timeout: Duration,
    /// The time limit for a whole call: token, rate limit, attempts, back-off and reading the response.
    pub timeout: Duration,
    /// Extra time that a call may spend waiting for the rate limit, and for nothing else.
    pub rate_limit_wait: Duration,
    /// The retry policy.
    pub retry: RetryPolicy,
    /// How many retries all clones of the client may make together before a call succeeds.
    pub retry_budget: u32,
    /// How much of every rate limit this client leaves to others, in percent. None if it is not a background client.
    pub background: Option<u8>,
    /// How long an idle connection is kept open.
    pub pool_idle_timeout: Duration,
    /// How many idle connections are kept open. None if there is no limit.
    pub pool_max_idle: Option<usize>,
    /// The maximum size of a response body, in bytes.
    pub max_response_size: usize,
    /// Whether the client refuses every operation that changes something.
    pub read_only: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            // The gateway of the service times out after 29 s.
            attempt_timeout: Duration::from_secs(45),
            timeout: Duration::from_secs(300),
            rate_limit_wait: Duration::ZERO,
            retry: RetryPolicy::default(),
            retry_budget: 100,
            background: None,
            pool_idle_timeout: Duration::from_secs(90),
            pool_max_idle: None,
            // The largest response seen so far is below 1 MB.
            max_response_size: 32 * 1024 * 1024,
            read_only: false,
        }
    }
}
