//! Reports in every form, and what they look like in a browser.

use std::process::Command;

use wpengine::jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use wpengine_fleet::{Class, Failure, Fleet, Report};
use wpengine_sim::{Fault, FaultKind, Simulator};

use super::Bed;

fn month() -> (Date, Date) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    // A whole month, so that nothing depends on the day of the test.
    let last = today.first_of_month().yesterday().expect("a day");
    (last.first_of_month(), last)
}

async fn report(fleet: &Fleet) -> Report {
    let (first, last) = month();
    fleet
        .report(first, last)
        .read()
        .await
        .expect("a report")
        .data
}

#[tokio::test]
async fn a_report_adds_the_days_of_its_period_up() {
    let bed = Bed::troubled();
    bed.fleet.sync().run().await.expect("a sync");
    let report = report(&bed.fleet).await;
    assert!(report.complete && report.accounts.len() == 9);
    let (first, last) = month();
    for account in &report.accounts {
        let id = account.account.id.as_str();
        let usage = bed.fleet.client().account(id).usage();
        let truth = usage
            .summary()
            .between(first, last)
            .await
            .expect("the service's own sum");
        let truth = truth
            .billable_visits
            .and_then(|visits| visits.sum)
            .expect("a sum")
            .as_f64();
        let end = account.visits.expect("visits");
        // The service rounds each install and day.
        assert!(
            (end.so_far - truth).abs() <= truth * 0.001 + 600.0,
            "{} {truth}",
            end.so_far
        );
        assert_eq!((end.open_days, end.expected), (0, end.so_far));
        assert_eq!(account.days.len(), end.known_days);
        let largest: Vec<f64> = account.largest.iter().map(|(_, visits)| *visits).collect();
        assert!(largest.is_sorted_by(|one, other| one >= other) && largest.len() == 10);
    }
    let ends: Vec<_> = report
        .certificates
        .iter()
        .map(|one| one.expires_at)
        .collect();
    assert!(ends.is_sorted());
    // A quarter is read in windows, and added up as well.
    let quarter = first
        .checked_sub(wpengine::jiff::Span::new().months(2))
        .expect("a day");
    let three = bed
        .fleet
        .report(quarter, last)
        .history(0)
        .read()
        .await
        .expect("a report")
        .data;
    for (one, three) in report.accounts.iter().zip(&three.accounts) {
        assert!(three.visits.expect("visits").so_far >= one.visits.expect("visits").so_far);
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_unknown_in_every_form() {
    let bed = Bed::troubled();
    bed.fleet.sync().run().await.expect("a sync");
    let fault = Fault::new(FaultKind::WrongJson).on("get_account_usage");
    bed.simulator.faults().add(fault).expect("a fault");
    let report = report(&bed.fleet).await;
    assert!(!report.complete);
    let unknown: Vec<_> = report
        .accounts
        .iter()
        .filter(|account| account.visits.is_none())
        .collect();
    assert_eq!(unknown.len(), 1);
    let name = &unknown[0].account.name;
    assert!(
        report
            .markdown()
            .contains(&format!("| {name} | unknown | unknown |")),
        "{}",
        report.markdown()
    );
    assert!(report.html().contains("NOT COMPLETE") && report.html().contains("could not be read"));
    let csv = report.csv();
    let line = csv
        .lines()
        .find(|line| line.contains(name.as_str()))
        .expect("a line");
    assert!(line.contains(",,,,") && line.ends_with("false"), "{line}");
    let json = serde_json::to_value(&report).expect("JSON");
    assert_eq!(json["complete"], false);
}

/// A report goes to a customer: it names nobody else, and a gap of somebody else is none of it.
#[tokio::test]
async fn a_report_of_one_account_says_nothing_of_another_one() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).troubled().build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let query = "SELECT accounts.id, installs.name FROM accounts JOIN installs ON account_id = accounts.id GROUP BY 1 ORDER BY accounts.name";
    let rows = bed.fleet.sql(query).await.expect("accounts").rows;
    let text = |row: usize, at: usize| rows[row][at].as_str().expect("a text").to_owned();
    // Of the second account nothing was read.
    let ids = format!(
        "SELECT id FROM installs WHERE account_id = '{}'",
        text(0, 0)
    );
    let ids = bed.fleet.sql(&ids).await.expect("ids").rows;
    let mut of_first = vec![bed.fleet.resolve(&text(0, 0)).await.expect("one")];
    for id in &ids {
        of_first.push(
            bed.fleet
                .resolve(id[0].as_str().expect("an id"))
                .await
                .expect("one"),
        );
    }
    let synced = bed.fleet.sync().of(&of_first).run().await.expect("a sync");
    assert!(synced.complete, "{synced:?}");
    let (first, last) = month();
    let report = async |account: String| {
        let report = bed.fleet.report(first, last).accounts([account]);
        report.read().await.expect("a report").data
    };
    let broken = Fault::new(FaultKind::WrongJson).always().on("list_domains");
    bed.simulator.faults().add(broken).expect("a fault");
    let synced = bed.fleet.sync().only([Class::Domains]).run().await;
    assert!(!synced.expect("a sync").failures.is_empty());
    let whole = report(text(0, 0)).await;
    assert!(whole.complete, "{:?}", whole.failures);
    assert!(!whole.html().contains(&text(1, 1)) && !whole.markdown().contains(&text(1, 1)));
    let nobody = bed
        .fleet
        .report(first, last)
        .accounts(["nobody"])
        .read()
        .await;
    assert!(nobody.is_err_and(|error| error.to_string().contains("nobody")));
    // The forecast of a period of last year has no history that is longer ago than the API knows.
    let old = last.checked_sub(Span::new().months(11)).expect("a day");
    let old = bed
        .fleet
        .report(old.first_of_month(), old.last_of_month())
        .accounts([text(0, 0)]);
    let old = old.read().await.expect("a report").data;
    let unread = |failure: &Failure| failure.subject.starts_with("daily usage");
    assert!(!old.failures.iter().any(unread), "{:?}", old.failures);
    let unread = report(text(1, 0)).await;
    assert!(!unread.complete && unread.html().contains("NOT COMPLETE"));
    // The visits that the plan allows are those of a month.
    let (first, last) = (
        first.checked_sub(Span::new().days(61)).expect("a day"),
        last,
    );
    let quarter = bed
        .fleet
        .report(first, last)
        .read()
        .await
        .expect("a report")
        .data;
    assert!(!quarter.html().contains("over</") && !quarter.html().contains(" over<"));
}

