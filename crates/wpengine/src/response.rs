//! An answer with everything that came with it.

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

/// An answer of the service: the value, and the status and headers it came with.
///
/// Awaiting a request gives the value alone; `send` gives this.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response<T> {
    /// What was asked for.
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

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The id of the request at the service, which WP Engine's support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers)
    }

    /// What the answer says of the rate limit, if it does.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::read(&self.headers)
    }

    /// How many attempts it took.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The value alone.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The value, and everything that came with it.
    pub(crate) fn split(self) -> (T, Response<()>) {
        let rest = Response {
            value: (),
            status: self.status,
            headers: self.headers,
            attempts: self.attempts,
        };
        (self.value, rest)
    }
}

impl Response<()> {
    /// The same with a value.
    pub(crate) fn with<T>(self, value: T) -> Response<T> {
        Response {
            value,
            status: self.status,
            headers: self.headers,
            attempts: self.attempts,
        }
    }
}

/// Without the headers: some servers repeat in them what they were sent.
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

/// The header whose value WP Engine's support asks for.
const REQUEST_ID: &str = "x-amzn-requestid";

pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(REQUEST_ID)?.to_str().ok()
}

/// What an answer says of the rate limit, in its `X-RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests the window allows.
    pub limit: Option<u64>,
    /// How many of them are left.
    pub remaining: Option<u64>,
    /// When the window begins anew.
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

/// What is longer is nonsense, and with less nobody's clock overflows who adds it.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// Reads `Retry-After`: seconds, or a date, of which one in the past asks for no wait. A date is counted from the `Date` of
/// the same answer, where there is one: the clock of this machine may be wrong.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers
        .get(http::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than fits still says not to come back soon.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(YEAR));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let wait = until.duration_since(date(headers).into());
    Some(wait.unwrap_or_default().min(YEAR))
}

/// When an answer was made, by the clock of the service if it says so.
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
