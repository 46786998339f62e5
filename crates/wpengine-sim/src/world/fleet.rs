//! A fleet with any number of accounts, sites and installs. The same seed gives the same fleet.

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};

use super::{MAIN_ACCOUNT, add_account};
use crate::random::Random;
use crate::state::{
    AccountUser, Archive, Backup, Certificate, Domain, Environment, Frequency, Install, Level,
    Limits, Network, PrivateKey, Recipient, Roles, Schedule, Site, SiteReport, Source, World,
};

const PLACES: [&str; 16] = [
    "Austin", "Bergen", "Cork", "Delft", "Evora", "Florence", "Ghent", "Havana", "Izmir", "Jena",
    "Krakow", "Lyon", "Malaga", "Nantes", "Oslo", "Porto",
];
const TRADES: [&str; 12] = [
    "Bakery", "Books", "Cycles", "Dental", "Events", "Florist", "Garden", "Hotel", "Journal",
    "Law", "Music", "Travel",
];
const FIRST_NAMES: [&str; 8] = [
    "Ada", "Ben", "Chi", "Dora", "Emil", "Fatima", "Grace", "Hugo",
];
const LAST_NAMES: [&str; 8] = [
    "Jensen", "Kim", "Lopez", "Moreau", "Novak", "Okafor", "Petrov", "Quinn",
];
const TAGS: [&str; 5] = ["client", "internal", "campaign", "shop", "archive"];
const WP_VERSIONS: [&str; 5] = ["6.8.1", "6.8.1", "6.7.2", "6.6.2", "6.4.5"];
const PHP_VERSIONS: [&str; 4] = ["8.3", "8.2", "8.2", "7.4"];
const DAY: i64 = 86_400;

/// Fills the world. Sites are distributed over the accounts in turn, and installs over the sites: first the production
/// install of every site, then staging, then development. If there are more than three installs per site, the rest
/// have no site.
pub(super) fn fill(
    world: &mut World,
    now: Timestamp,
    accounts: usize,
    sites: usize,
    installs: usize,
) {
    let mut account_ids = vec![MAIN_ACCOUNT.to_owned()];
    while account_ids.len() < accounts {
        account_ids.push(world.random.uuid());
    }
    for (index, id) in account_ids.iter().enumerate() {
        add_account(world, id, &format!("account{}", index + 1));
        add_people(world, id);
    }
    let site_ids: Vec<String> = (0..sites)
        .map(|index| add_site(world, now, index, &account_ids[index % account_ids.len()]))
        .collect();
    world.installs.reserve_exact(installs);
    for index in 0..installs {
        let slot = index
            .checked_div(sites)
            .and_then(|round| Environment::ALL.get(round).copied());
        let site = index.checked_rem(sites).and_then(|site| site_ids.get(site));
        let account_id = match site {
            Some(site) => world.sites[site].account_id.clone(),
            None => account_ids[index % account_ids.len()].clone(),
        };
        let site_id = site.filter(|_| slot.is_some()).cloned();
        add_install(
            world,
            now,
            index,
            Slot {
                account_id,
                site_id,
                environment: slot,
            },
        );
    }
    plans_fit(world);
    add_archives_and_reports(world, now);
}

/// Every plan allows about three times what its installs use.
fn plans_fit(world: &mut World) {
    let accounts: Vec<String> = world.accounts.keys().cloned().collect();
    for id in accounts {
        let installs = world.installs.values();
        let installs = installs.filter(|install| install.account_id == id).count();
        let installs = u64::try_from(installs).unwrap_or(u64::MAX).max(1);
        world.accounts[&id].limits = Limits {
            visitors: 100_000 * installs,
            storage_gb: 40 * installs,
            bandwidth_gb: 150 * installs,
        };
    }
}

