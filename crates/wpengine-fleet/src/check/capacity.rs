//! The usage of each account, against its plan.

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::{
    class::Class,
    questions::{Used, usage},
};

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    let with_usage = context.accounts(Class::Usage);
    for account in context.accounts(Class::Limits) {
        if !with_usage.contains(&account) {
            continue;
        }
        for used in usage(facts, account) {
            if used.metric == "storage" && used.used.is_none() {
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
            judge(context, account, &used);
        }
    }
    facts.accounts.len()
}

/// Without a limit, or without a figure, there is no percentage.
fn judge(context: &mut Context<'_>, account: &str, used: &Used) {
    let (Some(figure), Some(allowed), Some(percent)) = (used.used, used.allowed, used.percent)
    else {
        // A storage that is not measured is a finding of its own.
        if used.metric != "storage" || used.used.is_some() {
            let what = if used.used.is_none() {
                "figure"
            } else {
                "limit"
            };
            context.no_figure(account, &used.metric, what);
        }
        return;
    };
    let (code, severity) = if percent > 100.0 {
        (Code::OverLimit, Severity::Critical)
    } else if percent > context.thresholds.capacity_critical {
        (Code::NearLimit, Severity::Critical)
    } else if percent > context.thresholds.capacity_warning {
        (Code::NearLimit, Severity::Warning)
    } else {
        return;
    };
    let unit = &used.unit;
    let words = Words {
        subject: used.metric.clone(),
        observed: format!(
            "{figure:.0} of {allowed:.0} {unit} in the last 30 days ({percent:.0} %)"
        ),
        expected: format!("at most {:.0} %", context.thresholds.capacity_warning),
        next: "look at the largest installs of the account, or talk to WP Engine about the plan"
            .to_owned(),
    };
    context.add(code, severity, Place::Account(account), Class::Usage, words);
}
