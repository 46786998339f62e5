//! Counters of what a client has done.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Counters of what a client and all its clones have done. The numbers never decrease.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// # let client = wpengine::Client::at(simulator.url())?;
/// client.current_user().await?;
/// let counters = client.counters();
/// assert_eq!((counters.calls, counters.attempts, counters.failures), (1, 1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// The number of calls that have ended, successfully or not.
    pub calls: u64,
    /// The number of attempts of these calls: requests that were sent, or could not be sent.
    pub attempts: u64,
    /// The number of calls that ended without a response, or with a response that is not a success.
    pub failures: u64,
    /// The number of responses that reported a rate limit (429).
    pub throttled: u64,
    /// The number of requests that waited 20 ms or longer for the rate limit before they were sent.
    pub limited: u64,
    /// The total time of these waits.
    pub limited_for: Duration,
}

/// The counters in atomic form.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    calls: AtomicU64,
    attempts: AtomicU64,
    failures: AtomicU64,
    throttled: AtomicU64,
    limited: AtomicU64,
    limited_for: AtomicU64,
}

impl Counting {
    pub(crate) fn call(&self, attempts: u32, succeeded: bool) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.attempts
            .fetch_add(u64::from(attempts), Ordering::Relaxed);
        if !succeeded {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn limited(&self, wait: Duration) {
        let nanoseconds = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        if nanoseconds > 0 {
            self.limited.fetch_add(1, Ordering::Relaxed);
            self.limited_for.fetch_add(nanoseconds, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            calls: read(&self.calls),
            attempts: read(&self.attempts),
            failures: read(&self.failures),
            throttled: read(&self.throttled),
            limited: read(&self.limited),
            limited_for: Duration::from_nanos(read(&self.limited_for)),
        }
    }
}
