//! The usage of an account, against its plan.

use serde_json::Value;

use super::answers::Used;
use crate::{
    class::Class,
    store::{Facts, number},
};

/// The API gives limits in GB, and usage in bytes.
const GB: f64 = 1_073_741_824.0;

/// The usage of an account against its plan.
pub(crate) fn usage(facts: &Facts, account: &str) -> Vec<Used> {
    let figure = |class: Class| facts.rows.figures.get(&(class, account.to_owned()));
    against_plan(figure(Class::Limits), figure(Class::Usage))
}

/// Compares a summary of the usage of an account with its limits: what `GET /accounts/{account_id}/usage/summary` and
/// `GET /accounts/{account_id}/limits` answer.
#[must_use]
pub fn against_plan(limits: Option<&Value>, usage: Option<&Value>) -> Vec<Used> {
    let flow = |field: &str| number(&usage?[field]["sum"]);
    let stock = |field: &str| number(&usage?[field]["latest"]["value"]);
    let storage = match (stock("storage_file_bytes"), stock("storage_database_bytes")) {
        // Null or 0 is not measured, and not empty.
        (Some(files), Some(databases)) if files > 0.0 => Some(files + databases),
        _ => None,
    };
    let limit = |field: &str| number(&limits?[field]).filter(|limit| *limit > 0.0);
    [
        (
            "visits",
            "visits",
            flow("billable_visits"),
            limit("visitors"),
        ),
        (
            "bandwidth",
            "GB",
            flow("network_total_bytes").map(|bytes| bytes / GB),
            limit("bandwidth"),
        ),
        (
            "storage",
            "GB",
            storage.map(|bytes| bytes / GB),
            limit("storage"),
        ),
    ]
    .into_iter()
    .map(|(metric, unit, used, allowed)| Used {
        metric: metric.to_owned(),
        unit: unit.to_owned(),
        used,
        allowed,
        percent: used
            .zip(allowed)
            .map(|(used, allowed)| used * 100.0 / allowed),
    })
    .collect()
}
