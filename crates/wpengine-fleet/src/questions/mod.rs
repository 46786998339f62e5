//! Questions about the whole fleet, answered from the mirror.

mod answers;
mod compare;
mod usage;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use wpengine::jiff::Timestamp;

pub use answers::{
    AccountOverview, BackupRecord, CertificateRecord, Diagnosis, Difference, DomainRecord,
    InstallCertificate, Membership, Person, Used, VersionRecord,
};
use compare::{comparable, detail};
pub use usage::against_plan;
pub(crate) use usage::usage;

use crate::{
    Candidate, Check, Error, Failure, Finding, Findings, Fleet, Named, Observed, Severity, Verdict,
    class::{Class, Per},
    store::{
        BackupRow, CertificateRow, DomainRow, Facts, InstallRow, Map, PersonRow, Read, covers,
        millis,
    },
};

impl Fleet {
    /// Returns every account in figures.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn overview(&self) -> Result<Observed<Vec<AccountOverview>>, Error> {
        let classes = [Class::Limits, Class::Usage];
        let facts = self.facts(&classes).await?;
        let rows = facts
            .accounts
            .iter()
            .map(|account| overview(&facts, &account.id));
        Ok(observed(&facts, rows.collect(), &classes))
    }

    /// Returns every person once, with all accounts.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn people(&self) -> Result<Observed<Vec<Person>>, Error> {
        let facts = self.facts(&[Class::People]).await?;
        Ok(observed(&facts, people(&facts), &[Class::People]))
    }

    /// Returns every domain, with its install, site, account and certificates.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn domains(&self) -> Result<Observed<Vec<DomainRecord>>, Error> {
        let facts = self.facts(&DOMAINS).await?;
        let empty = observed(&facts, (), &DOMAINS);
        Ok(empty.map(|()| records(facts, |_| true)))
    }

    /// Returns every certificate, the next to end first.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn certificates(&self) -> Result<Observed<Vec<InstallCertificate>>, Error> {
        let facts = self.facts(&DOMAINS).await?;
        let mut rows = Vec::new();
        for install in &facts.installs {
            let Some(certificates) = facts.rows.certificates.get(&install.id) else {
                continue;
            };
            let named = Arc::new(install.named());
            let account = facts.named(install.account_id.as_deref());
            let is_known = facts.read(Class::Domains, &install.id).read_at.is_some();
            let domains = facts
                .rows
                .domains
                .get(&install.id)
                .map_or(&[][..], Vec::as_slice);
            rows.extend(certificates.iter().map(|row| {
                let covered = domains.iter().filter(|domain| covers(row, &domain.name));
                InstallCertificate {
                    install: Arc::clone(&named),
                    account: account.clone(),
                    certificate: certificate(row),
                    names: row.domains.clone(),
                    covers: is_known.then(|| covered.map(|domain| domain.name.clone()).collect()),
                }
            }));
        }
        // One whose end cannot be read comes first.
        rows.sort_by_key(|row| row.certificate.expires_at);
        Ok(observed(&facts, rows, &DOMAINS))
    }

    /// Returns where a domain is: every install that has it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// fleet.sync().run().await?;
    /// for record in fleet.whois("torquemag.io").await?.data {
    ///     println!("{} is on {}", record.domain, record.install.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn whois(&self, domain: &str) -> Result<Observed<Vec<DomainRecord>>, Error> {
        let wanted = domain.trim().trim_end_matches('.').to_lowercase();
        let name = wanted.clone();
        let installs = self
            .store()
            .read(move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT install_id FROM domains WHERE name = ?1 AND gone_at IS NULL",
                )?;
                statement.query_map([name], |row| row.get(0))?.collect()
            })
            .await?;
        let facts = self.facts_of(&DOMAINS, installs).await?;
        let empty = observed(&facts, (), &DOMAINS);
        Ok(empty.map(|()| records(facts, |domain| domain.name == wanted)))
    }

    /// Returns the backups of every install.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn backups(&self) -> Result<Observed<Vec<BackupRecord>>, Error> {
        let facts = self.facts(&[Class::Backups]).await?;
        let rows = facts
            .installs
            .iter()
            .map(|install| backups(&facts, install));
        Ok(observed(&facts, rows.collect(), &[Class::Backups]))
    }

    /// Returns the PHP and WordPress version of every install.
    ///
    /// The lists of the API have no WordPress version. It is known from a [sync](crate::Sync) of [`Class::Details`], which takes a
    /// request for each install, or if a program [recorded](Fleet::record_versions) it; the newer one counts.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn versions(&self) -> Result<Observed<Vec<VersionRecord>>, Error> {
        let facts = self.facts(&[Class::Details]).await?;
        type Recorded = (Option<String>, Option<String>, i64);
        let recorded: HashMap<String, Recorded> = self
            .store()
            .read(|connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT install_id, wordpress, plugins, recorded_at FROM state.versions",
                )?;
                statement
                    .query_map([], |row| {
                        Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))
                    })?
                    .collect()
            })
            .await?;
        let rows = facts.installs.iter().map(|install| {
            let read = detail(&facts, install, "wp_version");
            let read_at = facts.read(Class::Details, &install.id).read_at;
            let known = recorded.get(&install.id);
            let recorded = known.filter(|(_, _, recorded_at)| {
                read.is_none() || read_at.is_none_or(|read_at| millis(read_at) < *recorded_at)
            });
            VersionRecord {
                install: Arc::new(install.named()),
                account: facts.named(install.account_id.as_deref()),
                php: install.php_version.clone(),
                wordpress: recorded.and_then(|(version, ..)| version.clone()).or(read),
                plugins: known
                    .and_then(|(_, plugins, _)| serde_json::from_str(plugins.as_deref()?).ok()),
            }
        });
        let mut result = observed(&facts, rows.collect(), &[]);
        // Nobody needs to read the details, but those that were read have an age.
        for install in &facts.installs {
            let read = facts.read(Class::Details, &install.id);
            if let Some(read_at) = read.read_at {
                result.as_of = result.as_of.map(|as_of| as_of.min(read_at));
            }
            if let Some(failure) = read.failure.as_deref() {
                result.failures.push(failure.clone());
                result.complete = false;
            }
        }
        Ok(result)
    }

    /// Compares two installs, without what must be different: ids, names, domains and times. What is not known of one of them is
    /// `None`, and the result is not complete then. This reads what is known:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().fleet(1, 1, 2).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// # let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// # let names = client.installs().list().collect().await?;
    /// use wpengine_fleet::Class;
    ///
    /// let pair = [fleet.resolve(&names[0].name).await?, fleet.resolve(&names[1].name).await?];
    /// fleet.sync().only(Class::ALL).of(&pair).run().await?;
    /// for difference in fleet.difference(&pair[0], &pair[1]).await?.data {
    ///     println!("{}: {:?} and {:?}", difference.field, difference.first, difference.second);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the mirror does not have one of them, and [`Error::File`] if it cannot be read.
    pub async fn difference(
        &self,
        first: &Candidate,
        second: &Candidate,
    ) -> Result<Observed<Vec<Difference>>, Error> {
        let classes = [
            Class::Domains,
            Class::Certificates,
            Class::Backups,
            Class::Details,
            Class::Offload,
        ];
        let facts = self
            .facts_of(&classes, vec![first.id.clone(), second.id.clone()])
            .await?;
        let find = |candidate: &Candidate| {
            let found = facts
                .installs
                .iter()
                .find(|install| install.id == candidate.id);
            found.ok_or_else(|| Error::not_found(&candidate.name))
        };
        let (first, second) = (find(first)?, find(second)?);
        let (left, right) = (comparable(&facts, first), comparable(&facts, second));
        let fields: BTreeSet<&&str> = left.keys().chain(right.keys()).collect();
        let rows = fields.into_iter().filter_map(|field| {
            let (first, second) = (
                left.get(*field).cloned().flatten(),
                right.get(*field).cloned().flatten(),
            );
            (first != second).then(|| Difference {
                field: (*field).to_owned(),
                first,
                second,
            })
        });
        let rows = rows.collect();
        let subjects = [first.id.as_str(), second.id.as_str()];
        Ok(observed_of(&facts, rows, &classes, Some(&subjects)))
    }

    /// Runs every check that looks at one install, after reading what it needs from the service, and has the service examine where
    /// the DNS of its domains points.
    ///
    /// # Errors
    ///
    /// As of [`Checks::run`](crate::Checks::run).
    pub async fn diagnose(&self, install: &Candidate) -> Result<Observed<Diagnosis>, Error> {
        let checks = self.check().only([
            Check::Status,
            Check::Php,
            Check::Certificates,
            Check::Backups,
            Check::Domains,
        ]);
        let mut result = checks.live().of(install).run().await?;
        let facts = self
            .facts_of(&[Class::Domains], vec![install.id.clone()])
            .await?;
        let dns = self.dns(&facts, install).await;
        result.requests += dns.requests;
        result.complete &= dns.failures.is_empty();
        result.failures.extend(dns.failures);
        result.data.findings.extend(dns.findings);
        result.data.findings.sort_by(Finding::order);
        Ok(result.map(|data| Diagnosis {
            install: install.clone(),
            verdict: verdict(&data),
            findings: data.findings,
        }))
    }
}

