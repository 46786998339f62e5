//! A fleet with problems of every kind, for testing tools that check fleets.
//!
//! Every second production install has one problem, and the kinds alternate. The accounts have their own problems.
//! Everything else is the same as in a fleet without problems.

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::state::{
    AccountName, AccountUser, Backup, Certificate, Domain, Environment, Install, Network,
    PrivateKey, Roles, Source, Transfer, World,
};
use crate::usage;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The possible problems of a production install.
const TROUBLES: [fn(&mut World, Timestamp, &str); 20] = [
    certificate_expired,
    certificate_near_its_end,
    certificate_rejected,
    no_certificate,
    no_backup,
    backup_aborted,
    backup_old,
    domain_unverified,
    domain_duplicated,
    redirect_to_nowhere,
    old_php,
    mismatched_php,
    pending_for_long,
    stale_storage,
    legacy_network,
    no_primary_domain,
    no_site,
    transfer_soon,
    certificate_ordered,
    no_staging,
];

/// Adds all problems. With fewer than 40 production installs, some kinds do not occur.
pub(super) fn add(world: &mut World, now: Timestamp) {
    let production: Vec<String> = world
        .installs
        .values()
        .filter(|install| install.environment == Some(Environment::Production))
        .map(|install| install.id.clone())
        .collect();
    for (id, trouble) in production.iter().step_by(2).zip(TROUBLES.iter().cycle()) {
        trouble(world, now, id);
    }
    people(world);
    plans(world, now);
}

fn ago(now: Timestamp, days: i32) -> Timestamp {
    now.saturating_sub(DAY * days).unwrap_or(now)
}

fn domains<'a>(world: &'a mut World, id: &str) -> impl Iterator<Item = &'a mut Domain> {
    let domains = world.installs[id].domains.values_mut();
    domains.filter(|domain| !domain.name.ends_with(".wpengine.com"))
}

fn set_expiry(world: &mut World, id: &str, expires_at: Timestamp) {
    for certificate in &mut world.installs[id].certificates {
        certificate.source = Source::ThirdParty { expires_at };
    }
}

fn certificate_expired(world: &mut World, now: Timestamp, id: &str) {
    set_expiry(world, id, ago(now, 3));
}

fn certificate_near_its_end(world: &mut World, now: Timestamp, id: &str) {
    set_expiry(world, id, now.saturating_add(DAY * 2).unwrap_or(now));
}

/// Let's Encrypt checked an unverified domain.
fn certificate_rejected(world: &mut World, now: Timestamp, id: &str) {
    let certificate = Certificate {
        id: world.next_certificate(),
        source: Source::LetsEncrypt {
            domain_id: String::new(),
        },
        domains: Vec::new(),
        ordered_at: ago(now, 2),
        serial_number: world.random.hex(32).to_uppercase(),
        approver_email: None,
        certificate: String::new(),
        private_key: PrivateKey(String::new()),
    };
    let Some(domain) = domains(world, id).find(|domain| !domain.primary) else {
        return;
    };
    domain.verification_asked_at = None;
    let certificate = Certificate {
        source: Source::LetsEncrypt {
            domain_id: domain.id.clone(),
        },
        domains: vec![domain.name.clone()],
        ..certificate
    };
    world.installs[id].certificates.push(certificate);
}

fn no_certificate(world: &mut World, _: Timestamp, id: &str) {
    world.installs[id].certificates.clear();
}

fn no_backup(world: &mut World, _: Timestamp, id: &str) {
    let install = &mut world.installs[id];
    install.backups.clear();
    install.archives.clear();
}

fn backup_aborted(world: &mut World, now: Timestamp, id: &str) {
    let backup_id = world.random.uuid();
    let install = &mut world.installs[id];
    let requested_at = now.saturating_sub(DAY / 24).unwrap_or(now);
    let content = install.content.clone();
    let backup = Backup::new(
        backup_id,
        "Nightly backup".to_owned(),
        requested_at,
        content,
    );
    let backup = Backup {
        fails: true,
        ..backup
    };
    install.backups.insert(backup.id.clone(), backup);
}

fn backup_old(world: &mut World, now: Timestamp, id: &str) {
    for backup in world.installs[id].backups.values_mut() {
        backup.requested_at = ago(now, 40);
    }
}

fn domain_unverified(world: &mut World, _: Timestamp, id: &str) {
    for domain in domains(world, id) {
        domain.verification_asked_at = None;
    }
}

/// Another install of the account has the same domain.
fn domain_duplicated(world: &mut World, now: Timestamp, id: &str) {
    let account = world.installs[id].account_id.clone();
    let Some(name) = domains(world, id).next().map(|domain| domain.name.clone()) else {
        return;
    };
    let mut others = world.installs.values();
    let other = others.find(|install| install.account_id == account && install.id != id);
    let Some(other) = other.map(|install| install.id.clone()) else {
        return;
    };
    let (domain_id, txt_value) = (world.random.uuid(), world.random.hex(32));
    let domain = Domain::new(domain_id, name, Network::Advanced, txt_value, ago(now, 9));
    world.add_domain(&other, domain);
}

