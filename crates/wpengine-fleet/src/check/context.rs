//! What all checks work with.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use wpengine::jiff::{SignedDuration, Timestamp};

use super::{
    finding::{Code, Evidence, Finding, Severity},
    thresholds::Thresholds,
};
use crate::{
    Failure, Named,
    class::{Class, Per},
    store::{Facts, InstallRow},
};

/// The mirror, the thresholds and the findings so far.
pub(super) struct Context<'a> {
    pub(super) facts: &'a Facts,
    pub(super) thresholds: Thresholds,
    pub(super) now: Timestamp,
    /// The install that is looked at, if it is one alone. The facts have the others of its site, too.
    pub(super) only: Option<&'a str>,
    pub(super) findings: Vec<Finding>,
    /// What could not be read.
    pub(super) failures: Vec<Failure>,
    /// The oldest reading that was used.
    pub(super) as_of: Option<Timestamp>,
    accounts: HashMap<&'a str, &'a str>,
    sites: HashMap<&'a str, &'a str>,
    /// What of the present check could not be judged.
    unknown: HashSet<String>,
    /// What there is a finding `check_failed` about.
    failed: HashSet<(Class, String)>,
}

/// What a finding says.
pub(super) struct Words {
    pub(super) subject: String,
    pub(super) observed: String,
    pub(super) expected: String,
    pub(super) next: String,
}

/// Where a finding is.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Account(&'a str),
    Site(&'a str, Option<&'a str>),
    Install(&'a InstallRow),
}

impl<'a> Context<'a> {
    pub(super) fn new(facts: &'a Facts, thresholds: Thresholds, now: Timestamp) -> Self {
        let accounts = facts.accounts.iter();
        let sites = facts.sites.iter();
        Self {
            facts,
            thresholds,
            now,
            only: None,
            findings: Vec::new(),
            failures: Vec::new(),
            as_of: None,
            accounts: accounts
                .map(|account| {
                    let name = account.nickname.as_deref().unwrap_or(&account.name);
                    (account.id.as_str(), name)
                })
                .collect(),
            sites: sites
                .map(|site| (site.id.as_str(), site.name.as_str()))
                .collect(),
            unknown: HashSet::new(),
            failed: HashSet::new(),
        }
    }

    /// Begins a check: without the accounts, sites and installs nothing can be judged.
    pub(super) fn begin(&mut self) {
        self.unknown.clear();
        for class in [Class::Accounts, Class::Sites, Class::Installs] {
            let read = self.facts.read(class, "");
            self.note(read.read_at);
            if read.failure.is_some() || read.read_at.is_none() {
                self.unknown.insert(class.name().to_owned());
                let never = Place::Account("");
                self.failed(
                    class,
                    never,
                    class.name().to_owned(),
                    read.failure,
                    read.read_at,
                );
            }
        }
        for (account, failure) in self.facts.lost() {
            let of_account = |one: &InstallRow| one.account_id.as_deref() == Some(account);
            if self.only.is_some() && !self.facts.installs.iter().any(of_account) {
                continue;
            }
            self.unknown.insert(account.to_owned());
            let place = Place::Account(account);
            self.failed(
                Class::Installs,
                place,
                failure.subject.clone(),
                Some(Arc::new(failure.clone())),
                None,
            );
        }
    }

    /// How much the present check could not judge.
    pub(super) fn unknown(&self) -> usize {
        self.unknown.len()
    }

