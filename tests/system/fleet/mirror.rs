//! The mirror: what is gone, what changed, what was lost, queries, and several users of one file.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use wpengine_fleet::{Check, Class, Error};
use wpengine_sim::{Fault, FaultKind, Simulator};

use super::Bed;

const NOW: Duration = Duration::ZERO;

#[tokio::test]
async fn what_was_deleted_is_gone_and_stands_in_the_history() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    bed.fleet.sync().run().await.expect("a sync");
    let began = wpengine::jiff::Timestamp::now();
    assert!(
        bed.fleet
            .changes(began)
            .await
            .expect("the history")
            .is_empty()
    );
    let victim = bed
        .fleet
        .sql("SELECT id, name FROM installs ORDER BY name LIMIT 1")
        .await
        .expect("one")
        .rows;
    let (id, name) = (
        victim[0][0].as_str().expect("an id"),
        victim[0][1].as_str().expect("a name"),
    );
    bed.fleet
        .client()
        .install(id)
        .delete()
        .await
        .expect("it is deleted");

    bed.fleet.snapshot().await.expect("a snapshot");
    let gone = bed
        .fleet
        .sql("SELECT name FROM installs WHERE gone_at IS NOT NULL")
        .await
        .expect("one")
        .rows;
    assert_eq!(gone, [[name]]);
    let found = bed.fleet.search(name).await.expect("a search");
    assert!(
        found.iter().all(|found| found.id != id),
        "what is gone is not found"
    );
    let changes = bed.fleet.changes(began).await.expect("the history");
    let change = changes
        .iter()
        .find(|change| change.kind == "installs")
        .expect("a change");
    assert_eq!(
        (change.name.as_str(), change.field.as_deref()),
        (name, None)
    );
    assert_eq!(
        (change.before.as_deref(), change.after.as_deref()),
        (Some("present"), None)
    );
    // The same list once more changes nothing.
    bed.fleet.snapshot().await.expect("a snapshot");
    assert_eq!(
        bed.fleet.changes(began).await.expect("the history"),
        changes
    );
}

#[tokio::test]
async fn a_changed_field_stands_in_the_history_with_both_values() {
    let bed = Bed::documented();
    bed.fleet.sync().run().await.expect("a sync");
    let client = bed.fleet.client();
    let site = client
        .sites()
        .list()
        .items()
        .try_next()
        .await
        .expect("a list")
        .expect("a site");
    client
        .site(&site.id)
        .update()
        .name("Another name")
        .await
        .expect("it is renamed");
    bed.fleet.snapshot().await.expect("a snapshot");
    let changes = bed
        .fleet
        .changes(wpengine::jiff::Timestamp::UNIX_EPOCH)
        .await
        .expect("the history");
    let change = changes
        .iter()
        .find(|change| change.field.as_deref() == Some("name"))
        .expect("a change");
    assert_eq!(change.id, site.id.as_str());
    assert_eq!(
        (change.before.as_deref(), change.after.as_deref()),
        (Some(site.name.as_str()), Some("Another name"))
    );
}

