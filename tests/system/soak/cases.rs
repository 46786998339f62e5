//! The faults of the soak test: every kind of the simulator, in every phase that it supports.

use std::time::Duration;

use wpengine::ErrorKind;
use wpengine_sim::{Fault, FaultKind, Phase, RetryAfter};

/// A fault, and the results that a call with this fault may have.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) fault: Fault,
    /// Whether a retry succeeds. Then a call of an idempotent operation must not fail.
    pub(super) is_transient: bool,
    /// The only kind of error that the fault may cause; `None` if it must not cause an error.
    pub(super) ends_in: Option<ErrorKind>,
    /// Whether the fault is a refusal by a rate limit.
    pub(super) is_throttle: bool,
    /// The operation that the fault applies to, if it applies to only one.
    pub(super) only: Option<&'static str>,
}

/// Longer than other delays of an answer, and shorter than the timeout of an attempt.
const DELAY: Duration = Duration::from_secs(10);
const YEAR: i64 = 365 * 24 * 3600;

/// Returns all faults.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |kind: &FaultKind, phase, is_transient, ends_in| {
        let only = match kind {
            // No other call needs the archives, so they can be removed.
            FaultKind::InsertBetweenPages | FaultKind::RemoveBetweenPages => Some("list_archives"),
            FaultKind::ForeignNext { .. } => Some("list_accounts"),
            _ => None,
        };
        cases.push(Case {
            name: format!("{kind:?} {phase:?}"),
            fault: Fault::new(kind.clone()).in_phase(phase),
            is_transient,
            ends_in,
            is_throttle: matches!(kind, FaultKind::TooManyRequests(_)),
            only,
        });
    };
    for phase in [Phase::Before, Phase::After, Phase::Body] {
        for kind in [FaultKind::Delay(DELAY), FaultKind::VirtualDelay(DELAY)] {
            add(&kind, phase, true, None);
        }
        add(&FaultKind::Hang, phase, true, Some(ErrorKind::Timeout));
        add(&FaultKind::Reset, phase, true, Some(ErrorKind::Transport));
    }
    for kind in [
        FaultKind::HtmlBadGateway,
        FaultKind::HtmlServiceUnavailable,
        FaultKind::EmptyServiceUnavailable,
        FaultKind::InternalServerError,
        FaultKind::GatewayTimeout,
    ] {
        for phase in [Phase::Before, Phase::After] {
            add(&kind, phase, true, Some(ErrorKind::Api));
        }
    }
    // The virtual time runs faster than the clock of the machine, which the client uses for dates. So only dates that
    // are far away have a certain result.
    let date = |date_in_seconds| RetryAfter::Date { date_in_seconds };
    for after in [None, Some(RetryAfter::Seconds(7)), Some(date(-YEAR))] {
        add(
            &FaultKind::TooManyRequests(after),
            Phase::Before,
            true,
            None,
        );
    }
    for after in [RetryAfter::absurd(), date(YEAR)] {
        let kind = FaultKind::TooManyRequests(Some(after));
        add(&kind, Phase::Before, false, Some(ErrorKind::Api));
    }
    add(
        &FaultKind::TruncatedJson,
        Phase::Body,
        true,
        Some(ErrorKind::Decode),
    );
    add(
        &FaultKind::WrongJson,
        Phase::Body,
        false,
        Some(ErrorKind::Decode),
    );
    for kind in [
        FaultKind::UnknownEnum,
        FaultKind::ExtraField,
        FaultKind::Nulls,
        FaultKind::foreign_next(),
    ] {
        add(&kind, Phase::Body, true, None);
    }
    for kind in [FaultKind::InsertBetweenPages, FaultKind::RemoveBetweenPages] {
        add(&kind, Phase::Before, true, None);
    }
    cases
}
