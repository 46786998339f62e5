//! The tables of the mirror, and how each column is read from a response.

use rusqlite::types::Value as Cell;
use serde::Deserialize;
use serde_json::Value;
use wpengine::types::Time;

/// A table of resources: one row for each, with its typed columns and the response as it came.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The column with the id of the account or the install that the rows belong to, where a listing is of one.
    pub(crate) parent: Option<&'static str>,
    pub(crate) columns: &'static [Column],
    /// The text of a row for the full-text search.
    pub(crate) words: fn(&Value) -> String,
}

/// What identifies a row.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) id: String,
    /// The account of a site or an install.
    pub(crate) account: Option<String>,
}

impl Table {
    /// Reads what identifies a row, and no more of it.
    pub(crate) fn head(&self, raw: &str) -> Option<Head> {
        #[derive(Deserialize)]
        struct Ids {
            id: Option<Value>,
            user_id: Option<Value>,
            account: Option<Value>,
        }
        let text = |id: &Value| match id {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let ids: Ids = serde_json::from_str(raw).ok()?;
        let id = if self.name == PEOPLE.name {
            ids.user_id
        } else {
            ids.id
        };
        Some(Head {
            id: text(&id?)?,
            account: ids.account.and_then(|account| text(&account["id"])),
        })
    }
}

/// A column, and how it is read from a response.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) read: fn(&Value) -> Cell,
    /// Whether a change is kept in the history.
    pub(crate) is_watched: bool,
}

const fn column(name: &'static str, read: fn(&Value) -> Cell) -> Column {
    Column {
        name,
        read,
        is_watched: false,
    }
}

const fn watched(name: &'static str, read: fn(&Value) -> Cell) -> Column {
    Column {
        name,
        read,
        is_watched: true,
    }
}

/// All tables of resources.
pub(crate) const TABLES: [&Table; 8] = [
    &ACCOUNTS,
    &SITES,
    &INSTALLS,
    &DOMAINS,
    &CERTIFICATES,
    &BACKUPS,
    &PEOPLE,
    &TRANSFERS,
];

pub(crate) const ACCOUNTS: Table = Table {
    name: "accounts",
    parent: None,
    columns: &[
        watched("name", |row| text(&row["name"])),
        watched("nickname", |row| text(&row["nickname"])),
    ],
    words: |row| words(&[&row["name"], &row["nickname"]]),
};

pub(crate) const SITES: Table = Table {
    name: "sites",
    parent: None,
    columns: &[
        watched("account_id", |row| text(&row["account"]["id"])),
        watched("name", |row| text(&row["name"])),
        watched("group_name", |row| text(&row["group_name"])),
        watched("tags", |row| list(&row["tags"])),
    ],
    words: |row| words(&[&row["name"], &row["group_name"], &row["tags"]]),
};

pub(crate) const INSTALLS: Table = Table {
    name: "installs",
    parent: None,
    columns: &[
        watched("account_id", |row| text(&row["account"]["id"])),
        watched("site_id", |row| text(&row["site"]["id"])),
        watched("name", |row| text(&row["name"])),
        watched("environment", |row| text(&row["environment"])),
        watched("status", |row| text(&row["status"])),
        watched("php_version", |row| text(&row["php_version"])),
        watched("primary_domain", |row| text(&row["primary_domain"])),
        watched("is_multisite", |row| flag(&row["is_multisite"])),
        column("cname", |row| text(&row["cname"])),
        column("created_at", |row| time(&row["created_at"])),
    ],
    words: |row| words(&[&row["name"], &row["primary_domain"], &row["cname"]]),
};

pub(crate) const DOMAINS: Table = Table {
    name: "domains",
    parent: Some("install_id"),
    columns: &[
        watched("name", |row| lower(&row["name"])),
        watched("is_primary", |row| flag(&row["primary"])),
        watched("is_duplicate", |row| flag(&row["duplicate"])),
        watched("ownership", |row| text(&row["ownership_status"])),
        watched("network", |row| text(&row["network_type"])),
        watched("secure_all_urls", |row| flag(&row["secure_all_urls"])),
        watched("redirect_id", |row| text(&redirect(row)["id"])),
        watched("redirect_name", |row| lower(&redirect(row)["name"])),
    ],
    words: |row| words(&[&row["name"]]),
};

