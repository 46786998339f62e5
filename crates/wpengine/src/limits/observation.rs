//! What a response says about the rate limits.

use std::time::Duration;

use http::HeaderMap;

use crate::response::{self, RateLimit};

/// The part of a response that a limiter needs.
///
/// `Debug` prints no headers, because a service may repeat there what it was sent.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// Whether the service refused the request because of a rate limit (429).
    pub refused: bool,
    /// The headers of the response.
    pub headers: &'a HeaderMap,
}

impl<'a> Observation<'a> {
    /// Creates an observation from the headers of a response.
    pub fn new(refused: bool, headers: &'a HeaderMap) -> Self {
        Self { refused, headers }
    }

    /// Returns the `Retry-After` of the response: how long the service asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        response::retry_after(self.headers)
    }

    /// Returns the `X-RateLimit-*` headers of the response. The reset time is relative to the `Date` of the response,
    /// if there is one, because the clock of this machine may be wrong.
    pub fn remaining(&self) -> Option<Remaining> {
        let limit = RateLimit::read(self.headers)?;
        let seconds = limit.reset?.as_second() - response::date(self.headers).as_second();
        Some(Remaining {
            limit: limit.limit,
            remaining: limit.remaining?,
            // The limit is reset at the end of that second.
            reset_after: Duration::from_secs(u64::try_from(seconds).ok()?.saturating_add(1)),
        })
    }
}

/// The `X-RateLimit-*` headers of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remaining {
    /// The number of requests that the limit allows; none if the response does not contain it.
    pub limit: Option<u64>,
    /// The number of requests that are left.
    pub remaining: u64,
    /// The time until the limit is reset.
    pub reset_after: Duration,
}

debug_fields!(Observation<'a> as this: refused = this.refused);
