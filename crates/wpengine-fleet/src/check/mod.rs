//! Checks over the whole fleet, and their findings.
//!
//! Checks read the mirror only. What the mirror does not know is a finding `check_failed` with the severity
//! [`Unknown`](Severity::Unknown): it is never counted as fine.

mod access;
mod backups;
mod capacity;
mod certificates;
mod context;
mod domains;
mod finding;
mod php;
mod staging;
mod status;
mod thresholds;
mod transfers;

use std::{fmt, sync::Arc, time::Duration};

use serde::Serialize;
use wpengine::jiff::Timestamp;

use context::Context;
pub use finding::{Code, Evidence, Finding, Severity};
pub use thresholds::Thresholds;

use crate::{Class, Cost, Error, Fleet, Observed, Progress, sync::Tell};

/// A check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Check {
    /// The state of each install.
    Status,
    /// The PHP version of each install.
    Php,
    /// The environments of each site.
    Staging,
    /// The usage of each account, against its plan.
    Capacity,
    /// The users of each account.
    Access,
    /// The site transfers of each account.
    Transfers,
    /// The certificates of each install, against its domains.
    Certificates,
    /// The backups of each install.
    Backups,
    /// The domains of each install.
    Domains,
}

impl Check {
    /// All checks, the cheapest first.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Php,
        Self::Staging,
        Self::Capacity,
        Self::Access,
        Self::Transfers,
        Self::Certificates,
        Self::Backups,
        Self::Domains,
    ];

    /// What the check reads besides the accounts, sites and installs.
    #[must_use]
    pub const fn classes(self) -> &'static [Class] {
        match self {
            Self::Status | Self::Php | Self::Staging => &[],
            Self::Capacity => &[Class::Limits, Class::Usage],
            Self::Access => &[Class::People],
            Self::Transfers => &[Class::Transfers],
            Self::Certificates => &[Class::Certificates, Class::Domains],
            Self::Backups => &[Class::Backups],
            Self::Domains => &[Class::Domains],
        }
    }
}

/// Checks to run, made by [`Fleet::check`].
#[derive(Clone)]
#[must_use = "checks do nothing until they are run"]
pub struct Checks<'a> {
    fleet: &'a Fleet,
    only: Vec<Check>,
    thresholds: Thresholds,
    max_age: Option<Duration>,
    requests: u64,
    within: Duration,
    now: Option<Timestamp>,
    install: Option<String>,
    tell: Option<Tell<'a>>,
}

impl fmt::Debug for Checks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checks")
            .field("only", &self.only)
            .field("thresholds", &self.thresholds)
            .field("max_age", &self.max_age)
            .field("requests", &self.requests)
            .field("within", &self.within)
            .field("now", &self.now)
            .field("install", &self.install)
            .finish_non_exhaustive()
    }
}

/// What checks found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Findings {
    /// Every finding: the most severe first, then production before other environments, then by name.
    pub findings: Vec<Finding>,
    /// How many accounts, sites or installs each check looked at, and how many of them it could not judge.
    pub checked: Vec<Checked>,
    /// How many listings are still to be read, if a budget or a rate limit ended the reading.
    pub remaining: usize,
    /// When the rate limit has room again, if it ended the reading.
    pub retry_after: Option<Duration>,
}

/// What one check looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// The check.
    pub check: Check,
    /// How many subjects it applies to.
    pub subjects: usize,
    /// How many of them it could not judge.
    pub unknown: usize,
}

/// The summary of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// Everything was looked at, and nothing critical or doubtful was found.
    Healthy,
    /// There are critical findings or warnings.
    Findings,
    /// Nothing critical or doubtful was found, but not everything could be looked at.
    Unknown,
}

impl Findings {
    /// Returns the verdict. It is only healthy if every check could judge everything.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let has = |severity| {
            self.findings
                .iter()
                .any(|finding| finding.severity == severity)
        };
        if has(Severity::Critical) || has(Severity::Warning) {
            Verdict::Findings
        } else if has(Severity::Unknown)
            || self.remaining > 0
            || self.checked.iter().any(|checked| checked.unknown > 0)
        {
            Verdict::Unknown
        } else {
            Verdict::Healthy
        }
    }
}

impl Fleet {
    /// Creates checks, which look at the mirror.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// use wpengine_fleet::{Check, Fleet};
    ///
    /// let fleet = Fleet::open(&client, folder.path(), folder.path())?;
    /// fleet.snapshot().await?;
    /// let checks = fleet.check().only([Check::Php, Check::Backups]).live();
    /// println!("it takes {} requests", checks.plan().await?.requests);
    /// let findings = checks.run().await?;
    /// for finding in &findings.data.findings {
    ///     println!("{} {}: {}", finding.code, finding.subject, finding.next);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(&self) -> Checks<'_> {
        Checks {
            fleet: self,
            only: Check::ALL.to_vec(),
            thresholds: Thresholds::default(),
            max_age: None,
            requests: u64::MAX,
            within: Duration::MAX,
            now: None,
            install: None,
            tell: None,
        }
    }
}

