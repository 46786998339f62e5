//! Reading the mirror.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::Serialize;
use serde_json::Value;
use wpengine::jiff::Timestamp;

use super::{millis, tables::Table, timestamp};
use crate::{
    Failure, Named,
    class::{Class, Per},
};

/// What there is of each id. A question asks it once or more for each install.
pub(crate) type Map<V> = HashMap<String, V, foldhash::fast::RandomState>;

/// Everything that the mirror knows and that checks and questions look at.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) accounts: Vec<AccountRow>,
    pub(crate) sites: Vec<SiteRow>,
    pub(crate) installs: Vec<InstallRow>,
    pub(crate) rows: Rows,
    reads: Reads,
    /// The accounts and sites by id.
    names: Map<Arc<Named>>,
}

/// What belongs to one account or one install, by its id.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) domains: Map<Vec<DomainRow>>,
    /// The names of other installs that have the same domain, by domain, if only the domains of some installs are here.
    pub(crate) elsewhere: Map<Vec<String>>,
    pub(crate) certificates: Map<Vec<CertificateRow>>,
    pub(crate) backups: Map<Vec<BackupRow>>,
    pub(crate) people: Map<Vec<PersonRow>>,
    pub(crate) transfers: Map<Vec<TransferRow>>,
    pub(crate) figures: HashMap<(Class, String), Value>,
}

/// When a listing was read, and why the last attempt failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    /// When it was read whole; `None` if it never was.
    pub(crate) read_at: Option<Timestamp>,
    /// Why the last attempt failed, if it did.
    pub(crate) failure: Option<Arc<Failure>>,
}

impl Read {
    /// Whether it was read after a time, and not read in vain since. A time to come is of a clock that was wrong.
    pub(crate) fn is_fresh(&self, oldest: Timestamp, now: Timestamp) -> bool {
        let in_time = |read_at| oldest < read_at && read_at <= now;
        self.failure.is_none() && self.read_at.is_some_and(in_time)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct AccountRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) nickname: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SiteRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account_id: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct InstallRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account_id: Option<String>,
    pub(crate) site_id: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) php_version: Option<String>,
    pub(crate) is_multisite: Option<bool>,
    pub(crate) created_at: Option<Timestamp>,
}

impl InstallRow {
    pub(crate) fn named(&self) -> Named {
        Named {
            environment: self.environment.clone(),
            ..Named::new(&self.id, &self.name)
        }
    }

    pub(crate) fn is_production(&self) -> bool {
        self.environment.as_deref() == Some("production")
    }
}

#[derive(Clone, Debug)]
pub(crate) struct DomainRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) is_primary: Option<bool>,
    pub(crate) ownership: Option<String>,
    pub(crate) redirect_id: Option<String>,
    pub(crate) redirect_name: Option<String>,
    pub(crate) network: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct CertificateRow {
    pub(crate) id: String,
    /// In lower case.
    pub(crate) domains: Vec<String>,
    pub(crate) status: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) expires_text: Option<String>,
    pub(crate) auto_renew: Option<bool>,
    pub(crate) ordered_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct BackupRow {
    pub(crate) id: String,
    pub(crate) status: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(crate) struct PersonRow {
    pub(crate) email: Option<String>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) roles: Option<String>,
    pub(crate) mfa_enabled: Option<bool>,
    pub(crate) invite_accepted: Option<bool>,
    pub(crate) last_owner: Option<bool>,
}

#[derive(Clone, Debug)]
pub(crate) struct TransferRow {
    pub(crate) id: String,
    pub(crate) status: Option<String>,
    pub(crate) site: Option<String>,
    pub(crate) scheduled_at: Option<Timestamp>,
}

/// Something that changed between two reads of the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// When the change was seen.
    pub at: Timestamp,
    /// The table: `installs`, `domains` and so on.
    pub kind: String,
    /// The id of the resource.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The field that changed; `None` if the resource is new or gone.
    pub field: Option<String>,
    /// The value before; `None` if there was none.
    pub before: Option<String>,
    /// The value after; `None` if there is none.
    pub after: Option<String>,
}

