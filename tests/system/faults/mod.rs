//! Every fault of the simulator on every operation, with the default retry policy.

mod calls;

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use wpengine::{operation::Retry, operations};
use wpengine_sim::{Fault, FaultKind, Phase, RetryAfter, Simulator};

use crate::support::simulated;

/// A fault, with its name in the snapshot.
struct Case {
    name: &'static str,
    fault: Fault,
    /// Whether a retry succeeds. Then a call of an idempotent operation must not fail.
    transient: bool,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name, fault, transient| {
        cases.push(Case {
            name,
            fault,
            transient,
        });
    };
    let before = |kind| Fault::new(kind).in_phase(Phase::Before);
    let after = |kind| Fault::new(kind).in_phase(Phase::After);
    let body = |kind| Fault::new(kind).in_phase(Phase::Body);
    let ten = Duration::from_secs(10);
    add("delay of 10 s, before", before(FaultKind::Delay(ten)), true);
    add("delay of 10 s, after", after(FaultKind::Delay(ten)), true);
    add(
        "delay of 10 s, in the body",
        body(FaultKind::Delay(ten)),
        true,
    );
    add("hang, before", before(FaultKind::Hang), true);
    add("hang, after", after(FaultKind::Hang), true);
    add("hang, in the body", body(FaultKind::Hang), true);
    add("reset, before", before(FaultKind::Reset), true);
    add("reset, after", after(FaultKind::Reset), true);
    add("reset, in the body", body(FaultKind::Reset), true);
    add("HTML 502, before", before(FaultKind::HtmlBadGateway), true);
    add("HTML 502, after", after(FaultKind::HtmlBadGateway), true);
    add(
        "HTML 503, before",
        before(FaultKind::HtmlServiceUnavailable),
        true,
    );
    add(
        "empty 503, before",
        before(FaultKind::EmptyServiceUnavailable),
        true,
    );
    add("500, before", before(FaultKind::InternalServerError), true);
    add("500, after", after(FaultKind::InternalServerError), true);
    add("504, before", before(FaultKind::GatewayTimeout), true);
    add("504, after", after(FaultKind::GatewayTimeout), true);
    add("429", before(FaultKind::TooManyRequests(None)), true);
    add(
        "429 with seconds",
        before(FaultKind::TooManyRequests(Some(RetryAfter::Seconds(7)))),
        true,
    );
    add(
        "429 with a date",
        before(FaultKind::TooManyRequests(Some(RetryAfter::Date {
            date_in_seconds: 7,
        }))),
        true,
    );
    add(
        "429 with an absurd time",
        before(FaultKind::TooManyRequests(Some(RetryAfter::absurd()))),
        false,
    );
    add("truncated JSON", body(FaultKind::TruncatedJson), true);
    add("wrong JSON", body(FaultKind::WrongJson), false);
    add("unknown enum value", body(FaultKind::UnknownEnum), true);
    add("extra field", body(FaultKind::ExtraField), true);
    add("nulls", body(FaultKind::Nulls), true);
    add("foreign next", body(FaultKind::foreign_next()), true);
    cases
}

/// Returns the result of one call.
async fn outcome(case: &Case, operation: &'static wpengine::operation::Operation) -> String {
    let simulator = Simulator::builder().build();
    let client = simulated::builder(&simulator).build().expect("a client");
    let call = calls::call(&client, operation.id).await;
    simulator.clear_requests();
    let (attempts, effects) = (client.counters().attempts, simulator.side_effects());
    simulator
        .faults()
        .add(case.fault.clone().on(operation.id))
        .expect("a fault that makes sense");
    let result = call.await;
    let attempts = client.counters().attempts - attempts;
    let effects = simulator.side_effects() - effects;
    if operation.retry == Retry::Unsent {
        assert!(
            effects <= 1,
            "{}: {} was done twice",
            case.name,
            operation.id
        );
    } else if case.transient {
        assert!(
            result.is_ok(),
            "{}: {} is safe to repeat and fails: {result:?}",
            case.name,
            operation.id
        );
    }
    let ended = match result {
        Ok(()) => "done".to_owned(),
        Err(error) => {
            // If the error says that nothing was done, nothing must have been done.
            assert!(
                error.may_have_happened() || effects == 0,
                "{}: {} was done, but the error denies it: {error}",
                case.name,
                operation.id
            );
            let status = error
                .status()
                .map_or(String::new(), |status| format!(" {}", status.as_u16()));
            let maybe = if error.may_have_happened() {
                ", may have happened"
            } else {
                ""
            };
            format!("{:?}{status}{maybe}", error.kind())
        }
    };
    format!("{ended}; attempts {attempts}, side effects {effects}")
}

#[tokio::test(start_paused = true)]
async fn every_fault_once_on_every_operation() {
    let mut told = String::new();
    for case in cases() {
        let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for operation in operations() {
            let class = match (operation.is_read(), operation.retry) {
                (true, _) => "reads",
                (false, Retry::Safe) => "safe writes",
                _ => "unsent writes",
            };
            let outcome = outcome(&case, operation).await;
            groups
                .entry(format!("{class}: {outcome}"))
                .or_default()
                .push(operation.id);
        }
        writeln!(told, "# {}", case.name).expect("it is written");
        for (outcome, ids) in groups {
            let (line, some) = (format!("{outcome} ({})", ids.len()), ids.len() <= 8);
            writeln!(
                told,
                "{line}{}",
                if some {
                    format!(": {}", ids.join(" "))
                } else {
                    String::new()
                }
            )
            .expect("it is written");
        }
        told.push('\n');
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/faults");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("every_fault_once_on_every_operation", told));
}
