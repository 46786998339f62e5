//! A response with its status and headers.

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

/// A response of the service: the value with its status and headers.
///
/// Awaiting a request returns only the value; `send` returns this type.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response<T> {
    /// The decoded value.
    pub value: T,
    status: StatusCode,
    headers: HeaderMap,
    attempts: u32,
}

impl<T> Response<T> {
    pub(crate) fn new(value: T, status: StatusCode, headers: HeaderMap, attempts: u32) -> Self {
        Self {
            value,
            status,
            headers,
            attempts,
        }
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the headers of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the request id that the service assigned. WP Engine's support asks for it.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers)
    }

    /// Returns the rate limit in the headers of the response, if they contain it.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::read(&self.headers)
    }

    /// Returns the number of attempts.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Returns the value without the status and the headers.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Splits the value from the status and the headers.
    pub(crate) fn split(self) -> (T, Response<()>) {
        let rest = Response::new((), self.status, self.headers, self.attempts);
        (self.value, rest)
    }

    /// Replaces the value.
    pub(crate) fn with<U>(self, value: U) -> Response<U> {
        Response::new(value, self.status, self.headers, self.attempts)
    }
}

/// Prints no headers, because some servers repeat there what they were sent.
impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("value", &self.value)
            .field("status", &self.status)
            .field("request_id", &self.request_id())
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// The header with the request id that WP Engine's support asks for.
const REQUEST_ID: &str = "x-amzn-requestid";

pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(REQUEST_ID)?.to_str().ok()
}

/// The rate limit in the `X-RateLimit-*` headers of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of requests that the window allows.
    pub limit: Option<u64>,
    /// The number of requests that are left in the window.
    pub remaining: Option<u64>,
    /// When the window is reset.
    pub reset: Option<Timestamp>,
}

impl RateLimit {
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        let read = Self {
            limit: number("x-ratelimit-limit"),
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset")
                .and_then(|seconds| i64::try_from(seconds).ok())
                .and_then(|seconds| Timestamp::from_second(seconds).ok()),
        };
        (read.limit.is_some() || read.remaining.is_some() || read.reset.is_some()).then_some(read)
    }
}

/// The maximum of a `Retry-After`, so that adding it to an `Instant` cannot overflow.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Reads `Retry-After`, which is a number of seconds or a date. A date in the past means no wait. A date is relative to
/// the `Date` of the same response, if there is one, because the clock of this machine may be wrong.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large still means a long wait.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(YEAR));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let wait = until.duration_since(date(headers).into());
    Some(wait.unwrap_or_default().min(YEAR))
}

/// Returns the `Date` of a response, which is the clock of the service, or else the time of this machine.
pub(crate) fn date(headers: &HeaderMap) -> Timestamp {
    headers
        .get(http::header::DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
        .and_then(|date| Timestamp::try_from(date).ok())
        .unwrap_or_else(Timestamp::now)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn debug_shows_no_header_that_may_repeat_a_secret() {
        let headers = headers(&[("x-echo", "Basic canary"), ("x-amzn-requestid", "r-1")]);
        let shown = format!("{:?}", Response::new(7, StatusCode::OK, headers, 1));
        assert!(
            !shown.contains("canary") && shown.contains("r-1"),
            "{shown}"
        );
    }

    #[test]
    fn rate_limit_headers_are_read_as_far_as_they_make_sense() {
        let read = RateLimit::read(&headers(&[
            ("x-ratelimit-limit", "1000"),
            ("x-ratelimit-remaining", "950"),
            ("x-ratelimit-reset", "1617278400"),
        ]))
        .unwrap();
        assert_eq!((read.limit, read.remaining), (Some(1000), Some(950)));
        assert_eq!(read.reset.unwrap().to_string(), "2021-04-01T12:00:00Z");
        let odd = RateLimit::read(&headers(&[
            ("x-ratelimit-limit", "many"),
            ("x-ratelimit-remaining", "7"),
            ("x-ratelimit-reset", "18446744073709551615"),
        ]))
        .unwrap();
        assert_eq!((odd.limit, odd.remaining, odd.reset), (None, Some(7), None));
        assert_eq!(RateLimit::read(&headers(&[])), None);
    }

    #[test]
    fn a_date_to_wait_for_is_counted_from_the_date_of_the_answer() {
        let answered = headers(&[
            ("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"),
            ("date", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ]);
        assert_eq!(retry_after(&answered), Some(Duration::from_secs(30)));
    }

    #[test]
    fn retry_after_is_read_from_seconds_and_dates_and_nonsense_is_none() {
        let read = |text| retry_after(&headers(&[("retry-after", text)]));
        assert_eq!(read("17"), Some(Duration::from_secs(17)));
        assert_eq!(read("999999999999999999999999999999"), Some(YEAR));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let far = read("Fri, 31 Dec 2100 23:59:59 GMT").unwrap();
        assert!(far > Duration::from_secs(3600));
        for nonsense in ["soon", "-1", "1.5", ""] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
    }
}
