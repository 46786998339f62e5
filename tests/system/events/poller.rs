//! What the poller says, and what it does not say.

use std::io::Write as _;
use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use wpengine::{
    ClientBuilder,
    limits::Windows,
    transport::{HttpClient, ResponseFuture},
};
use wpengine_events::{Event, Events, Poller, Watch};
use wpengine_fleet::{Class, Fleet};
use wpengine_sim::{Fault, FaultKind, RateLimits, Simulator};

use super::{all, events_of, minutes, paused, truth};
use crate::support::simulated;

struct Bed {
    simulator: Simulator,
    client: wpengine::Client,
    events: Events,
    watch: Watch,
    task: tokio::task::JoinHandle<Result<(), wpengine_events::Error>>,
}

impl Bed {
    fn new(simulator: Simulator) -> Self {
        Self::with(simulator, |poller| poller)
    }

    fn with(simulator: Simulator, settings: impl FnOnce(Poller) -> Poller) -> Self {
        Self::of(simulator, |builder| builder, settings)
    }

    fn of(
        simulator: Simulator,
        client_settings: impl FnOnce(ClientBuilder) -> ClientBuilder,
        settings: impl FnOnce(Poller) -> Poller,
    ) -> Self {
        let events = events_of(&simulator);
        let client = simulated::builder(&simulator)
            .no_rate_limiter()
            .build()
            .unwrap();
        let polls = simulated::builder(&simulator)
            .rate_limiter(Windows::default())
            .retry(wpengine::RetryPolicy::default().max_attempts(3))
            .background();
        let polls = client_settings(polls).build().unwrap();
        let poller = settings(Poller::new(&polls, &events));
        let watch = poller.watch();
        let task = tokio::spawn(poller.run(std::future::pending()));
        Self {
            simulator,
            client,
            events,
            watch,
            task,
        }
    }

    async fn kinds(&self) -> Vec<String> {
        all(&self.events)
            .await
            .into_iter()
            .map(|event| event.kind)
            .collect()
    }

    async fn of_kind(&self, kind: &str) -> Vec<Event> {
        all(&self.events)
            .await
            .into_iter()
            .filter(|event| event.kind == kind)
            .collect()
    }
}

const TORQUEMAG: &str = "294deacc-d8b8-4005-82c4-0727ba8ddde0";

/// Kinds that follow from the clock, and that the documentation's examples have.
fn is_of_clock(kind: &str) -> bool {
    matches!(
        kind,
        "certificate.expiring" | "backup.overdue" | "usage.limit_near"
    )
}

#[test]
fn the_first_look_is_silent_and_a_change_says_what_it_was_before_and_when() {
    paused(async {
        let bed = Bed::new(Simulator::builder().build());
        tokio::time::sleep(minutes(30)).await;
        assert!(
            bed.kinds().await.iter().all(|kind| is_of_clock(kind)),
            "{:?}",
            bed.kinds().await
        );
        let before = bed.simulator.clock().now();
        let install = bed.client.install(TORQUEMAG);
        let backup = install
            .backups()
            .create("before", ["ops@example.com"])
            .await
            .unwrap();
        tokio::time::sleep(minutes(120)).await;
        let created = bed.of_kind("backup.created").await;
        let completed = bed.of_kind("backup.completed").await;
        let [created, completed] = [&created[..], &completed[..]].map(|events| match events {
            [one] => one.clone(),
            other => panic!("{other:?}"),
        });
        assert_eq!(
            created.subject(),
            format!("installs/{TORQUEMAG}/backups/{}", backup.id)
        );
        assert_eq!(created.data["install"], "torquemag");
        let time = |event: &Event, field: &str| {
            event.data[field]
                .as_str()
                .unwrap()
                .parse::<wpengine::jiff::Timestamp>()
                .unwrap()
        };
        assert!(time(&created, "not_before") <= before && before <= time(&created, "observed_at"));
        assert!(time(&completed, "occurred_at") <= time(&completed, "observed_at"));
        let updated = bed.of_kind("backup.updated").await;
        assert!(
            updated.last().unwrap().data["previous_attributes"]["status"].is_string(),
            "{updated:?}"
        );
        let status = bed.watch.status();
        assert!(
            status.changes >= 2 && status.delay.is_some() && status.best_delay > 0.0,
            "{status:?}"
        );
    });
}

