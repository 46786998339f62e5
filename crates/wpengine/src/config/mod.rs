//! What can be set of a client.

mod base_url;
mod builder;
mod http;

use std::time::Duration;

pub(crate) use base_url::is_loopback;
pub(crate) use builder::BASE_URL_VARIABLE;
pub use builder::ClientBuilder;

use crate::RetryPolicy;

/// The settings of a client: its time limits, its retries and its sizes.
///
/// [`Client::config`](crate::Client::config) returns the settings that hold for a client. They are set with the methods of
/// [`ClientBuilder`], which have the same names.
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
    /// The time to make a connection.
    pub connect_timeout: Duration,
    /// The time for one attempt, from the connection to the end of the answer.
    pub attempt_timeout: Duration,
    /// The time for a whole call: token, rate limit, attempts, back-off and reading.
    pub timeout: Duration,
    /// Extra time for a call that may only be spent waiting for the rate limit.
    pub rate_limit_wait: Duration,
    /// When a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// How many repetitions in a row all clones of the client may make without a success.
    pub retry_budget: u32,
    /// The share of every rate limit, in percent, that this client leaves to others. None if it is no background client.
    pub background: Option<u8>,
    /// The time after which an idle connection is closed.
    pub pool_idle_timeout: Duration,
    /// How many idle connections are kept. None if there is no limit.
    pub pool_max_idle: Option<usize>,
    /// The longest answer that is read, in bytes.
    pub max_response_size: usize,
    /// Whether the client refuses every operation that changes something.
    pub read_only: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            // The service's gateway gives up after 29 s.
            attempt_timeout: Duration::from_secs(45),
            timeout: Duration::from_secs(300),
            rate_limit_wait: Duration::ZERO,
            retry: RetryPolicy::default(),
            retry_budget: 100,
            background: None,
            pool_idle_timeout: Duration::from_secs(90),
            pool_max_idle: None,
            // The largest answer seen is below one megabyte.
            max_response_size: 32 * 1024 * 1024,
            read_only: false,
        }
    }
}
