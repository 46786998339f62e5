//! Reports on sites: existing reports, the schedules that create them, and their sections and templates. Every account
//! has the platform's two templates.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Answer, Call, Outcome};
use crate::downloads;
use crate::error::Refusal;
use crate::state::{Frequency, Recipient, Schedule, Site, Time};

const LOGO: &str = "https://storage.googleapis.com/crs-assets/logos/wpengine-logo.png";
const PREVIEW: &str = "https://storage.googleapis.com/crs-assets/previews/site-report-preview.png";
const PICTURES: &str = "https://storage.googleapis.com/sites_reports_static_images_bucket";
const COLOR: &str = "#FF0000";
const COMPANY: &str = "WP Engine";

/// Every section that a report can have: id, display name, group, and whether every report has it.
const SECTIONS: [(&str, &str, &str, bool); 6] = [
    ("cover", "Cover", "overview", true),
    ("overview", "Overview", "overview", true),
    ("usage", "Usage", "performance", false),
    ("themes", "Themes", "software", false),
    ("plugins", "Plugins", "software", false),
    ("summary", "Summary", "summary", false),
];

struct Template {
    uuid: &'static str,
    name: &'static str,
    sections: &'static [&'static str],
}

/// The first one is the default.
const TEMPLATES: [Template; 2] = [
    Template {
        uuid: "9fe01285-87cc-405b-9f2f-02cc1316bb63",
        name: "Site Report",
        sections: &["cover", "overview", "usage", "themes"],
    },
    Template {
        uuid: "123e4567-e89b-12d3-a456-426614174000",
        name: "Usage Report",
        sections: &["cover", "overview", "usage"],
    },
];

pub(super) fn list_site_report_templates(call: &mut Call<'_>) -> Outcome {
    let account_id = call.query("account_id").unwrap_or_default();
    call.world
        .account(&call.caller, account_id)
        .ok_or_else(Refusal::not_found)?;
    let templates = TEMPLATES.each_ref().map(|template| {
        json!({
            "template_uuid": template.uuid,
            "template_name": template.name,
            "company_name": COMPANY,
            "brand_color": COLOR,
            "logo_url": LOGO,
            "preview_image_url": PREVIEW,
            "sections": named(template.sections),
        })
    });
    Answer::json(200, &json!({ "templates": templates }))
}

pub(super) fn list_site_report_sections(_: &mut Call<'_>) -> Outcome {
    let sections = SECTIONS.iter().zip(1..).map(|(section, order)| {
        let (name, text, group, mandatory) = *section;
        let group_text = [&group[..1].to_uppercase(), &group[1..]].concat();
        json!({
            "name": name,
            "display_text": text,
            "order": order,
            "image_url": format!("{PICTURES}/preview-gallery-{name}.png"),
            "footer_url": "https://my.wpengine.com/installs/{install_name}",
            "group_name": group,
            "group_display_text": group_text,
            "mandatory": mandatory,
        })
    });
    let sections: Vec<Value> = sections.collect();
    Answer::json(
        200,
        &json!({ "name": "siteReport", "resource_type": "site", "sections": sections }),
    )
}

pub(super) fn list_site_reports(call: &mut Call<'_>) -> Outcome {
    let reports = asked_site(call)?.reports.iter().rev().map(|report| {
        let recipients = report.recipients.iter().map(|email| json!({ "email": email }));
        json!({
            "uuid": report.uuid,
            "title": report.title,
            "date_range": {
                "start_date": Time(report.starts_at),
                "end_date": Time(report.ends_at),
            },
            "created_at": Time(report.created_at),
            "recipients": recipients.collect::<Vec<_>>(),
            "download_url": downloads::link(call.origin(), "reports", &report.uuid, "pdf", &report.key),
        })
    });
    let reports: Vec<Value> = reports.collect();
    Answer::json(200, &json!({ "reports": reports }))
}

pub(super) fn list_site_report_schedules(call: &mut Call<'_>) -> Outcome {
    #[derive(Serialize)]
    struct View<'a> {
        title: &'a str,
        next_scheduled_date: Time,
        frequency: Frequency,
        recipients: &'a [Recipient],
        sections: Vec<Value>,
        uuid: &'a str,
        template_uuid: &'a str,
        branding: Value,
    }
    let schedules = asked_site(call)?.schedules.values().map(|schedule| View {
        title: &schedule.title,
        next_scheduled_date: Time(schedule.next),
        frequency: schedule.frequency,
        recipients: &schedule.recipients,
        sections: named(&schedule.sections),
        uuid: &schedule.uuid,
        template_uuid: &schedule.template,
        branding: json!({
            "uuid": "1ed3eaa4-b1d6-4b9f-96e5-9054c3cdaafd",
            "company_name": COMPANY,
            "brand_color": COLOR,
            "logo_url": LOGO,
            "image_preview_url": PREVIEW,
        }),
    });
    let schedules: Vec<View<'_>> = schedules.collect();
    Answer::json(200, &json!({ "schedules": schedules }))
}