/// A verdict on one install: information is not a problem.
fn verdict(findings: &Findings) -> Verdict {
    let worst = findings
        .findings
        .iter()
        .map(|finding| finding.severity)
        .min();
    match worst {
        Some(Severity::Critical | Severity::Warning) => Verdict::Findings,
        Some(Severity::Unknown) => Verdict::Unknown,
        _ if findings.checked.iter().any(|checked| checked.unknown > 0) => Verdict::Unknown,
        _ => Verdict::Healthy,
    }
}

fn overview(facts: &Facts, account: &str) -> AccountOverview {
    let of_account = |id: &Option<String>| id.as_deref() == Some(account);
    let installs: Vec<&InstallRow> = facts
        .installs
        .iter()
        .filter(|one| of_account(&one.account_id))
        .collect();
    let count = |field: fn(&InstallRow) -> &Option<String>| {
        let mut counts = BTreeMap::new();
        for install in &installs {
            let value = field(install)
                .clone()
                .unwrap_or_else(|| "unknown".to_owned());
            *counts.entry(value).or_default() += 1;
        }
        counts
    };
    AccountOverview {
        account: facts
            .named(Some(account))
            .unwrap_or_else(|| Arc::new(Named::new(account, account))),
        sites: facts
            .sites
            .iter()
            .filter(|site| of_account(&site.account_id))
            .count(),
        installs: installs.len(),
        by_environment: count(|install| &install.environment),
        by_php: count(|install| &install.php_version),
        by_status: count(|install| &install.status),
        usage: usage(facts, account),
    }
}

