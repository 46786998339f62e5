//! Questions to the mirror: figures that are not known are not zero.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use wpengine::requests::S3Settings;
use wpengine_fleet::{Check, Class, Code, Error, Finding, Fleet, Severity, Verdict};
use wpengine_sim::{Fault, FaultKind, Simulator};

use super::{Bed, rewritten};

async fn synced() -> Bed {
    let bed = Bed::troubled();
    assert!(bed.fleet.sync().run().await.expect("a sync").complete);
    bed
}

async fn text(fleet: &Fleet, query: &str) -> String {
    let rows = fleet.sql(query).await.expect(query).rows;
    rows[0][0].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn the_overview_counts_everything_and_says_what_is_not_measured() {
    let bed = synced().await;
    let overview = bed.fleet.overview().await.expect("an overview");
    assert!(overview.complete && overview.requests == 0 && overview.as_of.is_some());
    let accounts = overview.data;
    assert_eq!(
        accounts
            .iter()
            .map(|account| account.installs)
            .sum::<usize>(),
        170
    );
    assert_eq!(
        accounts.iter().map(|account| account.sites).sum::<usize>(),
        60
    );
    for account in &accounts {
        for counts in [&account.by_environment, &account.by_php, &account.by_status] {
            assert_eq!(counts.values().sum::<usize>(), account.installs);
        }
    }
    let storage = |name: &str| {
        let account = accounts
            .iter()
            .find(|one| one.account.name == name)
            .expect("an account");
        account
            .usage
            .iter()
            .find(|used| used.metric == "storage")
            .expect("storage")
            .clone()
    };
    assert_eq!(
        (storage("account3").used, storage("account3").percent),
        (None, None)
    );
    assert!(
        storage("account4")
            .percent
            .is_some_and(|percent| percent > 0.0)
    );
    let visits = &accounts
        .iter()
        .find(|one| one.account.name == "account1")
        .expect("one")
        .usage[0];
    assert!(
        visits.percent.is_some_and(|percent| percent > 100.0),
        "{visits:?}"
    );
}

#[tokio::test]
async fn an_account_whose_figures_failed_has_none_and_not_zero() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    let fault = Fault::new(FaultKind::WrongJson)
        .always()
        .on("get_account_usage_summary");
    bed.simulator.faults().add(fault).expect("a fault");
    bed.fleet
        .sync()
        .only([Class::Limits, Class::Usage])
        .run()
        .await
        .expect("a sync");
    let overview = bed.fleet.overview().await.expect("an overview");
    assert!(!overview.complete);
    assert_eq!(overview.failures.len(), 2);
    for used in overview.data.iter().flat_map(|account| &account.usage) {
        assert_eq!((used.used, used.percent), (None, None));
        assert!(used.allowed.is_some());
    }
}

#[tokio::test]
async fn a_person_is_one_row_over_all_accounts() {
    let bed = synced().await;
    let people = bed.fleet.people().await.expect("people").data;
    let addresses: BTreeSet<_> = people.iter().map(|person| person.email.clone()).collect();
    assert_eq!(addresses.len(), people.len(), "each address once");
    let max = people
        .iter()
        .find(|person| person.email.as_deref() == Some("max.trouble@example.com"));
    let max = max.expect("he is in every account");
    assert_eq!(
        (max.accounts.len(), max.mfa_enabled, max.invite_accepted),
        (9, Some(false), Some(true))
    );
    let ines = people
        .iter()
        .find(|person| person.name == "Ines Trouble")
        .expect("she is there");
    assert_eq!(ines.invite_accepted, Some(false));
}

