//! The documented rate limits: a number of requests per minute for each address, and per hour for each account.
//!
//! They are sliding windows on the virtual clock: no period of a minute or an hour has more requests than the limit.
//! The documentation does not say how the service counts. This is the strictest interpretation, so a client that
//! passes here stays within the limits under other interpretations too. Refused requests do not count.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The enabled rate limits. None by default.
///
/// ```
/// use wpengine_sim::{RateLimits, Simulator};
///
/// // The documented limits, and smaller ones for a short test.
/// let documented = Simulator::builder().rate_limits(RateLimits::documented().with_headers()).build();
/// let scaled = Simulator::builder().rate_limits(RateLimits::none().by_address(10).by_account(100)).build();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[must_use]
pub struct RateLimits {
    /// Requests per minute for each address; the documentation says 100.
    pub address_per_minute: Option<u32>,
    /// Requests per hour for each account; the documentation says 1000.
    pub account_per_hour: Option<u32>,
    /// Whether the limits for each install act: one object cache purge per minute, and one domain status check every 5
    /// seconds.
    pub install: bool,
    /// Whether answers have `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`, for the limit that
    /// is closer to being exceeded. The documentation describes these headers, but no recorded answer has them.
    pub headers: bool,
}

impl RateLimits {
    /// No limit at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// The documented limits: 100 requests per minute by address, 1000 per hour by account, and the two limits by install.
    pub fn documented() -> Self {
        Self {
            address_per_minute: Some(100),
            account_per_hour: Some(1000),
            install: true,
            headers: false,
        }
    }

    /// Sets the requests per minute for each address.
    pub fn by_address(mut self, requests: u32) -> Self {
        self.address_per_minute = Some(requests);
        self
    }

    /// Sets the requests per hour for each account.
    pub fn by_account(mut self, requests: u32) -> Self {
        self.account_per_hour = Some(requests);
        self
    }

    /// Adds the `X-RateLimit-*` headers to answers.
    pub fn with_headers(mut self) -> Self {
        self.headers = true;
        self
    }
}

/// The limits and the requests that were counted.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    limits: RateLimits,
    addresses: HashMap<IpAddr, Window>,
    accounts: HashMap<String, Window>,
}

/// When the requests within the window were accepted.
type Window = VecDeque<Timestamp>;

/// The remaining part of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    limit: u32,
    pub(crate) remaining: u32,
    /// When the oldest request leaves the window, in Unix seconds.
    pub(crate) reset: i64,
    pub(crate) refused: bool,
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    pub(crate) fn limits(&self) -> RateLimits {
        self.limits
    }

    /// Counts a request of an address, if addresses are limited.
    pub(crate) fn ask_address(&mut self, address: IpAddr, now: Timestamp) -> Option<Standing> {
        let limit = self.limits.address_per_minute?;
        Some(ask(
            self.addresses.entry(address).or_default(),
            limit,
            MINUTE,
            now,
        ))
    }

    /// Counts a request for an account, if accounts are limited.
    pub(crate) fn ask_account(&mut self, account: &str, now: Timestamp) -> Option<Standing> {
        let limit = self.limits.account_per_hour?;
        let window = self.accounts.entry(account.to_owned()).or_default();
        Some(ask(window, limit, HOUR, now))
    }
}

fn ask(window: &mut Window, limit: u32, length: SignedDuration, now: Timestamp) -> Standing {
    while window
        .front()
        .is_some_and(|at| now.duration_since(*at) >= length)
    {
        window.pop_front();
    }
    let used = u32::try_from(window.len()).unwrap_or(u32::MAX);
    let refused = used >= limit;
    if !refused {
        window.push_back(now);
    }
    let free = window
        .front()
        .copied()
        .unwrap_or(now)
        .saturating_add(length);
    let free = free.unwrap_or(Timestamp::MAX);
    Standing {
        limit,
        remaining: limit
            .saturating_sub(used)
            .saturating_sub(u32::from(!refused)),
        // Rounded up, so that the limit has room at that second.
        reset: free.as_second() + i64::from(free.subsec_nanosecond() > 0),
        refused,
    }
}

impl Standing {
    /// Writes the `X-RateLimit-*` headers.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("x-ratelimit-limit", HeaderValue::from(self.limit)),
            ("x-ratelimit-remaining", HeaderValue::from(self.remaining)),
            ("x-ratelimit-reset", HeaderValue::from(self.reset)),
        ] {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn no_minute_has_more_requests_than_the_limit_wherever_it_begins() {
        let mut limiter = Limiter::new(RateLimits::none().by_address(10));
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut let_through = Vec::new();
        for step in 0..400 {
            let now = at(step * 731);
            if !limiter.ask_address(address, now).unwrap().refused {
                let_through.push(now);
            }
        }
        assert!(let_through.len() >= 40, "{}", let_through.len());
        for pair in let_through.windows(11) {
            assert!(pair[10].duration_since(pair[0]) >= MINUTE);
        }
    }

    #[test]
    fn what_is_left_is_counted_down_and_comes_back() {
        let mut limiter = Limiter::new(RateLimits::none().by_account(2));
        let mut ask = |now| limiter.ask_account("a", now).unwrap();
        let first = ask(at(500));
        assert_eq!((first.remaining, first.reset), (1, 3601));
        assert_eq!(ask(at(10_000)).remaining, 0);
        let refused = ask(at(3_600_499));
        assert_eq!((refused.remaining, refused.refused), (0, true));
        assert!(!ask(at(refused.reset * 1000)).refused);
    }
}
