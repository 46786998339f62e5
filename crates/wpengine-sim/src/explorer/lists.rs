//! The tables of the state page.

use jiff::Timestamp;
use serde::Serialize;

use super::rows::{self, Rows};
use crate::state::{Install, World};

/// The largest number of rows that are shown.
const ROWS: usize = 50;

/// The list of tables.
pub(super) static TABLES: [Table; 11] = [
    Table {
        id: "accounts",
        name: "Accounts",
        columns: &["Name", "API access", "Users", "Id"],
        count: |world| world.accounts.len(),
        rows: rows::accounts,
    },
    Table {
        id: "account_users",
        name: "Account users",
        columns: &["Name", "Email", "Roles", "Account", "Id"],
        count: |world| world.accounts.values().map(|it| it.users.len()).sum(),
        rows: rows::account_users,
    },
    Table {
        id: "sites",
        name: "Sites",
        columns: &["Name", "Account", "Installs", "Tags", "Id"],
        count: |world| world.sites.len(),
        rows: rows::sites,
    },
    Table {
        id: "installs",
        name: "Installs",
        columns: &[
            "Name",
            "Status",
            "Environment",
            "Primary domain",
            "PHP",
            "WordPress",
            "Id",
        ],
        count: |world| world.installs.len(),
        rows: rows::installs,
    },
    Table {
        id: "domains",
        name: "Domains",
        columns: &[
            "Name",
            "Install",
            "Primary",
            "Ownership",
            "Redirects to",
            "Id",
        ],
        count: |world| of_installs(world, |install| install.domains.len()),
        rows: rows::domains,
    },
    Table {
        id: "backups",
        name: "Backups",
        columns: &["Description", "Install", "Status", "Requested", "Id"],
        count: |world| of_installs(world, |install| install.backups.len()),
        rows: rows::backups,
    },
    Table {
        id: "archives",
        name: "Archives",
        columns: &["Install", "Status", "Requested", "Backup", "Id"],
        count: |world| of_installs(world, |install| install.archives.len()),
        rows: rows::archives,
    },
    Table {
        id: "certificates",
        name: "Certificates",
        columns: &["Domains", "Install", "Status", "Issuer", "Expires", "Id"],
        count: |world| of_installs(world, |install| install.certificates.len()),
        rows: rows::certificates,
    },
    Table {
        id: "transfers",
        name: "Transfers",
        columns: &["Site", "Status", "From", "To", "Created", "Id"],
        count: |world| world.transfers.len(),
        rows: rows::transfers,
    },
    Table {
        id: "ssh_keys",
        name: "SSH keys",
        columns: &["Comment", "Person", "Fingerprint", "Id"],
        count: |world| world.users.values().map(|it| it.ssh_keys.len()).sum(),
        rows: rows::ssh_keys,
    },
    Table {
        id: "events",
        name: "Events",
        columns: &["Event", "Install", "At", "Details"],
        count: |world| of_installs(world, |install| install.events.len()),
        rows: rows::events,
    },
];

/// The table that is shown first.
static INSTALLS: &Table = &TABLES[3];

/// One table.
pub(super) struct Table {
    /// The table's id in the page's URL.
    pub(super) id: &'static str,
    /// The table's title.
    pub(super) name: &'static str,
    columns: &'static [&'static str],
    pub(super) count: fn(&World) -> usize,
    rows: fn(&World, Timestamp) -> Rows<'_>,
}

/// The visible part of a table.
#[derive(Serialize)]
pub(super) struct List {
    kind: &'static str,
    columns: &'static [&'static str],
    rows: Vec<Vec<String>>,
    /// Whether there are more rows than are shown.
    more: bool,
}

/// The newest rows that contain the text, of the table with that id. If there is no such table, installs are shown.
pub(super) fn list(id: &str, world: &World, now: Timestamp, find: &str) -> List {
    let table = TABLES.iter().find(|table| table.id == id);
    let table = table.unwrap_or(INSTALLS);
    let found = |row: &Vec<String>| {
        find.is_empty() || row.iter().any(|cell| cell.to_lowercase().contains(find))
    };
    let rows = (table.rows)(world, now);
    let mut rows: Vec<_> = rows.filter(found).take(ROWS + 1).collect();
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    List {
        kind: table.id,
        columns: table.columns,
        rows,
        more,
    }
}

fn of_installs(world: &World, count: fn(&Install) -> usize) -> usize {
    world.installs.values().map(count).sum()
}
