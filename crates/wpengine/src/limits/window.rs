//! A rate limit: a number of requests in any period of a fixed length.

use std::time::Duration;

/// The maximum of every duration in a limiter, so that adding it to a clock cannot overflow.
pub(super) const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// A rate limit: a number of requests in any period of a fixed length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    limit: usize,
    period: Duration,
}

impl Window {
    /// Creates a window with at most `limit` requests in any `period`. A limit of 0 counts as 1.
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

    /// Returns the number of requests that the window allows.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the length of the window.
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// Returns the number of requests that the window allows if `percent` of it is left to others; at least one.
    pub const fn limit_leaving(&self, percent: u8) -> usize {
        let left = self.limit.saturating_mul(percent as usize).div_ceil(100);
        let limit = self.limit.saturating_sub(left);
        if limit == 0 { 1 } else { limit }
    }
}

/// How full a window is. The windows of the account come first, then those of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowState {
    /// The window.
    pub window: Window,
    /// How many requests may be sent now.
    pub left: usize,
    /// How many requests are waiting.
    pub waiting: usize,
    /// How much longer requests are paused after a 429; none if they are not paused.
    pub paused_for: Option<Duration>,
}

impl WindowState {
    /// Creates the state of a window that has room for `left` requests.
    pub fn new(window: Window, left: usize) -> Self {
        Self {
            window,
            left,
            waiting: 0,
            paused_for: None,
        }
    }
}