#[test]
fn a_change_that_happens_again_is_another_event() {
    paused(async {
        let bed = Bed::new(Simulator::builder().build());
        tokio::time::sleep(minutes(30)).await;
        let sites = truth(&bed.client, Class::Sites, "").await;
        let site = bed.client.site(sites.keys().next().unwrap().as_str());
        for name in ["one", "two", "one", "two"] {
            site.update().name(name).await.unwrap();
            tokio::time::sleep(minutes(20)).await;
        }
        let names: Vec<String> = bed
            .of_kind("site.updated")
            .await
            .iter()
            .map(|event| event.data["object"]["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["one", "two", "one", "two"]);
    });
}

#[test]
fn a_new_release_of_the_api_makes_no_event() {
    paused(async {
        let bed = Bed::new(Simulator::builder().build());
        tokio::time::sleep(minutes(30)).await;
        let before = bed.kinds().await.len();
        // Every answer has fields that this version does not know.
        bed.simulator
            .faults()
            .add(Fault::new(FaultKind::ExtraField).always())
            .unwrap();
        tokio::time::sleep(minutes(120)).await;
        assert_eq!(bed.kinds().await.len(), before, "{:?}", bed.kinds().await);
        assert!(bed.watch.status().failures == 0 && bed.watch.status().looks > 100);
    });
}

#[test]
fn an_account_that_is_not_shown_is_lost_and_nothing_of_it_is_gone() {
    paused(async {
        let bed = Bed::new(Simulator::builder().fleet(2, 4, 8).build());
        tokio::time::sleep(minutes(30)).await;
        let account = truth(&bed.client, Class::Accounts, "")
            .await
            .into_keys()
            .next()
            .unwrap();
        bed.simulator.set_api_access(&account, false);
        tokio::time::sleep(minutes(120)).await;
        let kinds: BTreeSet<String> = bed
            .kinds()
            .await
            .into_iter()
            .filter(|kind| !is_of_clock(kind))
            .collect();
        assert_eq!(kinds, BTreeSet::from(["account.access_lost".to_owned()]));
        assert_eq!(
            bed.of_kind("account.access_lost").await[0].data["account_id"],
            account.as_str()
        );
        bed.simulator.set_api_access(&account, true);
        tokio::time::sleep(minutes(90)).await;
        assert_eq!(bed.of_kind("account.access_restored").await.len(), 1);
        // It happens again, and is said again.
        bed.simulator.set_api_access(&account, false);
        tokio::time::sleep(minutes(120)).await;
        assert_eq!(bed.of_kind("account.access_lost").await.len(), 2);
        assert!(
            bed.kinds()
                .await
                .iter()
                .all(|kind| !kind.ends_with(".gone"))
        );
    });
}

/// One whose account the service did not tell may be of the account that is not shown.
#[test]
fn an_install_without_a_told_account_is_not_gone_with_an_account_that_is_not_shown() {
    paused(async {
        let bed = Bed::new(Simulator::builder().fleet(2, 4, 8).build());
        tokio::time::sleep(minutes(30)).await;
        let before = truth(&bed.client, Class::Installs, "").await;
        let accounts: BTreeSet<String> = truth(&bed.client, Class::Accounts, "")
            .await
            .into_keys()
            .collect();
        let nulls = Fault::new(FaultKind::Nulls).on("list_installs").always();
        bed.simulator.faults().add(nulls).unwrap();
        let account = accounts.first().unwrap().as_str();
        let created = bed.client.installs().create("fresh", account);
        let created = created.await.unwrap().id.to_string();
        tokio::time::sleep(minutes(30)).await;
        let told = bed.of_kind("install.created").await;
        let [told] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(told.data["object"]["id"], created.as_str());
        assert_eq!(told.data["object"]["account_id"], serde_json::Value::Null);
        // What was known stays known.
        let updated = bed.of_kind("install.updated").await;
        assert_eq!(updated.len(), before.len());
        for event in updated {
            let id = event.data["object"]["id"].as_str().unwrap();
            let account = &before[id]["account"]["id"];
            assert_eq!(event.data["object"]["account_id"], *account, "{event:?}");
            assert!(
                !event.data["previous_attributes"]
                    .as_object()
                    .unwrap()
                    .contains_key("account_id")
            );
        }
        bed.simulator.set_api_access(account, false);
        bed.simulator.faults().clear();
        tokio::time::sleep(minutes(240)).await;
        assert_eq!(bed.of_kind("account.access_lost").await.len(), 1);
        assert_eq!(bed.of_kind("install.gone").await.len(), 0);
        // Where all is shown, it is gone like any other.
        bed.simulator.set_api_access(account, true);
        let nulls = Fault::new(FaultKind::Nulls).on("list_installs").always();
        bed.simulator.faults().add(nulls).unwrap();
        tokio::time::sleep(minutes(60)).await;
        bed.client.install(created.as_str()).delete().await.unwrap();
        tokio::time::sleep(minutes(60)).await;
        let gone = bed.of_kind("install.gone").await;
        assert_eq!(gone.len(), 1, "{gone:?}");
    });
}

#[test]
fn refused_credentials_are_no_lost_accounts() {
    paused(async {
        let bed = Bed::new(Simulator::builder().fleet(3, 20, 60).build());
        tokio::time::sleep(minutes(60)).await;
        bed.task.abort();
        let before = bed.kinds().await;
        bed.simulator.clear_requests();
        let wrong = simulated::builder(&bed.simulator)
            .credentials(wpengine::Credentials::basic(bed.simulator.user(), "old"))
            .rate_limiter(Windows::default())
            .build()
            .unwrap();
        let poller = Poller::new(&wrong, &bed.events);
        let watch = poller.watch();
        let task = tokio::spawn(poller.run(std::future::pending()));
        tokio::time::sleep(minutes(60)).await;
        let status = watch.status();
        assert!(status.failing_since.is_some());
        let (_, why) = status.last_failure.unwrap();
        assert!(why.contains("refuses the credentials"), "{why}");
        let asked = bed.simulator.requests().len();
        assert!(asked < 1_000, "{asked}");
        task.abort();
        let polls = simulated::builder(&bed.simulator)
            .rate_limiter(Windows::default())
            .build()
            .unwrap();
        let poller = Poller::new(&polls, &bed.events);
        let watch = poller.watch();
        tokio::spawn(poller.run(std::future::pending()));
        tokio::time::sleep(minutes(60)).await;
        assert_eq!(watch.status().failing_since, None);
        let after = bed.kinds().await;
        let is_late = |kind: &&String| !is_of_clock(kind) && *kind != "poller.lagging";
        assert_eq!(
            before.iter().filter(is_late).count(),
            after.iter().filter(is_late).count(),
            "{after:?}"
        );
    });
}

#[test]
fn an_account_that_was_never_shown_is_said() {
    paused(async {
        let nobody = "00000000-0000-4000-8000-000000000000";
        let simulator = Simulator::builder().fleet(2, 4, 8).build();
        let bed = Bed::with(simulator, |poller| poller.accounts([nobody]));
        tokio::time::sleep(minutes(30)).await;
        assert_eq!(bed.watch.status().unknown_accounts, [nobody]);
        assert_eq!(bed.kinds().await, [""; 0]);
    });
}

/// Hides an account for the first answers of a look, shows it for some, and hides it for the rest of the look.
struct Switch {
    inner: Arc<dyn HttpClient>,
    simulator: Simulator,
    account: String,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    /// The listing that the look begins with.
    listing: &'static str,
    hidden: usize,
    shown: usize,
    asked: usize,
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Switch")
    }
}

impl HttpClient for Switch {
    fn send(&self, request: Request<Bytes>, max_size: usize) -> ResponseFuture<'_> {
        let mut plan = self.plan.lock().unwrap();
        let uri = request.uri();
        let begins = uri.path().ends_with(plan.listing)
            && !uri.query().unwrap_or_default().contains("account_id");
        if !plan.listing.is_empty() && (plan.asked > 0 || begins) {
            let is_hidden = plan.asked < plan.hidden || plan.asked >= plan.hidden + plan.shown;
            self.simulator.set_api_access(&self.account, !is_hidden);
            plan.asked += 1;
        }
        self.inner.send(request, max_size)
    }
}

