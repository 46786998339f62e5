//! Random histories of a fleet: whoever follows the events ends with what is there, and was never told anything wrong.
//!
//! `WPENGINE_HISTORIES=10000 cargo test --release -p wpengine-tests --test system -- events::histories --nocapture` runs more than the 200 of
//! the suite. `WPENGINE_HISTORY=7` runs one.

use std::io::Write as _;
use std::{collections::HashSet, time::Duration};

use serde_json::Value;
use wpengine::{Client, limits::Windows, types::Roles};
use wpengine_events::{Events, Poller, Watch};
use wpengine_fleet::Class;
use wpengine_sim::{Fault, FaultKind, RateLimits, RetryAfter, Simulator};

use super::{Follower, all, events_of, minutes, paused, seen, truth};
use crate::support::simulated;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn whoever_follows_the_events_of_any_history_ends_with_what_is_there() {
    let (first, count) = match number("WPENGINE_HISTORY") {
        Some(one) => (one, 1),
        None => (0, number("WPENGINE_HISTORIES").unwrap_or(200)),
    };
    let next = std::sync::atomic::AtomicU64::new(first);
    let total = std::sync::Mutex::new(Totals::default());
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    match std::panic::catch_unwind(|| paused(history(seed))) {
                        Ok(totals) => total.lock().unwrap().add(&totals),
                        Err(_) => failed.lock().unwrap().push(seed),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "WPENGINE_HISTORY={failed:?} failed");
    let total = total.into_inner().unwrap();
    assert!(
        total.changes > count && total.events > total.changes && total.faults > count / 2,
        "{total:?}"
    );
    let _ = writeln!(std::io::stderr(), "{count} histories: {total:?}");
}

#[derive(Debug, Default)]
struct Totals {
    changes: u64,
    events: u64,
    gone: u64,
    lost: u64,
    faults: u64,
    requests: u64,
    restarts: u64,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.changes += other.changes;
        self.events += other.events;
        self.gone += other.gone;
        self.lost += other.lost;
        self.faults += other.faults;
        self.requests += other.requests;
        self.restarts += other.restarts;
    }
}

/// What people know and change.
struct People {
    client: Client,
    simulator: Simulator,
    random: fastrand::Rng,
    accounts: Vec<String>,
    installs: Vec<String>,
    sites: Vec<String>,
    backups: Vec<(String, String)>,
    domains: Vec<(String, String)>,
    users: Vec<(String, String)>,
    gone: HashSet<String>,
    hidden: Vec<String>,
    changes: u64,
}

impl People {
    async fn new(simulator: &Simulator, seed: u64) -> Self {
        let client = simulated::builder(simulator)
            .no_rate_limiter()
            .build()
            .unwrap();
        let ids =
            |rows: std::collections::BTreeMap<String, Value>| rows.into_keys().collect::<Vec<_>>();
        Self {
            accounts: ids(truth(&client, Class::Accounts, "").await),
            installs: ids(truth(&client, Class::Installs, "").await),
            sites: ids(truth(&client, Class::Sites, "").await),
            backups: Vec::new(),
            domains: Vec::new(),
            users: Vec::new(),
            gone: HashSet::new(),
            hidden: Vec::new(),
            changes: 0,
            client,
            simulator: simulator.clone(),
            random: fastrand::Rng::with_seed(seed),
        }
    }

    fn one(&mut self, of: fn(&Self) -> &Vec<String>) -> Option<String> {
        let count = of(self).len();
        let at = (count > 0).then(|| self.random.usize(..count))?;
        Some(of(self)[at].clone())
    }