pub(super) fn create_site_report_schedule(call: &mut Call<'_>) -> Outcome {
    let change: Change = call.body()?;
    let site_id = change.site_id.clone().unwrap_or_default();
    let site = call.world.site(&call.caller, &site_id);
    let account_id = site.ok_or_else(Refusal::not_found)?.account_id.clone();
    call.require_manager(&account_id)?;
    let frequency = Frequency::Monthly(1);
    let mut schedule = Schedule {
        uuid: String::new(),
        title: String::new(),
        next: frequency.first(call.now),
        frequency,
        recipients: Vec::new(),
        sections: Vec::new(),
        template: TEMPLATES[0].uuid.to_owned(),
    };
    change.apply(&mut schedule, call.now)?;
    schedule.uuid = call.world.random.uuid();
    call.world.set_schedule(&site_id, schedule);
    Answer::json(201, &json!({ "message": "Schedule created successfully" }))
}

pub(super) fn update_site_report_schedule(call: &mut Call<'_>) -> Outcome {
    let change: Change = call.body()?;
    let (site_id, mut schedule) = find(call)?;
    change.apply(&mut schedule, call.now)?;
    call.world.set_schedule(&site_id, schedule);
    Answer::json(200, &json!({ "message": "Schedule updated successfully" }))
}

pub(super) fn delete_site_report_schedule(call: &mut Call<'_>) -> Outcome {
    let (site_id, schedule) = find(call)?;
    if let Some(site) = call.world.sites.get_mut(&site_id) {
        site.schedules.shift_remove(&schedule.uuid);
    }
    Answer::empty(204)
}

/// The fields of a request for a schedule.
#[derive(Deserialize)]
struct Change {
    site_id: Option<String>,
    title: Option<String>,
    next_scheduled_date: Option<Timestamp>,
    frequency: Option<Value>,
    recipients: Option<Vec<Recipient>>,
    sections: Option<Vec<Named>>,
    template_uuid: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

impl Change {
    fn apply(self, schedule: &mut Schedule, now: Timestamp) -> Result<(), Refusal> {
        if let Some(title) = self.title {
            if title.trim().is_empty() {
                return Err(Refusal::invalid(
                    "Invalid Schedule: the title cannot be empty.",
                ));
            }
            schedule.title = title;
        }
        if let Some(recipients) = self.recipients {
            schedule.recipients = recipients;
        }
        if let Some(frequency) = self.frequency {
            schedule.frequency = frequency_of(&frequency)?;
            schedule.next = schedule.frequency.first(now);
        }
        if let Some(next) = self.next_scheduled_date {
            schedule.next = next;
            schedule.catch_up(now);
        }
        let is_new = self.template_uuid.is_some() || schedule.sections.is_empty();
        let template = self
            .template_uuid
            .unwrap_or_else(|| schedule.template.clone());
        let template = TEMPLATES
            .iter()
            .find(|known| known.uuid == template)
            .ok_or_else(|| Refusal::invalid("Invalid Schedule: there is no such template."))?;
        template.uuid.clone_into(&mut schedule.template);
        match self.sections {
            Some(sections) => {
                let names = sections.into_iter().map(|section| section.name);
                schedule.sections = names.collect();
            }
            None if is_new => {
                schedule.sections = template
                    .sections
                    .iter()
                    .map(|name| (*name).to_owned())
                    .collect();
            }
            None => {}
        }
        let odd = schedule
            .sections
            .iter()
            .find(|name| !template.sections.contains(&name.as_str()));
        match odd {
            Some(name) => Err(Refusal::invalid(format!(
                "Invalid Schedule: the template {} has no section {name}.",
                template.name
            ))),
            None => Ok(()),
        }
    }
}

fn frequency_of(value: &Value) -> Result<Frequency, Refusal> {
    match (value["unit"].as_str(), value["value"].as_i64()) {
        (Some("DAYS"), Some(days @ (7 | 14))) => Ok(Frequency::Days(days)),
        (Some("MONTHLY"), Some(day @ 1..=31)) => Ok(Frequency::Monthly(day as i8)),
        _ => Err(Refusal::invalid(
            "Invalid Frequency: it is 7 or 14 DAYS, or MONTHLY on a day from 1 to 31.",
        )),
    }
}

/// The site that the query names, if the caller can see it.
fn asked_site<'a>(call: &'a Call<'_>) -> Result<&'a Site, Refusal> {
    let site_id = call.query("site_id").unwrap_or_default();
    call.world
        .site(&call.caller, site_id)
        .ok_or_else(Refusal::not_found)
}

/// The schedule of the path and its site, if the caller may change the schedule.
fn find(call: &Call<'_>) -> Result<(String, Schedule), Refusal> {
    let id = call.path("schedule_id");
    let found = call.world.sites.values().find_map(|site| {
        let schedule = site.schedules.get(id)?;
        call.world
            .sees_site(&call.caller, site)
            .then_some((site, schedule))
    });
    let (site, schedule) = found.ok_or_else(Refusal::not_found)?;
    call.require_manager(&site.account_id)?;
    Ok((site.id.clone(), schedule.clone()))
}

fn named<T: AsRef<str>>(names: &[T]) -> Vec<Value> {
    let name = |name: &T| json!({ "name": name.as_ref() });
    names.iter().map(name).collect()
}