fn people(facts: &Facts) -> Vec<Person> {
    let mut people: BTreeMap<String, Person> = BTreeMap::new();
    for account in &facts.accounts {
        for (position, person) in facts
            .rows
            .people
            .get(&account.id)
            .into_iter()
            .flatten()
            .enumerate()
        {
            // A user without an address is somebody of their own.
            let key = person
                .email
                .clone()
                .unwrap_or_else(|| format!("~{} {position}", account.id));
            let known = people.entry(key).or_insert_with(|| Person {
                email: person.email.clone(),
                name: name(person),
                mfa_enabled: Some(true),
                invite_accepted: Some(true),
                accounts: Vec::new(),
            });
            known.mfa_enabled = both(known.mfa_enabled, person.mfa_enabled);
            known.invite_accepted = both(known.invite_accepted, person.invite_accepted);
            known
                .accounts
                .extend(facts.named(Some(&account.id)).map(|account| Membership {
                    account,
                    roles: person.roles.clone().unwrap_or_default(),
                    last_owner: person.last_owner,
                }));
        }
    }
    people.into_values().collect()
}

fn name(person: &PersonRow) -> String {
    let names = [person.first_name.as_deref(), person.last_name.as_deref()];
    let names: Vec<&str> = names.into_iter().flatten().collect();
    names.join(" ")
}

/// One no is a no; otherwise one unknown is an unknown.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

/// What a question about domains needs.
const DOMAINS: [Class; 2] = [Class::Domains, Class::Certificates];