    /// Changes something. What the service refuses changes nothing.
    async fn act(&mut self) {
        let name = format!("{:08x}", self.random.u32(..));
        let (account, install, site) = (
            self.one(|p| &p.accounts),
            self.one(|p| &p.installs),
            self.one(|p| &p.sites),
        );
        let Some(account) = account else { return };
        let is_done = match self.random.u8(..16) {
            0 => {
                let created = self
                    .client
                    .installs()
                    .create(format!("n{name}"), account.as_str())
                    .await;
                created
                    .map(|install| self.installs.push(install.id.to_string()))
                    .is_ok()
            }
            1 => {
                let created = self
                    .client
                    .sites()
                    .create(format!("site {name}"), account.as_str())
                    .await;
                created
                    .map(|site| self.sites.push(site.id.to_string()))
                    .is_ok()
            }
            2 | 3 => match site {
                Some(site) => self
                    .client
                    .site(site.as_str())
                    .update()
                    .name(format!("site {name}"))
                    .await
                    .is_ok(),
                None => false,
            },
            4 => match install {
                Some(id) if self.client.install(id.as_str()).delete().await.is_ok() => {
                    self.installs.retain(|other| *other != id);
                    self.gone.insert(id);
                    true
                }
                _ => false,
            },
            5 | 6 => match install {
                Some(id) => {
                    let created = self
                        .client
                        .install(id.as_str())
                        .backups()
                        .create(name, ["ops@example.com"])
                        .await;
                    created
                        .map(|backup| self.backups.push((id, backup.id.to_string())))
                        .is_ok()
                }
                None => false,
            },
            7 => match self.backups.pop() {
                Some((install, backup)) => self.simulator.abort_backup(install, backup),
                None => false,
            },
            8 | 9 => match install {
                Some(id) => {
                    let created = self
                        .client
                        .install(id.as_str())
                        .domains()
                        .create(format!("{name}.example.com"))
                        .await;
                    created
                        .map(|domain| self.domains.push((id, domain.id.to_string())))
                        .is_ok()
                }
                None => false,
            },
            10 => match self.domains.pop() {
                Some((install, domain)) => {
                    let deleted = self
                        .client
                        .install(install.as_str())
                        .domain(domain.as_str())
                        .delete()
                        .await;
                    self.gone.insert(domain);
                    deleted.is_ok()
                }
                None => false,
            },
            11 => {
                let users = self.client.account(account.as_str()).users();
                let email = format!("{name}@example.com");
                let created = users
                    .create(email.as_str(), Roles::full())
                    .name("A", "B")
                    .await
                    .is_ok();
                if created && let Ok(people) = seen(&self.client, Class::People, &account).await {
                    let user = people
                        .into_iter()
                        .find(|(_, row)| row["email"] == email.as_str());
                    self.users.extend(user.map(|(id, _)| (account, id)));
                }
                created
            }
            12 => match self.users.last().cloned() {
                Some((account, user)) => {
                    let user = self.client.account(account.as_str()).user(user.as_str());
                    user.update(Roles::full_and_billing()).await.is_ok()
                }
                None => false,
            },
            13 => match self.users.pop() {
                Some((account, user)) => {
                    let deleted = self
                        .client
                        .account(account.as_str())
                        .user(user.as_str())
                        .delete()
                        .await;
                    self.gone.insert(user);
                    deleted.is_ok()
                }
                None => false,
            },
            14 => match self.hidden.pop() {
                Some(account) => self.simulator.set_api_access(&account, true),
                None => {
                    self.hidden.push(account.clone());
                    self.simulator.set_api_access(&account, false)
                }
            },
            // A certificate is ordered.
            _ => match self.domains.last().cloned() {
                Some((install, domain)) => {
                    let install = self.client.install(install.as_str());
                    install
                        .domain(domain.as_str())
                        .certificate()
                        .order("ops@example.com")
                        .await
                        .is_ok()
                }
                None => false,
            },
        };
        self.changes += u64::from(is_done);
    }
}

/// Faults of reads alone. All of them end.
fn fault(random: &mut fastrand::Rng) -> Fault {
    let reads = [
        "list_accounts",
        "list_sites",
        "list_installs",
        "list_account_users",
        "list_site_transfers",
        "list_backups",
        "list_domains",
        "list_certificates",
        "get_account_limits",
        "get_account_usage_summary",
        "get_install",
        "get_site",
        "get_backup",
        "get_domain",
        "get_account_user",
    ];
    let kind = match random.u8(..11) {
        0 => FaultKind::HtmlBadGateway,
        1 => FaultKind::Reset,
        2 => FaultKind::TruncatedJson,
        3 => FaultKind::EmptyServiceUnavailable,
        4 => FaultKind::TooManyRequests(Some(RetryAfter::Seconds(random.u64(1..300)))),
        5 => FaultKind::VirtualDelay(Duration::from_secs(random.u64(1..90))),
        6 => FaultKind::ExtraField,
        7 => FaultKind::Nulls,
        8 => FaultKind::UnknownEnum,
        9 => FaultKind::WrongJson,
        _ => FaultKind::InternalServerError,
    };
    let fault = Fault::new(kind).on(reads[random.usize(..reads.len())]);
    match random.bool() {
        true => fault.with_probability(0.3).always(),
        false => fault.times(random.u64(1..8)),
    }
}

