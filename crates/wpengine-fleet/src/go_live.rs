//! Whether an install is ready for visitors.

use serde::Serialize;
use wpengine::jiff::{SignedDuration, Timestamp};

use crate::{
    Candidate, Class, Code, Error, Evidence, Failure, Finding, Fleet, Observed, Severity,
    questions::usage,
    store::{CertificateRow, DomainRow, Facts, InstallRow, covers, is_of_platform},
};

/// Whether an install is ready for visitors, point by point.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct GoLive {
    /// The install.
    pub install: Candidate,
    /// Whether it is ready: nothing failed, and nothing is unknown.
    pub ready: bool,
    /// The points.
    pub points: Vec<Point>,
}

/// One point of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Point {
    /// What is looked at.
    pub point: String,
    /// The code of the finding that a check would make of it, if there is one.
    pub code: Option<Code>,
    /// How it is.
    pub status: PointStatus,
    /// What was seen.
    pub detail: String,
}

/// How a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PointStatus {
    /// It is as it should be.
    Pass,
    /// It does not stop the launch.
    Warning,
    /// It stops the launch.
    Fail,
    /// It could not be looked at, so the install is not ready.
    Unknown,
}

/// A certificate must be valid for longer than this.
const CERTIFICATE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A backup must be younger than this.
const BACKUP: SignedDuration = SignedDuration::from_hours(24);

impl Fleet {
    /// Looks at everything that a launch needs: the install, its domains, their ownership, **where their DNS points**, the
    /// certificates, a backup, and the capacity of the plan. Everything is read from the service, and the service examines each
    /// domain anew. It allows that every 5 s, so an install with many domains takes a while. A [read-only](wpengine::Client::is_read_only)
    /// client cannot ask for it: then these points are unknown.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the mirror does not have the install, and [`Error::File`] if it cannot be used. What the service
    /// refuses is an unknown point.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = wpengine_sim::ClockMode::Accelerated(600.0);
    /// # let simulator = wpengine_sim::Simulator::builder().clock(clock).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// # let folder = tempfile::tempdir()?;
    /// let fleet = wpengine_fleet::Fleet::open(&client, folder.path(), folder.path())?;
    /// let install = fleet.resolve("torquemag").await?;
    /// let launch = fleet.go_live(&install).await?;
    /// for point in &launch.data.points {
    ///     println!("{:?} {}: {}", point.status, point.point, point.detail);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn go_live(&self, install: &Candidate) -> Result<Observed<GoLive>, Error> {
        let (mut failures, mut requests) = (Vec::new(), 0);
        let account = {
            let facts = self.facts(&[]).await?;
            let known = facts.installs.iter().find(|known| known.id == install.id);
            let known = known.ok_or_else(|| Error::not_found(&install.name))?;
            known.account_id.clone()
        };
        let classes = [
            Class::Certificates,
            Class::Backups,
            Class::Domains,
            Class::Limits,
            Class::Usage,
        ];
        let sync = self.sync().only(classes).max_age(std::time::Duration::ZERO);
        let synced = sync
            .of_ids([Some(install.id.clone()), account].into_iter().flatten())
            .run()
            .await?;
        failures.extend(synced.failures);
        requests += synced.requests;

