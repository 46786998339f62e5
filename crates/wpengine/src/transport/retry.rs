//! Decides what to do after an attempt. It has no side effects.
//!
//! The decision depends on the class of the operation, on whether the request can have reached the service, and on the
//! status. A request that certainly had no effect is retried for every operation. A request that may have had an effect
//! is retried only if the operation is idempotent.

use std::time::Duration;

use http::{Method, StatusCode};
use wpengine_raw::Retry;

use super::target::Target;
use crate::error::Error;

/// When a failed attempt is retried.
///
/// The client retries a request of any operation if it did not reach the service, or if a rate limit refused it (429).
/// It retries other temporary failures only if the operation is idempotent. Temporary failures are: a broken
/// connection, a timeout, the statuses 408, 425, 500, 502 to 504 and 520 to 524, and a response that was cut off.
///
/// The back-off between attempts is random, from zero up to a maximum. After the first attempt, the maximum is
/// [`first_wait`](Self::first_wait). It doubles after every further attempt, up to
/// [`longest_wait`](Self::longest_wait). If the response
/// has a `Retry-After` header, the client waits for that time instead. No attempt starts later than
/// [`time_limit`](Self::time_limit) after the first one, or after the deadline of the call.
///
/// After a 429, the client waits until the rate limit has room again, as long as the deadline of the call allows. The
/// attempt does not count for `max_attempts`, and the wait does not count for `time_limit`.
///
/// ```
/// use std::time::Duration;
/// use wpengine::RetryPolicy;
///
/// let patient = RetryPolicy::default().time_limit(Duration::from_secs(240));
/// let never = RetryPolicy::none();
/// # let _ = (patient, never);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) first_wait: Duration,
    pub(crate) longest_wait: Duration,
    pub(crate) time_limit: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: u32::MAX,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
            time_limit: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// Creates a policy without retries, not even after a 429.
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    setters! {
        /// Sets the maximum number of attempts, including the first one; 0 counts as 1. There is no limit by default.
        max_attempts(attempts: u32) max_attempts = attempts.max(1);

        /// Sets the maximum back-off after the first attempt; 1 s by default. It doubles with every attempt.
        first_wait(wait: Duration) first_wait = wait;

        /// Sets the maximum back-off between two attempts; 30 s by default. A `Retry-After` may be longer.
        longest_wait(wait: Duration) longest_wait = wait;

        /// Sets how long after the first attempt another one may start; 60 s by default. Time spent waiting for the
        /// rate limit does not count. The `timeout` of the client or of the call still applies.
        time_limit(time: Duration) time_limit = time;
    }

    /// Exponential back-off with full jitter: a random part of the maximum, so that many clients do not retry at the
    /// same time. `chance` is between 0 and 1.
    pub(crate) fn back_off(&self, attempt: u32, chance: f64) -> Duration {
        let doubled = self
            .first_wait
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        doubled.min(self.longest_wait).mul_f64(chance)
    }
}

/// The result of an attempt.
pub(super) enum Outcome<'a> {
    /// No response.
    Failed(&'a Failure),
    /// A response, with its `Retry-After`.
    Answered(StatusCode, Option<Duration>),
    /// A successful response whose body is cut off or does not have the documented form.
    CutOff,
}

/// An attempt without a response.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether it is certain that nothing reached the service.
    pub(super) not_sent: bool,
    /// Whether another attempt can succeed.
    pub(super) transient: bool,
}

impl Failure {
    /// Adds to the error that this attempt was not sent, or that none was.
    pub(super) fn say_not_sent(&mut self, was_sent: bool) {
        let text = not_sent(was_sent);
        self.error.change(|inner| {
            let hint = inner.hint.take();
            inner.hint = Some(hint.map_or(text.into(), |hint| format!("{text}; {hint}")));
        });
    }
}

/// How errors say that an attempt was not sent.
pub(super) fn not_sent(was_sent: bool) -> &'static str {
    if was_sent {
        "this attempt was not sent"
    } else {
        "nothing was sent"
    }
}

/// What happened earlier in the same call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Past {
    /// The number of attempts, without those that a rate limit refused.
    pub(super) tries: u32,
    /// How many times a rate limit refused the request.
    pub(super) refusals: u32,
    /// Whether an attempt may have had an effect.
    pub(super) may_have_happened: bool,
}

/// What to do after an attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// The call ends.
    Stop,
    /// A retried deletion returned 404: an earlier attempt has deleted the resource.
    Gone,
    /// Another attempt, after this wait.
    Retry(Duration),
    /// A rate limit refused the request. Another attempt follows after this wait, or after the limiter's own pause if
    /// the response has no `Retry-After`.
    Refused(Duration),
}

/// The pause after a 429 without a `Retry-After`. It doubles with every further 429, up to `LONGEST_PAUSE`.
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

