//! A limit: so many requests in any stretch of so much time.

use std::time::Duration;

/// A longer window, or any other longer time of a limiter, is cut to this, so that no clock overflows.
pub(super) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// At most so many requests in any stretch of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    limit: usize,
    period: Duration,
}

impl Window {
    /// At most `limit` requests in any `period`. A limit of 0 counts as 1.
    #[must_use]
    pub const fn new(limit: usize, period: Duration) -> Self {
        Self {
            limit: if limit == 0 { 1 } else { limit },
            period: if period.as_secs() < LONGEST.as_secs() {
                period
            } else {
                LONGEST
            },
        }
    }

    /// How many requests it allows.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// In how much time.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// How many requests it allows if so many percent are left to others; one at least.
    #[must_use]
    pub const fn limit_leaving(&self, percent: u8) -> usize {
        let left = self.limit.saturating_mul(percent as usize).div_ceil(100);
        let limit = self.limit.saturating_sub(left);
        if limit == 0 { 1 } else { limit }
    }
}

/// How full one window is. Those of the account come first, then those of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowState {
    /// The window.
    pub window: Window,
    /// How many requests may leave now.
    pub left: usize,
    /// How many requests wait.
    pub waiting: usize,
    /// How long requests are still paused after a 429; none if they are not.
    pub paused_for: Option<Duration>,
}

impl WindowState {
    /// The state of a window in which so many requests may leave.
    #[must_use]
    pub fn new(window: Window, left: usize) -> Self {
        Self {
            window,
            left,
            waiting: 0,
            paused_for: None,
        }
    }
}
