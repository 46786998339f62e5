//! The faults of the soak test: every kind of the simulator, in every phase that it supports.

use std::time::Duration;

use wpengine::ErrorKind;
use wpengine_sim::{Fault, FaultKind, Phase, RetryAfter};

/// One fault, and how a call may end that met it.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) fault: Fault,
    /// Whether trying again helps: then what is safe to repeat must not fail.
    pub(super) is_transient: bool,
    /// The only kind of error that it may lead to; none if it must not lead to any.
    pub(super) ends_in: Option<ErrorKind>,
    /// Whether it is a refusal by a limit.
    pub(super) is_throttle: bool,
    /// The one operation that it can act on, if there is but one.
    pub(super) only: Option<&'static str>,
}

/// Longer than what the answers take otherwise, shorter than an attempt may take.
const DELAY: Duration = Duration::from_secs(10);
const YEAR: i64 = 365 * 24 * 3600;

/// All of them.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |kind: &FaultKind, phase, is_transient, ends_in| {
        let only = match kind {
            // Nothing else needs archives, so that nobody misses what goes.
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
    // The simulated time runs ahead of the machine's, by which a client reads dates: only those far off are certain.
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