fn redirect_to_nowhere(world: &mut World, _: Timestamp, id: &str) {
    let gone = world.random.uuid();
    for domain in domains(world, id).filter(|domain| !domain.primary) {
        domain.redirect_to = Some(gone.clone());
    }
}

fn old_php(world: &mut World, _: Timestamp, id: &str) {
    "7.4".clone_into(&mut world.installs[id].php_version);
}

/// The other environments of the site have other versions.
fn mismatched_php(world: &mut World, _: Timestamp, id: &str) {
    "8.3".clone_into(&mut world.installs[id].php_version);
    let site = world.installs[id].site_id.clone().unwrap_or_default();
    for install in world.installs.values_mut() {
        if install.site_id.as_ref() == Some(&site) && install.id != id {
            "8.1".clone_into(&mut install.php_version);
        }
    }
}

fn pending_for_long(world: &mut World, now: Timestamp, id: &str) {
    let install = &mut world.installs[id];
    install.is_stuck = true;
    install.created_at = ago(now, 1);
}

fn stale_storage(world: &mut World, _: Timestamp, id: &str) {
    world.installs[id].is_unmeasured = true;
}

fn legacy_network(world: &mut World, _: Timestamp, id: &str) {
    world.installs[id].network = Network::Legacy;
    for domain in domains(world, id) {
        domain.network = Network::Legacy;
    }
}

fn no_primary_domain(world: &mut World, _: Timestamp, id: &str) {
    for domain in world.installs[id].domains.values_mut() {
        domain.primary = false;
    }
}

/// The site is left without this environment.
fn no_site(world: &mut World, _: Timestamp, id: &str) {
    if let Some(site) = world.installs[id].site_id.take() {
        world.sites[&site].installs.retain(|install| install != id);
    }
}

/// The site is left without a staging environment.
fn no_staging(world: &mut World, now: Timestamp, id: &str) {
    let site = world.installs[id].site_id.clone();
    let mut installs = world.installs.values();
    let staging = installs.find(|install| {
        install.site_id == site && install.environment == Some(Environment::Staging)
    });
    if let Some(staging) = staging.map(|install| install.id.clone()) {
        no_site(world, now, &staging);
    }
}

/// The site moves to another account in a few hours.
fn transfer_soon(world: &mut World, now: Timestamp, id: &str) {
    let Some(site) = world.installs[id].site_id.clone() else {
        return;
    };
    let account = |account: &crate::state::Account| AccountName {
        id: account.id.clone(),
        name: account.name.clone(),
    };
    let origin = account(&world.accounts[&world.sites[&site].account_id]);
    let others = world.accounts.values().map(account);
    let Some(destination) = others.into_iter().find(|other| other.id != origin.id) else {
        return;
    };
    let transfer = Transfer {
        id: world.random.uuid(),
        site_name: world.sites[&site].name.clone(),
        site_id: site,
        install_names: vec![world.installs[id].name.clone()],
        origin,
        destination,
        scheduled_time: now.saturating_add(SignedDuration::from_hours(6)).ok(),
        created_at: ago(now, 1),
        cancelled_at: None,
        failed: false,
    };
    world.transfers.insert(transfer.id.clone(), transfer);
}

/// A certificate was ordered, and its domain does not point at the install.
fn certificate_ordered(world: &mut World, now: Timestamp, id: &str) {
    let Some(domain) = domains(world, id).find(|domain| !domain.primary) else {
        return;
    };
    let (domain_id, name) = (domain.id.clone(), domain.name.clone());
    let certificate = Certificate {
        id: world.next_certificate(),
        source: Source::LetsEncrypt { domain_id },
        domains: vec![name],
        ordered_at: now,
        serial_number: world.random.hex(32).to_uppercase(),
        approver_email: None,
        certificate: String::new(),
        private_key: PrivateKey(String::new()),
    };
    world.installs[id].certificates.push(certificate);
}

/// Every second account has another owner, without MFA; in the others the main user is the only owner. Every account
/// has a user who has not accepted the invitation and a user without MFA.
fn people(world: &mut World) {
    let accounts: Vec<String> = world.accounts.keys().cloned().collect();
    for (index, account) in accounts.iter().enumerate() {
        let owner = (index % 2 == 0).then_some(("Olga", Roles::OWNER, true));
        let full = Roles {
            level: crate::state::Level::Full,
            billing: false,
        };
        for (name, roles, accepted) in owner
            .into_iter()
            .chain([("Ines", full, false), ("Max", full, true)])
        {
            let user_id = world.random.uuid();
            let user = AccountUser {
                first_name: name.to_owned(),
                last_name: "Trouble".to_owned(),
                email: format!("{}.trouble@example.com", name.to_lowercase()),
                phone: None,
                invite_accepted: accepted,
                mfa_enabled: false,
                roles,
                install_ids: Vec::new(),
                user_id,
            };
            let users: &mut IndexMap<_, _> = &mut world.accounts[account].users;
            users.insert(user.user_id.clone(), user);
        }
    }
}