impl<'a> Checks<'a> {
    /// Runs only these checks.
    pub fn only(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        self.only = checks.into_iter().collect();
        self
    }

    /// Sets the thresholds.
    pub fn thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// Reads everything that the checks need from the service first.
    pub fn live(self) -> Self {
        self.fresher_than(Duration::ZERO)
    }

    /// Reads from the service what the checks need and what is older than this.
    pub fn fresher_than(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Reads with no more requests than this. What is not read then is unknown; the next run goes on with it if it is given
    /// an age with [`fresher_than`](Self::fresher_than).
    pub fn requests(mut self, most: u64) -> Self {
        self.requests = most;
        self
    }

    /// Starts to read nothing after this time.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Calls this after each listing that is read, for a display of the progress.
    pub fn tell(mut self, tell: impl Fn(&Progress<'_>) + Send + Sync + 'a) -> Self {
        self.tell = Some(Arc::new(tell));
        self
    }

    /// Looks at one install only, with its site and its account, and reads only what belongs to them.
    pub fn of(mut self, install: &crate::Candidate) -> Self {
        self.install = Some(install.id.clone());
        self
    }

    /// Judges as of this time in place of now.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Returns what the checks cost: nothing, unless they read from the service.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read.
    pub async fn plan(&self) -> Result<Cost, Error> {
        let subjects = self.subjects().await?;
        match self.sync(subjects) {
            Some(sync) => sync.plan().await,
            None => Ok(Cost::default()),
        }
    }

    /// Runs the checks.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be used, and [`Error::NotFound`] if it does not have the install. What the service
    /// refuses is a failure in the result, and a finding `check_failed`.
    pub async fn run(self) -> Result<Observed<Findings>, Error> {
        let (mut failures, mut requests, mut remaining) = (Vec::new(), 0, 0);
        let mut retry_after = None;
        let subjects = self.subjects().await?;
        if let Some(sync) = self.sync(subjects) {
            let synced = sync.run().await?;
            (failures, requests) = (synced.failures, synced.requests);
            (remaining, retry_after) = (synced.data.remaining, synced.data.retry_after);
        }
        let classes = self.classes();
        let facts = match &self.install {
            None => self.fleet.facts(&classes).await?,
            Some(only) => {
                let mut facts = self.fleet.facts_of(&classes, vec![only.clone()]).await?;
                if !facts.keep_site_of(only) {
                    return Err(Error::not_found(only));
                }
                facts
            }
        };
        let now = self.now.unwrap_or_else(Timestamp::now);
        let mut context = Context::new(&facts, self.thresholds, now);
        context.only = self.install.as_deref();
        let mut checked = Vec::new();
        for check in &self.only {
            checked.push(judge(&mut context, *check));
        }
        let as_of = context.as_of;
        let mut findings = std::mem::take(&mut context.findings);
        findings.sort_by(Finding::order);
        // What an earlier run could not read is a failure of this result, too.
        for failure in context.failures {
            if !failures.contains(&failure) {
                failures.push(failure);
            }
        }
        let is_known = checked.iter().all(|checked| checked.unknown == 0);
        let data = Findings {
            findings,
            checked,
            remaining,
            retry_after,
        };
        let mut observed = Observed::new(data, as_of).with(failures, requests);
        observed.complete &= is_known && remaining == 0;
        Ok(observed)
    }

    /// What the checks look at.
    fn classes(&self) -> Vec<Class> {
        let mut classes: Vec<Class> = Vec::new();
        for class in self.only.iter().flat_map(|check| check.classes()) {
            if !classes.contains(class) {
                classes.push(*class);
            }
        }
        classes
    }

    /// The install and its account, if it is one install that is looked at.
    async fn subjects(&self) -> Result<Option<Vec<String>>, Error> {
        let Some(only) = &self.install else {
            return Ok(None);
        };
        let installs = self.fleet.facts(&[]).await?.installs;
        let found = installs.into_iter().find(|install| install.id == *only);
        let found = found.ok_or_else(|| Error::not_found(only))?;
        Ok(Some(
            [Some(found.id), found.account_id]
                .into_iter()
                .flatten()
                .collect(),
        ))
    }

    fn sync(&self, subjects: Option<Vec<String>>) -> Option<crate::Sync<'a>> {
        let sync = self
            .fleet
            .sync()
            .only(self.classes())
            .max_age(self.max_age?);
        let sync = sync.requests(self.requests).within(self.within);
        let sync = sync.tell_to(self.tell.clone());
        Some(match subjects {
            Some(subjects) => sync.of_ids(subjects),
            None => sync,
        })
    }
}

/// Runs one check.
fn judge(context: &mut Context<'_>, check: Check) -> Checked {
    context.begin();
    let subjects = match check {
        Check::Status => status::run(context),
        Check::Php => php::run(context),
        Check::Staging => staging::run(context),
        Check::Capacity => capacity::run(context),
        Check::Access => access::run(context),
        Check::Transfers => transfers::run(context),
        Check::Certificates => certificates::run(context),
        Check::Backups => backups::run(context),
        Check::Domains => domains::run(context),
    };
    Checked {
        check,
        subjects,
        unknown: context.unknown(),
    }
}
