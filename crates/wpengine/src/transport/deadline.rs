//! The one deadline of a call.

use std::time::Duration;

use tokio::time::Instant;

/// When a call ends: everything it does has to fit before. On top of its own time it may have some that can only be spent
/// waiting for the rate limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    started: Instant,
    /// The time of the call, and what was granted of the extra time so far.
    time: Duration,
    /// What is left of the extra time.
    extra: Duration,
    /// The time that was spent on the rate limit.
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

    /// The time so far, without that for the rate limit.
    pub(super) fn worked(&self) -> Duration {
        self.elapsed().saturating_sub(self.limited)
    }

    /// The time that is left for everything.
    pub(super) fn left(&self) -> Duration {
        self.time.saturating_sub(self.elapsed())
    }

    /// The time that is left for the rate limit.
    pub(super) fn left_for_limit(&self) -> Duration {
        self.left().saturating_add(self.extra)
    }

    /// So much time was spent on the rate limit: the extra time pays for it first.
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
