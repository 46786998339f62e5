//! The deadline of a call.

use std::time::Duration;

use tokio::time::Instant;

/// The deadline of a call: everything that the call does must end before it. A call may have extra time that it can
/// only spend waiting for the rate limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    started: Instant,
    /// The time of the call, plus the extra time that has been spent so far.
    time: Duration,
    /// The remaining extra time.
    extra: Duration,
    /// The time spent waiting for the rate limit.
    limited: Duration,
}

impl Deadline {
    pub(super) fn new(time: Duration, extra: Duration) -> Self {
        Self {
            started: Instant::now(),
            time,
            extra,
            limited: Duration::ZERO,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the elapsed time without the waits for the rate limit.
    pub(super) fn worked(&self) -> Duration {
        self.elapsed().saturating_sub(self.limited)
    }

    /// Returns the remaining time for everything.
    pub(super) fn left(&self) -> Duration {
        self.time.saturating_sub(self.elapsed())
    }

    /// Returns the remaining time for waiting for the rate limit.
    pub(super) fn left_for_limit(&self) -> Duration {
        self.left().saturating_add(self.extra)
    }

    /// Records a wait for the rate limit. It is taken from the extra time first, and from the normal time only after
    /// that.
    pub(super) fn spent_on_limit(&mut self, spent: Duration) {
        let paid = spent.min(self.extra);
        self.extra -= paid;
        self.limited = self.limited.saturating_add(spent);
        self.time = self.time.saturating_add(paid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn extra_time_is_for_the_rate_limit_alone() {
        let mut deadline = Deadline::new(10 * SECOND, 60 * SECOND);
        assert_eq!(deadline.left(), 10 * SECOND);
        assert_eq!(deadline.left_for_limit(), 70 * SECOND);
        tokio::time::advance(50 * SECOND).await;
        deadline.spent_on_limit(50 * SECOND);
        assert_eq!(deadline.left(), 10 * SECOND);
        assert_eq!(deadline.left_for_limit(), 20 * SECOND);
        assert_eq!(deadline.worked(), Duration::ZERO);
        tokio::time::advance(4 * SECOND).await;
        assert_eq!(deadline.left(), 6 * SECOND);
        tokio::time::advance(12 * SECOND).await;
        deadline.spent_on_limit(12 * SECOND);
        assert_eq!(deadline.left(), 4 * SECOND);
        assert_eq!(deadline.left_for_limit(), 4 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_times_do_not_overflow() {
        let mut deadline = Deadline::new(Duration::MAX, Duration::MAX);
        tokio::time::advance(SECOND).await;
        deadline.spent_on_limit(SECOND);
        assert!(deadline.left() > 100 * 365 * 86_400 * SECOND);
        assert!(deadline.left_for_limit() > 100 * 365 * 86_400 * SECOND);
    }
}