pub(super) fn next_step(
    target: &Target,
    outcome: &Outcome<'_>,
    policy: &RetryPolicy,
    past: Past,
    chance: f64,
) -> Next {
    let idempotent = target.retry == Retry::Safe;
    let asked = match outcome {
        Outcome::Answered(_, asked) => *asked,
        _ => None,
    };
    let jittered = |wait: Duration| wait.saturating_add((wait / 10).mul_f64(chance));
    let wait = || {
        asked
            .map(jittered)
            .unwrap_or_else(|| policy.back_off(past.tries, chance))
    };
    let again = match outcome {
        Outcome::Answered(StatusCode::TOO_MANY_REQUESTS, _) if policy.max_attempts > 1 => {
            let doubled = PAUSE.saturating_mul(2_u32.saturating_pow(past.refusals));
            let unknown = target.limited.unwrap_or(doubled.min(LONGEST_PAUSE));
            // Repeated refusals increase the minimum wait, even if the service asks for a short one.
            let least = match past.refusals {
                0 => Duration::ZERO,
                refusals => Duration::from_secs(1) * 2_u32.pow((refusals - 1).min(5)),
            };
            return Next::Refused(asked.map_or(unknown, jittered).max(least));
        }
        Outcome::Answered(StatusCode::NOT_FOUND, _)
            if past.may_have_happened && target.method == Method::DELETE =>
        {
            return Next::Gone;
        }
        Outcome::Answered(status, _) => idempotent && can_pass(*status),
        Outcome::CutOff => idempotent,
        Outcome::Failed(failure) => failure.transient && (failure.not_sent || idempotent),
    };
    if again && past.tries < policy.max_attempts {
        Next::Retry(wait())
    } else {
        Next::Stop
    }
}

/// Whether a failure with this status can be temporary.
fn can_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 500 | 502..=504 | 520..=524)
}

/// Whether the request may have had an effect although the attempt failed. A refusal means that it had none.
pub(super) fn may_have_happened(target: &Target, outcome: &Outcome<'_>) -> bool {
    !target.is_read()
        && match outcome {
            Outcome::Failed(failure) => !failure.not_sent,
            Outcome::CutOff => true,
            Outcome::Answered(status, _) => !is_refusal(*status),
        }
}

/// Whether a status means that nothing was done: the request was wrong, or its URL has moved. 408 and 499 are no
/// refusals: a server gave up waiting, and the work may have been done. 302 and 303 are not either, because a server
/// may redirect after the work.
fn is_refusal(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 499 => false,
        301 | 304 | 307 | 308 | 400..=498 => true,
        _ => status.is_success(),
    }
}

#[cfg(test)]
mod tests {
    use wpengine_raw::OPERATIONS;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn target(id: &str) -> Target {
        Target::of(wpengine_raw::operation(id).unwrap())
    }

    fn failure(not_sent: bool, transient: bool) -> Failure {
        Failure {
            error: Error::invalid("test"),
            not_sent,
            transient,
        }
    }