/// Lets time pass until something is so.
async fn within_an_hour(is_so: impl AsyncFn() -> bool) {
    for _ in 0..60 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(minutes(1)).await;
    }
    panic!("not within an hour");
}

#[test]
fn an_account_that_is_hidden_between_any_answers_of_a_look_loses_nothing() {
    paused(async {
        let simulator = Simulator::builder().fleet(2, 2, 6).build();
        let accounts = truth(
            &simulated::builder(&simulator).build().unwrap(),
            Class::Accounts,
            "",
        )
        .await;
        let account = accounts.into_keys().next().unwrap();
        let plan = Arc::new(Mutex::new(Plan::default()));
        let (its, shared, id) = (simulator.clone(), Arc::clone(&plan), account.clone());
        let wrap = move |inner| Switch {
            inner,
            simulator: its,
            account: id,
            plan: shared,
        };
        let bed = Bed::of(simulator, |builder| builder.wrap(wrap), |poller| poller);
        tokio::time::sleep(minutes(30)).await;
        for listing in ["/sites", "/installs"] {
            for (hidden, shown) in (1..6).flat_map(|hidden| (1..8).map(move |m| (hidden, m))) {
                // The last of them is shown for good.
                let shown = if shown == 7 { usize::MAX / 2 } else { shown };
                *plan.lock().unwrap() = Plan {
                    listing,
                    hidden,
                    shown,
                    asked: 0,
                };
                within_an_hour(async || plan.lock().unwrap().asked > hidden).await;
                *plan.lock().unwrap() = Plan::default();
                bed.simulator.set_api_access(&account, true);
                let is_shown_again = async || {
                    let kinds = bed.kinds().await;
                    let mut last = kinds.iter().rev();
                    last.find(|kind| kind.starts_with("account.access"))
                        .is_none_or(|kind| kind == "account.access_restored")
                };
                within_an_hour(is_shown_again).await;
                let kinds = bed.kinds().await;
                let gone: Vec<String> =
                    kinds.into_iter().filter(|k| k.ends_with(".gone")).collect();
                assert_eq!(
                    gone, [""; 0],
                    "{listing}: hidden for {hidden}, then shown for {shown}"
                );
            }
        }
        let lost = bed.of_kind("account.access_lost").await;
        assert!(lost.len() > 30, "{}", lost.len());
        assert_eq!(bed.watch.status().failing_since, None);
    });
}