    /// The installs whose listing of a class was read. For the others there is a finding `check_failed`.
    pub(super) fn installs(&mut self, class: Class) -> Vec<&'a InstallRow> {
        debug_assert_eq!(class.per(), Per::Install);
        let (facts, only) = (self.facts, self.only);
        let installs = facts.installs.iter();
        installs
            .filter(|install| only.is_none_or(|only| install.id == only))
            .filter(|install| {
                let name = format!("{} of install {}", class.name(), install.name);
                self.is_read(class, &install.id, Place::Install(install), name)
            })
            .collect()
    }

    /// How many installs are looked at.
    pub(super) fn subjects(&self) -> usize {
        self.only.map_or(self.facts.installs.len(), |_| 1)
    }

    fn is_wanted(&self, install: &InstallRow) -> bool {
        self.only.is_none_or(|only| install.id == only)
    }

    /// The same for accounts.
    pub(super) fn accounts(&mut self, class: Class) -> Vec<&'a str> {
        debug_assert_eq!(class.per(), Per::Account);
        let facts = self.facts;
        let accounts = facts.accounts.iter();
        accounts
            .filter(|account| {
                let name = format!("{} of account {}", class.name(), account.name);
                self.is_read(class, &account.id, Place::Account(&account.id), name)
            })
            .map(|account| account.id.as_str())
            .collect()
    }

    /// Old data stays usable if the last attempt failed; the finding says that it did.
    fn is_read(&mut self, class: Class, id: &str, place: Place<'_>, name: String) -> bool {
        let read = self.facts.read(class, id);
        self.note(read.read_at);
        if read.failure.is_some() || read.read_at.is_none() {
            // By id: two accounts can have one name.
            self.unknown.insert(format!("{} {id}", class.name()));
            self.failed(class, place, name, read.failure, read.read_at);
        }
        read.read_at.is_some()
    }

    fn failed(
        &mut self,
        class: Class,
        place: Place<'_>,
        subject: String,
        failure: Option<Arc<Failure>>,
        as_of: Option<Timestamp>,
    ) {
        let id = match place {
            Place::Account(id) | Place::Site(id, _) => id,
            Place::Install(install) => &install.id,
        };
        if !self.failed.insert((class, id.to_owned())) {
            return;
        }
        let observed = failure
            .as_ref()
            .map_or("it was never read".to_owned(), |failure| {
                failure.message.clone()
            });
        self.failures.extend(failure.as_deref().cloned());
        let words = Words {
            subject,
            observed,
            expected: format!("the {} are read", class.name()),
            next: "read it again with a sync; check that the credentials may see it".to_owned(),
        };
        self.find(Code::CheckFailed, Severity::Unknown, place, as_of, words);
    }

    /// Notes a figure or a limit that a response should have and has not.
    pub(super) fn no_figure(&mut self, account: &str, metric: &str, what: &str) {
        let read_at = self.facts.read(Class::Usage, account).read_at;
        self.unknown.insert(format!("{metric} of {account}"));
        let words = Words {
            subject: metric.to_owned(),
            observed: format!("no {what} in the response, or 0"),
            expected: format!("a {what}"),
            next: "look at the usage page of the user portal".to_owned(),
        };
        let place = Place::Account(account);
        self.find(Code::CheckFailed, Severity::Unknown, place, read_at, words);
    }

    fn note(&mut self, read_at: Option<Timestamp>) {
        if let Some(read_at) = read_at {
            self.as_of = Some(self.as_of.map_or(read_at, |as_of| as_of.min(read_at)));
        }
    }

    /// Adds a finding about what was read of a class.
    pub(super) fn add(
        &mut self,
        code: Code,
        severity: Severity,
        place: Place<'_>,
        class: Class,
        words: Words,
    ) {
        let subject = match (class.per(), place) {
            (Per::Fleet, _) => "",
            (_, Place::Account(id)) => id,
            (_, Place::Install(install)) => &install.id,
            (_, Place::Site(id, _)) => id,
        };
        let as_of = self.facts.read(class, subject).read_at;
        self.find(code, severity, place, as_of, words);
    }

    fn find(
        &mut self,
        code: Code,
        severity: Severity,
        place: Place<'_>,
        as_of: Option<Timestamp>,
        words: Words,
    ) {
        if let Place::Install(install) = place
            && !self.is_wanted(install)
        {
            return;
        }
        let (account, site, install) = match place {
            Place::Account(id) => (Some(id), None, None),
            Place::Site(id, account) => (account, Some(id), None),
            Place::Install(install) => (
                install.account_id.as_deref(),
                install.site_id.as_deref(),
                Some(install),
            ),
        };
        let named = |names: &HashMap<&str, &str>, id: Option<&str>| {
            let id = id.filter(|id| !id.is_empty())?;
            Some(Named {
                name: (*names.get(id).unwrap_or(&id)).to_owned(),
                id: id.to_owned(),
                environment: None,
            })
        };
        self.findings.push(Finding {
            code,
            severity,
            account: named(&self.accounts, account),
            site: named(&self.sites, site),
            install: install.map(|install| Named {
                id: install.id.clone(),
                name: install.name.clone(),
                environment: install.environment.clone(),
            }),
            subject: words.subject,
            evidence: Evidence {
                observed: words.observed,
                expected: words.expected,
                as_of,
            },
            next: words.next,
        });
    }

    /// The days from now to a time; negative if it is past.
    pub(super) fn days_until(&self, time: Timestamp) -> i64 {
        let seconds = time.duration_since(self.now).as_secs();
        seconds.div_euclid(24 * 3_600)
    }

    pub(super) fn is_older_than(&self, time: Timestamp, age: SignedDuration) -> bool {
        self.now.duration_since(time) > age
    }
}
