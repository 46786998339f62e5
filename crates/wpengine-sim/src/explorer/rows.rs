//! The rows of each table, newest first.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::state::{Install, Source, World};

/// The cells of all rows, one row after the other.
pub(super) type Rows<'a> = Box<dyn Iterator<Item = Vec<String>> + 'a>;

pub(super) fn accounts(world: &World, _: Timestamp) -> Rows<'_> {
    Box::new(world.accounts.values().rev().map(|account| {
        vec![
            account.name.clone(),
            if account.api_access { "on" } else { "off" }.to_owned(),
            account.users.len().to_string(),
            account.id.clone(),
        ]
    }))
}

pub(super) fn account_users(world: &World, _: Timestamp) -> Rows<'_> {
    Box::new(world.accounts.values().rev().flat_map(|account| {
        account.users.values().rev().map(|user| {
            vec![
                format!("{} {}", user.first_name, user.last_name),
                user.email.clone(),
                user.roles.to_string(),
                account.name.clone(),
                user.user_id.clone(),
            ]
        })
    }))
}

pub(super) fn sites(world: &World, _: Timestamp) -> Rows<'_> {
    Box::new(world.sites.values().rev().map(|site| {
        let installs = site.installs.iter().filter_map(|id| world.installs.get(id));
        let names: Vec<_> = installs.map(|install| install.name.as_str()).collect();
        vec![
            site.name.clone(),
            account_name(world, &site.account_id),
            names.join(", "),
            site.tags.join(", "),
            site.id.clone(),
        ]
    }))
}

pub(super) fn installs(world: &World, now: Timestamp) -> Rows<'_> {
    Box::new(world.installs.values().rev().map(move |install| {
        let is_active = install.is_active(now);
        vec![
            install.name.clone(),
            if is_active { "active" } else { "pending" }.to_owned(),
            environment(install),
            install.primary_domain().unwrap_or_default().to_owned(),
            install.php_version.clone(),
            install.content.wp_version.clone(),
            install.id.clone(),
        ]
    }))
}

pub(super) fn domains(world: &World, now: Timestamp) -> Rows<'_> {
    Box::new(
        each(world, |it| it.domains.values().rev()).map(move |(install, domain)| {
            let target = domain.redirect_to.as_ref();
            let target = target.and_then(|id| install.domains.get(id));
            let is_verified = domain.verified_at(now).is_some();
            vec![
                domain.name.clone(),
                install.name.clone(),
                if domain.primary { "primary" } else { "" }.to_owned(),
                if is_verified { "verified" } else { "pending" }.to_owned(),
                target.map(|it| it.name.clone()).unwrap_or_default(),
                domain.id.clone(),
            ]
        }),
    )
}

pub(super) fn backups(world: &World, now: Timestamp) -> Rows<'_> {
    let mut all: Vec<_> = each(world, |it| it.backups.values()).collect();
    all.sort_by_key(|(_, backup)| std::cmp::Reverse(backup.requested_at));
    Box::new(all.into_iter().map(move |(install, backup)| {
        vec![
            backup.description.clone(),
            install.name.clone(),
            backup.status(now).to_owned(),
            time(backup.requested_at),
            backup.id.clone(),
        ]
    }))
}

pub(super) fn archives(world: &World, now: Timestamp) -> Rows<'_> {
    Box::new(
        each(world, |it| it.archives.values().rev()).map(move |(install, archive)| {
            vec![
                install.name.clone(),
                archive.state(now).to_owned(),
                time(archive.requested_at),
                archive.backup_id.clone(),
                archive.id.clone(),
            ]
        }),
    )
}

pub(super) fn certificates(world: &World, now: Timestamp) -> Rows<'_> {
    Box::new(
        each(world, |it| it.certificates.iter().rev()).map(move |(install, certificate)| {
            let (issuer, domain) = match &certificate.source {
                Source::LetsEncrypt { domain_id } => {
                    ("Let's Encrypt", install.domains.get(domain_id))
                }
                Source::ThirdParty { .. } => ("third party", None),
            };
            vec![
                certificate.domains.join(", "),
                install.name.clone(),
                certificate.status(now, domain).to_lowercase(),
                issuer.to_owned(),
                time(certificate.expires_at(now)),
                certificate.id.to_string(),
            ]
        }),
    )
}

pub(super) fn transfers(world: &World, now: Timestamp) -> Rows<'_> {
    Box::new(world.transfers.values().rev().map(move |transfer| {
        vec![
            transfer.site_name.clone(),
            transfer.status(now).to_owned(),
            transfer.origin.name.clone(),
            transfer.destination.name.clone(),
            time(transfer.created_at),
            transfer.id.clone(),
        ]
    }))
}

pub(super) fn ssh_keys(world: &World, _: Timestamp) -> Rows<'_> {
    Box::new(world.users.values().rev().flat_map(|user| {
        user.ssh_keys.values().rev().map(|key| {
            vec![
                key.comment.clone(),
                user.email.clone(),
                key.fingerprint.clone(),
                key.uuid.clone(),
            ]
        })
    }))
}

pub(super) fn events(world: &World, _: Timestamp) -> Rows<'_> {
    let mut all: Vec<_> = each(world, |it| it.events.iter()).collect();
    all.sort_by_key(|(_, event)| std::cmp::Reverse(event.at));
    Box::new(all.into_iter().map(|(install, event)| {
        vec![
            event.kind.replace('_', " "),
            install.name.clone(),
            time(event.at),
            event.details.to_string(),
        ]
    }))
}

/// The resources of installs, each with its install. Those of the newest install come first.
fn each<'a, T: 'a, I: Iterator<Item = T> + 'a>(
    world: &'a World,
    of: impl Fn(&'a Install) -> I + 'a,
) -> impl Iterator<Item = (&'a Install, T)> + 'a {
    let installs = world.installs.values().rev();
    installs.flat_map(move |install| of(install).map(move |thing| (install, thing)))
}

fn environment(install: &Install) -> String {
    let name = |environment| format!("{environment:?}").to_lowercase();
    install.environment.map(name).unwrap_or_default()
}

fn account_name(world: &World, id: &str) -> String {
    let account = world.accounts.get(id);
    account.map_or_else(|| id.to_owned(), |account| account.name.clone())
}

fn time(at: Timestamp) -> String {
    let zoned = at.to_zoned(TimeZone::UTC);
    zoned.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
