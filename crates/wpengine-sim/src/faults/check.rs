//! Refuses faults that make no sense.

use std::fmt;

use super::between_pages;
use super::fault::{Fault, FaultKind, Phase};
use crate::document::document;

/// Why a fault was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultError(String);

impl FaultError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for FaultError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for FaultError {}

/// Refuses a fault that could never act, or that the real service could not show.
pub(super) fn check(fault: &Fault) -> Result<(), FaultError> {
    check_phase(&fault.kind, fault.phase)?;
    if let Some(id) = &fault.operation {
        if !document().operations.iter().any(|one| one.id == *id) {
            let message =
                format!("there is no operation {id:?}; the document has ids such as create_backup");
            return Err(FaultError(message));
        }
        if fault.kind.is_between_pages() && !between_pages::is_listing(id) {
            let message = format!("{id} is no listing by pages, so nothing changes between them");
            return Err(FaultError(message));
        }
    }
    if !(0.0..=1.0).contains(&fault.probability) {
        let message = format!("{} is no probability from 0 to 1", fault.probability);
        return Err(FaultError(message));
    }
    if fault.count == Some(0) {
        return Err(FaultError::new(
            "a fault that acts 0 times is none; leave it out",
        ));
    }
    match &fault.kind {
        FaultKind::ForeignNext { origin } if !is_origin(origin) => Err(FaultError(format!(
            "{origin:?} is no origin such as https://elsewhere.example"
        ))),
        FaultKind::TooManyRequests(Some(super::RetryAfter::Text(text)))
            if http::HeaderValue::from_str(text).is_err() =>
        {
            Err(FaultError(format!("{text:?} cannot stand in a header")))
        }
        _ => Ok(()),
    }
}

fn check_phase(kind: &FaultKind, phase: Phase) -> Result<(), FaultError> {
    match (kind, phase) {
        (FaultKind::TooManyRequests(_), Phase::After | Phase::Body) => Err(FaultError::new(
            "a 429 comes before the operation only: what is refused for its rate was not done",
        )),
        (kind, Phase::After | Phase::Body) if kind.is_between_pages() => Err(FaultError::new(
            "what changes between pages does so before the operation",
        )),
        (kind, Phase::Before | Phase::After) if kind.alters_body() => {
            Err(FaultError::new("what alters the body is in the phase body"))
        }
        (
            FaultKind::HtmlBadGateway
            | FaultKind::HtmlServiceUnavailable
            | FaultKind::EmptyServiceUnavailable
            | FaultKind::InternalServerError
            | FaultKind::GatewayTimeout,
            Phase::Body,
        ) => Err(FaultError::new(
            "another answer comes before or after the operation: the body follows the status",
        )),
        _ => Ok(()),
    }
}

fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        rest.parse::<http::uri::Authority>()
            .is_ok_and(|authority| authority.as_str() == rest)
    })
}

#[cfg(test)]
mod tests {
    use super::super::RetryAfter;
    use super::*;

    fn refused(fault: Fault) -> String {
        check(&fault).expect_err("it makes no sense").to_string()
    }

    #[test]
    fn a_429_after_the_operation_is_refused() {
        for phase in [Phase::After, Phase::Body] {
            let message = refused(Fault::new(FaultKind::TooManyRequests(None)).in_phase(phase));
            assert!(message.contains("before the operation only"), "{message}");
        }
        assert_eq!(check(&Fault::new(FaultKind::TooManyRequests(None))), Ok(()));
    }

    #[test]
    fn each_kind_has_its_phases() {
        for kind in [FaultKind::Hang, FaultKind::Reset] {
            for phase in [Phase::Before, Phase::After, Phase::Body] {
                assert_eq!(check(&Fault::new(kind.clone()).in_phase(phase)), Ok(()));
            }
        }
        refused(Fault::new(FaultKind::Nulls).after());
        refused(Fault::new(FaultKind::GatewayTimeout).in_body());
        refused(Fault::new(FaultKind::InsertBetweenPages).after());
    }

    #[test]
    fn what_could_never_act_is_refused() {
        assert!(refused(Fault::new(FaultKind::Reset).on("make_backup")).contains("make_backup"));
        refused(Fault::new(FaultKind::InsertBetweenPages).on("get_site"));
        refused(Fault::new(FaultKind::Reset).with_probability(1.1));
        refused(Fault::new(FaultKind::Reset).with_probability(f64::NAN));
        refused(Fault::new(FaultKind::Reset).times(0));
        for origin in [
            "elsewhere.example",
            "https://a.example/b",
            "ftp://a.example",
        ] {
            let origin = origin.to_owned();
            refused(Fault::new(FaultKind::ForeignNext { origin }));
        }
        let lines = RetryAfter::Text("1\r\nx: y".to_owned());
        refused(Fault::new(FaultKind::TooManyRequests(Some(lines))));
    }
}