#[tokio::test]
async fn an_account_that_shows_nothing_any_more_is_not_deleted() {
    let bed = Bed::of(Simulator::builder().fleet(3, 9, 27).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let account = bed
        .fleet
        .sql("SELECT account_id FROM installs LIMIT 1")
        .await
        .expect("one")
        .rows;
    let account = account[0][0].as_str().expect("an id").to_owned();
    assert!(bed.simulator.set_api_access(&account, false));
    let lost = bed.fleet.snapshot().await.expect("a snapshot");
    assert!(!lost.complete && lost.failures[0].kind == "AccessLost");
    let synced = bed.fleet.sync().only([]).run().await.expect("a sync");
    assert!(!synced.complete && synced.failures[0].kind == "AccessLost");
    let gone = "SELECT count(*) FROM installs WHERE gone_at IS NOT NULL";
    assert_eq!(bed.fleet.sql(gone).await.expect("a count").rows, [[0]]);
    let checks = bed.fleet.check().only([Check::Php]);
    let checked = checks.run().await.expect("findings");
    assert!(!checked.complete && checked.data.checked[0].unknown == 1);
    assert!(!bed.fleet.overview().await.expect("an overview").complete);
    assert!(bed.simulator.set_api_access(&account, true));
    let found = bed.fleet.snapshot().await.expect("a snapshot");
    assert!(found.complete, "{:?}", found.failures);
    let changes = bed
        .fleet
        .changes(wpengine::jiff::Timestamp::UNIX_EPOCH)
        .await;
    assert_eq!(changes.expect("the history"), []);
}

#[tokio::test]
async fn a_listing_that_fails_leaves_its_part_as_it_was() {
    let bed = Bed::of(Simulator::builder().fleet(3, 9, 27).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let fault = Fault::new(FaultKind::WrongJson)
        .always()
        .on("list_installs");
    bed.simulator.faults().add(fault).expect("a fault");
    let result = bed.fleet.snapshot().await.expect("a snapshot");
    assert!(!result.complete && result.data.installs == 27);
    assert_eq!(result.failures.len(), 1);
    assert_eq!(
        result.failures[0].operation.as_deref(),
        Some("list_installs")
    );
    let gone = "SELECT count(*) FROM installs WHERE gone_at IS NOT NULL";
    assert_eq!(bed.fleet.sql(gone).await.expect("a count").rows, [[0]]);
}

#[tokio::test]
async fn a_sync_that_is_dropped_goes_on_where_it_was() {
    let bed = Bed::of(Simulator::builder().fleet(3, 20, 60).build());
    let mut turns = 0;
    loop {
        let pause = Duration::from_millis(5 + 3 * turns);
        let done = tokio::time::timeout(pause, bed.fleet.sync().run()).await;
        turns += 1;
        if done.is_ok_and(|done| done.expect("a sync").data.remaining == 0) {
            break;
        }
        assert!(turns < 1_000);
    }
    let again = bed.fleet.sync().plan().await.expect("a plan");
    assert_eq!(again.requests, 0);
    // Eight are under way at a time; each turn can lose those, and what a writer had not finished.
    let requests = bed.simulator.operation_counts()["list_domains"].requests;
    assert!(requests <= 60 + 9 * turns, "{requests} in {turns} turns");
}

#[tokio::test]
async fn two_processes_use_one_mirror() {
    let bed = Bed::of(Simulator::builder().fleet(3, 9, 27).build());
    let other = bed.again();
    let (one, two) = futures_util::future::join(bed.fleet.sync().run(), other.sync().run()).await;
    assert!(one.expect("a sync").complete && two.expect("a sync").complete);
    assert_eq!(other.sync().plan().await.expect("a plan").requests, 0);
    let counts = other
        .sql("SELECT count(*), count(DISTINCT id) FROM installs")
        .await
        .expect("counts");
    assert_eq!(counts.rows, [[27, 27]]);
}

#[tokio::test]
async fn queries_cannot_write_and_have_an_end() {
    let bed = Bed::documented();
    bed.fleet.snapshot().await.expect("a snapshot");
    let outside = bed.folder.path().join("elsewhere.db");
    for query in [
        "DELETE FROM installs",
        "UPDATE installs SET name = 'x'",
        "DROP TABLE installs",
        "CREATE TABLE x (y)",
        "PRAGMA user_version = 7",
        &format!("ATTACH '{}' AS x", outside.display()),
        "SELECT load_extension('x')",
        "SELECT 1; DELETE FROM installs",
        "SELEC 1",
    ] {
        let error = bed.fleet.sql(query).await.expect_err(query);
        assert!(matches!(error, Error::Query(_)), "{query}: {error}");
    }
    assert!(!outside.exists());
    let endless =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let began = Instant::now();
    let error = bed
        .fleet
        .sql_within(endless, Duration::from_millis(100))
        .await
        .expect_err("it has no end");
    assert!(
        error.to_string().contains("not over within 0.1 s"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_mirror_that_was_deleted_is_read_again_and_the_history_stays() {
    let bed = Bed::documented();
    bed.fleet.sync().run().await.expect("a sync");
    let install = bed.fleet.resolve("torquemag").await.expect("an install");
    let plugins = serde_json::json!({"akismet": "5.3"});
    bed.fleet
        .record_versions(&install, Some("6.9"), &plugins)
        .await
        .expect("recorded");
    let began = wpengine::jiff::Timestamp::UNIX_EPOCH;
    let client = bed.fleet.client();
    client
        .install(install.id.as_str())
        .domains()
        .create("one.example.com")
        .await
        .expect("a domain");
    bed.fleet
        .sync()
        .only([Class::Domains])
        .max_age(NOW)
        .run()
        .await
        .expect("a sync");
    let changes = bed.fleet.changes(began).await.expect("the history");
    assert!(
        changes
            .iter()
            .any(|change| change.name == "one.example.com"),
        "{changes:?}"
    );

    std::fs::remove_dir_all(bed.folder.path().join("cache")).expect("it is deleted");
    let fleet = bed.again();
    assert_eq!(fleet.changes(began).await.expect("the history"), changes);
    let versions = fleet
        .sql("SELECT wordpress, plugins FROM state.versions")
        .await
        .expect("versions");
    assert_eq!(versions.rows, [["6.9", "{\"akismet\":\"5.3\"}"]]);
    assert!(fleet.sync().run().await.expect("a sync").complete);
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let bed = Bed::documented();
    for name in ["cache", "state"] {
        let folder = std::fs::metadata(bed.folder.path().join(name)).expect("a folder");
        assert_eq!(folder.permissions().mode() & 0o777, 0o700, "{name}");
    }
}

#[tokio::test]
async fn an_install_with_more_domains_than_a_page_has_all_of_them() {
    let bed = Bed::of(Simulator::builder().fleet(1, 1, 1).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let ids = bed
        .fleet
        .sql("SELECT id FROM installs")
        .await
        .expect("one")
        .rows;
    let domains = bed
        .fleet
        .client()
        .install(ids[0][0].as_str().expect("an id"))
        .domains();
    for number in 0..230 {
        domains
            .create(format!("shop{number}.example.com"))
            .await
            .expect("a domain");
    }
    bed.fleet.sync().run().await.expect("a sync");
    let records = bed.fleet.domains().await.expect("domains");
    let of_test = records
        .data
        .iter()
        .filter(|one| one.domain.starts_with("shop"))
        .count();
    assert!(records.complete && of_test == 230, "{of_test}");
}

#[tokio::test]
async fn a_sync_tells_after_each_listing_how_far_it_is() {
    let bed = Bed::of(Simulator::builder().fleet(2, 4, 12).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let broken = Fault::new(FaultKind::WrongJson).always().on("list_backups");
    bed.simulator.faults().add(broken).expect("a fault");
    let told = Mutex::new(Vec::new());
    let sync = bed.fleet.sync().concurrency(1);
    let sync = sync.tell(|progress| {
        let line = (progress.done, progress.last.to_owned(), progress.is_read);
        told.lock().expect("a lock").push((progress.all, line));
    });
    let synced = sync.run().await.expect("a sync");
    let told = told.into_inner().expect("a lock");
    // 4 listings for each account, and 3 for each install.
    assert_eq!(told.len(), 2 * 4 + 12 * 3);
    for (number, (all, (done, last, is_read))) in told.iter().enumerate() {
        assert_eq!((*all, *done), (44, number + 1));
        assert_eq!(*is_read, !last.starts_with("backups of install "), "{last}");
    }
    assert_eq!(synced.failures.len(), 12);
}

#[tokio::test]
async fn certificates_have_their_install_and_what_they_cover() {
    let bed = Bed::troubled();
    bed.fleet.sync().run().await.expect("a sync");
    let certificates = bed.fleet.certificates().await.expect("certificates");
    let counted = bed
        .fleet
        .sql("SELECT count(*) FROM certificates")
        .await
        .expect("a number")
        .rows;
    assert!(certificates.complete);
    assert_eq!(counted[0][0].as_u64(), Some(certificates.data.len() as u64));
    let ends: Vec<_> = certificates
        .data
        .iter()
        .map(|one| one.certificate.expires_at)
        .collect();
    assert!(ends.is_sorted());
    assert!(
        certificates
            .data
            .iter()
            .any(|one| one.covers.as_ref().is_some_and(|covers| !covers.is_empty()))
    );
}

/// What always fails must not keep the rest from its turn.
#[tokio::test]
async fn with_a_budget_what_failed_last_time_comes_last() {
    let bed = Bed::of(Simulator::builder().fleet(1, 2, 6).build());
    bed.fleet.snapshot().await.expect("a snapshot");
    let broken = Fault::new(FaultKind::WrongJson).always().on("list_backups");
    bed.simulator.faults().add(broken).expect("a fault");
    let budget = || {
        bed.fleet
            .sync()
            .only([Class::Backups, Class::Domains])
            .requests(6)
            .run()
    };
    assert_eq!(budget().await.expect("a sync").failures.len(), 6);
    let second = budget().await.expect("a sync");
    assert_eq!(
        (second.data.read, second.failures.len()),
        (6, 0),
        "{second:?}"
    );
}

/// The domains of a deleted install are not found any more, and its id means nothing.
#[tokio::test]
async fn what_belongs_to_a_deleted_install_is_gone_with_it() {
    let bed = Bed::of(Simulator::builder().fleet(1, 2, 6).build());
    bed.fleet.sync().run().await.expect("a sync");
    let query = "SELECT installs.id, domains.name FROM installs JOIN domains ON install_id = installs.id
        WHERE domains.name NOT LIKE '%.wpengine.com' AND domains.name NOT LIKE '%.wpenginepowered.com' LIMIT 1";
    let found = bed.fleet.sql(query).await.expect("one").rows;
    let text = |at: usize| found[0][at].as_str().expect("a text").to_owned();
    let (id, domain) = (text(0), text(1));
    let count = async || bed.fleet.search(&domain).await.expect("a search").len();
    let before = count().await;
    bed.fleet
        .client()
        .install(id.as_str())
        .delete()
        .await
        .expect("it is deleted");
    bed.fleet.snapshot().await.expect("a snapshot");
    assert!(count().await < before);
    assert!(
        bed.fleet
            .whois(&domain)
            .await
            .expect("an answer")
            .data
            .is_empty()
    );
    let rows =
        format!("SELECT count(*) FROM domains WHERE install_id = '{id}' AND gone_at IS NULL");
    assert_eq!(bed.fleet.sql(&rows).await.expect("a number").rows, [[0]]);
    let error = bed.fleet.resolve(&id).await.expect_err("it is gone");
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

/// What was read of a machine whose clock was a year ahead is not fresh for a year.
#[tokio::test]
async fn a_clock_that_was_wrong_leaves_nothing_fresh_and_hides_no_deletion() {
    let bed = Bed::of(Simulator::builder().fleet(1, 2, 6).build());
    bed.fleet.sync().run().await.expect("a sync");
    let year = 365 * 86_400_000_i64;
    for (table, column) in [
        ("reads", "read_at"),
        ("installs", "seen_at"),
        ("backups", "seen_at"),
    ] {
        let ahead = format!("UPDATE {table} SET {column} = {column} + {year}");
        bed.mirror().execute(&ahead, []).expect("a year");
    }
    let ids = bed
        .fleet
        .sql("SELECT id FROM installs LIMIT 1")
        .await
        .expect("one")
        .rows;
    let id = ids[0][0].as_str().expect("an id").to_owned();
    bed.fleet
        .client()
        .install(id.as_str())
        .delete()
        .await
        .expect("it is deleted");
    let synced = bed.fleet.sync().run().await.expect("a sync");
    assert!(synced.requests > 20, "{synced:?}");
    let error = bed.fleet.resolve(&id).await.expect_err("it is gone");
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_listing_that_failed_is_read_again_although_it_was_read_before() {
    let bed = Bed::of(Simulator::builder().fleet(1, 2, 6).build());
    bed.fleet.sync().run().await.expect("a sync");
    let broken = Fault::new(FaultKind::WrongJson).always().on("list_backups");
    bed.simulator.faults().add(broken).expect("a fault");
    let again = || bed.fleet.sync().only([Class::Backups]);
    let failed = again().max_age(Duration::ZERO).run().await.expect("a sync");
    assert_eq!(failed.failures.len(), 6);
    bed.simulator.faults().clear();
    let synced = again().run().await.expect("a sync");
    assert_eq!(
        (synced.data.read, synced.failures.len()),
        (6, 0),
        "{synced:?}"
    );
}