        let facts = self.facts_of(&classes, vec![install.id.clone()]).await?;
        let known = facts.installs.iter().find(|known| known.id == install.id);
        let row = known.ok_or_else(|| Error::not_found(&install.name))?;
        let now = Timestamp::now();
        let mut points = Points {
            facts: &facts,
            install: row,
            now,
            points: Vec::new(),
        };
        points.install();
        points.domains();
        let dns = self.dns(&facts, install).await;
        requests += dns.requests;
        failures.extend(dns.failures);
        points.dns(&dns.domains);
        points.certificates();
        points.backup();
        points.capacity();
        let points = points.points;
        let is_good =
            |point: &Point| matches!(point.status, PointStatus::Pass | PointStatus::Warning);
        let data = GoLive {
            install: install.clone(),
            ready: points.iter().all(is_good),
            points,
        };
        let is_known = data
            .points
            .iter()
            .all(|point| point.status != PointStatus::Unknown);
        let mut observed = Observed::new(data, synced.as_of).with(failures, requests);
        observed.complete &= is_known;
        Ok(observed)
    }

    /// Has the service examine every domain of an install that visitors use, one after the other.
    pub(crate) async fn dns(&self, facts: &Facts, install: &Candidate) -> Dns {
        let mut dns = Dns::default();
        let Some(row) = facts.installs.iter().find(|row| row.id == install.id) else {
            return dns;
        };
        for domain in live(facts, row) {
            let examined = self.examine(install, domain, &mut dns.requests).await;
            let (pointed, code, severity) = match examined {
                Ok(pointed) if pointed.is_empty() => {
                    dns.domains.push((domain.name.clone(), Some(pointed)));
                    continue;
                }
                Ok(pointed) => (Some(pointed), Code::DomainDnsElsewhere, Severity::Critical),
                Err(error) => {
                    let subject = format!("status of {}", domain.name);
                    dns.failures.push(match &error {
                        Some(error) => Failure::new(subject, error),
                        None => Failure::unreadable(subject),
                    });
                    (None, Code::CheckFailed, Severity::Unknown)
                }
            };
            let observed = pointed
                .clone()
                .unwrap_or_else(|| "it could not be examined".to_owned());
            dns.findings.push(Finding {
                code,
                severity,
                account: facts.named(row.account_id.as_deref()).as_deref().cloned(),
                site: facts.named(row.site_id.as_deref()).as_deref().cloned(),
                install: Some(row.named()),
                subject: domain.name.clone(),
                evidence: Evidence {
                    observed,
                    expected: "DNS records that point at the install".to_owned(),
                    as_of: Some(Timestamp::now()),
                },
                next: format!(
                    "set the DNS records of {}, then examine it again",
                    domain.name
                ),
            });
            dns.domains.push((domain.name.clone(), pointed));
        }
        dns
    }

    /// Has the service examine a domain: why it does not point at the install, or an empty text if it does. The error is `None` if
    /// the response does not say it.
    async fn examine(
        &self,
        install: &Candidate,
        domain: &DomainRow,
        requests: &mut u64,
    ) -> Result<String, Option<wpengine::Error>> {
        let handle = self.client().install(install.id.as_str());
        *requests += 1;
        let started = handle.domain(domain.id.as_str()).check_status().await?;
        let mut progress = handle.domains().report(started.report_id).wait().progress();
        let mut report = None;
        while let Some(seen) = progress.next().await {
            *requests += 1;
            report = seen?.report;
        }
        let found = report
            .and_then(|report| report.domains)
            .into_iter()
            .flatten();
        let mut found = found.filter(|one| one.name.as_deref() == Some(domain.name.as_str()));
        let status = found.next().ok_or(None)?;
        match (status.result.as_deref(), status.dns_error) {
            (Some("ok"), _) => Ok(String::new()),
            (Some(result), _) => Ok(format!("{result}: it does not point here")),
            (None, Some(true)) => Ok("no DNS record: it does not point here".to_owned()),
            (None, _) => Err(None),
        }
    }
}

/// Where the domains of an install point.
#[derive(Debug, Default)]
pub(crate) struct Dns {
    /// Each domain with the reason why it does not point at the install: an empty one if it does, none if that is not known.
    domains: Vec<(String, Option<String>)>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) requests: u64,
}

/// The domains that visitors are meant to use.
fn live<'a>(facts: &'a Facts, install: &InstallRow) -> Vec<&'a DomainRow> {
    let domains = facts.rows.domains.get(&install.id).into_iter().flatten();
    domains
        .filter(|domain| !is_of_platform(&domain.name))
        .collect()
}

struct Points<'a> {
    facts: &'a Facts,
    install: &'a InstallRow,
    now: Timestamp,
    points: Vec<Point>,
}

