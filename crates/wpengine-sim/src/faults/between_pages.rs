//! Resources that are added or removed while a client lists them.
//!
//! The world itself changes, at the front of the requested list: an added resource can be read, and a removed one is
//! gone. So all later pages shift by one, as they do in the real API when another client changes something.

use super::FaultKind;
use crate::call::Call;
use crate::state::{Backup, Domain, Install, Network, World};

/// The listings by pages.
const LISTINGS: [&str; 10] = [
    "list_accounts",
    "list_account_site_transfers",
    "list_site_transfers",
    "list_sites",
    "list_installs",
    "list_domains",
    "list_certificates",
    "list_backups",
    "list_archives",
    "list_ssh_keys",
];

const NAME: &str = "Came between pages";

/// How a list changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shift {
    Insert,
    Remove,
}

impl Shift {
    /// The change that a fault between pages makes.
    pub(crate) fn of(kind: &FaultKind) -> Self {
        match kind {
            FaultKind::RemoveBetweenPages => Self::Remove,
            _ => Self::Insert,
        }
    }
}

/// Whether the operation is a listing with pages.
pub(crate) fn is_listing(operation: &str) -> bool {
    LISTINGS.contains(&operation)
}

/// Whether the request is for a page other than the first.
pub(crate) fn is_later_page(operation: &str, query: Option<&str>) -> bool {
    let mut query = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    is_listing(operation)
        && query.any(|(name, value)| name == "offset" && !value.is_empty() && value != "0")
}

/// Changes the list of the call. An empty list does not change.
pub(crate) fn shift(call: &mut Call<'_>, shift: Shift) {
    match call.operation.id.as_str() {
        "list_accounts" => accounts(call, shift),
        "list_sites" => sites(call, shift),
        "list_installs" => installs(call, shift),
        "list_account_site_transfers" | "list_site_transfers" => transfers(call, shift),
        "list_ssh_keys" => ssh_keys(call, shift),
        _ => of_install(call, shift),
    }
}

/// An account disappears when its owner disables API access.
fn accounts(call: &mut Call<'_>, shift: Shift) {
    let world = &mut *call.world;
    let mut visible = world.accounts.keys();
    let first = visible.find(|id| world.account(&call.caller, id).is_some());
    let Some(id) = first.cloned() else { return };
    match shift {
        Shift::Insert => {
            let mut account = world.accounts[&id].clone();
            account.id = world.random.uuid();
            NAME.clone_into(&mut account.nickname);
            account.name = format!("came{}", world.random.hex(6));
            world.accounts.shift_insert(0, account.id.clone(), account);
        }
        Shift::Remove => world.accounts[&id].api_access = false,
    }
}

fn sites(call: &mut Call<'_>, shift: Shift) {
    let filter = call.query("account_id").map(str::to_owned);
    let world = &mut *call.world;
    let first = world.sites.values().find(|site| {
        filter.as_ref().is_none_or(|id| site.account_id == *id)
            && world.sees_site(&call.caller, site)
    });
    let Some(id) = first.map(|site| site.id.clone()) else {
        return;
    };
    match shift {
        Shift::Insert => {
            let mut site = world.sites[&id].clone();
            site.id = world.random.uuid();
            site.created_at = call.now;
            NAME.clone_into(&mut site.name);
            site.installs.clear();
            world.sites.shift_insert(0, site.id.clone(), site);
        }
        Shift::Remove => world.remove_site(&id),
    }
}

fn installs(call: &mut Call<'_>, shift: Shift) {
    let filter = call.query("account_id").map(str::to_owned);
    let world = &mut *call.world;
    let first = world.installs.values().find(|install| {
        filter.as_ref().is_none_or(|id| install.account_id == *id)
            && world.sees_install(&call.caller, install)
    });
    let Some((id, account_id)) =
        first.map(|install| (install.id.clone(), install.account_id.clone()))
    else {
        return;
    };
    match shift {
        Shift::Insert => {
            let (id, name) = (world.random.uuid(), format!("came{}", world.random.hex(6)));
            let install = Install::new(world, id, name, account_id, call.now);
            world.add_install(install);
            world.installs.move_index(world.installs.len() - 1, 0);
        }
        Shift::Remove => world.remove_install(&id),
    }
}

