//! A fleet: as many accounts, sites and installs as one likes, the same for the same seed.

use jiff::{SignedDuration, Timestamp};

use super::{MAIN_ACCOUNT, add_account};
use crate::state::{Environment, Install, Site, World};

const PLACES: [&str; 16] = [
    "Austin", "Bergen", "Cork", "Delft", "Evora", "Florence", "Ghent", "Havana", "Izmir", "Jena",
    "Krakow", "Lyon", "Malaga", "Nantes", "Oslo", "Porto",
];
const TRADES: [&str; 12] = [
    "Bakery", "Books", "Cycles", "Dental", "Events", "Florist", "Garden", "Hotel", "Journal",
    "Law", "Music", "Travel",
];
const WP_VERSIONS: [&str; 5] = ["6.8.1", "6.8.1", "6.7.2", "6.6.2", "6.4.5"];
const PHP_VERSIONS: [&str; 4] = ["8.3", "8.2", "8.2", "7.4"];

/// Fills the world. Sites are dealt to the accounts in turn, and installs to the sites: first all the productions,
/// then staging, then development. Installs beyond three a site have none.
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
    }
    let site_ids: Vec<String> = (0..sites)
        .map(|index| {
            let account_id = &account_ids[index % account_ids.len()];
            site(world, now, index, account_id)
        })
        .collect();
    for index in 0..installs {
        let site = site_ids.get(if sites == 0 { 0 } else { index % sites });
        let slot = if sites == 0 {
            None
        } else {
            Environment::ALL.get(index / sites).copied()
        };
        let account_id = match site {
            Some(site) => world.sites[site].account_id.clone(),
            None => account_ids[index % account_ids.len()].clone(),
        };
        install(
            world,
            now,
            index,
            account_id,
            site.filter(|_| slot.is_some()).cloned(),
            slot,
        );
    }
}

fn days_ago(world: &mut World, now: Timestamp, days: u64) -> Timestamp {
    let seconds = world.random.below(days * 86_400) + 86_400;
    now.saturating_sub(SignedDuration::from_secs(seconds as i64))
        .unwrap_or(now)
}

fn site(world: &mut World, now: Timestamp, index: usize, account_id: &str) -> String {
    let name = format!(
        "{} {} {}",
        world.random.choose(&PLACES),
        world.random.choose(&TRADES),
        index + 1
    );
    let site = Site {
        id: world.random.uuid(),
        name,
        account_id: account_id.to_owned(),
        group_name: None,
        tags: Vec::new(),
        created_at: days_ago(world, now, 900),
        // About one site in twenty each.
        sandbox: world.random.below(20) == 0,
        transferable: world.random.below(20) == 0,
        installs: Vec::new(),
    };
    let id = site.id.clone();
    world.sites.insert(id.clone(), site);
    id
}

fn install(
    world: &mut World,
    now: Timestamp,
    index: usize,
    account_id: String,
    site_id: Option<String>,
    environment: Option<Environment>,
) {
    let trade = world.random.choose(&TRADES).to_lowercase();
    let suffix = match environment {
        Some(Environment::Staging) => "s",
        Some(Environment::Development) => "d",
        _ => "",
    };
    // At most 14 characters: a word of at most 7, up to 6 digits and the letter of the slot.
    let name = format!("{trade}{}{suffix}", index + 1);
    let id = world.random.uuid();
    let created_at = days_ago(world, now, 900);
    let mut install = Install::new(world, id, name, account_id, created_at);
    install.site_id = site_id;
    install.environment = environment;
    world
        .random
        .choose(&WP_VERSIONS)
        .clone_into(&mut install.content.wp_version);
    world
        .random
        .choose(&PHP_VERSIONS)
        .clone_into(&mut install.php_version);
    world.add_install(install);
}