/// Adds an archive of the backup of one production install in ten, and reports on its site. It uses its own random
/// generator, so that the ids of older resources did not change when it was added.
fn add_archives_and_reports(world: &mut World, now: Timestamp) {
    let mut random = Random::for_text(world.seed, "archives and reports");
    let day = SignedDuration::from_hours(24);
    let chosen: Vec<(String, String)> = world
        .installs
        .values()
        .filter(|install| !install.backups.is_empty())
        .step_by(10)
        .filter_map(|install| Some((install.id.clone(), install.site_id.clone()?)))
        .collect();
    for (install_id, site_id) in chosen {
        let install = &mut world.installs[&install_id];
        let mut backups = install.backups.values();
        if let Some(backup) = backups.find(|backup| backup.status(now) == "completed") {
            let archive = Archive {
                id: random.uuid(),
                backup_id: backup.id.clone(),
                notification_emails: vec!["ops@example.com".to_owned()],
                requested_at: backup.completed_at(now).unwrap_or(now),
                fails: false,
                key: random.token(32),
            };
            install.archives.insert(archive.id.clone(), archive);
        }
        let frequency = Frequency::Monthly(1 + random.below(31) as i8);
        let (title, sections) = ("Monthly report", ["cover", "overview", "usage"]);
        let sections = sections.map(str::to_owned).to_vec();
        let ends_at = now.saturating_sub(day * 20).unwrap_or(now);
        world.sites[&site_id].reports.push(SiteReport {
            uuid: random.uuid(),
            title: title.to_owned(),
            starts_at: ends_at.saturating_sub(day * 30).unwrap_or(now),
            ends_at,
            created_at: ends_at,
            recipients: vec!["ops@example.com".to_owned()],
            sections: sections.clone(),
            key: random.token(32),
        });
        let schedule = Schedule {
            uuid: random.uuid(),
            title: title.to_owned(),
            next: frequency.first(now),
            frequency,
            recipients: vec![Recipient {
                name: None,
                email: "ops@example.com".to_owned(),
            }],
            sections,
            template: "9fe01285-87cc-405b-9f2f-02cc1316bb63".to_owned(),
        };
        world.set_schedule(&site_id, schedule);
    }
}

/// The place of an install.
struct Slot {
    account_id: String,
    site_id: Option<String>,
    environment: Option<Environment>,
}

fn days_ago(world: &mut World, now: Timestamp, from: u64, to: u64) -> Timestamp {
    let seconds = from * DAY as u64 + world.random.below((to - from) * DAY as u64);
    now.saturating_sub(SignedDuration::from_secs(seconds as i64))
        .unwrap_or(now)
}

/// One to four users besides the owner.
fn add_people(world: &mut World, account_id: &str) {
    for _ in 0..=world.random.below(4) {
        let (first, last) = (
            world.random.choose(&FIRST_NAMES),
            world.random.choose(&LAST_NAMES),
        );
        let user_id = world.random.uuid();
        let level = if world.random.below(2) == 0 {
            Level::Full
        } else {
            Level::Partial
        };
        let user = AccountUser {
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            email: format!(
                "{}.{}.{}@example.com",
                first.to_lowercase(),
                last.to_lowercase(),
                &user_id[..4]
            ),
            phone: None,
            invite_accepted: world.random.below(5) != 0,
            mfa_enabled: world.random.below(2) == 0,
            roles: Roles {
                level,
                billing: world.random.below(3) == 0,
            },
            install_ids: Vec::new(),
            user_id,
        };
        world.accounts[account_id]
            .users
            .insert(user.user_id.clone(), user);
    }
}

fn add_site(world: &mut World, now: Timestamp, index: usize, account_id: &str) -> String {
    let name = format!(
        "{} {} {}",
        world.random.choose(&PLACES),
        world.random.choose(&TRADES),
        index + 1
    );
    let tagged = world.random.below(2) == 0;
    let site = Site {
        id: world.random.uuid(),
        name,
        account_id: account_id.to_owned(),
        group_name: None,
        tags: tagged
            .then(|| world.random.choose(&TAGS).to_owned())
            .into_iter()
            .collect(),
        created_at: days_ago(world, now, 500, 900),
        // Each is true for about one site in twenty.
        sandbox: world.random.below(20) == 0,
        transferable: world.random.below(20) == 0,
        installs: Vec::new(),
        schedules: IndexMap::new(),
        reports: Vec::new(),
    };
    let id = site.id.clone();
    world.sites.insert(id.clone(), site);
    id
}

