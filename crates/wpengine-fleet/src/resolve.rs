//! From what people say to what is meant: names, environments and domains.

use std::fmt;

use rusqlite::{Connection, params};
use serde::Serialize;

use crate::{Error, Fleet};

/// What a name can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// An account.
    Account,
    /// A site.
    Site,
    /// An install.
    Install,
}

/// An account, a site or an install that a name can mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Candidate {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The name of its account, if that is known.
    pub account: Option<String>,
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Account => "account",
            Kind::Site => "site",
            Kind::Install => "install",
        };
        write!(f, "the {kind} {} ({}", self.name, self.id)?;
        if let Some(account) = &self.account {
            write!(f, ", account {account}")?;
        }
        f.write_str(")")
    }
}

impl Fleet {
    /// Finds what a name means: an id, the name of an install, `SITE/ENVIRONMENT`, a domain, or the name of a site or an
    /// account. An exact match wins over one that differs in upper and lower case.
    ///
    /// The answer comes from the mirror. If the mirror does not know the name, the accounts, sites and installs are read once
    /// from the service.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if nothing has that name, and [`Error::Ambiguous`] with all candidates if several have.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// let install = fleet.resolve("torquemag").await?;
    /// println!("{install}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resolve(&self, wanted: &str) -> Result<Candidate, Error> {
        self.find(wanted, None).await
    }

    /// Finds what a name means, where only one kind can be meant: the account `acme` as well as the install `acme`.
    ///
    /// # Errors
    ///
    /// As of [`resolve`](Self::resolve).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// use wpengine_fleet::Kind;
    ///
    /// let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// let install = fleet.resolve_as(Kind::Install, "torquemag").await?;
    /// assert_eq!(install.kind, Kind::Install);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn resolve_as(&self, kind: Kind, wanted: &str) -> Result<Candidate, Error> {
        self.find(wanted, Some(kind)).await
    }

    async fn find(&self, wanted: &str, kind: Option<Kind>) -> Result<Candidate, Error> {
        let wanted = wanted.trim();
        let found = self.candidates(wanted, kind).await?;
        let (mut found, failures) = if found.is_empty() {
            let failures = self.snapshot().await?.failures;
            (self.candidates(wanted, kind).await?, failures)
        } else {
            (found, Vec::new())
        };
        let wanted = wanted.to_owned();
        match found.len() {
            0 => Err(Error::NotFound { wanted, failures }),
            1 => Ok(found.remove(0)),
            _ => Err(Error::Ambiguous {
                wanted,
                candidates: found,
            }),
        }
    }

    async fn candidates(&self, wanted: &str, kind: Option<Kind>) -> Result<Vec<Candidate>, Error> {
        let wanted = wanted.to_owned();
        self.store()
            .read(move |connection| find(connection, &wanted, kind))
            .await
    }
}

/// An account, a site and an install, as candidates.
const INSTALL: &str = "SELECT 2 AS kind, installs.id, installs.name, accounts.name FROM installs
    LEFT JOIN accounts ON accounts.id = installs.account_id";
const SITE: &str = "SELECT 1 AS kind, sites.id, sites.name, accounts.name FROM sites
    LEFT JOIN accounts ON accounts.id = sites.account_id";
const ACCOUNT: &str =
    "SELECT 0 AS kind, accounts.id, coalesce(accounts.nickname, accounts.name), NULL FROM accounts";

/// The candidates of the first way to read the name that finds any.
fn find(
    connection: &Connection,
    wanted: &str,
    only: Option<Kind>,
) -> rusqlite::Result<Vec<Candidate>> {
    let (site, environment) = wanted.rsplit_once('/').unwrap_or_default();
    let ways = |collate: &str| {
        [
            format!("{INSTALL} WHERE installs.gone_at IS NULL AND installs.name = ?1 {collate}"),
            format!(
                "{INSTALL} JOIN sites ON sites.id = installs.site_id
                 WHERE installs.gone_at IS NULL AND sites.name = ?2 {collate} AND installs.environment = ?3 {collate}"
            ),
            format!(
                "{INSTALL} WHERE installs.gone_at IS NULL AND (
                    installs.primary_domain = ?1 {collate} OR installs.cname = ?1 {collate}
                    OR installs.id IN (SELECT install_id FROM domains WHERE name = lower(?1) AND gone_at IS NULL))"
            ),
            format!(
                "{SITE} WHERE sites.gone_at IS NULL AND sites.name = ?1 {collate} UNION
                 {ACCOUNT} WHERE accounts.gone_at IS NULL AND (accounts.name = ?1 {collate} OR accounts.nickname = ?1 {collate})"
            ),
        ]
    };
    let by_id = format!(
        "{INSTALL} WHERE installs.gone_at IS NULL AND installs.id = ?1
         UNION {SITE} WHERE sites.gone_at IS NULL AND sites.id = ?1
         UNION {ACCOUNT} WHERE accounts.gone_at IS NULL AND accounts.id = ?1"
    );
    for way in [by_id]
        .into_iter()
        .chain(ways(""))
        .chain(ways("COLLATE NOCASE"))
    {
        // Every statement takes all, whether it uses them or not.
        let sql = format!(
            "SELECT * FROM ({way}) WHERE ?1 IS NOT NULL AND ?2 IS NOT NULL AND ?3 IS NOT NULL
             AND (?4 IS NULL OR kind = ?4) ORDER BY 3, 2"
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let found = statement.query_map(
            params![wanted, site, environment, only.map(|kind| kind as u8)],
            |row| {
                let kind: u8 = row.get(0)?;
                Ok(Candidate {
                    kind: match kind {
                        0 => Kind::Account,
                        1 => Kind::Site,
                        _ => Kind::Install,
                    },
                    id: row.get(1)?,
                    name: row.get(2)?,
                    account: row.get(3)?,
                })
            },
        )?;
        let found: Vec<Candidate> = found.collect::<rusqlite::Result<_>>()?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
