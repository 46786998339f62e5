//! What an answer says of the limits.

use std::{fmt, time::Duration};

use http::HeaderMap;

use crate::response::{self, RateLimit};

/// An answer, as a limiter learns from it.
///
/// `Debug` shows no headers: a service can repeat in them what it was sent.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// Whether the service refused the request because of a limit (429).
    pub refused: bool,
    /// The headers of the answer.
    pub headers: &'a HeaderMap,
}

impl<'a> Observation<'a> {
    /// An answer with those headers.
    #[must_use]
    pub fn new(refused: bool, headers: &'a HeaderMap) -> Self {
        Self { refused, headers }
    }

    /// How long the service asks to wait, by its `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        response::retry_after(self.headers)
    }

    /// How many requests the service says are left, of which limit, and for how long that holds. The time is counted
    /// from the `Date` of the answer, if it has one: the clock of this machine may be wrong.
    #[must_use]
    pub fn remaining(&self) -> Option<Remaining> {
        let limit = RateLimit::read(self.headers)?;
        let seconds = limit.reset?.as_second() - response::date(self.headers).as_second();
        Some(Remaining {
            limit: limit.limit,
            remaining: limit.remaining?,
            // The second of the reset is not over when it begins.
            reset_after: Duration::from_secs(u64::try_from(seconds).ok()?.saturating_add(1)),
        })
    }
}

/// What the `X-RateLimit-*` headers of an answer say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remaining {
    /// How many requests the limit allows; none if the answer does not say it.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: u64,
    /// The time until the limit is fresh again.
    pub reset_after: Duration,
}

impl fmt::Debug for Observation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observation")
            .field("refused", &self.refused)
            .finish_non_exhaustive()
    }
}
