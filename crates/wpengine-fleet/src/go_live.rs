//! Whether an install is ready for visitors.

use serde::Serialize;
use wpengine::{
    jiff::{SignedDuration, Timestamp},
    types::DomainStatus,
};

use crate::{
    Candidate, Class, Error, Failure, Fleet, Observed,
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
    /// certificates, a backup, and the capacity of the plan. Everything is read from the service; the service examines each domain
    /// anew, with 5 s between two domains.
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
            let known = known.ok_or_else(|| Error::NotFound {
                wanted: install.name.clone(),
            })?;
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
            .of([Some(install.id.clone()), account].into_iter().flatten())
            .run()
            .await?;
        failures.extend(synced.failures);
        requests += synced.requests;

        let facts = self.facts_of(&classes, vec![install.id.clone()]).await?;
        let known = facts.installs.iter().find(|known| known.id == install.id);
        let row = known.ok_or_else(|| Error::NotFound {
            wanted: install.name.clone(),
        })?;
        let now = Timestamp::now();
        let mut points = Points {
            facts: &facts,
            install: row,
            now,
            points: Vec::new(),
        };
        points.install();
        points.domains();
        for domain in points.live() {
            let looked = self.examine(install, domain, &mut requests).await;
            let status = match looked {
                Ok(status) => status,
                Err(error) => {
                    failures.push(Failure::new(format!("status of {}", domain.name), &error));
                    None
                }
            };
            points.dns(domain, status);
        }
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
        let mut observed = Observed::new(data, Some(now)).with(failures, requests);
        observed.complete &= is_known;
        Ok(observed)
    }

    /// Has the service examine a domain.
    async fn examine(
        &self,
        install: &Candidate,
        domain: &DomainRow,
        requests: &mut u64,
    ) -> Result<Option<DomainStatus>, wpengine::Error> {
        let handle = self.client().install(install.id.as_str());
        *requests += 2;
        let started = handle.domain(domain.id.as_str()).check_status().await?;
        let report = handle
            .domains()
            .report(started.report_id)
            .wait()
            .await?
            .report;
        let found = report
            .and_then(|report| report.domains)
            .into_iter()
            .flatten();
        Ok(found
            .into_iter()
            .find(|status| status.name.as_deref() == Some(domain.name.as_str())))
    }
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
            status,
            detail: detail.into(),
        });
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

    /// The domains that visitors are meant to use.
    fn live(&self) -> Vec<&'a DomainRow> {
        self.all()
            .iter()
            .filter(|domain| !is_of_platform(&domain.name))
            .collect()
    }

    fn install(&mut self) {
        let status = self.install.status.clone();
        let (active, detail) = match status.as_deref() {
            Some("active") => (PointStatus::Pass, "active".to_owned()),
            Some(other) => (PointStatus::Fail, other.to_owned()),
            None => (PointStatus::Unknown, "the answer has no status".to_owned()),
        };
        self.add("status", active, detail);
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
        for domain in live {
            if let Some(others) = self.facts.rows.elsewhere.get(&domain.name) {
                self.add(
                    format!("{} is unique", domain.name),
                    PointStatus::Fail,
                    format!("also on {}", others.join(" and ")),
                );
            }
            let (status, detail) = match domain.ownership.as_deref() {
                Some("TXT_VERIFIED") => (PointStatus::Pass, "proven"),
                Some(other) => (PointStatus::Fail, other),
                None => (PointStatus::Unknown, "the answer does not say it"),
            };
            self.add(format!("ownership of {}", domain.name), status, detail);
        }
    }

    fn dns(&mut self, domain: &DomainRow, status: Option<DomainStatus>) {
        let (status, detail) = match status {
            None => (
                PointStatus::Unknown,
                "the service could not examine it".to_owned(),
            ),
            Some(status) => match (status.result.as_deref(), status.dns_error) {
                (Some("ok"), _) => (PointStatus::Pass, "it points here".to_owned()),
                (result, error) => {
                    let words = result.unwrap_or(if error == Some(true) {
                        "no DNS record"
                    } else {
                        "no result"
                    });
                    (
                        PointStatus::Fail,
                        format!("{words}: it does not point here"),
                    )
                }
            },
        };
        self.add(format!("DNS of {}", domain.name), status, detail);
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
            let (status, detail) = match end.map(|end| (end, end.duration_since(self.now))) {
                Some((end, left)) if left > CERTIFICATE => {
                    (PointStatus::Pass, format!("until {end}"))
                }
                Some((end, left)) if renews && left.is_positive() => (
                    PointStatus::Pass,
                    format!("until {end}, and it renews itself"),
                ),
                Some((end, _)) => (PointStatus::Fail, format!("only until {end}")),
                None => (PointStatus::Fail, "none that is valid".to_owned()),
            };
            self.add(format!("certificate for {}", domain.name), status, detail);
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
        let (status, detail) = match newest {
            None => (PointStatus::Fail, "none is completed".to_owned()),
            Some(at) if self.now.duration_since(at) <= BACKUP => {
                (PointStatus::Pass, format!("completed at {at}"))
            }
            Some(at) => (
                PointStatus::Fail,
                format!("the last one was completed at {at}, more than a day ago"),
            ),
        };
        self.add("backup", status, detail);
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
        for used in usage(self.facts, &account) {
            let (status, detail) = match used.percent {
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
        }
    }
}