#[test]
fn what_a_listing_hides_for_a_while_is_not_gone() {
    paused(async {
        let bed = Bed::new(Simulator::builder().fleet(1, 40, 120).build());
        tokio::time::sleep(minutes(60)).await;
        for kind in [
            FaultKind::RemoveBetweenPages,
            FaultKind::InsertBetweenPages,
            FaultKind::Nulls,
            FaultKind::WrongJson,
        ] {
            bed.simulator
                .faults()
                .add(Fault::new(kind).with_probability(0.2).always())
                .unwrap();
        }
        tokio::time::sleep(minutes(240)).await;
        for event in all(&bed.events)
            .await
            .iter()
            .filter(|event| event.kind.ends_with(".gone"))
        {
            let id = event.data["object"]["id"].as_str().unwrap();
            assert!(
                !truth(&bed.client, Class::Installs, "")
                    .await
                    .contains_key(id),
                "{event:?}"
            );
        }
    });
}

#[test]
fn conditions_of_the_clock_are_said_once() {
    paused(async {
        let bed = Bed::new(Simulator::builder().fleet(9, 60, 60).troubled().build());
        tokio::time::sleep(minutes(40)).await;
        let first = bed.kinds().await;
        for kind in ["certificate.expiring", "backup.overdue", "usage.limit_near"] {
            assert!(first.iter().any(|other| other == kind), "{kind} is missing");
        }
        let mut said = BTreeSet::new();
        for event in all(&bed.events)
            .await
            .iter()
            .filter(|event| is_of_clock(&event.kind))
        {
            let what = (
                event.kind.clone(),
                event.subject().to_owned(),
                event.data["object"]["metric"].to_string(),
            );
            assert!(
                said.insert(what.clone()),
                "said twice within hours: {what:?}"
            );
        }
    });
}

