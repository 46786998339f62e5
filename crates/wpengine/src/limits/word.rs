//! What the service itself says of a line of requests, in its answers.

use std::time::Duration;

use super::{Observation, Window};
use crate::response::{RateLimit, retry_after};

/// How long to pause after a 429 that does not say it.
const PAUSE: Duration = Duration::from_secs(5);
/// The longest pause that a 429 can ask for. One of hours or years would look like a hang: the call that met it ends with an
/// error that says so, and those after it may try.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);
/// The longest time for which the service can say that nothing is left; no documented window is longer.
const LONGEST_RESET: Duration = Duration::from_secs(3600);

/// What an answer says of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Nobody may send for that long.
    pub(super) pause: Option<Duration>,
    /// After the pause requests leave one by one, that far apart, so that those who waited do not all leave together: the
    /// pace of the tightest window.
    pub(super) gap: Option<Duration>,
    /// How many requests are left, and for how long that holds.
    pub(super) left: Option<(u64, Duration)>,
}

impl Word {
    pub(super) fn read(windows: &[Window], answer: &Observation<'_>) -> Self {
        let pause = answer.refused.then(|| {
            retry_after(answer.headers)
                .unwrap_or(PAUSE)
                .min(LONGEST_PAUSE)
        });
        Self {
            pause,
            gap: pause.and_then(|_| slowest(windows)),
            left: left(windows, answer),
        }
    }
}

#[cfg(feature = "redis")]
impl Word {
    /// What still holds of it after so much time.
    pub(super) fn after(mut self, time: Duration) -> Option<Self> {
        let rest = |of: Duration| of.checked_sub(time).filter(|rest| !rest.is_zero());
        self.pause = self.pause.and_then(rest);
        self.left = self.left.and_then(|(left, of)| Some((left, rest(of)?)));
        (self.pause.is_some() || self.left.is_some()).then_some(self)
    }
}

/// The time between two requests at the pace of the tightest window.
fn slowest(windows: &[Window]) -> Option<Duration> {
    windows
        .iter()
        .map(|window| window.period / u32::try_from(window.limit).unwrap_or(u32::MAX))
        .max()
}

fn left(windows: &[Window], answer: &Observation<'_>) -> Option<(u64, Duration)> {
    let limit = RateLimit::read(answer.headers)?;
    let (left, reset) = (limit.remaining?, limit.reset?);
    // A remainder of a limit of that size is about one of these windows; one of no known size may be.
    let is_ours = limit.limit.is_none_or(|limit| {
        windows
            .iter()
            .any(|window| u64::try_from(window.limit) == Ok(limit))
    });
    let seconds = u64::try_from(reset.as_second() - jiff::Timestamp::now().as_second()).ok()?;
    // The second that the reset falls into is not over when it begins.
    let time = Duration::from_secs(seconds.saturating_add(1)).min(LONGEST_RESET);
    is_ours.then_some((left, time))
}
