//! A fault as JSON, under `/_sim/faults`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::check::FaultError;
use super::fault::{FOREIGN_ORIGIN, Fault, FaultKind, Phase, RetryAfter};

/// `{"operation": "create_backup", "kind": "reset", "phase": "after"}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultForm {
    /// Any operation if left out.
    #[serde(default)]
    operation: Option<String>,
    kind: Kind,
    #[serde(default)]
    phase: Option<Phase>,
    #[serde(default)]
    skip: u64,
    /// Null: no limit.
    #[serde(default = "once")]
    count: Option<u64>,
    #[serde(default = "surely")]
    probability: f64,
    /// Only for a delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// Only for a delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<DelayClock>,
    /// Only for a 429.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<RetryAfter>,
    /// Only for a foreign next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DelayClock {
    Real,
    Virtual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Delay,
    Hang,
    Reset,
    TruncatedJson,
    WrongJson,
    #[serde(rename = "html_502")]
    Html502,
    #[serde(rename = "html_503")]
    Html503,
    #[serde(rename = "empty_503")]
    Empty503,
    #[serde(rename = "429")]
    Status429,
    #[serde(rename = "500")]
    Status500,
    #[serde(rename = "504")]
    Status504,
    UnknownEnum,
    ExtraField,
    Nulls,
    ForeignNext,
    InsertBetweenPages,
    RemoveBetweenPages,
}

fn once() -> Option<u64> {
    Some(1)
}

fn surely() -> f64 {
    1.0
}

impl TryFrom<FaultForm> for Fault {
    type Error = FaultError;

    fn try_from(form: FaultForm) -> Result<Self, FaultError> {
        form.check_belonging()?;
        let kind = match form.kind {
            Kind::Delay => {
                let seconds = form
                    .seconds
                    .ok_or_else(|| FaultError::new("a delay needs its seconds"))?;
                let by = Duration::try_from_secs_f64(seconds)
                    .map_err(|error| FaultError::new(format!("seconds: {error}")))?;
                match form.clock {
                    None | Some(DelayClock::Real) => FaultKind::Delay(by),
                    Some(DelayClock::Virtual) => FaultKind::VirtualDelay(by),
                }
            }
            Kind::Hang => FaultKind::Hang,
            Kind::Reset => FaultKind::Reset,
            Kind::TruncatedJson => FaultKind::TruncatedJson,
            Kind::WrongJson => FaultKind::WrongJson,
            Kind::Html502 => FaultKind::HtmlBadGateway,
            Kind::Html503 => FaultKind::HtmlServiceUnavailable,
            Kind::Empty503 => FaultKind::EmptyServiceUnavailable,
            Kind::Status429 => FaultKind::TooManyRequests(form.retry_after),
            Kind::Status500 => FaultKind::InternalServerError,
            Kind::Status504 => FaultKind::GatewayTimeout,
            Kind::UnknownEnum => FaultKind::UnknownEnum,
            Kind::ExtraField => FaultKind::ExtraField,
            Kind::Nulls => FaultKind::Nulls,
            Kind::ForeignNext => FaultKind::ForeignNext {
                origin: form.origin.unwrap_or_else(|| FOREIGN_ORIGIN.to_owned()),
            },
            Kind::InsertBetweenPages => FaultKind::InsertBetweenPages,
            Kind::RemoveBetweenPages => FaultKind::RemoveBetweenPages,
        };
        let mut fault = Self::new(kind);
        fault.operation = form.operation;
        fault.phase = form.phase.unwrap_or(fault.phase);
        fault.skip = form.skip;
        fault.count = form.count;
        fault.probability = form.probability;
        Ok(fault)
    }
}

impl FaultForm {
    /// Refuses a member that belongs to another kind, because it would be ignored silently.
    fn check_belonging(&self) -> Result<(), FaultError> {
        for (given, name, owner) in [
            (self.seconds.is_some(), "seconds", Kind::Delay),
            (self.clock.is_some(), "clock", Kind::Delay),
            (self.retry_after.is_some(), "retry_after", Kind::Status429),
            (self.origin.is_some(), "origin", Kind::ForeignNext),
        ] {
            if given && self.kind != owner {
                let owner = serde_json::to_string(&owner).unwrap_or_default();
                return Err(FaultError::new(format!("{name} belongs to kind {owner}")));
            }
        }
        Ok(())
    }
}