impl Rows {
    /// Loads what the mirror holds of these classes; of these installs alone, if they are given.
    pub(crate) fn load(
        connection: &Connection,
        classes: &[Class],
        only: Option<&[String]>,
    ) -> rusqlite::Result<Self> {
        let mut rows = Self::default();
        for class in classes {
            match class {
                Class::Domains => {
                    rows.domains = domains(connection, only)?;
                    rows.elsewhere = elsewhere(connection, only.unwrap_or_default())?;
                }
                Class::Certificates => rows.certificates = certificates(connection, only)?,
                Class::Backups => rows.backups = backups(connection, only)?,
                Class::People => rows.people = people(connection)?,
                Class::Transfers => rows.transfers = transfers(connection)?,
                Class::Limits | Class::Usage | Class::Details | Class::Offload => {
                    rows.figures.extend(figures(connection, *class, only)?)
                }
                Class::Accounts | Class::Sites | Class::Installs => {}
            }
        }
        Ok(rows)
    }
}

impl Facts {
    /// The accounts, sites and installs, and when what else there is was read.
    pub(crate) fn load(connection: &Connection, classes: &[Class]) -> rusqlite::Result<Self> {
        let reads = reads_of(connection, classes)?;
        Self::with(connection, reads)
    }

    /// The accounts, sites and installs, with what is known of when everything was read.
    pub(crate) fn with(connection: &Connection, reads: Reads) -> rusqlite::Result<Self> {
        let mut facts = Self {
            reads,
            accounts: accounts(connection)?,
            sites: sites(connection)?,
            installs: installs(connection)?,
            ..Self::default()
        };
        let accounts = facts.accounts.iter().map(|account| {
            let name = account.nickname.as_deref().unwrap_or(&account.name);
            Named::new(&account.id, name)
        });
        let sites = facts
            .sites
            .iter()
            .map(|site| Named::new(&site.id, &site.name));
        let named = accounts
            .chain(sites)
            .map(|named| (named.id.clone(), Arc::new(named)));
        facts.names = named.collect();
        Ok(facts)
    }

    /// Leaves only an install with the others of its site, its site and its account. Whether there is such an install.
    pub(crate) fn keep_site_of(&mut self, install: &str) -> bool {
        let Some(found) = self.installs.iter().find(|one| one.id == install) else {
            return false;
        };
        let (site, account) = (found.site_id.clone(), found.account_id.clone());
        self.accounts
            .retain(|one| Some(&one.id) == account.as_ref());
        self.sites.retain(|one| Some(&one.id) == site.as_ref());
        let is_of_site = |one: &InstallRow| site.is_some() && one.site_id == site;
        self.installs
            .retain(|one| one.id == install || is_of_site(one));
        true
    }

    /// An account or a site.
    pub(crate) fn named(&self, id: Option<&str>) -> Option<Arc<Named>> {
        self.names.get(id?).cloned()
    }

    /// The accounts to which the access was lost.
    pub(crate) fn lost(&self) -> impl Iterator<Item = (&str, &Failure)> {
        let reads = self.reads.get(&Class::Installs).into_iter().flatten();
        reads
            .filter(|(account, _)| !account.is_empty())
            .filter_map(|(account, read)| Some((account.as_str(), read.failure.as_deref()?)))
    }

    /// When the listings of a class were read. The class is one of those that were loaded.
    pub(crate) fn reads(&self, class: Class) -> Option<&Map<Read>> {
        debug_assert!(self.reads.contains_key(&class), "{class:?} is not loaded");
        self.reads.get(&class)
    }

    /// When a listing was read. The class is one of those that were loaded.
    pub(crate) fn read(&self, class: Class, subject: &str) -> Read {
        let read = self.reads(class).and_then(|reads| reads.get(subject));
        read.cloned().unwrap_or_default()
    }
}

