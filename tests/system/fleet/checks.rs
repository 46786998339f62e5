//! What checks find, and what they say of what they could not see.

use std::{collections::BTreeSet, time::Duration};

use wpengine_fleet::{Check, Code, Finding, Findings, Observed, Severity, Verdict};
use wpengine_sim::{Fault, FaultKind, Simulator};

use super::{Bed, refused, rewritten};

/// What an audit of the simulated fleet cannot find: the simulator writes every flag and only the documented states, nothing fails
/// here, and only a diagnosis asks where a domain points.
const NEVER: [Code; 5] = [
    Code::MfaUnknown,
    Code::InstallStatus,
    Code::CertUnreadable,
    Code::DomainDnsElsewhere,
    Code::CheckFailed,
];

#[tokio::test]
async fn mondays_audit_finds_every_kind_and_sends_what_it_planned() {
    let bed = Bed::troubled();
    let checks = bed.fleet.check().live();
    let snapshot = bed.fleet.snapshot().await.expect("a snapshot");
    assert_eq!((snapshot.data.accounts, snapshot.data.installs), (9, 170));
    assert_eq!(snapshot.requests, 1 + 1 + 2);
    let planned = checks.plan().await.expect("a plan");
    bed.simulator.clear_requests();
    let result = checks.run().await.expect("findings");
    assert!(result.complete, "{:?}", result.failures);
    assert_eq!(result.requests, planned.requests);
    assert_eq!(result.requests, bed.simulator.requests().len() as u64);
    let expected: BTreeSet<&str> = Code::ALL
        .iter()
        .filter(|code| !NEVER.contains(code))
        .map(|code| code.as_str())
        .collect();
    let found: BTreeSet<&str> = result
        .data
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(found, expected);
    assert_eq!(result.data.verdict(), Verdict::Findings);
    let severities: Vec<Severity> = result
        .data
        .findings
        .iter()
        .map(|finding| finding.severity)
        .collect();
    assert!(severities.is_sorted());
}

/// A finding by what it says, without times.
fn key(finding: &Finding) -> (String, String, String) {
    let place = finding
        .install
        .as_ref()
        .or(finding.site.as_ref())
        .or(finding.account.as_ref());
    let place = place.map_or(String::new(), |named| named.id.clone());
    (
        finding.code.as_str().to_owned(),
        place,
        finding.subject.clone(),
    )
}

fn keys(result: &Observed<Findings>) -> BTreeSet<(String, String, String)> {
    let findings = result.data.findings.iter();
    findings
        .filter(|finding| finding.code != Code::CheckFailed)
        .map(key)
        .collect()
}

#[tokio::test]
async fn with_faults_every_finding_is_true_and_what_was_not_seen_is_unknown() {
    // More seeds with a variable; three in the suite.
    let seeds = std::env::var("WPENGINE_FLEETS")
        .ok()
        .and_then(|seeds| seeds.parse().ok());
    for seed in 0..seeds.unwrap_or(3) {
        let simulator = Simulator::builder()
            .fleet(9, 60, 170)
            .troubled()
            .seed(seed)
            .build();
        let bed = Bed::of(simulator.clone());
        let truth = bed.fleet.check().live().run().await.expect("findings");
        assert!(truth.complete);
        let truth_keys = keys(&truth);
        let account = bed.fleet.resolve("account4").await.expect("an account").id;
        let bed = Bed::with(simulator.clone(), &refused(&simulator, vec![account]));
        bed.fleet
            .snapshot()
            .await
            .expect("a snapshot without faults");
        simulator
            .faults()
            .add(
                Fault::new(FaultKind::HtmlBadGateway)
                    .always()
                    .with_probability(0.1),
            )
            .expect("a fault");
        let result = bed
            .fleet
            .check()
            .fresher_than(Duration::from_secs(3_600))
            .run()
            .await
            .expect("findings");
        assert!(!result.complete && !result.failures.is_empty());
        assert_ne!(result.data.verdict(), Verdict::Healthy);
        let found = keys(&result);
        // Nothing is said that is not true.
        let invented: Vec<_> = found.difference(&truth_keys).collect();
        assert!(invented.is_empty(), "seed {seed}: {invented:?}");
        // What is missing is of something that could not be read.
        let failed: BTreeSet<&str> = result
            .data
            .findings
            .iter()
            .filter(|finding| finding.code == Code::CheckFailed)
            .flat_map(|finding| [&finding.install, &finding.account])
            .flatten()
            .map(|named| named.id.as_str())
            .collect();
        for (code, place, subject) in truth_keys.difference(&found) {
            // A domain is a duplicate only if both installs are known.
            assert!(
                failed.contains(place.as_str()) || code == "domain_duplicate",
                "seed {seed}: {code} {subject} is missing, and nothing says why"
            );
        }
        let rows: BTreeSet<&str> = result
            .failures
            .iter()
            .map(|failure| failure.subject.as_str())
            .collect();
        let unknown = result
            .data
            .findings
            .iter()
            .filter(|finding| finding.code == Code::CheckFailed);
        assert_eq!(
            rows,
            unknown.map(|finding| finding.subject.as_str()).collect(),
            "seed {seed}"
        );
    }
}

