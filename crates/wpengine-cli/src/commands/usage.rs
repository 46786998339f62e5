//! Visits, bandwidth and storage.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{one, run};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::Failure,
    flags::{self, Args},
    output::{Answer, Reply},
    tables,
    tap::{CALL, Call},
    target::unique,
};

pub(super) fn leaves() -> Vec<Leaf> {
    let days = || [flags::since(), flags::until(), flags::last()];
    let account = || flags::one("account", "ACCOUNT", "Account: id or name");
    vec![
        leaf("usage account", "Show the usage of each install of an account", &["get_account_usage"], run!(|c, a| {
            let account = c.account_named(&a.need("account")).await?;
            let mut list = c.client()?.account(account.id.as_str()).usage().list();
            if let Some((first, last)) = a.days()? {
                list = list.between(first, last);
            }
            let call = Arc::new(Call::default());
            CALL.scope(Arc::clone(&call), list.collect()).await?;
            let pages = call.bodies();
            if pages.iter().any(|page| page["all_environments_included"].as_bool() == Some(false)) {
                c.terminal.warn("these figures are not of the whole account: this user cannot see all of its installs");
            }
            let installs = pages.iter().filter_map(|page| page["environment_metrics"].as_array()).flatten();
            if a.flag("daily") {
                let rows = installs.flat_map(daily).collect();
                return Ok(Answer::items(rows).table(&tables::DAYS));
            }
            Ok(Answer::items(installs.map(totals).collect()).into())
        }))
        .args([account(), flags::switch("daily", "A line for each day")])
        .args(days())
        .table(&tables::USAGE)
        .details("The last 30 days by default. A storage figure that the service has not measured lately is `stale`; `wpengine usage refresh` starts a measurement.")
        .examples(&["wpengine usage account acme --sort -visits", "wpengine usage account acme --last 7d --daily -o csv"]),
        leaf("usage summary", "Show the usage of an account as one figure for each metric", &["get_account_usage_summary"], run!(|c, a| metrics(c, a, "get_account_usage_summary").await))
            .arg(account())
            .args(days())
            .table(&tables::METRICS)
            .examples(&["wpengine usage summary acme"]),
        leaf("usage insights", "Show the usage of an account by environment and kind of site", &["get_account_usage_insights"], run!(|c, a| metrics(c, a, "get_account_usage_insights").await))
            .arg(account())
            .args(days())
            .table(&tables::INSIGHTS)
            .examples(&["wpengine usage insights acme --last 7d"]),
        leaf("usage install", "Show the daily usage of an install", &["get_install_usage"], run!(|c, a| {
            let install = c.install(a).await?;
            let mut value = c.read("get_install_usage", &[&install.id], &query(a)?).await?;
            let name = value["install_name"].clone();
            for day in value["metrics"].as_array_mut().into_iter().flatten().filter(|day| day.is_object()) {
                day["environment_name"] = name.clone();
            }
            Ok(Answer::Document(value, "/metrics").into())
        }))
        .arg(flags::one("install", "INSTALL", "Install: id, name, SITE/ENVIRONMENT or domain"))
        .args(days())
        .table(&tables::DAYS)
        .examples(&["wpengine usage install torquemag --last 7d"]),
        leaf("usage refresh", "Start a measurement of the storage", &["refresh_account_disk_usage", "refresh_install_disk_usage"], run!(|c, a| {
            if a.all("install").is_empty() {
                let account = c.account(a).await?;
                let usage = c.client()?.account(account.id.as_str()).usage();
                let sent = c.write("refresh_account_disk_usage", &account, usage.refresh_disk_usage().send()).await?;
                return Ok(one(match a.wait() {
                    Some(limit) if !super::is_planned(&sent) => c.wait_quietly(&account, "the measurement", usage.wait(), limit).await.map(|()| sent)?,
                    _ => sent,
                }));
            }
            let mut installs = Vec::new();
            for name in a.all("install") {
                installs.push(c.install_named(&name).await?);
            }
            let installs = unique(installs);
            let limit = a.wait();
            c.each(&installs, |install| async move {
                let usage = c.client()?.install(install.id.as_str()).usage();
                let sent = c.write("refresh_install_disk_usage", install, usage.refresh_disk_usage().send()).await?;
                if let Some(limit) = limit && !super::is_planned(&sent) {
                    c.wait_quietly(install, "the measurement", usage.wait(), limit).await?;
                }
                Ok(sent)
            })
            .await
        }))
        .args([
            flags::account(),
            flags::install().action(clap::ArgAction::Append).conflicts_with("account"),
            flags::wait(),
        ])
        .calls(&["get_install", "get_account_usage", "get_install_usage"])
        .examples(&["wpengine usage refresh --account acme", "wpengine usage refresh -i torquemag --wait"]),
    ]
}

fn query(a: Args<'_>) -> Result<Vec<(&'static str, String)>, Failure> {
    Ok(match a.days()? {
        Some((first, last)) => vec![
            ("first_date", first.to_string()),
            ("last_date", last.to_string()),
        ],
        None => Vec::new(),
    })
}

/// An object with a field for each metric, as rows.
async fn metrics(c: &Ctx, a: Args<'_>, operation: &str) -> Result<Reply, Failure> {
    let account = c.account_named(&a.need("account")).await?;
    let mut value = c.read(operation, &[&account.id], &query(a)?).await?;
    if c.format.is_json() {
        return Ok(one(value));
    }
    let fields = value
        .as_object_mut()
        .map(std::mem::take)
        .unwrap_or_default();
    let rows = fields
        .into_iter()
        .filter(|(_, figures)| figures.is_object())
        .map(|(metric, mut figures)| {
            figures["metric"] = json!(metric);
            figures
        });
    Ok(Answer::items(rows.collect()).into())
}

/// The days of one install, each with its name.
fn daily(install: &Value) -> Vec<Value> {
    let days = install["metrics"].as_array().cloned().unwrap_or_default();
    let days = days.into_iter().map(|mut day| {
        day["environment_name"] = install["environment_name"].clone();
        day
    });
    days.collect()
}

/// One install over all days: sums, and the last storage that was measured.
fn totals(install: &Value) -> Value {
    let days = install["metrics"].as_array().map_or(&[][..], Vec::as_slice);
    let figure = |day: &Value, name: &str| match &day[name] {
        Value::String(text) => text.parse::<i64>().ok(),
        value => value.as_i64(),
    };
    let sum = |name: &str| days.iter().filter_map(|day| figure(day, name)).sum::<i64>();
    // Null or 0 means that it was not measured then.
    let storage = days.iter().rev().find_map(|day| {
        let files = figure(day, "storage_file_bytes").filter(|bytes| *bytes > 0)?;
        Some(files + figure(day, "storage_database_bytes").unwrap_or(0))
    });
    json!({
        "environment_name": install["environment_name"],
        "visit_count": sum("visit_count"),
        "billable_visits": sum("billable_visits"),
        "network_total_bytes": sum("network_total_bytes"),
        "storage_bytes": storage,
        "days": days.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_storage_is_the_last_one_that_was_measured() {
        let total = totals(&json!({"environment_name": "a", "metrics": [
            {"visit_count": "2", "storage_file_bytes": "10", "storage_database_bytes": "1"},
            {"visit_count": "3", "storage_file_bytes": null},
            {"storage_file_bytes": "0"},
        ]}));
        assert_eq!(total["visit_count"], 5);
        assert_eq!(total["storage_bytes"], 11);
        assert!(totals(&json!({"metrics": []}))["storage_bytes"].is_null());
    }
}
