//! The limits of a client, to be read.

use std::time::Duration;

/// What limits a client besides the rate: how long it waits, how often it repeats, and how much it reads. Made by
/// [`Client::limits`](crate::Client::limits) and [`ClientBuilder::limits`](crate::ClientBuilder::limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientLimits {
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long a call may take, waits for the rate limit aside.
    pub total_timeout: Duration,
    /// How long a request may wait for the rate limit.
    pub max_rate_limit_wait: Duration,
    /// How often a request is tried in all.
    pub max_attempts: u32,
    /// The longest wait after a first attempt.
    pub first_wait: Duration,
    /// The longest wait after any attempt, a `Retry-After` aside.
    pub longest_wait: Duration,
    /// The longest `Retry-After` that is waited for.
    pub longest_retry_after: Duration,
    /// How many attempts may be repeated in a row, over all clones of the client.
    pub retry_budget: u32,
    /// How long an idle connection is kept.
    pub pool_idle_timeout: Duration,
    /// The longest answer that is read, in bytes.
    pub max_response_size: usize,
}
