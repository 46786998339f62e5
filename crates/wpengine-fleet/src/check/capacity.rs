//! The usage of each account, against its plan.

use serde_json::Value;

use super::{
    Code, Severity,
    context::{Context, Place, Words},
};
use crate::class::Class;

/// The API gives limits in GB, and usage in bytes. WP Engine's own reports count 2^30 bytes as one.
const GB: f64 = 1_073_741_824.0;

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    let with_usage = context.accounts(Class::Usage);
    for account in context.accounts(Class::Limits) {
        let figure = |class: Class| facts.figures.get(&(class.name(), account.to_owned()));
        let (Some(limits), Some(usage), true) = (
            figure(Class::Limits),
            figure(Class::Usage),
            with_usage.contains(&account),
        ) else {
            continue;
        };
        let flow = |field: &str| number(&usage[field]["sum"]);
        let stock = |field: &str| number(&usage[field]["latest"]["value"]);
        let storage = match (stock("storage_file_bytes"), stock("storage_database_bytes")) {
            // Null or 0 is not measured, and not empty.
            (Some(files), Some(databases)) if files > 0.0 => Some(files + databases),
            _ => None,
        };
        if storage.is_none() {
            let words = Words {
                subject: "storage".to_owned(),
                observed: "no figure for the storage, or 0".to_owned(),
                expected: "a measured storage".to_owned(),
                next: "have the storage measured again: refresh the disk usage of the account"
                    .to_owned(),
            };
            context.add(
                Code::StorageStale,
                Severity::Info,
                Place::Account(account),
                Class::Usage,
                words,
            );
        }
        for (metric, unit, used, allowed) in [
            (
                "visits",
                "",
                flow("billable_visits"),
                number(&limits["visitors"]),
            ),
            (
                "bandwidth",
                " GB",
                flow("network_total_bytes").map(|bytes| bytes / GB),
                number(&limits["bandwidth"]),
            ),
            (
                "storage",
                " GB",
                storage.map(|bytes| bytes / GB),
                number(&limits["storage"]),
            ),
        ] {
            // A limit of null or 0 is unknown, so there is no percentage.
            if let (Some(used), Some(allowed)) = (used, allowed.filter(|allowed| *allowed > 0.0)) {
                judge(context, account, metric, unit, used, allowed);
            }
        }
    }
    facts.accounts.len()
}

fn judge(
    context: &mut Context<'_>,
    account: &str,
    metric: &str,
    unit: &str,
    used: f64,
    allowed: f64,
) {
    let percent = used * 100.0 / allowed;
    let (code, severity) = if percent > 100.0 {
        (Code::OverLimit, Severity::Critical)
    } else if percent > context.thresholds.capacity_critical {
        (Code::NearLimit, Severity::Critical)
    } else if percent > context.thresholds.capacity_warning {
        (Code::NearLimit, Severity::Warning)
    } else {
        return;
    };
    let words = Words {
        subject: metric.to_owned(),
        observed: format!(
            "{used:.0}{unit} of {allowed:.0}{unit} in the last 30 days ({percent:.0} %)"
        ),
        expected: format!("at most {:.0} %", context.thresholds.capacity_warning),
        next: "look at the largest installs of the account, or talk to WP Engine about the plan"
            .to_owned(),
    };
    context.add(code, severity, Place::Account(account), Class::Usage, words);
}

/// The API writes numbers as numbers and as text.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
