//! Reports on sites, which the service makes and sends.

use std::path::PathBuf;

use wpengine::{requests::Recipient, types::SecretLink};

use super::{backup, one, run, unpaged};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::Failure,
    flags::{self, Args},
    tables,
    target::{Kind, Target},
};

/// Sets what a new schedule and a change of one have in common. They are two types with the same methods.
macro_rules! with_content {
    ($request:ident, $a:ident) => {{
        let mut request = $request;
        if !$a.all("section").is_empty() {
            request = request.sections($a.all("section"));
        }
        if let Some(template) = $a.text("template") {
            request = request.template(template);
        }
        let first = $a.instant("first");
        request = match (Every::of($a)?, first) {
            (None, None) => request,
            (None, Some(first)) => request.next_scheduled_date(first),
            (Some(Every::Week), Some(first)) => request.weekly(first),
            (Some(Every::TwoWeeks), Some(first)) => request.every_two_weeks(first),
            (Some(Every::Month(day)), None) => request.monthly(day),
            (Some(Every::Month(day)), Some(first)) => {
                request.monthly(day).next_scheduled_date(first)
            }
            (Some(_), None) => {
                return Err(Failure::usage(
                    "--every week and --every two-weeks need --first",
                ));
            }
        };
        request
    }};
}

pub(super) fn leaves() -> Vec<Leaf> {
    let site = || flags::site().required(true);
    let schedule = || flags::one("schedule", "SCHEDULE", "Schedule: title or id");
    let content = || {
        [
            flags::value("recipient", "EMAIL", "Who gets the report; may be repeated")
                .action(clap::ArgAction::Append),
            flags::value("section", "NAME", "Section of the report; may be repeated")
                .action(clap::ArgAction::Append),
            flags::value("template", "TEMPLATE", "Id of a template"),
            flags::value(
                "first",
                "TIME",
                "When the first report is sent, such as 2026-05-01T08:00:00Z or 2h",
            )
            .value_parser(flags::instant),
            flags::value(
                "every",
                "PERIOD",
                "How often: week, two-weeks, or a day of the month (1 to 28)",
            ),
        ]
    };
    vec![
        leaf("site-report list", "List the reports on a site", &["list_site_reports"], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            let reply = unpaged(c, "list_site_reports", &[], &[("site_id", site.id)]).await?;
            Ok(backup::hide_links(reply.answer, "download_url", a).into())
        }))
        .args([site(), backup::show_links()])
        .table(&tables::REPORTS)
        .examples(&["wpengine site-report list --site 'Torque Magazine'"]),
        leaf("site-report download", "Download a report", &[], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            let value = c.read("list_site_reports", &[], &[("site_id", site.id)]).await?;
            let reports = crate::target::items_of(value);
            let wanted = a.need("report");
            let found = match wanted.as_str() {
                "latest" => reports.iter().max_by_key(|report| report["created_at"].as_str().unwrap_or_default()),
                wanted => reports.iter().find(|report| report["uuid"].as_str() == Some(wanted)),
            };
            let link = found.and_then(|report| report["download_url"].as_str()).ok_or_else(|| Failure::not_found(format!("there is no report `{wanted}` to download")))?;
            let to = PathBuf::from(a.text("to").unwrap_or_else(|| format!("{}.pdf", found.and_then(|report| report["uuid"].as_str()).unwrap_or("report"))));
            backup::refuse_existing(&to, a)?;
            let download = c.client()?.download(&SecretLink::new(link)).await?;
            backup::save(c, download, &to, a).await
        }))
        .args([flags::one("report", "REPORT", "Id of the report, or `latest`"), site(), backup::to(), backup::force()])
        .calls(&["list_site_reports"])
        .examples(&["wpengine site-report download latest --site 'Torque Magazine' --to report.pdf"]),
        leaf("site-report template list", "List the templates of an account", &["list_site_report_templates"], run!(|c, a| {
            let account = c.account(a).await?;
            unpaged(c, "list_site_report_templates", &[], &[("account_id", account.id)]).await
        }))
        .arg(flags::account())
        .table(&tables::TEMPLATES)
        .examples(&["wpengine site-report template list --account acme"]),
        leaf("site-report section list", "List the sections that a report can have", &["list_site_report_sections"], run!(|c, _a| {
            unpaged(c, "list_site_report_sections", &[], &[]).await
        }))
        .table(&tables::SECTIONS)
        .examples(&["wpengine site-report section list"]),
        leaf("site-report schedule list", "List the schedules of a site", &["list_site_report_schedules"], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            unpaged(c, "list_site_report_schedules", &[], &[("site_id", site.id)]).await
        }))
        .arg(site())
        .table(&tables::SCHEDULES)
        .examples(&["wpengine site-report schedule list --site 'Torque Magazine'"]),
        leaf("site-report schedule create", "Schedule a report", &["create_site_report_schedule"], run!(|c, a| {
            let site = c.site_named(&a.need("site")).await?;
            let schedules = c.client()?.site(site.id.as_str()).report_schedules();
            let request = schedules.create(a.need("title"), a.all("recipient").iter().map(Recipient::new));
            let request = with_content!(request, a);
            Ok(one(c.write("create_site_report_schedule", &site, request.send()).await?))
        }))
        .args([site(), flags::value("title", "TEXT", "Title of the report").required(true)])
        .args(content())
        .calls(&["get_site"])
        .examples(&["wpengine site-report schedule create --site 'Torque Magazine' --title Weekly --recipient jo@example.com --every week --first 2h"]),
        leaf("site-report schedule update", "Change a schedule", &["update_site_report_schedule"], run!(|c, a| {
            let schedule = find(c, a).await?;
            let mut request = c.client()?.report_schedule(schedule.id.as_str()).update();
            if let Some(title) = a.text("title") {
                request = request.title(title);
            }
            if !a.all("recipient").is_empty() {
                request = request.recipients(a.all("recipient").iter().map(Recipient::new));
            }
            let request = with_content!(request, a);
            Ok(one(c.write("update_site_report_schedule", &schedule, request.send()).await?))
        }))
        .args([schedule(), site(), flags::value("title", "TEXT", "New title")])
        .args(content())
        .calls(&["get_site", "list_site_report_schedules"])
        .examples(&["wpengine site-report schedule update Weekly --site 'Torque Magazine' --recipient ops@example.com"]),
        leaf("site-report schedule delete", "Delete a schedule", &["delete_site_report_schedule"], run!(|c, a| {
            let schedule = find(c, a).await?;
            c.confirm("delete_site_report_schedule", "delete", std::slice::from_ref(&schedule), Vec::new()).await?;
            let request = c.client()?.report_schedule(schedule.id.as_str()).delete();
            Ok(one(c.write("delete_site_report_schedule", &schedule, request.send()).await?))
        }))
        .args([schedule(), site()])
        .calls(&["get_site", "list_site_report_schedules"])
        .examples(&["wpengine site-report schedule delete Weekly --site 'Torque Magazine' --yes"]),
    ]
}

async fn find(c: &Ctx, a: Args<'_>) -> Result<Target, Failure> {
    let site = c.site_named(&a.need("site")).await?;
    let value = c
        .read("list_site_report_schedules", &[], &[("site_id", site.id)])
        .await?;
    let all = crate::target::items_of(value);
    c.one_of(
        Kind::Other("schedule"),
        &all,
        &a.need("schedule"),
        &["title", "uuid"],
    )
}

enum Every {
    Week,
    TwoWeeks,
    Month(u8),
}

impl Every {
    fn of(a: Args<'_>) -> Result<Option<Self>, Failure> {
        let Some(text) = a.text("every") else {
            return Ok(None);
        };
        match (text.as_str(), text.parse()) {
            ("week", _) => Ok(Some(Self::Week)),
            ("two-weeks", _) => Ok(Some(Self::TwoWeeks)),
            (_, Ok(day)) => Ok(Some(Self::Month(day))),
            _ => Err(Failure::usage(format!(
                "--every {text}: it is `week`, `two-weeks`, or a day of the month from 1 to 28"
            ))),
        }
    }
}