#[tokio::test]
async fn what_was_never_read_is_unknown_and_not_healthy() {
    let bed = Bed::documented();
    let result = bed.fleet.check().run().await.expect("findings");
    assert_eq!(result.data.verdict(), Verdict::Unknown);
    assert!(!result.complete && result.as_of.is_none() && result.requests == 0);
    bed.fleet.snapshot().await.expect("a snapshot");
    let result = bed
        .fleet
        .check()
        .only([Check::Backups])
        .run()
        .await
        .expect("findings");
    assert!(
        result
            .data
            .findings
            .iter()
            .all(|finding| finding.code == Code::CheckFailed)
    );
    assert!(result.data.checked[0].unknown > 0);
}

#[tokio::test]
async fn a_budget_ends_the_reading_and_the_next_run_goes_on() {
    let bed = Bed::troubled();
    bed.fleet.snapshot().await.expect("a snapshot");
    let day = Duration::from_secs(24 * 3_600);
    let planned = bed
        .fleet
        .check()
        .fresher_than(day)
        .plan()
        .await
        .expect("a plan")
        .requests;
    let (mut used, mut runs) = (0, 0);
    loop {
        let checks = bed.fleet.check().fresher_than(day).requests(100);
        let result = checks.run().await.expect("findings");
        assert!(result.requests <= 100, "{}", result.requests);
        (used, runs) = (used + result.requests, runs + 1);
        if result.data.remaining == 0 {
            assert!(result.complete);
            break;
        }
        assert!(!result.complete);
    }
    assert_eq!((used, runs), (planned, planned.div_ceil(100)));
    let counts = bed.simulator.operation_counts();
    assert_eq!(counts["list_domains"].requests, 170);
    assert_eq!(counts["list_backups"].requests, 170);
}

/// Flags that are missing, states that nobody knows and times that are none: a finding each, and nothing is left out.
#[tokio::test]
async fn what_cannot_be_read_is_a_finding_and_not_left_out() {
    let simulator = Simulator::builder().fleet(2, 4, 12).build();
    let client = rewritten(
        &simulator,
        &[
            ("\"mfa_enabled\":", "\"other\":"),
            ("\"status\":\"active\"", "\"status\":\"suspended\""),
            ("\"expires_time\":\"", "\"expires_time\":\"about "),
        ],
    );
    let bed = Bed::with(simulator, &client);
    let result = bed.fleet.check().live().run().await.expect("findings");
    assert!(result.complete, "{:?}", result.failures);
    let count = |code: Code| {
        let findings = result.data.findings.iter();
        findings.filter(|finding| finding.code == code).count()
    };
    let number = async |query: &str| {
        let rows = bed.fleet.sql(query).await.expect(query).rows;
        usize::try_from(rows[0][0].as_u64().expect("a number")).expect("a number")
    };
    assert_eq!(count(Code::InstallStatus), 12);
    assert_eq!(
        count(Code::MfaUnknown),
        number("SELECT count(*) FROM people").await
    );
    let certificates = number("SELECT count(*) FROM certificates WHERE status = 'ENABLED'").await;
    assert!(certificates > 0);
    assert_eq!(count(Code::CertUnreadable), certificates);
}

/// A budget that ends the reading leaves old data, and nobody knows what it would be now.
#[tokio::test]
async fn what_was_not_read_anew_is_not_healthy() {
    let bed = Bed::of(Simulator::builder().fleet(1, 2, 6).build());
    bed.fleet.sync().run().await.expect("a sync");
    let checks = || bed.fleet.check().only([Check::Status, Check::Backups]);
    let now = checks().run().await.expect("findings");
    assert_eq!(
        (now.data.verdict(), now.complete),
        (Verdict::Healthy, true),
        "{now:?}"
    );
    let part = checks().live().requests(5).run().await.expect("findings");
    assert!(part.data.remaining > 0);
    assert_eq!(
        (part.data.verdict(), part.complete),
        (Verdict::Unknown, false)
    );
}

/// Without a figure or a limit nobody can say that there is room.
#[tokio::test]
async fn a_plan_without_limits_is_unknown_and_not_healthy() {
    let simulator = Simulator::builder().fleet(1, 2, 6).build();
    let client = rewritten(&simulator, &[("\"visitors\":", "\"others\":")]);
    let bed = Bed::with(simulator, &client);
    let checks = bed.fleet.check().only([Check::Capacity]).live();
    bed.fleet.snapshot().await.expect("a snapshot");
    let found = checks.run().await.expect("findings");
    assert!(!found.complete);
    let unknown = found
        .data
        .findings
        .iter()
        .find(|one| one.code == Code::CheckFailed);
    let unknown = unknown.expect("it is said");
    assert_eq!(unknown.subject, "visits");
    assert!(
        unknown.evidence.observed.contains("no limit"),
        "{unknown:?}"
    );
}

/// Two accounts can have one name, and what is not known of one is not known of the other.
#[tokio::test]
async fn accounts_of_one_name_are_two() {
    let simulator = Simulator::builder().fleet(2, 2, 4).build();
    let client = rewritten(&simulator, &[("account2", "account1")]);
    let bed = Bed::with(simulator, &client);
    bed.fleet.snapshot().await.expect("a snapshot");
    let found = bed.fleet.check().only([Check::Access]).run().await;
    let found = found.expect("findings").data;
    assert_eq!(found.checked[0].unknown, 2);
    let failed = found
        .findings
        .iter()
        .filter(|one| one.code == Code::CheckFailed);
    let accounts: BTreeSet<&str> = failed
        .filter_map(|one| Some(one.account.as_ref()?.id.as_str()))
        .collect();
    assert_eq!(accounts.len(), 2, "{:?}", found.findings);
}
