//! Checks that a world from a snapshot is consistent. Handlers rely on that, and a file may have been edited.

use crate::state::{MAIN_USER, World};

/// The first inconsistency, if any.
pub(super) fn check(world: &World) -> Result<(), String> {
    check_keys(world)?;
    if !world.users.contains_key(MAIN_USER) {
        return Err(format!("the main user {MAIN_USER} is missing"));
    }
    for login in &world.logins {
        if !world.users.contains_key(&login.user_id) {
            return Err(format!(
                "somebody signs in as a missing user {}",
                login.user_id
            ));
        }
    }
    for site in world.sites.values() {
        if !world.accounts.contains_key(&site.account_id) {
            return Err(format!("site {} is in a missing account", site.id));
        }
        if let Some(odd) = site
            .schedules
            .values()
            .find(|one| !one.frequency.is_known())
        {
            return Err(format!(
                "schedule {} has no frequency that is known",
                odd.uuid
            ));
        }
        for id in &site.installs {
            let install = world.installs.get(id);
            if install.is_none_or(|install| install.site_id.as_ref() != Some(&site.id)) {
                return Err(format!("site {} and install {id} do not agree", site.id));
            }
        }
    }
    check_installs(world)
}

fn check_installs(world: &World) -> Result<(), String> {
    let mut names = std::collections::HashSet::new();
    for install in world.installs.values() {
        let id = &install.id;
        if !world.accounts.contains_key(&install.account_id) {
            return Err(format!("install {id} is in a missing account"));
        }
        if !names.insert(&install.name) {
            return Err(format!("two installs are named {}", install.name));
        }
        if let Some(site_id) = &install.site_id {
            let site = world.sites.get(site_id);
            if site.is_none_or(|site| !site.installs.contains(id)) {
                return Err(format!("install {id} and site {site_id} do not agree"));
            }
        }
    }
    Ok(())
}

/// Checks that the map's keys are the ids of its values.
fn check_keys(world: &World) -> Result<(), String> {
    fn same<'a>(mut pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Result<(), String> {
        match pairs.find(|(key, id)| key != id) {
            Some((key, id)) => Err(format!("what is kept as {key} has the id {id}")),
            None => Ok(()),
        }
    }
    same(world.users.iter().map(|(key, user)| (key, &user.id)))?;
    same(
        world
            .accounts
            .iter()
            .map(|(key, account)| (key, &account.id)),
    )?;
    same(world.sites.iter().map(|(key, site)| (key, &site.id)))?;
    for site in world.sites.values() {
        same(site.schedules.iter().map(|(key, one)| (key, &one.uuid)))?;
    }
    same(
        world
            .installs
            .iter()
            .map(|(key, install)| (key, &install.id)),
    )?;
    same(
        world
            .transfers
            .iter()
            .map(|(key, transfer)| (key, &transfer.id)),
    )?;
    for install in world.installs.values() {
        same(
            install
                .backups
                .iter()
                .map(|(key, backup)| (key, &backup.id)),
        )?;
        same(
            install
                .archives
                .iter()
                .map(|(key, archive)| (key, &archive.id)),
        )?;
        same(
            install
                .domains
                .iter()
                .map(|(key, domain)| (key, &domain.id)),
        )?;
        same(
            install
                .reports
                .iter()
                .map(|(key, report)| (key, &report.id)),
        )?;
    }
    for account in world.accounts.values() {
        same(account.users.iter().map(|(key, user)| (key, &user.user_id)))?;
    }
    for user in world.users.values() {
        same(
            user.ssh_keys
                .iter()
                .map(|(key, ssh_key)| (key, &ssh_key.uuid)),
        )?;
    }
    Ok(())
}