/// The accounts to which the access was lost.
pub(crate) fn lost(connection: &Connection) -> rusqlite::Result<Vec<Failure>> {
    let reads = reads(connection, Class::Installs)?.into_iter();
    let lost = reads.filter(|(account, _)| !account.is_empty());
    Ok(lost
        .filter_map(|(_, read)| read.failure.as_deref().cloned())
        .collect())
}

/// How many rows of a table are not gone.
pub(crate) fn count(connection: &Connection, table: &Table) -> rusqlite::Result<usize> {
    let sql = format!("SELECT count(*) FROM {} WHERE gone_at IS NULL", table.name);
    let count: i64 = connection
        .prepare_cached(&sql)?
        .query_row([], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

fn accounts(connection: &Connection) -> rusqlite::Result<Vec<AccountRow>> {
    let sql = "SELECT id, name, nickname FROM accounts WHERE gone_at IS NULL";
    let mut all = rows(connection, sql, |row| {
        let id: String = row.get(0)?;
        Ok(AccountRow {
            name: row.get::<_, Option<_>>(1)?.unwrap_or_else(|| id.clone()),
            id,
            nickname: row.get(2)?,
        })
    })?;
    all.sort_unstable_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok(all)
}

fn sites(connection: &Connection) -> rusqlite::Result<Vec<SiteRow>> {
    let sql = "SELECT id, name, account_id FROM sites WHERE gone_at IS NULL";
    let mut all = rows(connection, sql, |row| {
        let id: String = row.get(0)?;
        Ok(SiteRow {
            name: row.get::<_, Option<_>>(1)?.unwrap_or_else(|| id.clone()),
            id,
            account_id: row.get(2)?,
        })
    })?;
    all.sort_unstable_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok(all)
}

fn installs(connection: &Connection) -> rusqlite::Result<Vec<InstallRow>> {
    let sql = "SELECT id, name, account_id, site_id, environment, status, php_version, created_at, is_multisite
         FROM installs WHERE gone_at IS NULL";
    let mut all = rows(connection, sql, |row| {
        let id: String = row.get(0)?;
        Ok(InstallRow {
            name: row.get::<_, Option<_>>(1)?.unwrap_or_else(|| id.clone()),
            id,
            account_id: row.get(2)?,
            site_id: row.get(3)?,
            environment: row.get(4)?,
            status: row.get(5)?,
            php_version: row.get(6)?,
            created_at: time(row, 7)?,
            is_multisite: row.get(8)?,
        })
    })?;
    all.sort_unstable_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    Ok(all)
}

fn domains(
    connection: &Connection,
    only: Option<&[String]>,
) -> rusqlite::Result<Map<Vec<DomainRow>>> {
    let columns =
        "install_id, id, name, is_primary, ownership, redirect_id, redirect_name, network";
    groups(connection, columns, "domains", only, |row| {
        Ok(DomainRow {
            id: row.get(1)?,
            name: row.get::<_, Option<_>>(2)?.unwrap_or_default(),
            is_primary: row.get(3)?,
            ownership: row.get(4)?,
            redirect_id: row.get(5)?,
            redirect_name: row.get(6)?,
            network: row.get(7)?,
        })
    })
}

fn elsewhere(connection: &Connection, installs: &[String]) -> rusqlite::Result<Map<Vec<String>>> {
    let mut statement = connection.prepare_cached(
        "SELECT other.name, installs.name FROM domains this
         JOIN domains other ON other.name = this.name AND other.install_id != this.install_id
         JOIN installs ON installs.id = other.install_id
         WHERE this.install_id = ?1 AND this.gone_at IS NULL AND other.gone_at IS NULL AND installs.gone_at IS NULL",
    )?;
    let mut all: Map<Vec<String>> = Map::default();
    for install in installs {
        let mut rows = statement.query([install])?;
        while let Some(row) = rows.next()? {
            all.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
    }
    Ok(all)
}

fn certificates(
    connection: &Connection,
    only: Option<&[String]>,
) -> rusqlite::Result<Map<Vec<CertificateRow>>> {
    let columns =
        "install_id, id, domains, status, expires_at, expires_text, auto_renew, ordered_at";
    groups(connection, columns, "certificates", only, |row| {
        let domains: Option<String> = row.get(2)?;
        let domains = domains.and_then(|text| serde_json::from_str(&text.to_lowercase()).ok());
        Ok(CertificateRow {
            id: row.get(1)?,
            domains: domains.unwrap_or_default(),
            status: row.get(3)?,
            expires_at: time(row, 4)?,
            expires_text: row.get(5)?,
            auto_renew: row.get(6)?,
            ordered_at: time(row, 7)?,
        })
    })
}

fn backups(
    connection: &Connection,
    only: Option<&[String]>,
) -> rusqlite::Result<Map<Vec<BackupRow>>> {
    let columns = "install_id, id, status, created_at, completed_at";
    groups(connection, columns, "backups", only, |row| {
        Ok(BackupRow {
            id: row.get(1)?,
            status: row.get(2)?,
            created_at: time(row, 3)?,
            completed_at: time(row, 4)?,
        })
    })
}

fn people(connection: &Connection) -> rusqlite::Result<Map<Vec<PersonRow>>> {
    let columns =
        "account_id, email, first_name, last_name, roles, mfa_enabled, invite_accepted, last_owner";
    groups(connection, columns, "people", None, |row| {
        Ok(PersonRow {
            email: row.get(1)?,
            first_name: row.get(2)?,
            last_name: row.get(3)?,
            roles: row.get(4)?,
            mfa_enabled: row.get(5)?,
            invite_accepted: row.get(6)?,
            last_owner: row.get(7)?,
        })
    })
}

fn transfers(connection: &Connection) -> rusqlite::Result<Map<Vec<TransferRow>>> {
    let columns = "account_id, id, status, site, scheduled_at";
    groups(connection, columns, "transfers", None, |row| {
        Ok(TransferRow {
            id: row.get(1)?,
            status: row.get(2)?,
            site: row.get(3)?,
            scheduled_at: time(row, 4)?,
        })
    })
}

/// When and how the listings of some classes were read, by class and subject.
pub(crate) type Reads = HashMap<Class, Map<Read>>;

/// When and how the listings of these classes were read, and the three that cover everything.
pub(crate) fn reads_of(connection: &Connection, classes: &[Class]) -> rusqlite::Result<Reads> {
    let always = [Class::Accounts, Class::Sites, Class::Installs];
    let classes = always.iter().chain(classes);
    classes
        .map(|class| Ok((*class, reads(connection, *class)?)))
        .collect()
}

/// When and how each listing of a class was read.
pub(crate) fn reads(connection: &Connection, class: Class) -> rusqlite::Result<Map<Read>> {
    let mut statement = connection
        .prepare_cached("SELECT subject, read_at, failure FROM reads WHERE class = ?1")?;
    let rows = statement.query_map([class.name()], |row| {
        let failure: Option<String> = row.get(2)?;
        let read = Read {
            read_at: time(row, 1)?,
            failure: failure.and_then(|text| Some(Arc::new(serde_json::from_str(&text).ok()?))),
        };
        Ok((row.get(0)?, read))
    })?;
    rows.collect()
}

/// The history since an instant, oldest first.
pub(crate) fn changes(connection: &Connection, since: Timestamp) -> rusqlite::Result<Vec<Change>> {
    let mut statement = connection.prepare_cached(
        "SELECT at, kind, id, name, field, before, after FROM state.changes WHERE at >= ?1 ORDER BY rowid",
    )?;
    let rows = statement.query_map([millis(since)], |row| {
        let text = |at| -> rusqlite::Result<Option<String>> {
            let cell: rusqlite::types::Value = row.get(at)?;
            Ok(match cell {
                rusqlite::types::Value::Null => None,
                rusqlite::types::Value::Text(text) => Some(text),
                rusqlite::types::Value::Integer(number) => Some(number.to_string()),
                other => Some(format!("{other:?}")),
            })
        };
        Ok(Change {
            at: time(row, 0)?.unwrap_or_default(),
            kind: row.get(1)?,
            id: row.get(2)?,
            name: row.get(3)?,
            field: row.get(4)?,
            before: text(5)?,
            after: text(6)?,
        })
    })?;
    rows.collect()
}

fn figures(
    connection: &Connection,
    class: Class,
    only: Option<&[String]>,
) -> rusqlite::Result<HashMap<(Class, String), Value>> {
    let only = only.filter(|_| class.per() == Per::Install);
    let read = |row: &Row<'_>| {
        let raw: String = row.get(1)?;
        let value = serde_json::from_str(&raw).unwrap_or(Value::Null);
        Ok(((class, row.get(0)?), value))
    };
    let sql = "SELECT subject, raw FROM figures WHERE class = ?1";
    let Some(only) = only else {
        let mut statement = connection.prepare_cached(sql)?;
        return statement.query_map([class.name()], read)?.collect();
    };
    let mut statement = connection.prepare_cached(&format!("{sql} AND subject = ?2"))?;
    let mut all = HashMap::new();
    for subject in only {
        let found = statement
            .query_row([class.name(), subject], read)
            .optional()?;
        all.extend(found);
    }
    Ok(all)
}

fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(at)?;
    Ok(millis.and_then(timestamp))
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection
        .prepare_cached(sql)?
        .query_map([], read)?
        .collect()
}

/// The rows of a table by their first column, which is the parent; of these parents only, if they are given.
fn groups<T>(
    connection: &Connection,
    columns: &str,
    table: &str,
    only: Option<&[String]>,
    mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Map<Vec<T>>> {
    let mut all: Map<Vec<T>> = Map::default();
    let mut add = |row: &Row<'_>| -> rusqlite::Result<()> {
        let parent = row.get_ref(0)?.as_str()?;
        let value = read(row)?;
        match all.get_mut(parent) {
            Some(group) => group.push(value),
            None => drop(all.insert(parent.to_owned(), vec![value])),
        }
        Ok(())
    };
    let sql = format!("SELECT {columns} FROM {table} WHERE gone_at IS NULL");
    match only {
        None => {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                add(row)?;
            }
        }
        Some(only) => {
            let mut statement = connection.prepare_cached(&format!("{sql} AND install_id = ?1"))?;
            for parent in only {
                let mut rows = statement.query([parent])?;
                while let Some(row) = rows.next()? {
                    add(row)?;
                }
            }
        }
    }
    Ok(all)
}

/// Whether a certificate names a domain. A wildcard stands for one label.
pub(crate) fn covers(certificate: &CertificateRow, domain: &str) -> bool {
    certificate
        .domains
        .iter()
        .any(|name| match name.strip_prefix("*.") {
            Some(rest) => domain
                .split_once('.')
                .is_some_and(|(label, parent)| !label.is_empty() && parent == rest),
            None => name == domain,
        })
}

/// The platform's own names, which are always verified and have a certificate of the platform.
pub(crate) fn is_of_platform(domain: &str) -> bool {
    let ends = [".wpengine.com", ".wpenginepowered.com"];
    ends.iter().any(|end| domain.ends_with(end))
}

/// The API writes numbers as numbers and as text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let certificate = CertificateRow {
            id: "1".to_owned(),
            domains: vec!["*.example.com".to_owned(), "example.org".to_owned()],
            status: None,
            expires_at: None,
            expires_text: None,
            auto_renew: None,
            ordered_at: None,
        };
        for (domain, expected) in [
            ("www.example.com", true),
            ("example.com", false),
            ("a.b.example.com", false),
            ("example.org", true),
            ("www.example.org", false),
        ] {
            assert_eq!(covers(&certificate, domain), expected, "{domain}");
        }
    }
}
