//! Whether and when an attempt is repeated.
//!
//! Decided by three things: the operation's class, how far the attempt got, and the status. What was certainly not
//! done is repeated whatever it is; what may have been done is repeated only where doing it twice is harmless.

use std::time::Duration;

use http::{Method, StatusCode};
use wpengine_raw::Retry;

use super::target::Target;
use crate::error::Error;

/// How often and how long failed attempts are repeated.
///
/// Between attempts the client waits a random time of up to `first_wait`, doubled with each attempt and never more
/// than `longest_wait`; a `Retry-After` of the service counts instead. The whole call stays within the client's total
/// timeout. By default: 4 attempts, a first wait of up to 0.5 s, a longest of 30 s, and a `Retry-After` is honoured up
/// to 120 s. Two operations that the service limits for each install wait their window after a 429 that names no time: 60 s
/// for `purge_cache`, 5 s for `check_domain_status`.
///
/// ```
/// use std::time::Duration;
/// use wpengine::RetryPolicy;
///
/// let patient = RetryPolicy::default().max_attempts(8).longest_wait(Duration::from_secs(60));
/// let never = RetryPolicy::none();
/// # let _ = (patient, never);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) first_wait: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            longest_retry_after: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// No attempt is repeated.
    #[must_use]
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// How often a request is tried in all, the first time included; 4 by default, and 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The longest first wait, 0.5 s by default; it doubles from attempt to attempt.
    #[must_use]
    pub fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// What no wait between attempts exceeds, a `Retry-After` aside; 30 s by default.
    #[must_use]
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// The longest `Retry-After` that is waited for, 120 s by default. If the service asks for more, the call ends with
    /// its error.
    #[must_use]
    pub fn longest_retry_after(mut self, wait: Duration) -> Self {
        self.longest_retry_after = wait;
        self
    }

    /// Exponential back-off with full jitter: a random part of the whole, so that many clients do not come back
    /// together.
    pub(crate) fn back_off(&self, attempt: u32) -> Duration {
        let doubled = self
            .first_wait
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        doubled.min(self.longest_wait).mul_f64(fastrand::f64())
    }
}

/// How far an attempt got.
pub(crate) enum Outcome<'a> {
    /// It failed, before or after the request left.
    Failed(&'a Failure),
    /// There was an answer.
    Answered(StatusCode),
}

/// An attempt without an answer.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether it is certain that nothing reached the service.
    pub(crate) not_sent: bool,
    /// Whether trying again could help at all.
    pub(crate) transient: bool,
}

/// What to do after an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is over.
    Stop,
    /// Again, after the usual wait or one that is fixed by the API.
    Again(Option<Duration>),
    /// A deletion was repeated and the thing is gone: that is what was asked for.
    Done,
}

/// Decides by the operation, and by whether an earlier attempt may have been done.
pub(crate) fn verdict(operation: &Target, outcome: &Outcome<'_>, repeated: bool) -> Verdict {
    let harmless = operation.retry == Retry::Safe;
    match outcome {
        Outcome::Failed(failure) => {
            if failure.transient && (failure.not_sent || harmless) {
                Verdict::Again(None)
            } else {
                Verdict::Stop
            }
        }
        // Refused before anything was done, whatever the operation.
        Outcome::Answered(StatusCode::TOO_MANY_REQUESTS) => Verdict::Again(operation.limited),
        Outcome::Answered(
            StatusCode::INTERNAL_SERVER_ERROR
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT,
        ) if harmless => Verdict::Again(None),
        Outcome::Answered(StatusCode::NOT_FOUND)
            if repeated && operation.method == Method::DELETE =>
        {
            Verdict::Done
        }
        Outcome::Answered(_) => Verdict::Stop,
    }
}

/// Whether a request may have been done although its attempt ended like this.
pub(crate) fn may_have_happened(operation: &Target, outcome: &Outcome<'_>) -> bool {
    !operation.is_read()
        && match outcome {
            Outcome::Failed(failure) => !failure.not_sent,
            Outcome::Answered(status) => status.is_server_error(),
        }
}

#[cfg(test)]
mod tests {
    use wpengine_raw::OPERATIONS;

    use super::*;

    fn targets() -> impl Iterator<Item = Target> {
        OPERATIONS.iter().map(Target::of)
    }

    fn failure(not_sent: bool) -> Failure {
        Failure {
            error: Error::invalid("test"),
            not_sent,
            transient: true,
        }
    }

    #[test]
    fn what_was_not_sent_is_repeated_whatever_it_is() {
        let failure = failure(true);
        for operation in targets() {
            let outcome = Outcome::Failed(&failure);
            assert_eq!(verdict(&operation, &outcome, false), Verdict::Again(None));
            assert!(!may_have_happened(&operation, &outcome));
        }
    }

    #[test]
    fn what_may_have_been_done_is_repeated_only_where_that_is_harmless() {
        let failure = failure(false);
        for operation in targets() {
            for outcome in [
                Outcome::Failed(&failure),
                Outcome::Answered(StatusCode::INTERNAL_SERVER_ERROR),
                Outcome::Answered(StatusCode::BAD_GATEWAY),
                Outcome::Answered(StatusCode::SERVICE_UNAVAILABLE),
                Outcome::Answered(StatusCode::GATEWAY_TIMEOUT),
            ] {
                let again = verdict(&operation, &outcome, false) != Verdict::Stop;
                assert_eq!(again, operation.retry == Retry::Safe, "{}", operation.id);
                assert_eq!(
                    may_have_happened(&operation, &outcome),
                    !operation.is_read()
                );
            }
        }
    }

    #[test]
    fn a_429_is_repeated_and_two_operations_wait_their_own_window() {
        let outcome = Outcome::Answered(StatusCode::TOO_MANY_REQUESTS);
        for operation in targets() {
            let expected = match operation.id {
                "purge_cache" => Some(Duration::from_secs(60)),
                "check_domain_status" => Some(Duration::from_secs(5)),
                _ => None,
            };
            assert_eq!(
                verdict(&operation, &outcome, false),
                Verdict::Again(expected)
            );
            assert!(!may_have_happened(&operation, &outcome));
        }
    }

    #[test]
    fn a_404_to_a_repeated_deletion_means_done_and_only_there() {
        let outcome = Outcome::Answered(StatusCode::NOT_FOUND);
        for operation in targets() {
            assert_eq!(verdict(&operation, &outcome, false), Verdict::Stop);
            let expected = if operation.method == Method::DELETE {
                Verdict::Done
            } else {
                Verdict::Stop
            };
            assert_eq!(
                verdict(&operation, &outcome, true),
                expected,
                "{}",
                operation.id
            );
        }
    }

    #[test]
    fn refusals_are_final_and_nothing_has_happened() {
        for status in [301, 400, 401, 403, 404, 405, 409, 415, 422] {
            let outcome = Outcome::Answered(StatusCode::from_u16(status).unwrap());
            for operation in targets() {
                assert_eq!(verdict(&operation, &outcome, false), Verdict::Stop);
                assert!(!may_have_happened(&operation, &outcome));
            }
        }
    }

    #[test]
    fn the_wait_doubles_up_to_its_limit_and_is_never_longer() {
        let policy = RetryPolicy::default();
        for attempt in 1..100 {
            let most = Duration::from_millis(500).saturating_mul(1 << (attempt - 1).min(20));
            assert!(policy.back_off(attempt) <= most.min(Duration::from_secs(30)));
        }
    }
}