impl<'a> Points<'a> {
    fn add(&mut self, point: impl Into<String>, status: PointStatus, detail: impl Into<String>) {
        self.points.push(Point {
            point: point.into(),
            code: None,
            status,
            detail: detail.into(),
        });
    }

    /// The last point has this code if it is not as it should be.
    fn code(&mut self, code: Code) {
        if let Some(point) = self.points.last_mut() {
            point.code = match point.status {
                PointStatus::Pass => None,
                PointStatus::Unknown => Some(Code::CheckFailed),
                PointStatus::Warning | PointStatus::Fail => Some(code),
            };
        }
    }

    fn is_known(&self, class: Class) -> bool {
        let read = self.facts.read(class, &self.install.id);
        read.read_at.is_some() && read.failure.is_none()
    }

    fn all(&self) -> &'a [DomainRow] {
        self.facts
            .rows
            .domains
            .get(&self.install.id)
            .map_or(&[], Vec::as_slice)
    }

    fn live(&self) -> Vec<&'a DomainRow> {
        live(self.facts, self.install)
    }

    fn install(&mut self) {
        if self.facts.read(Class::Installs, "").failure.is_some() {
            self.add(
                "status",
                PointStatus::Unknown,
                "the installs could not be read",
            );
            return;
        }
        let status = self.install.status.clone();
        let (active, detail) = match status.as_deref() {
            Some("active") => (PointStatus::Pass, "active".to_owned()),
            Some(other) => (PointStatus::Fail, other.to_owned()),
            None => (PointStatus::Unknown, "the answer has no status".to_owned()),
        };
        self.add("status", active, detail);
        self.code(Code::InstallStatus);
        let (status, detail) = match self.install.environment.as_deref() {
            Some("production") => (PointStatus::Pass, "production"),
            Some(other) => (PointStatus::Warning, other),
            None => (PointStatus::Unknown, "the answer has no environment"),
        };
        self.add("environment", status, detail);
    }

    fn domains(&mut self) {
        if !self.is_known(Class::Domains) {
            self.add(
                "domains",
                PointStatus::Unknown,
                "the domains could not be read",
            );
            return;
        }
        let live = self.live();
        if live.is_empty() {
            self.add(
                "domains",
                PointStatus::Fail,
                "no domain besides those of the platform",
            );
            return;
        }
        self.add(
            "domains",
            PointStatus::Pass,
            format!("{} domains", live.len()),
        );
        match self
            .all()
            .iter()
            .find(|domain| domain.is_primary == Some(true))
        {
            Some(primary) if is_of_platform(&primary.name) => {
                self.add(
                    "primary domain",
                    PointStatus::Warning,
                    format!("{}, of the platform", primary.name),
                );
            }
            Some(primary) => self.add("primary domain", PointStatus::Pass, primary.name.clone()),
            None => self.add("primary domain", PointStatus::Fail, "none"),
        }
        self.code(Code::DomainNoPrimary);
        for domain in live {
            if let Some(others) = self.facts.rows.elsewhere.get(&domain.name) {
                self.add(
                    format!("{} is unique", domain.name),
                    PointStatus::Fail,
                    format!("also on {}", others.join(" and ")),
                );
                self.code(Code::DomainDuplicate);
            }
            let (status, detail) = match domain.ownership.as_deref() {
                Some("TXT_VERIFIED") => (PointStatus::Pass, "proven"),
                Some(other) => (PointStatus::Fail, other),
                None => (PointStatus::Unknown, "the answer does not say it"),
            };
            self.add(format!("ownership of {}", domain.name), status, detail);
            self.code(Code::DomainUnverified);
        }
    }

    fn dns(&mut self, domains: &[(String, Option<String>)]) {
        for (domain, pointed) in domains {
            let (status, detail) = match pointed.as_deref() {
                None => (PointStatus::Unknown, "the service could not examine it"),
                Some("") => (PointStatus::Pass, "it points here"),
                Some(why) => (PointStatus::Fail, why),
            };
            self.add(format!("DNS of {domain}"), status, detail);
            self.code(Code::DomainDnsElsewhere);
        }
    }

    fn certificates(&mut self) {
        if !self.is_known(Class::Certificates) {
            self.add(
                "certificates",
                PointStatus::Unknown,
                "the certificates could not be read",
            );
            return;
        }
        let certificates = self
            .facts
            .rows
            .certificates
            .get(&self.install.id)
            .map_or(&[][..], Vec::as_slice);
        let is_valid =
            |certificate: &&CertificateRow| certificate.status.as_deref() == Some("ENABLED");
        for domain in self.live() {
            let valid = certificates
                .iter()
                .filter(is_valid)
                .filter(|one| covers(one, &domain.name));
            let last = valid.max_by_key(|certificate| certificate.expires_at);
            let end = last.and_then(|certificate| certificate.expires_at);
            let renews = last.is_some_and(|certificate| certificate.auto_renew == Some(true));
            let end = end.map(|end| (end, end.duration_since(self.now)));
            let (status, detail, code) = match end {
                Some((end, left)) if left > CERTIFICATE => (
                    PointStatus::Pass,
                    format!("until {end}"),
                    Code::CertExpiring,
                ),
                Some((end, left)) if renews && left.is_positive() => (
                    PointStatus::Pass,
                    format!("until {end}, and it renews itself"),
                    Code::CertExpiring,
                ),
                Some((end, left)) if left.is_positive() => (
                    PointStatus::Fail,
                    format!("only until {end}"),
                    Code::CertExpiring,
                ),
                Some((end, _)) => (
                    PointStatus::Fail,
                    format!("only until {end}"),
                    Code::CertExpired,
                ),
                None => (
                    PointStatus::Fail,
                    "none that is valid".to_owned(),
                    Code::CertUncovered,
                ),
            };
            self.add(format!("certificate for {}", domain.name), status, detail);
            self.code(code);
        }
    }

    fn backup(&mut self) {
        if !self.is_known(Class::Backups) {
            self.add(
                "backup",
                PointStatus::Unknown,
                "the backups could not be read",
            );
            return;
        }
        let backups = self
            .facts
            .rows
            .backups
            .get(&self.install.id)
            .into_iter()
            .flatten();
        let completed = backups.filter(|backup| backup.status.as_deref() == Some("completed"));
        let newest = completed
            .filter_map(|backup| backup.completed_at.or(backup.created_at))
            .max();
        let (status, detail, code) = match newest {
            None => (
                PointStatus::Fail,
                "none is completed".to_owned(),
                Code::BackupNone,
            ),
            Some(at) if self.now.duration_since(at) <= BACKUP => (
                PointStatus::Pass,
                format!("completed at {at}"),
                Code::BackupOld,
            ),
            Some(at) => (
                PointStatus::Fail,
                format!("the last one was completed at {at}, more than a day ago"),
                Code::BackupOld,
            ),
        };
        self.add("backup", status, detail);
        self.code(code);
    }

    fn capacity(&mut self) {
        let Some(account) = self.install.account_id.clone() else {
            self.add(
                "capacity",
                PointStatus::Unknown,
                "the answer has no account",
            );
            return;
        };
        let is_known = |class| {
            let read = self.facts.read(class, &account);
            read.read_at.is_some() && read.failure.is_none()
        };
        let are_known = is_known(Class::Limits) && is_known(Class::Usage);
        for used in usage(self.facts, &account) {
            let (status, detail) = match used.percent.filter(|_| are_known) {
                None => (
                    PointStatus::Unknown,
                    "not known, or not measured".to_owned(),
                ),
                Some(percent) if percent < 80.0 => (PointStatus::Pass, format!("{percent:.0} %")),
                Some(percent) if percent <= 100.0 => {
                    (PointStatus::Warning, format!("{percent:.0} %"))
                }
                Some(percent) => (PointStatus::Fail, format!("{percent:.0} %")),
            };
            self.add(format!("capacity: {}", used.metric), status, detail);
            self.code(match status {
                PointStatus::Fail => Code::OverLimit,
                _ => Code::NearLimit,
            });
        }
    }
}