#[tokio::test]
async fn a_diagnosis_of_nothing_is_an_error_and_not_healthy() {
    let bed = Bed::of(Simulator::builder().fleet(1, 2, 6).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let install = text(&bed.fleet, "SELECT id FROM installs LIMIT 1").await;
    let install = bed.fleet.resolve(&install).await.expect("an install");
    let client = bed.fleet.client();
    client
        .install(install.id.as_str())
        .delete()
        .await
        .expect("it is deleted");
    let error = bed.fleet.diagnose(&install).await.expect_err("it is gone");
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let site = text(&bed.fleet, "SELECT id FROM sites LIMIT 1").await;
    let site = bed.fleet.resolve(&site).await.expect("a site");
    let error = bed
        .fleet
        .diagnose(&site)
        .await
        .expect_err("it is no install");
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn people_without_an_address_are_rows_of_their_own() {
    let simulator = Simulator::builder().fleet(2, 2, 4).build();
    let texts = &[
        ("\"email\":", "\"mail\":"),
        ("\"mfa_enabled\":true", "\"mfa\":1"),
    ];
    let client = rewritten(&simulator, texts);
    let bed = Bed::with(simulator, &client);
    bed.fleet.sync().run().await.expect("a sync");
    let people = bed.fleet.people().await.expect("people");
    let users = bed
        .fleet
        .sql("SELECT count(*) FROM people")
        .await
        .expect("a number")
        .rows;
    assert!(people.complete);
    assert_eq!(Some(people.data.len() as u64), users[0][0].as_u64());
    assert!(people.data.len() > 2);
    for person in &people.data {
        assert!(
            person.email.is_none() && person.accounts.len() == 1,
            "{person:?}"
        );
        assert!(
            person.mfa_enabled != Some(true),
            "a missing flag is not known: {person:?}"
        );
    }
    assert!(
        people
            .data
            .iter()
            .any(|person| person.mfa_enabled.is_none())
    );
}

#[tokio::test]
async fn whois_names_every_install_and_every_certificate_of_a_domain() {
    let bed = synced().await;
    let twice =
        "SELECT name FROM domains GROUP BY name HAVING count(DISTINCT install_id) = 2 LIMIT 1";
    let domain = text(&bed.fleet, twice).await;
    let records = bed
        .fleet
        .whois(&format!("{}.", domain.to_uppercase()))
        .await
        .expect("records");
    assert!(records.complete);
    let installs: BTreeSet<&str> = records
        .data
        .iter()
        .map(|record| record.install.id.as_str())
        .collect();
    assert_eq!(installs.len(), 2);
    assert!(
        records
            .data
            .iter()
            .all(|record| record.account.is_some() && record.certificates.is_some())
    );
    let covered = "SELECT domains.name FROM domains JOIN certificates USING (install_id)
        WHERE certificates.domains LIKE '%\"' || domains.name || '\"%' AND is_primary LIMIT 1";
    let records = bed
        .fleet
        .whois(&text(&bed.fleet, covered).await)
        .await
        .expect("records")
        .data;
    assert!(records.iter().any(|record| {
        !record
            .certificates
            .as_deref()
            .unwrap_or_default()
            .is_empty()
    }));
    assert!(
        bed.fleet
            .whois("nowhere.example")
            .await
            .expect("records")
            .data
            .is_empty()
    );
}

#[tokio::test]
async fn what_was_never_read_is_none_and_the_answer_is_not_complete() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let backups = bed.fleet.backups().await.expect("backups");
    assert!(!backups.complete && backups.data.len() == 12);
    assert!(backups.data.iter().all(|record| record.count.is_none()));
    bed.fleet
        .sync()
        .only([Class::Backups])
        .run()
        .await
        .expect("a sync");
    let backups = bed.fleet.backups().await.expect("backups");
    assert!(backups.complete && backups.data.iter().all(|record| record.count.is_some()));
}

#[tokio::test]
async fn two_environments_are_compared_without_what_must_differ() {
    let bed = synced().await;
    let pair = "SELECT production.id || ' ' || staging.id FROM installs production JOIN installs staging USING (site_id)
        WHERE production.environment = 'production' AND staging.environment = 'staging'
        AND production.php_version != staging.php_version LIMIT 1";
    let ids = text(&bed.fleet, pair).await;
    let (production, staging) = ids.split_once(' ').expect("two ids");
    let (production, staging) = (
        bed.fleet.resolve(production).await.expect("one"),
        bed.fleet.resolve(staging).await.expect("one"),
    );
    // The WordPress version is in the response of one install only, and nobody has asked for it yet.
    let unread = bed.fleet.difference(&production, &staging).await;
    assert!(!unread.expect("differences").complete);
    let pair = [production, staging];
    let [production, staging] = &pair;
    bed.simulator.clear_requests();
    let synced = bed
        .fleet
        .sync()
        .only([Class::Details, Class::Offload])
        .of(&pair);
    let synced = synced.run().await.expect("a sync");
    assert!(synced.complete && synced.requests == 4 && bed.simulator.requests().len() == 4);
    let offload = bed
        .fleet
        .client()
        .install(staging.id.as_str())
        .offload_settings();
    let media = S3Settings::new().bucket("media").bucket_region("us-east-1");
    offload.replace(media).await.expect("settings");
    // They take effect after the response.
    bed.simulator.advance(Duration::from_secs(600));
    let again = bed
        .fleet
        .sync()
        .only([Class::Offload])
        .of(&pair)
        .max_age(Duration::ZERO);
    again.run().await.expect("a sync");
    let differences = bed
        .fleet
        .difference(production, staging)
        .await
        .expect("differences");
    assert!(differences.complete);
    let fields: Vec<&str> = differences
        .data
        .iter()
        .map(|difference| difference.field.as_str())
        .collect();
    for field in ["php_version", "environment", "offload settings"] {
        assert!(fields.contains(&field), "{fields:?}");
    }
    let none = bed
        .fleet
        .difference(staging, staging)
        .await
        .expect("differences");
    assert!(none.data.is_empty());
    // The versions of the two are known, and what a program records later is newer.
    let known = async || {
        let versions = bed.fleet.versions().await.expect("versions");
        assert!(versions.complete);
        let known = versions
            .data
            .into_iter()
            .filter(|record| record.wordpress.is_some());
        known
            .map(|record| (record.install.id.clone(), record.wordpress))
            .collect::<BTreeMap<_, _>>()
    };
    let ids: BTreeSet<String> = pair.iter().map(|install| install.id.clone()).collect();
    assert_eq!(known().await.into_keys().collect::<BTreeSet<_>>(), ids);
    let plugins = serde_json::json!([]);
    let recorded = bed.fleet.record_versions(staging, Some("99.1"), &plugins);
    recorded.await.expect("it is recorded");
    assert_eq!(known().await[&staging.id].as_deref(), Some("99.1"));
}

#[tokio::test(start_paused = true)]
async fn a_diagnosis_is_healthy_only_if_everything_was_seen() {
    let bed = synced().await;
    let result = bed.fleet.check().run().await.expect("findings").data;
    let troubled: BTreeSet<&str> = result
        .findings
        .iter()
        .filter_map(|finding| Some(finding.install.as_ref()?.id.as_str()))
        .collect();
    let installs = bed
        .fleet
        .sql("SELECT id FROM installs ORDER BY id")
        .await
        .expect("ids")
        .rows;
    let fine = installs
        .iter()
        .filter_map(|row| row[0].as_str())
        .find(|id| !troubled.contains(id));
    let unproven = result
        .findings
        .iter()
        .find(|finding| finding.code == Code::DomainUnverified);
    let sick = unproven.and_then(|finding| Some(finding.install.as_ref()?.id.clone()));
    let sick = bed
        .fleet
        .resolve(&sick.expect("an install"))
        .await
        .expect("one");
    bed.simulator.clear_requests();
    let diagnosis = bed.fleet.diagnose(&sick).await.expect("a diagnosis");
    assert_eq!(diagnosis.data.verdict, Verdict::Findings);
    // A domain that is not proven points nowhere in the simulator.
    let elsewhere = diagnosis
        .data
        .findings
        .iter()
        .find(|one| one.code == Code::DomainDnsElsewhere);
    assert_eq!(elsewhere.expect("it is found").severity, Severity::Critical);
    // Also of its own site and account only.
    assert!(diagnosis.data.findings.iter().all(|finding| {
        let install = finding.install.as_ref();
        install.is_some_and(|install| install.id == sick.id)
    }));
    let staging = bed
        .fleet
        .check()
        .only([Check::Staging, Check::Php])
        .of(&sick);
    let staging = staging.run().await.expect("findings").data;
    let whole = bed
        .fleet
        .check()
        .only([Check::Staging, Check::Php])
        .run()
        .await;
    let whole = whole.expect("findings").data.findings;
    let site = format!(
        "SELECT coalesce(site_id, '') FROM installs WHERE id = '{}'",
        sick.id
    );
    let site = text(&bed.fleet, &site).await;
    let of_sick = |finding: &&Finding| match (&finding.install, &finding.site) {
        (Some(install), _) => install.id == sick.id,
        (None, of) => of.as_ref().is_some_and(|of| of.id == site),
    };
    assert_eq!(diagnosis.requests, bed.simulator.requests().len() as u64);
    let expected: Vec<&Finding> = whole.iter().filter(of_sick).collect();
    assert_eq!(staging.findings.iter().collect::<Vec<_>>(), expected);
    let domains = format!(
        "SELECT count(*) FROM domains WHERE install_id = '{}' AND name NOT LIKE '%.wpengine.com' AND name NOT LIKE '%.wpenginepowered.com' AND gone_at IS NULL",
        sick.id
    );
    let domains = bed.fleet.sql(&domains).await.expect("a number").rows;
    let domains = domains[0][0].as_u64().expect("a number");
    let examined = bed.simulator.operation_counts()["check_domain_status"].requests;
    assert!(domains > 0 && examined >= domains, "{examined} {domains}");

    if let Some(fine) = fine {
        let fine = bed.fleet.resolve(fine).await.expect("one");
        let diagnosis = bed.fleet.diagnose(&fine).await.expect("a diagnosis");
        assert_eq!(
            diagnosis.data.verdict,
            Verdict::Healthy,
            "{:?}",
            diagnosis.data.findings
        );
        let fault = Fault::new(FaultKind::WrongJson).always().on("list_backups");
        bed.simulator.faults().add(fault).expect("a fault");
        let diagnosis = bed.fleet.diagnose(&fine).await.expect("a diagnosis");
        assert_eq!(diagnosis.data.verdict, Verdict::Unknown);
        assert!(!diagnosis.complete);
    }
}