fn transfers(call: &mut Call<'_>, shift: Shift) {
    let (account, site) = (
        call.path("account_id").to_owned(),
        call.path("site_id").to_owned(),
    );
    let world = &mut *call.world;
    let first = world.transfers.values().find(|transfer| {
        transfer.site_id == site
            || transfer.origin.id == account
            || transfer.destination.id == account
    });
    let Some(mut transfer) = first.cloned() else {
        return;
    };
    match shift {
        Shift::Insert => {
            transfer.id = world.random.uuid();
            // Cancelled, so that the added transfer has no effect.
            transfer.cancelled_at = Some(call.now);
            world
                .transfers
                .shift_insert(0, transfer.id.clone(), transfer);
        }
        Shift::Remove => {
            world.transfers.shift_remove(&transfer.id);
        }
    }
}

fn ssh_keys(call: &mut Call<'_>, shift: Shift) {
    let world = &mut *call.world;
    let Some(user) = world.users.get_mut(&call.caller) else {
        return;
    };
    let Some(mut key) = user.ssh_keys.values().next().cloned() else {
        return;
    };
    match shift {
        Shift::Insert => {
            key.uuid = world.random.uuid();
            NAME.clone_into(&mut key.comment);
            let digits = world.random.hex(32);
            let pairs: Vec<&str> = (0..16).map(|at| &digits[2 * at..2 * at + 2]).collect();
            key.fingerprint = pairs.join(":");
            user.ssh_keys.shift_insert(0, key.uuid.clone(), key);
        }
        Shift::Remove => {
            user.ssh_keys.shift_remove(&key.uuid);
        }
    }
}

/// The resource belongs to the install of the path.
fn of_install(call: &mut Call<'_>, shift: Shift) {
    let Ok(install) = call.install() else { return };
    let id = install.id.clone();
    match shift {
        Shift::Insert => insert_into_install(call, &id),
        Shift::Remove => remove_from_install(call, &id),
    }
}

fn insert_into_install(call: &mut Call<'_>, install_id: &str) {
    let world: &mut World = call.world;
    let (id, digits) = (world.random.uuid(), world.random.hex(32));
    let number = world.next_certificate();
    match call.operation.id.as_str() {
        "list_domains" => {
            let name = format!("came-{}.example", &digits[..8]);
            let domain = Domain::new(id, name, Network::Advanced, digits, call.now);
            world.add_domain(install_id, domain);
            let domains = &mut world.installs[install_id].domains;
            domains.move_index(domains.len() - 1, 0);
        }
        "list_backups" => {
            let install = &mut world.installs[install_id];
            let backup = Backup::new(
                id.clone(),
                NAME.to_owned(),
                call.now,
                install.content.clone(),
            );
            install.backups.shift_insert(0, id, backup);
        }
        "list_archives" => {
            let archives = &mut world.installs[install_id].archives;
            if let Some(mut archive) = archives.values().next().cloned() {
                archive.id.clone_from(&id);
                archives.shift_insert(0, id, archive);
            }
        }
        _ => {
            let certificates = &mut world.installs[install_id].certificates;
            if let Some(mut certificate) = certificates.first().cloned() {
                certificate.id = number;
                certificates.insert(0, certificate);
            }
        }
    }
}

fn remove_from_install(call: &mut Call<'_>, install_id: &str) {
    let world: &mut World = call.world;
    let install = &mut world.installs[install_id];
    match call.operation.id.as_str() {
        "list_domains" => {
            if let Some(id) = install.domains.keys().next().cloned() {
                world.remove_domain(install_id, &id);
            }
        }
        "list_backups" => {
            install.backups.shift_remove_index(0);
        }
        "list_archives" => {
            install.archives.shift_remove_index(0);
        }
        _ if install.certificates.is_empty() => {}
        _ => {
            install.certificates.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::document;

    #[test]
    fn the_listings_are_those_that_take_a_limit_and_an_offset_and_have_results() {
        let paged = document().operations.iter().filter(|operation| {
            operation.id.starts_with("list_")
                && operation.parameters.iter().any(|one| one.name == "offset")
        });
        let mut paged: Vec<&str> = paged.map(|operation| operation.id.as_str()).collect();
        let mut listings = LISTINGS.to_vec();
        paged.sort_unstable();
        listings.sort_unstable();
        assert_eq!(listings, paged);
    }

    #[test]
    fn the_first_page_is_no_later_one() {
        for (query, expected) in [
            (None, false),
            (Some("limit=1"), false),
            (Some("offset=0"), false),
            (Some("limit=1&offset=1"), true),
        ] {
            assert_eq!(is_later_page("list_sites", query), expected, "{query:?}");
        }
        assert!(!is_later_page("get_account_usage", Some("offset=1")));
    }
}