pub(crate) const CERTIFICATES: Table = Table {
    name: "certificates",
    parent: Some("install_id"),
    columns: &[
        column("domains", |row| list(&row["domains"])),
        watched("status", |row| text(&row["status"])),
        watched("expires_at", |row| time(&row["expires_time"])),
        column("expires_text", |row| text(&row["expires_time"])),
        watched("auto_renew", |row| flag(&row["auto_renew"])),
        column("ordered_at", |row| time(&row["ordered_time"])),
    ],
    words: |_| String::new(),
};

pub(crate) const BACKUPS: Table = Table {
    name: "backups",
    parent: Some("install_id"),
    columns: &[
        column("description", |row| text(&row["description"])),
        column("status", |row| text(&row["status"])),
        column("created_at", |row| time(&row["create_time"])),
        column("completed_at", |row| time(&row["complete_time"])),
        column("wordpress_version", |row| text(&row["wordpress_version"])),
    ],
    words: |_| String::new(),
};

pub(crate) const PEOPLE: Table = Table {
    name: "people",
    parent: Some("account_id"),
    columns: &[
        watched("email", |row| lower(&row["email"])),
        column("first_name", |row| text(&row["first_name"])),
        column("last_name", |row| text(&row["last_name"])),
        watched("roles", |row| text(&row["roles"])),
        watched("mfa_enabled", |row| flag(&row["mfa_enabled"])),
        watched("invite_accepted", |row| flag(&row["invite_accepted"])),
        column("last_owner", |row| flag(&row["last_owner"])),
    ],
    words: |row| words(&[&row["email"], &row["first_name"], &row["last_name"]]),
};

pub(crate) const TRANSFERS: Table = Table {
    name: "transfers",
    parent: Some("account_id"),
    columns: &[
        watched("status", |row| text(&row["status"])),
        column("site", |row| text(&row["site"])),
        column("scheduled_at", |row| time(&row["scheduled_time"])),
    ],
    words: |_| String::new(),
};

/// The redirect of a domain: an object, an array of one, or nothing, in either of two fields.
fn redirect(row: &Value) -> &Value {
    let fields = ["redirect_to", "redirects_to"].map(|field| &row[field]);
    let targets = fields.map(|value| value.get(0).unwrap_or(value));
    let found = targets.into_iter().find(|target| target["id"].is_string());
    found.unwrap_or(&Value::Null)
}

fn text(value: &Value) -> Cell {
    match value {
        Value::String(text) => Cell::Text(text.clone()),
        _ => Cell::Null,
    }
}

fn lower(value: &Value) -> Cell {
    match value {
        Value::String(text) => Cell::Text(text.to_lowercase()),
        _ => Cell::Null,
    }
}

/// Absence is not false: a flag has three values.
fn flag(value: &Value) -> Cell {
    value.as_bool().map_or(Cell::Null, |flag| flag.into())
}

/// Milliseconds since 1970. What is no time is null; the response has the text.
fn time(value: &Value) -> Cell {
    let time = value.as_str().map(Time::from);
    let time = time.and_then(|time| time.timestamp());
    time.map_or(Cell::Null, |time| time.as_millisecond().into())
}

fn list(value: &Value) -> Cell {
    match value {
        Value::Array(_) => Cell::Text(value.to_string()),
        _ => Cell::Null,
    }
}

fn words(values: &[&Value]) -> String {
    let mut all = Vec::new();
    for value in values {
        match value {
            Value::String(text) => all.push(text.as_str()),
            Value::Array(items) => all.extend(items.iter().filter_map(Value::as_str)),
            _ => {}
        }
    }
    // The primary domain of an install is often the platform's own, too.
    all.dedup();
    all.join(" ")
}