impl From<&Fault> for FaultForm {
    fn from(fault: &Fault) -> Self {
        let mut form = Self {
            operation: fault.operation.clone(),
            kind: Kind::Hang,
            phase: Some(fault.phase),
            skip: fault.skip,
            count: fault.count,
            probability: fault.probability,
            seconds: None,
            clock: None,
            retry_after: None,
            origin: None,
        };
        form.kind = match &fault.kind {
            FaultKind::Delay(by) => {
                form.seconds = Some(by.as_secs_f64());
                form.clock = Some(DelayClock::Real);
                Kind::Delay
            }
            FaultKind::VirtualDelay(by) => {
                form.seconds = Some(by.as_secs_f64());
                form.clock = Some(DelayClock::Virtual);
                Kind::Delay
            }
            FaultKind::Hang => Kind::Hang,
            FaultKind::Reset => Kind::Reset,
            FaultKind::TruncatedJson => Kind::TruncatedJson,
            FaultKind::WrongJson => Kind::WrongJson,
            FaultKind::HtmlBadGateway => Kind::Html502,
            FaultKind::HtmlServiceUnavailable => Kind::Html503,
            FaultKind::EmptyServiceUnavailable => Kind::Empty503,
            FaultKind::TooManyRequests(retry_after) => {
                form.retry_after.clone_from(retry_after);
                Kind::Status429
            }
            FaultKind::InternalServerError => Kind::Status500,
            FaultKind::GatewayTimeout => Kind::Status504,
            FaultKind::UnknownEnum => Kind::UnknownEnum,
            FaultKind::ExtraField => Kind::ExtraField,
            FaultKind::Nulls => Kind::Nulls,
            FaultKind::ForeignNext { origin } => {
                form.origin = Some(origin.clone());
                Kind::ForeignNext
            }
            FaultKind::InsertBetweenPages => Kind::InsertBetweenPages,
            FaultKind::RemoveBetweenPages => Kind::RemoveBetweenPages,
        };
        form
    }
}

impl FaultKind {
    /// The kind's name in JSON.
    pub(crate) fn name(&self) -> String {
        let form = FaultForm::from(&Fault::new(self.clone()));
        let name = serde_json::to_value(form.kind).unwrap_or_default();
        name.as_str().unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Result<Fault, String> {
        let form: FaultForm = serde_json::from_value(value).map_err(|error| error.to_string())?;
        Fault::try_from(form).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        let second = Duration::from_secs(1);
        let date = RetryAfter::Date {
            date_in_seconds: -5,
        };
        for kind in [
            FaultKind::Delay(second),
            FaultKind::VirtualDelay(second),
            FaultKind::Hang,
            FaultKind::Reset,
            FaultKind::TruncatedJson,
            FaultKind::WrongJson,
            FaultKind::HtmlBadGateway,
            FaultKind::HtmlServiceUnavailable,
            FaultKind::EmptyServiceUnavailable,
            FaultKind::TooManyRequests(None),
            FaultKind::TooManyRequests(Some(RetryAfter::Seconds(7))),
            FaultKind::TooManyRequests(Some(date)),
            FaultKind::TooManyRequests(Some(RetryAfter::absurd())),
            FaultKind::InternalServerError,
            FaultKind::GatewayTimeout,
            FaultKind::UnknownEnum,
            FaultKind::ExtraField,
            FaultKind::Nulls,
            FaultKind::foreign_next(),
            FaultKind::InsertBetweenPages,
            FaultKind::RemoveBetweenPages,
        ] {
            let fault = Fault::new(kind).on("list_sites").skip(2).always();
            let value = serde_json::to_value(FaultForm::from(&fault)).unwrap();
            assert_eq!(read(value.clone()), Ok(fault), "{value}");
        }
    }

    #[test]
    fn what_is_left_out_is_once_any_operation_and_the_phase_of_the_kind() {
        assert_eq!(
            read(json!({ "kind": "reset" })),
            Ok(Fault::new(FaultKind::Reset))
        );
        assert_eq!(
            read(json!({ "kind": "nulls", "count": null })),
            Ok(Fault::new(FaultKind::Nulls).always())
        );
    }

    #[test]
    fn what_would_be_passed_over_is_refused() {
        for value in [
            json!({}),
            json!({ "kind": "earthquake" }),
            json!({ "kind": "reset", "operationn": "create_backup" }),
            json!({ "kind": "reset", "seconds": 3 }),
            json!({ "kind": "500", "retry_after": 3 }),
            json!({ "kind": "delay" }),
            json!({ "kind": "delay", "seconds": -1 }),
        ] {
            assert!(read(value.clone()).is_err(), "{value}");
        }
    }
}