#[test]
fn a_program_that_changes_something_is_seen_soon_after() {
    paused(async {
        let bed = Bed::new(Simulator::builder().fleet(1, 100, 200).build());
        tokio::time::sleep(minutes(120)).await;
        let install = truth(&bed.client, Class::Installs, "")
            .await
            .into_keys()
            .next()
            .unwrap();
        bed.client
            .install(install.as_str())
            .domains()
            .create("new.example.com")
            .await
            .unwrap();
        bed.events.touched(&install).await.unwrap();
        tokio::time::sleep(minutes(2)).await;
        assert_eq!(bed.of_kind("domain.created").await.len(), 1);
    });
}

#[test]
fn machines_that_divide_the_accounts_see_each_thing_once_between_them() {
    paused(async {
        let simulator = Simulator::builder().fleet(2, 6, 12).build();
        let client = simulated::builder(&simulator)
            .no_rate_limiter()
            .build()
            .unwrap();
        let accounts: Vec<String> = truth(&client, Class::Accounts, "")
            .await
            .into_keys()
            .collect();
        let beds = [0, 1].map(|at| {
            Bed::with(simulator.clone(), |poller| {
                poller.accounts([accounts[at].clone()]).initial_events()
            })
        });
        tokio::time::sleep(minutes(60)).await;
        let installs = truth(&client, Class::Installs, "").await;
        client
            .install(installs.keys().next().unwrap().as_str())
            .delete()
            .await
            .unwrap();
        tokio::time::sleep(minutes(60)).await;
        let mut seen: Vec<String> = Vec::new();
        let mut gone = 0;
        for bed in &beds {
            seen.extend(
                bed.of_kind("install.created")
                    .await
                    .iter()
                    .map(|event| event.subject().to_owned()),
            );
            gone += bed.of_kind("install.gone").await.len();
        }
        seen.sort();
        let wanted: Vec<String> = installs
            .into_keys()
            .map(|id| format!("installs/{id}"))
            .collect();
        assert_eq!(seen, wanted);
        assert_eq!(gone, 1);
    });
}

#[test]
fn a_class_that_is_later_than_promised_is_said_once_and_shown() {
    paused(async {
        let bed = Bed::new(Simulator::builder().build());
        tokio::time::sleep(minutes(60)).await;
        let fault = Fault::new(FaultKind::HtmlBadGateway)
            .on("list_domains")
            .always();
        let id = bed.simulator.faults().add(fault).unwrap();
        tokio::time::sleep(minutes(180)).await;
        let late = bed.of_kind("poller.lagging").await;
        assert_eq!(late.len(), 1, "{late:?}");
        assert_eq!(late[0].data["object"]["class"], "domains");
        assert!(
            late[0].data["object"]["last_failure"]
                .as_str()
                .unwrap()
                .contains("502"),
            "{late:?}"
        );
        assert_eq!(bed.watch.status().lagging, ["domains"]);
        bed.simulator.faults().remove(id);
        tokio::time::sleep(minutes(60)).await;
        assert!(bed.watch.status().lagging.is_empty());
    });
}

