use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api, SITE};

const TEMPLATE: &str = "9fe01285-87cc-405b-9f2f-02cc1316bb63";
const SCHEDULE: &str = "123e4567-e89b-12d3-a456-426614174000";
const OTHER_SITE: &str = "d0a5b3f4-3c1e-4f57-8a55-6b1f0c9e7a12";

async fn schedules(api: &Api, site: &str) -> Vec<Value> {
    let list = api
        .found(&format!("/site_reports/schedules?site_id={site}"))
        .await;
    list["schedules"].as_array().unwrap().clone()
}

/// Returns the days on which reports on the site were created, oldest first.
async fn days(api: &Api, site: &str) -> Vec<String> {
    let list = api.found(&format!("/site_reports?site_id={site}")).await;
    let reports = list["reports"].as_array().unwrap().iter().rev();
    reports
        .map(|report| report["created_at"].as_str().unwrap()[..10].to_owned())
        .collect()
}

fn schedule(extra: Value) -> Value {
    let mut body = json!({
        "site_id": OTHER_SITE,
        "title": "A report",
        "recipients": [{ "email": "ops@example.com" }],
    });
    let fields = body.as_object_mut().unwrap();
    fields.extend(extra.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn list_site_report_templates_needs_an_account_of_the_user() {
    let api = Api::start().await;
    let list = api
        .found(&format!("/site_reports/templates?account_id={ACCOUNT}"))
        .await;
    assert_eq!(list["templates"][0]["template_uuid"], TEMPLATE);
    assert_eq!(list["templates"][0]["brand_color"], "#FF0000");
    assert_eq!(api.get("/site_reports/templates").await.0, 400);
    assert_eq!(
        api.get("/site_reports/templates?account_id=other").await.0,
        404
    );
}

#[tokio::test]
async fn list_site_report_sections_has_those_of_every_template() {
    let api = Api::start().await;
    let catalogue = api.found("/site_reports/sections").await;
    assert_eq!(catalogue["name"], "siteReport");
    let sections = catalogue["sections"].as_array().unwrap();
    let known: Vec<_> = sections.iter().map(|one| &one["name"]).collect();
    let templates = api
        .found(&format!("/site_reports/templates?account_id={ACCOUNT}"))
        .await;
    for template in templates["templates"].as_array().unwrap() {
        for section in template["sections"].as_array().unwrap() {
            assert!(known.contains(&&section["name"]), "{section}");
        }
    }
    assert_eq!(sections[0]["mandatory"], true);
}

#[tokio::test]
async fn a_schedule_makes_a_report_on_its_days() {
    let api =
        Api::with(|builder| builder.clock_start("2026-12-30T09:00:00Z".parse().unwrap())).await;
    for (extra, months) in [
        (
            json!({ "frequency": { "value": 31, "unit": "MONTHLY" } }),
            5,
        ),
        (
            json!({
                "frequency": { "value": 14, "unit": "DAYS" },
                "next_scheduled_date": "2027-01-05T08:00:00.000Z",
            }),
            1,
        ),
    ] {
        api.simulator.reset();
        let answer = api.post("/site_reports/schedules", schedule(extra)).await;
        let message = json!({ "message": "Schedule created successfully" });
        assert_eq!(answer, (201, message));
        assert_eq!(days(&api, OTHER_SITE).await, Vec::<String>::new());
        api.advance(months * 31 * 86_400);
        let expected: &[&str] = if months == 5 {
            &[
                "2026-12-31",
                "2027-01-31",
                "2027-02-28",
                "2027-03-31",
                "2027-04-30",
                "2027-05-31",
            ]
        } else {
            &["2027-01-05", "2027-01-19"]
        };
        assert_eq!(days(&api, OTHER_SITE).await, expected);
    }
    let [schedule] = &schedules(&api, OTHER_SITE).await[..] else {
        panic!("one schedule")
    };
    assert_eq!(schedule["next_scheduled_date"], "2027-02-02T08:00:00.000Z");
}

#[tokio::test]
async fn create_site_report_schedule_is_strict() {
    let api = Api::start().await;
    for (field, value) in [
        ("frequency", json!({ "value": 8, "unit": "DAYS" })),
        ("frequency", json!({ "value": 32, "unit": "MONTHLY" })),
        ("frequency", json!({ "value": 7, "unit": "WEEKS" })),
        ("frequency", json!({ "value": 7 })),
        ("recipients", json!([])),
        ("recipients", json!([{ "name": "Jane" }])),
        ("title", json!(" ")),
        ("template_uuid", json!("other")),
        ("sections", json!([{ "name": "weather" }])),
    ] {
        let (status, body) = api
            .post("/site_reports/schedules", schedule(json!({ field: value })))
            .await;
        assert_eq!(status, 400, "{field}: {value} {body}");
    }
    let (status, _) = api
        .post(
            "/site_reports/schedules",
            schedule(json!({ "site_id": "other" })),
        )
        .await;
    assert_eq!(status, 404);
    assert!(schedules(&api, OTHER_SITE).await.is_empty());
}

#[tokio::test]
async fn update_site_report_schedule_changes_what_it_names() {
    let api = Api::start().await;
    let path = format!("/site_reports/schedules/{SCHEDULE}");
    let before = schedules(&api, SITE).await[0].clone();
    let body = json!({
        "title": "Another title",
        "recipients": [{ "name": "Joe", "email": "joe@example.com" }],
    });
    assert_eq!(api.patch(&path, body.clone()).await.0, 200);
    let mut expected = before;
    expected["title"] = body["title"].clone();
    expected["recipients"] = body["recipients"].clone();
    assert_eq!(schedules(&api, SITE).await, [expected]);
    // A time in the past is moved to the next time of the schedule.
    let next = json!({ "next_scheduled_date": "2026-01-01T10:00:00Z" });
    assert_eq!(api.patch(&path, next).await.0, 200);
    let next = schedules(&api, SITE).await[0]["next_scheduled_date"].clone();
    let next: Timestamp = next.as_str().unwrap().parse().unwrap();
    assert!(next > api.simulator.clock().now(), "{next}");
    assert_eq!(
        api.patch("/site_reports/schedules/other", json!({}))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn delete_site_report_schedule_ends_the_reports_and_keeps_those_that_are_made() {
    let api = Api::start().await;
    api.advance(8 * 86_400);
    let made = days(&api, SITE).await;
    assert_eq!(
        made.len(),
        2,
        "one of the documentation, one of the schedule"
    );
    let path = format!("/site_reports/schedules/{SCHEDULE}");
    assert_eq!(api.delete(&path).await, (204, json!(null)));
    assert_eq!(api.delete(&path).await.0, 404);
    api.advance(30 * 86_400);
    assert_eq!(days(&api, SITE).await, made);
}

#[tokio::test]
async fn list_site_reports_has_links_to_pdf_files() {
    let api = Api::start().await;
    let list = api.found(&format!("/site_reports?site_id={SITE}")).await;
    let link = list["reports"][0]["download_url"].as_str().unwrap();
    let answer = api.anonymous_at(Method::GET, link).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/pdf");
    let file = answer.bytes().await.unwrap();
    let text = String::from_utf8(file.to_vec()).unwrap();
    assert!(text.starts_with("%PDF-1.4\n") && text.ends_with("%%EOF\n"));
    assert!(text.contains("(Sample report)") && text.contains("Torque Magazine"));
    // The xref table of the PDF contains the offset of each object.
    let start: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();
    let table: Vec<&str> = text[start..].lines().collect();
    assert_eq!(table[..2], ["xref", "0 5"]);
    for (entry, number) in table[3..7].iter().zip(1..) {
        let place: usize = entry[..10].parse().unwrap();
        assert!(
            text[place..].starts_with(&format!("{number} 0 obj")),
            "{entry}"
        );
    }
    assert_eq!(api.get("/site_reports").await.0, 400);
    assert_eq!(api.get("/site_reports?site_id=other").await.0, 404);
}
