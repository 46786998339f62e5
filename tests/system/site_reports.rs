//! Reports on sites, their schedules, and sharing links for domains, through the SDK.

use std::time::Duration;

use jiff::Timestamp;
use wpengine::{
    Client, ErrorKind,
    requests::Recipient,
    types::{NetworkType, ReportFrequencyUnit},
};
use wpengine_sim::{ClockMode, Fault, FaultKind, Simulator};

use crate::support::{
    calls::{ADVANCED_DOMAIN, ADVANCED_INSTALL, INSTALL, SITE},
    clients,
    script::{self, Script},
    simulated,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn at(start: &str) -> (Simulator, Client) {
    let simulator = Simulator::builder()
        .clock(ClockMode::Manual)
        .clock_start(start.parse().expect("a time"))
        .build();
    let client = simulated::builder(&simulator).no_rate_limiter();
    (simulator, client.build().expect("a client"))
}

/// Returns the days on which reports with this title were created, newest first.
async fn days(client: &Client, title: &str) -> Vec<String> {
    let reports = client
        .site(SITE)
        .reports()
        .list()
        .collect_at_most(1_000)
        .await;
    reports
        .expect("reports")
        .into_iter()
        .filter(|report| report.title.as_deref() == Some(title))
        .map(|report| report.created_at.expect("a time").to_string()[..10].to_owned())
        .collect()
}

#[tokio::test]
async fn a_monthly_schedule_on_the_31st_reports_on_the_last_day_of_short_months() {
    let (simulator, client) = at("2027-02-10T09:00:00Z");
    let schedules = client.site(SITE).report_schedules();
    let schedule = schedules
        .create("Monthly", [Recipient::new("jane@example.com").name("Jane")])
        .monthly(31)
        .found()
        .await
        .expect("a schedule");
    assert_eq!(schedule.title.as_deref(), Some("Monthly"));
    let frequency = schedule.frequency.expect("a frequency");
    assert_eq!(frequency.value, Some(31));
    assert_eq!(frequency.unit, Some(ReportFrequencyUnit::Monthly));
    assert_eq!(
        schedule.next_scheduled_date,
        Some("2027-02-28T00:00:00Z".into())
    );

    assert!(days(&client, "Monthly").await.is_empty());
    simulator.advance(50 * DAY);
    assert_eq!(days(&client, "Monthly").await, ["2027-03-31", "2027-02-28"]);

    let handle = client.report_schedule(&schedule.uuid);
    let first: Timestamp = "2027-04-07T08:00:00Z".parse().expect("a time");
    handle
        .update()
        .title("Weekly")
        .weekly(first)
        .await
        .expect("changed");
    simulator.advance(20 * DAY);
    let weekly = days(&client, "Weekly").await;
    assert_eq!(weekly, ["2027-04-21", "2027-04-14", "2027-04-07"]);

    handle.delete().await.expect("deleted");
    simulator.advance(40 * DAY);
    assert_eq!(
        days(&client, "Weekly").await,
        weekly,
        "those that are made stay"
    );
    let left = schedules
        .list()
        .collect_at_most(10)
        .await
        .expect("schedules");
    assert!(left.iter().all(|one| one.uuid != schedule.uuid));
    let error = handle.update().title("x").await.expect_err("it is gone");
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test]
async fn a_report_is_downloaded_by_its_link() {
    let (_, client) = at("2027-02-10T09:00:00Z");
    let reports = client
        .site(SITE)
        .reports()
        .list()
        .collect_at_most(10)
        .await
        .expect("reports");
    let link = reports[0].download_url.as_ref().expect("a link");
    let mut download = client.download(link).await.expect("a report");
    let bytes = download.try_next().await.expect("bytes").expect("some");
    assert!(bytes.starts_with(b"%PDF-"));
    assert!(!format!("{:?}", reports[0]).contains(link.expose_secret()));
    // A serialized response contains the link.
    let kept = serde_json::to_value(&reports[0]).expect("JSON");
    assert_eq!(kept["download_url"], link.expose_secret());
}

#[tokio::test]
async fn a_new_schedule_is_found_among_others_of_its_name() {
    let (_, client) = at("2027-02-10T09:00:00Z");
    let schedules = client.site(SITE).report_schedules();
    let mut found = Vec::new();
    for _ in 0..3 {
        let create = schedules.create("The same", ["ops@example.com"]).monthly(1);
        found.push(create.found().await.expect("a schedule").uuid);
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_somebody_else_makes_at_the_same_time_is_not_taken_for_ours() {
    let theirs = r#"{"uuid":"theirs","title":"Weekly"}"#;
    let ours = r#"{"uuid":"ours","title":"Monthly"}"#;
    // No schedule, a confirmation only, another schedule, and both schedules.
    let answers = [
        r#"{"schedules":[]}"#.to_owned(),
        r#"{"message":"Schedule created successfully"}"#.to_owned(),
        format!(r#"{{"schedules":[{theirs}]}}"#),
        format!(r#"{{"schedules":[{theirs},{ours}]}}"#),
    ];
    let script = Script::new(move |number, _| Ok(script::json(200, &answers[number])));
    let schedules = clients::on(script.clone()).site(SITE).report_schedules();
    let create = schedules
        .create(" Monthly ", ["ops@example.com"])
        .monthly(1);
    let found = create.found().await.expect("a schedule");
    assert_eq!(found.uuid, "ours");
    assert_eq!(script.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_cannot_be_looked_for_is_said_to_be_there() {
    let (simulator, client) = at("2027-02-10T09:00:00Z");
    let hidden = Fault::new(FaultKind::WrongJson)
        .on("list_site_report_schedules")
        .skip(1)
        .always();
    simulator.faults().add(hidden).expect("a fault");
    let create = client.site(SITE).report_schedules();
    let create = create.create("Monthly", ["ops@example.com"]).monthly(1);
    let error = create.found().await.expect_err("the list cannot be read");
    assert!(error.may_have_happened(), "{error}");
    assert!(
        error.to_string().contains("the schedule is there"),
        "{error}"
    );
    assert_eq!(simulator.side_effects(), 1);
}

#[tokio::test]
async fn what_makes_no_schedule_is_refused_before_it_is_sent() {
    let script = Script::answering("{}");
    let client = clients::on(script.clone());
    let create = || {
        client
            .site(SITE)
            .report_schedules()
            .create("Monthly", ["ops@example.com"])
    };
    let update = || client.report_schedule("s1").update();
    let nobody: [&str; 0] = [];
    for (rule, error) in [
        ("day 0", create().monthly(0).await.expect_err("no day")),
        ("day 32", create().monthly(32).await.expect_err("no day")),
        (
            "day 32",
            create().monthly(32).found().await.expect_err("no day"),
        ),
        ("day 32", update().monthly(32).await.expect_err("no day")),
        (
            "nothing is to be changed",
            update().await.expect_err("nothing"),
        ),
        (
            "address",
            update().recipients(nobody).await.expect_err("nobody"),
        ),
        (
            "address",
            update().recipients(["ops"]).await.expect_err("no address"),
        ),
        (
            "cannot be empty",
            update().title(" ").await.expect_err("no title"),
        ),
        (
            "cannot be empty",
            create().sections([""]).await.expect_err("no name"),
        ),
        (
            "section",
            create().sections(nobody).await.expect_err("none"),
        ),
        (
            "section",
            update()
                .title("x")
                .sections(nobody)
                .await
                .expect_err("none"),
        ),
        (
            "address",
            client
                .site(SITE)
                .report_schedules()
                .create("Monthly", nobody)
                .await
                .expect_err("nobody"),
        ),
        (
            "cannot be empty",
            client
                .site(SITE)
                .report_schedules()
                .create("", ["ops@example.com"])
                .await
                .expect_err("no title"),
        ),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.to_string().contains(rule), "{rule}: {error}");
    }
    assert_eq!(script.count(), 0);
}

#[tokio::test]
async fn a_sharing_link_is_made_for_an_advanced_domain_and_refused_for_a_legacy_one() {
    let (_, client) = at("2027-02-10T09:00:00Z");
    let domain = client.install(ADVANCED_INSTALL).domain(ADVANCED_DOMAIN);
    let link = domain.create_sharing_link().await.expect("a link");
    assert!(link.url.expose_secret().starts_with("https://"), "{link:?}");
    assert!(!format!("{link:?}").contains("https"), "{link:?}");

    let legacy = client
        .install(INSTALL)
        .domains()
        .list()
        .collect_at_most(10)
        .await;
    let legacy = legacy
        .expect("domains")
        .into_iter()
        .find(|one| one.network_type == Some(NetworkType::Legacy));
    let legacy = client
        .install(INSTALL)
        .domain(legacy.expect("a legacy domain").id);
    let error = legacy
        .create_sharing_link()
        .await
        .expect_err("no such links");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
    assert!(error.to_string().contains("LEGACY"), "{error}");
    assert!(!error.may_have_happened());
}

#[tokio::test]
async fn offload_settings_that_were_never_set_up_are_none() {
    let (_, client) = at("2027-02-10T09:00:00Z");
    let none = client.install(ADVANCED_INSTALL).offload_settings();
    assert_eq!(none.get().await.expect("an answer"), None);
    assert_eq!(none.get().send().await.expect("an answer").status(), 404);
    let some = client.install(INSTALL).offload_settings().get().await;
    assert!(some.expect("an answer").is_some());
    let error = client.install("i9").offload_settings().get().await;
    assert!(error.expect_err("no such install").is_not_found());
}