fn add_install(world: &mut World, now: Timestamp, index: usize, slot: Slot) {
    let trade = world.random.choose(&TRADES).to_lowercase();
    let suffix = match slot.environment {
        Some(Environment::Staging) => "s",
        Some(Environment::Development) => "d",
        _ => "",
    };
    // At most 14 characters: a word of at most 7, up to 6 digits and a letter for the environment.
    let name = format!("{trade}{}{suffix}", index + 1);
    let id = world.random.uuid();
    let created_at = days_ago(world, now, 1, 500);
    let mut install = Install::new(world, id, name, slot.account_id, created_at);
    install.site_id = slot.site_id;
    install.environment = slot.environment;
    world
        .random
        .choose(&WP_VERSIONS)
        .clone_into(&mut install.content.wp_version);
    world
        .random
        .choose(&PHP_VERSIONS)
        .clone_into(&mut install.php_version);
    let is_live = slot.environment == Some(Environment::Production);
    let (id, name) = (install.id.clone(), install.name.clone());
    world.add_install(install);
    if is_live {
        add_domains(world, now, &id, &format!("{name}.example"), created_at);
        add_backup(world, now, &id);
    }
    // There are many installs, and most never change, so unused capacity is released.
    let install = &mut world.installs[&id];
    install.domains.shrink_to_fit();
    install.backups.shrink_to_fit();
    install.certificates.shrink_to_fit();
}

/// A primary domain, `www` as a redirect to it, and a certificate that expires in 3 to 90 days.
fn add_domains(
    world: &mut World,
    now: Timestamp,
    install_id: &str,
    name: &str,
    created_at: Timestamp,
) {
    let main = new_domain(world, name.to_owned(), created_at);
    let www = new_domain(world, format!("www.{name}"), created_at);
    let www = Domain {
        redirect_to: Some(main.id.clone()),
        ..www
    };
    world.add_domain(
        install_id,
        Domain {
            primary: true,
            ..main
        },
    );
    world.add_domain(install_id, www);
    let left = 3 * DAY + world.random.below(87 * DAY as u64) as i64;
    let expires_at = now
        .saturating_add(SignedDuration::from_secs(left))
        .unwrap_or(now);
    let certificate = Certificate {
        id: world.next_certificate(),
        source: Source::ThirdParty { expires_at },
        domains: vec![name.to_owned(), format!("www.{name}")],
        ordered_at: created_at,
        serial_number: world.random.hex(32).to_uppercase(),
        approver_email: None,
        certificate: String::new(),
        private_key: PrivateKey(String::new()),
    };
    world.installs[install_id].certificates.push(certificate);
}

fn new_domain(world: &mut World, name: String, created_at: Timestamp) -> Domain {
    let (id, txt_value) = (world.random.uuid(), world.random.hex(32));
    Domain::new(id, name, Network::Advanced, txt_value, created_at).verified_since(created_at)
}

fn add_backup(world: &mut World, now: Timestamp, install_id: &str) {
    let id = world.random.uuid();
    let requested_at = days_ago(world, now, 0, 1);
    let install = &mut world.installs[install_id];
    let backup = Backup::new(
        id.clone(),
        "Nightly backup".to_owned(),
        requested_at,
        install.content.clone(),
    );
    install.backups.insert(id, backup);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn fleet(seed: u64) -> World {
        let mut world = World::new(seed);
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        super::super::add_main_user(&mut world);
        fill(&mut world, now, 3, 40, 130);
        world
    }

    #[test]
    fn the_numbers_are_the_ones_that_were_asked_for() {
        let world = fleet(1);
        assert_eq!(
            (
                world.accounts.len(),
                world.sites.len(),
                world.installs.len()
            ),
            (3, 40, 130)
        );
        let names: HashSet<_> = world
            .installs
            .values()
            .map(|install| &install.name)
            .collect();
        assert_eq!(names.len(), 130);
        assert!(
            names.iter().all(|name| (3..=14).contains(&name.len())),
            "{names:?}"
        );
        let without_site = world
            .installs
            .values()
            .filter(|install| install.site_id.is_none())
            .count();
        assert_eq!(without_site, 10, "a site takes three");
    }

    #[test]
    fn sites_and_installs_agree() {
        let world = fleet(1);
        for install in world.installs.values() {
            let Some(site) = install.site_id.as_ref().map(|id| &world.sites[id]) else {
                continue;
            };
            assert!(site.installs.contains(&install.id));
            assert_eq!(site.account_id, install.account_id);
        }
    }

    #[test]
    fn one_seed_gives_one_fleet() {
        let ids = |seed| fleet(seed).installs.keys().cloned().collect::<Vec<_>>();
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
    }
}