/// The first account exceeds the visits of its plan, and the second nearly does. The storage of the third one is not
/// measured.
fn plans(world: &mut World, now: Timestamp) {
    let accounts: Vec<String> = world.accounts.keys().cloned().collect();
    for (account, percent) in accounts.iter().zip([125, 88]) {
        let visits = visits(world, account, now);
        world.accounts[account].limits.visitors = (visits * 100 / percent).max(1);
    }
    for install in world.installs.values_mut() {
        install.is_unmeasured |= accounts.get(2) == Some(&install.account_id);
    }
}

/// The billable visits of the last 30 days.
fn visits(world: &World, account: &str, now: Timestamp) -> u64 {
    let last = usage::day_of(now);
    let first = last.saturating_sub(29.days());
    let storage = &world.accounts[account].storage;
    let of = |install: &Install| -> u64 {
        let days = usage::days(world.seed, install, storage, (first, last), now);
        days.iter().map(|day| day.billable_visits).sum()
    };
    let installs = world.installs.values();
    installs
        .filter(|install| install.account_id == account)
        .map(of)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fleet;

    #[test]
    fn a_troubled_fleet_has_something_of_every_kind() {
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let mut world = World::new(1);
        super::super::add_main_user(&mut world);
        fleet::fill(&mut world, now, 9, 60, 170);
        add(&mut world, now);

        let installs = || world.installs.values();
        let certificates = || {
            installs().flat_map(|install| {
                let domain = |one: &Certificate| match &one.source {
                    Source::LetsEncrypt { domain_id } => install.domains.get(domain_id),
                    Source::ThirdParty { .. } => None,
                };
                install
                    .certificates
                    .iter()
                    .map(move |one| (one.status(now, domain(one)), one.expires_at(now)))
            })
        };
        assert!(certificates().any(|(status, _)| status == "EXPIRED"));
        assert!(certificates().any(|(status, _)| status == "REJECTED"));
        assert!(certificates().any(|(_, end)| end > now && end < now + DAY * 3));
        let production =
            || installs().filter(|install| install.environment == Some(Environment::Production));
        assert!(production().any(|install| install.certificates.is_empty()));
        assert!(production().any(|install| install.backups.is_empty()));
        assert!(production().any(|install| {
            let last = install.backups.values().last();
            last.is_some_and(|backup| backup.status(now) == "aborted")
        }));
        assert!(production().any(|install| {
            let newest = install.backups.values().map(|one| one.requested_at).max();
            newest.is_some_and(|newest| newest < ago(now, 30))
        }));
        let domains = || {
            production().flat_map(|install| install.domains.values().map(move |one| (install, one)))
        };
        assert!(domains().any(|(_, domain)| domain.verified_at(now).is_none() && domain.primary));
        assert!(domains().any(|(_, domain)| world.installs_with_domain(&domain.name) > 1));
        assert!(domains().any(|(install, domain)| {
            let target = domain.redirect_to.as_ref();
            target.is_some_and(|target| !install.domains.contains_key(target))
        }));
        assert!(domains().any(|(_, domain)| domain.network == Network::Legacy));
        assert!(production().any(|install| install.php_version == "7.4"));
        assert!(production().any(|install| {
            installs().any(|other| {
                other.site_id == install.site_id && other.php_version != install.php_version
            })
        }));
        assert!(production().any(|install| !install.is_active(now)));
        assert!(production().any(|install| install.is_unmeasured));
        assert!(production().any(|install| !install.domains.values().any(|domain| domain.primary)));
        assert!(production().any(|install| install.site_id.is_none()));
        let environments = |site: &crate::state::Site| {
            let of_site = site
                .installs
                .iter()
                .map(|id| world.installs[id].environment);
            of_site.collect::<Vec<_>>()
        };
        let mut sites = world.sites.values().map(environments);
        assert!(sites.any(|environments| {
            let has = |environment| environments.contains(&Some(environment));
            has(Environment::Production) && !has(Environment::Staging)
        }));
        assert!(!world.transfers.is_empty());
        assert!(certificates().any(|(status, _)| status == "SUBMITTED"));

        let users = || {
            world
                .accounts
                .values()
                .flat_map(|account| account.users.values())
        };
        let owner = |user: &AccountUser| user.roles == Roles::OWNER;
        assert!(users().any(|user| owner(user) && !user.mfa_enabled));
        assert!(users().any(|user| !user.invite_accepted));
        let owners = |account: &crate::state::Account| {
            account.users.values().filter(|user| owner(user)).count()
        };
        assert!(world.accounts.values().any(|account| owners(account) == 1));
        assert!(world.accounts.values().any(|account| owners(account) == 2));
        let percent = |(id, account): (&String, &crate::state::Account)| {
            visits(&world, id, now) * 100 / account.limits.visitors
        };
        let percents: Vec<u64> = world.accounts.iter().map(percent).collect();
        assert!(
            percents[0] > 100 && (80..=95).contains(&percents[1]),
            "{percents:?}"
        );
    }
}