#[tokio::test]
async fn the_page_loads_nothing_and_is_drawn_in_light_and_dark() {
    let bed = Bed::troubled();
    bed.fleet.sync().run().await.expect("a sync");
    let page = report(&bed.fleet).await.html();
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    for text in [
        "src=", "href=", "url(", "@import", "<script", "http://", "https://",
    ] {
        assert!(!page.contains(text), "{text}");
    }
    let known = Command::new("chromium").arg("--version").output();
    if known.is_err() {
        assert!(
            std::env::var_os("WPENGINE_REQUIRE_CHROMIUM").is_none(),
            "chromium is required and missing"
        );
        eprintln!("skipped: there is no chromium");
        return;
    }
    let path = bed.folder.path().join("report.html");
    std::fs::write(&path, page).expect("it is written");
    for (width, scheme) in [
        (1_100, "light"),
        (1_100, "dark"),
        (420, "light"),
        (420, "dark"),
    ] {
        let shot = bed.folder.path().join(format!("{scheme}-{width}.png"));
        let mut command = Command::new("chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu"]);
        // What a browser says whose system is dark.
        if scheme == "dark" {
            command.arg("--blink-settings=preferredColorScheme=0");
        }
        command.arg(format!(
            "--user-data-dir={}",
            bed.folder.path().join("profile").display()
        ));
        command.arg(format!("--window-size={width},1400"));
        command.arg(format!("--screenshot={}", shot.display()));
        let output = command
            .arg(format!("file://{}", path.display()))
            .output()
            .expect("it runs");
        let picture = std::fs::metadata(&shot).map_or(0, |file| file.len());
        assert!(
            picture > 20_000,
            "{scheme} {width}: {picture} bytes, {output:?}"
        );
        if let Some(folder) = std::env::var_os("WPENGINE_PICTURES") {
            std::fs::copy(
                &shot,
                std::path::Path::new(&folder).join(format!("{scheme}-{width}.png")),
            )
            .expect("it is kept");
        }
    }
}

/// The API lists the usage of an account by environment, in pages.
#[tokio::test]
async fn a_report_has_every_environment_of_a_large_account() {
    let bed = Bed::of(Simulator::builder().fleet(1, 50, 130).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let last = today.yesterday().expect("a day");
    let first = last.checked_sub(Span::new().days(9)).expect("a day");
    let report = bed
        .fleet
        .report(first, last)
        .read()
        .await
        .expect("a report")
        .data;
    let accounts = bed
        .fleet
        .client()
        .accounts()
        .list()
        .collect()
        .await
        .expect("accounts");
    let usage = bed.fleet.client().account(&accounts[0].id).usage();
    let environments = usage
        .list()
        .between(first, last)
        .collect()
        .await
        .expect("usage");
    assert_eq!(environments.len(), 130);
    let days = environments
        .iter()
        .flat_map(|one| one.metrics.iter().flatten());
    let visits: f64 = days
        .filter_map(|day| Some(day.billable_visits?.as_f64()))
        .sum();
    let of_report = report.accounts[0].visits.expect("visits").so_far;
    assert!(
        visits > 0.0 && (of_report - visits).abs() < 0.5,
        "{of_report} {visits}"
    );
}
