//! Counters of what a client has done.

use std::{
    sync::{Mutex, PoisonError},
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
    /// The total time that the requests counted in `limited` waited for the rate limit.
    pub limited_for: Duration,
}

/// The counters of a client.
#[derive(Debug, Default)]
pub(crate) struct Counting(Mutex<Counters>);

impl Counting {
    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn limited(&self, wait: Duration) {
        if !wait.is_zero() {
            self.count(|counters| {
                counters.limited += 1;
                counters.limited_for = counters.limited_for.saturating_add(wait);
            });
        }
    }

    pub(crate) fn read(&self) -> Counters {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