fn records(mut facts: Facts, is_wanted: impl Fn(&DomainRow) -> bool) -> Vec<DomainRecord> {
    let domains = facts.rows.domains.values().map(Vec::len).sum();
    let mut rows = Vec::with_capacity(domains);
    for install in &facts.installs {
        let Some(domains) = facts.rows.domains.remove(&install.id) else {
            continue;
        };
        let named = Arc::new(install.named());
        let site = facts.named(install.site_id.as_deref());
        let account = facts.named(install.account_id.as_deref());
        let are_known = facts
            .read(Class::Certificates, &install.id)
            .read_at
            .is_some();
        let known = facts
            .rows
            .certificates
            .get(&install.id)
            .map_or(&[][..], Vec::as_slice);
        let records: Vec<_> = known.iter().map(|row| Arc::new(certificate(row))).collect();
        rows.extend(domains.into_iter().filter(&is_wanted).map(|domain| {
            let both = known.iter().zip(&records);
            let certificates = both.filter(|(row, _)| covers(row, &domain.name));
            let certificates = certificates.map(|(_, record)| Arc::clone(record));
            DomainRecord {
                certificates: are_known.then(|| certificates.collect()),
                domain: domain.name,
                install: Arc::clone(&named),
                site: site.clone(),
                account: account.clone(),
                is_primary: domain.is_primary,
                ownership: domain.ownership,
                redirects_to: domain.redirect_name,
            }
        }));
    }
    // What is left of a large fleet takes milliseconds to be freed, and nobody needs to wait for that.
    drop(tokio::task::spawn_blocking(move || drop(facts)));
    rows
}

fn certificate(row: &CertificateRow) -> CertificateRecord {
    CertificateRecord {
        id: row.id.clone(),
        status: row.status.clone(),
        expires_at: row.expires_at,
        auto_renew: row.auto_renew,
    }
}

fn newest(backups: &[BackupRow]) -> Option<&BackupRow> {
    let completed = backups
        .iter()
        .filter(|backup| backup.status.as_deref() == Some("completed"));
    completed.max_by_key(|backup| backup.completed_at.or(backup.created_at))
}

fn backups(facts: &Facts, install: &InstallRow) -> BackupRecord {
    let are_known = facts.read(Class::Backups, &install.id).read_at.is_some();
    let backups = facts
        .rows
        .backups
        .get(&install.id)
        .map_or(&[][..], Vec::as_slice);
    let completed = newest(backups);
    let last = backups.iter().max_by_key(|backup| backup.created_at);
    BackupRecord {
        install: Arc::new(install.named()),
        account: facts.named(install.account_id.as_deref()),
        count: are_known.then_some(backups.len()),
        completed_at: completed.and_then(|backup| backup.completed_at.or(backup.created_at)),
        completed: completed.map(|backup| backup.id.clone()),
        last_status: last.and_then(|backup| backup.status.clone()),
    }
}

/// A result with how far the classes it needs are known.
fn observed<T>(facts: &Facts, data: T, classes: &[Class]) -> Observed<T> {
    observed_of(facts, data, classes, None)
}

fn observed_of<T>(facts: &Facts, data: T, classes: &[Class], only: Option<&[&str]>) -> Observed<T> {
    let mut as_of: Option<Timestamp> = None;
    let mut failures: Vec<Failure> = Vec::new();
    let mut is_whole = true;
    let mut note = |reads: Option<&Map<Read>>, subject: &str| {
        let read = reads.and_then(|reads| reads.get(subject));
        let read_at = read.and_then(|read| read.read_at);
        is_whole &= read_at.is_some();
        if let Some(read_at) = read_at {
            as_of = Some(as_of.map_or(read_at, |as_of| as_of.min(read_at)));
        }
        let failure = read.and_then(|read| read.failure.as_deref());
        failures.extend(failure.cloned());
    };
    for class in [Class::Accounts, Class::Sites, Class::Installs] {
        note(facts.reads(class), "");
    }
    for (account, _) in facts.lost() {
        note(facts.reads(Class::Installs), account);
    }
    for class in classes {
        let reads = facts.reads(*class);
        let is_wanted = |subject: &&str| only.is_none_or(|only| only.contains(subject));
        let accounts = facts.accounts.iter().map(|account| account.id.as_str());
        let installs = facts.installs.iter().map(|install| install.id.as_str());
        match class.per() {
            Per::Fleet => {}
            Per::Account => accounts.filter(is_wanted).for_each(|id| note(reads, id)),
            Per::Install => installs.filter(is_wanted).for_each(|id| note(reads, id)),
        }
    }
    let mut observed = Observed::new(data, as_of).with(failures, 0);
    observed.complete &= is_whole;
    observed
}

#[cfg(test)]
mod tests {
    use super::both;

    #[test]
    fn a_flag_has_three_values() {
        for (one, other, expected) in [
            (Some(true), Some(true), Some(true)),
            (Some(true), None, None),
            (None, Some(false), Some(false)),
            (Some(false), Some(true), Some(false)),
        ] {
            assert_eq!(both(one, other), expected);
        }
    }
}