#[test]
fn its_looks_refresh_the_mirror_and_do_not_need_it() {
    paused(async {
        let simulator = Simulator::builder().build();
        let client = simulated::builder(&simulator)
            .no_rate_limiter()
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let fleet = Fleet::open(&client, folder.path(), folder.path()).unwrap();
        let bed = Bed::with(simulator, |poller| poller.mirror(&fleet));
        tokio::time::sleep(minutes(20)).await;
        let rows = fleet
            .sql("SELECT (SELECT count(*) FROM installs), (SELECT count(*) FROM domains)")
            .await
            .unwrap();
        let count = |at: usize| rows.rows[0][at].as_u64().unwrap();
        assert_eq!(
            count(0),
            truth(&client, Class::Installs, "").await.len() as u64
        );
        assert!(count(1) > 0);
        // Without its table it cannot be written, and events come all the same.
        rusqlite::Connection::open(folder.path().join("mirror.db"))
            .unwrap()
            .execute("DROP TABLE backups", [])
            .unwrap();
        bed.client
            .install(TORQUEMAG)
            .backups()
            .create("x", ["ops@example.com"])
            .await
            .unwrap();
        tokio::time::sleep(minutes(60)).await;
        assert!(
            bed.kinds()
                .await
                .iter()
                .any(|kind| kind == "backup.created")
        );
    });
}

#[test]
fn only_one_process_runs_the_events_of_a_file() {
    paused(async {
        let folder = tempfile::tempdir().unwrap();
        let open = || Events::open(folder.path().join("events.db")).unwrap();
        let simulator = Simulator::builder().build();
        let client = simulated::builder(&simulator).build().unwrap();
        let one = tokio::spawn(Poller::new(&client, &open()).run(std::future::pending()));
        tokio::time::sleep(Duration::from_secs(1)).await;
        let error = Poller::new(&client, &open())
            .run(std::future::pending())
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("another process runs these events"),
            "{error}"
        );
        one.abort();
        let _ = one.await;
        Poller::new(&client, &open())
            .run(std::future::ready(()))
            .await
            .unwrap();
    });
}

/// `WPENGINE_DAYS=7` runs a week; the suite runs a day.
#[test]
fn for_days_nothing_is_later_than_promised_and_the_limits_are_kept() {
    let days = std::env::var("WPENGINE_DAYS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_u64);
    paused(async {
        let simulator = Simulator::builder()
            .fleet(2, 20, 40)
            .rate_limits(RateLimits::documented())
            .check_answers(false)
            .build();
        let bed = Bed::with(simulator, |poller| poller.share(0.1));
        let installs: Vec<String> = truth(&bed.client, Class::Installs, "")
            .await
            .into_keys()
            .collect();
        let mut random = fastrand::Rng::with_seed(3);
        let mut changes = 0;
        // What is there at the first look makes no event.
        tokio::time::sleep(minutes(120)).await;
        for _ in 0..days * 24 * 4 {
            tokio::time::sleep(minutes(15)).await;
            // A few installs change most.
            let most = if random.u8(..10) < 9 {
                8
            } else {
                installs.len()
            };
            let install = &installs[random.usize(..most)];
            let created = bed
                .client
                .install(install.as_str())
                .domains()
                .create(format!("{:x}.example.com", random.u64(..)));
            changes += usize::from(created.await.is_ok());
            if random.u8(..4) == 0 {
                for request in bed.simulator.requests() {
                    assert_ne!(request.status, 429, "{request:?}");
                }
                bed.simulator.clear_requests();
            }
        }
        tokio::time::sleep(minutes(360)).await;
        let status = bed.watch.status();
        assert_eq!(bed.of_kind("poller.lagging").await, [], "{status:?}");
        assert_eq!(bed.of_kind("domain.created").await.len(), changes);
        assert!(!bed.task.is_finished());
        let _ = writeln!(
            std::io::stderr(),
            "{days} days: {changes} changes, delay {:?} s, least possible {:.0} s",
            status.delay,
            status.best_delay
        );
    });
}
