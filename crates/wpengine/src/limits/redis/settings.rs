//! What is configured of windows in Redis.

use std::{num::NonZeroU32, time::Duration};

use crate::limits::Window;

/// What a request does while Redis cannot be used: it is down, too slow, or has lost the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenDown {
    /// It waits, and after [`patience`](super::RedisWindows::patience) it ends with an error; nothing is sent. No limit is ever exceeded.
    Stop,
    /// It counts in this process alone, which takes one part in so many of each limit for itself.
    ///
    /// Give the largest number of processes that share the windows. What the others may have sent just before is not known then:
    /// so a window is closed for its own period at first, but for what was certainly left of it. Where only some
    /// processes lose Redis the others go on with all of it, and a limit can be exceeded by the part.
    Share(NonZeroU32),
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) per_credentials: Vec<Window>,
    pub(super) per_account: Vec<Window>,
    pub(super) margin: Duration,
    pub(super) prefix: String,
    pub(super) timeout: Duration,
    pub(super) patience: Duration,
    pub(super) when_down: WhenDown,
    pub(super) trust_empty: bool,
}

impl Settings {
    fn periods(&self) -> impl Iterator<Item = Duration> {
        self.per_credentials
            .iter()
            .chain(&self.per_account)
            .map(|window| window.period)
    }

    /// The longest window: for so long it matters what has been sent.
    pub(super) fn longest(&self) -> Duration {
        self.periods().max().unwrap_or_default()
    }

    /// How old a grant may be when it is used: then the place is renewed long before it is free again.
    pub(super) fn longest_on_the_way(&self) -> Duration {
        let shortest = self.periods().min().unwrap_or(Duration::MAX);
        self.margin.max(shortest / 2)
    }

    /// How often a process that holds places looks whether Redis still has them.
    pub(super) fn beat(&self) -> Duration {
        let shortest = self.periods().min().unwrap_or_default();
        (shortest / 8).clamp(Duration::from_millis(50), Duration::from_secs(1))
    }

    /// How long everybody has to publish what they hold, after a loss.
    pub(super) fn settle(&self) -> Duration {
        self.beat() * 4
    }
}