async fn history(seed: u64) -> Totals {
    let mut random = fastrand::Rng::with_seed(seed);
    let installs = random.usize(1..9);
    let simulator = Simulator::builder()
        .seed(seed)
        .fleet(random.usize(1..4), installs, installs)
        .rate_limits(RateLimits::documented())
        .check_answers(false)
        .build();
    let mut people = People::new(&simulator, seed).await;
    simulator.clear_requests();
    let events = events_of(&simulator);
    let mut totals = Totals::default();
    // The first look, in peace.
    let (mut poller, mut watch) = start(&simulator, &events);
    tokio::time::sleep(minutes(30)).await;
    for _ in 0..random.usize(4..16) {
        tokio::time::sleep(Duration::from_secs(random.u64(1..1_500))).await;
        people.act().await;
        if random.u8(..4) == 0 {
            simulator.faults().clear();
            if simulator.faults().add(fault(&mut random)).is_ok() {
                totals.faults += 1;
            }
        }
        // The process is killed, and another one goes on.
        if random.u8(..6) == 0 {
            poller.abort();
            let _ = poller.await;
            (poller, watch) = start(&simulator, &events);
            totals.restarts += 1;
        }
    }
    simulator.faults().clear();
    for account in people.hidden.drain(..) {
        simulator.set_api_access(&account, true);
    }
    // As long as the poller itself says that it takes.
    tokio::time::sleep(minutes(30)).await;
    let promised = watch
        .status()
        .promised
        .into_iter()
        .map(|(_, seconds)| seconds);
    let longest = Duration::from_secs_f64(promised.fold(0.0, f64::max));
    assert!(longest <= minutes(24 * 60), "{longest:?}");
    tokio::time::sleep(2 * longest).await;
    poller.abort();
    let _ = poller.await;
    check(&simulator, &people, &events, &mut totals).await;
    totals
}

fn start(simulator: &Simulator, events: &Events) -> (tokio::task::JoinHandle<()>, Watch) {
    let client = simulated::builder(simulator)
        .rate_limiter(Windows::default())
        .retry(wpengine::RetryPolicy::default().max_attempts(3))
        .background()
        .build()
        .unwrap();
    let poller = Poller::new(&client, events).initial_events().share(0.1);
    let watch = poller.watch();
    let task = tokio::spawn(async move {
        poller
            .run(std::future::pending())
            .await
            .expect("the poller runs")
    });
    (task, watch)
}

async fn check(simulator: &Simulator, people: &People, events: &Events, totals: &mut Totals) {
    let requests = simulator.requests();
    for request in &requests {
        assert!(
            request.status != 429 || !request.faults.is_empty(),
            "a limit was exceeded: {request:?}"
        );
    }
    totals.requests = requests.len() as u64;
    totals.changes = people.changes;
    let mut follower = Follower::default();
    let mut ids = HashSet::new();
    for event in all(events).await {
        assert!(ids.insert(event.id.clone()), "{event:?}");
        totals.events += 1;
        if event.kind.ends_with(".gone") {
            totals.gone += 1;
            let id = event.data["object"]["id"].as_str().unwrap();
            assert!(people.gone.contains(id), "it is there: {event:?}");
        }
        totals.lost += u64::from(event.kind == "account.access_lost");
        follower.take(&event);
    }
    let client = &people.client;
    let same = |start: &str,
                class: Class,
                rows: std::collections::BTreeMap<String, Value>,
                fields: &[&str]| {
        let known = follower.below(start);
        let known: Vec<&String> = known
            .into_iter()
            .filter(|key| !key[start.len()..].contains('/'))
            .collect();
        let wanted: Vec<String> = rows.keys().map(|id| format!("{start}{id}")).collect();
        assert_eq!(known, wanted.iter().collect::<Vec<_>>(), "{class:?}");
        for (id, row) in rows {
            let object = &follower.objects[&format!("{start}{id}")];
            for field in fields {
                assert_eq!(object[*field], row[*field], "{class:?} {id} {field}");
            }
        }
    };
    let installs = truth(client, Class::Installs, "").await;
    let accounts = truth(client, Class::Accounts, "").await;
    same(
        "sites/",
        Class::Sites,
        truth(client, Class::Sites, "").await,
        &["name"],
    );
    for account in accounts.keys() {
        same(
            &format!("accounts/{account}/users/"),
            Class::People,
            truth(client, Class::People, account).await,
            &["email", "mfa_enabled"],
        );
    }
    for install in installs.keys() {
        let of = |class: Class| truth(client, class, install);
        same(
            &format!("installs/{install}/backups/"),
            Class::Backups,
            of(Class::Backups).await,
            &["status", "description"],
        );
        same(
            &format!("installs/{install}/domains/"),
            Class::Domains,
            of(Class::Domains).await,
            &["name", "primary", "ownership_status"],
        );
        same(
            &format!("installs/{install}/certificates/"),
            Class::Certificates,
            of(Class::Certificates).await,
            &["status"],
        );
    }
    same(
        "installs/",
        Class::Installs,
        installs,
        &["name", "status", "environment", "php_version"],
    );
    same("accounts/", Class::Accounts, accounts, &["name"]);
}