    fn answered(status: u16) -> Outcome<'static> {
        Outcome::Answered(StatusCode::from_u16(status).unwrap(), None)
    }

    fn past(tries: u32) -> Past {
        Past {
            tries,
            ..Past::default()
        }
    }

    /// Each outcome for an operation that is idempotent and for one that is not.
    #[test]
    fn the_table_of_decisions() {
        let (unsent, lost, broken) = (
            failure(true, true),
            failure(false, true),
            failure(true, false),
        );
        let retry = || Next::Retry(SECOND / 2);
        let minute = || Next::Refused(60 * SECOND);
        for (outcome, idempotent, other) in [
            (Outcome::Failed(&unsent), retry(), retry()),
            (Outcome::Failed(&lost), retry(), Next::Stop),
            (Outcome::Failed(&broken), Next::Stop, Next::Stop),
            (Outcome::CutOff, retry(), Next::Stop),
            (answered(200), Next::Stop, Next::Stop),
            (answered(303), Next::Stop, Next::Stop),
            (answered(400), Next::Stop, Next::Stop),
            (answered(401), Next::Stop, Next::Stop),
            (answered(404), Next::Stop, Next::Stop),
            (answered(408), retry(), Next::Stop),
            (answered(409), Next::Stop, Next::Stop),
            (answered(425), retry(), Next::Stop),
            (answered(429), minute(), minute()),
            (answered(499), Next::Stop, Next::Stop),
            (answered(500), retry(), Next::Stop),
            (answered(501), Next::Stop, Next::Stop),
            (answered(502), retry(), Next::Stop),
            (answered(503), retry(), Next::Stop),
            (answered(504), retry(), Next::Stop),
            (answered(520), retry(), Next::Stop),
            (answered(524), retry(), Next::Stop),
            (answered(525), Next::Stop, Next::Stop),
            (answered(600), Next::Stop, Next::Stop),
        ] {
            for (id, expected) in [("get_install", idempotent), ("create_backup", other)] {
                let policy = RetryPolicy::default();
                let next = next_step(&target(id), &outcome, &policy, past(1), 0.5);
                assert_eq!(next, expected, "{id}");
            }
        }
    }

    #[test]
    fn every_operation_is_decided_by_its_class() {
        let failure = failure(false, true);
        let policy = RetryPolicy::default();
        for target in OPERATIONS.iter().map(Target::of) {
            for outcome in [Outcome::Failed(&failure), answered(502), Outcome::CutOff] {
                let next = next_step(&target, &outcome, &policy, past(1), 0.5);
                let again = matches!(next, Next::Retry(_));
                assert_eq!(again, target.retry == Retry::Safe, "{}", target.id);
                assert_eq!(may_have_happened(&target, &outcome), !target.is_read());
            }
        }
    }

    #[test]
    fn the_number_of_attempts_is_limited_where_the_policy_says_so() {
        let policy = RetryPolicy::default().max_attempts(3);
        let at = |tries| {
            next_step(
                &target("get_install"),
                &answered(500),
                &policy,
                past(tries),
                0.0,
            )
        };
        assert_eq!(at(2), Next::Retry(Duration::ZERO));
        assert_eq!(at(3), Next::Stop);
        let none = RetryPolicy::none();
        for outcome in [answered(429), answered(500)] {
            let next = next_step(&target("get_install"), &outcome, &none, past(1), 0.0);
            assert_eq!(next, Next::Stop);
        }
    }

    #[test]
    fn a_retry_after_counts_instead_and_gets_jitter() {
        let asked = |status| Outcome::Answered(StatusCode::from_u16(status).unwrap(), Some(SECOND));
        let next = |status, chance| {
            next_step(
                &target("get_install"),
                &asked(status),
                &RetryPolicy::default(),
                past(1),
                chance,
            )
        };
        assert_eq!(next(503, 0.0), Next::Retry(SECOND));
        assert_eq!(next(503, 1.0), Next::Retry(SECOND + SECOND / 10));
        assert_eq!(next(429, 0.0), Next::Refused(SECOND));
    }

    #[test]
    fn a_service_that_refuses_without_a_pause_is_asked_less_and_less_often() {
        let at_once = Outcome::Answered(StatusCode::TOO_MANY_REQUESTS, Some(Duration::ZERO));
        let waits = [0, 1, 2, 3, 6, 100].map(|refusals| {
            let past = Past {
                refusals,
                ..past(1)
            };
            let policy = RetryPolicy::default();
            match next_step(&target("get_install"), &at_once, &policy, past, 0.5) {
                Next::Refused(wait) => wait.as_secs(),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(waits, [0, 1, 2, 4, 32, 32]);
    }

    #[test]
    fn a_429_without_a_time_pauses_for_a_minute_and_then_doubles_up_to_an_hour() {
        let refused = |id: &str, refusals| {
            let past = Past {
                tries: 1,
                refusals,
                may_have_happened: false,
            };
            match next_step(
                &target(id),
                &answered(429),
                &RetryPolicy::default(),
                past,
                0.5,
            ) {
                Next::Refused(wait) => wait.as_secs(),
                other => panic!("{other:?}"),
            }
        };
        let waits = [0, 1, 2, 5, 6, 40].map(|refusals| refused("get_install", refusals));
        assert_eq!(waits, [60, 120, 240, 1_920, 3_600, 3_600]);
        // The service limits these two operations for each install.
        assert_eq!(refused("purge_cache", 0), 60);
        assert_eq!(refused("check_domain_status", 3), 5);
    }

    #[test]
    fn a_404_to_a_repeated_deletion_means_gone_and_only_there() {
        for target in OPERATIONS.iter().map(Target::of) {
            for repeated in [false, true] {
                let past = Past {
                    tries: 2,
                    refusals: 0,
                    may_have_happened: repeated,
                };
                let next = next_step(&target, &answered(404), &RetryPolicy::default(), past, 0.5);
                let gone = repeated && target.method == Method::DELETE;
                assert_eq!(next == Next::Gone, gone, "{}", target.id);
            }
        }
    }

    #[test]
    fn what_was_sent_and_not_refused_may_have_happened() {
        let create = target("create_site");
        for (status, expected) in [
            (301, false),
            (302, true),
            (303, true),
            (304, false),
            (307, false),
            (400, false),
            (401, false),
            (404, false),
            (408, true),
            (409, false),
            (422, false),
            (429, false),
            (499, true),
            (500, true),
            (503, true),
            (600, true),
        ] {
            let happened = may_have_happened(&create, &answered(status));
            assert_eq!(happened, expected, "{status}");
            assert!(!may_have_happened(&target("get_site"), &answered(status)));
        }
        assert!(!may_have_happened(
            &create,
            &Outcome::Failed(&failure(true, true))
        ));
    }

    #[test]
    fn the_wait_doubles_up_to_its_limit_and_is_never_longer() {
        let policy = RetryPolicy::default();
        let waits = [1, 2, 3, 4, 5, 6, 100].map(|attempt| policy.back_off(attempt, 1.0).as_secs());
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(policy.back_off(5, 0.0), Duration::ZERO);
    }
}
