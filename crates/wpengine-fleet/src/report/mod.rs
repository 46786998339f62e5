//! Reports of usage and findings, by account or for the whole fleet.

mod html;
mod plot;
mod text;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use serde::Serialize;
use wpengine::{
    jiff::{Span, Timestamp, civil::Date, tz::TimeZone},
    types::{DailyUsageMetrics, Sum},
};

use crate::{
    Class, Code, Error, Failure, Finding, Fleet, Forecast, Named, Observed, Used, forecast,
    questions::usage,
};

/// A report to make, of a month, a quarter or any other period. Made by [`Fleet::report`].
#[derive(Clone, Debug)]
#[must_use = "no report is made until it is read"]
pub struct ReportRequest<'a> {
    fleet: &'a Fleet,
    period: (Date, Date),
    accounts: Option<Vec<String>>,
    history: i32,
}

/// A report. It can be written as [Markdown](Report::markdown), [CSV](Report::csv), one [HTML page](Report::html), or as JSON by
/// `serde`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The first and the last day.
    pub period: (Date, Date),
    /// When it was made.
    pub made_at: Timestamp,
    /// Every account, by name.
    pub accounts: Vec<AccountReport>,
    /// Every finding of the accounts, the most severe first.
    pub findings: Vec<Finding>,
    /// When certificates end, the next first.
    pub certificates: Vec<CertificateEnd>,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// Whether everything could be read.
    pub complete: bool,
    /// When the oldest part was read.
    pub as_of: Option<Timestamp>,
}

impl Report {
    /// Whether the period is as long as a month.
    fn is_a_month(&self) -> bool {
        let days = self
            .period
            .0
            .until(self.period.1)
            .map(|span| span.get_days());
        days.is_ok_and(|days| (27..=30).contains(&days))
    }
}

/// One account of a report.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AccountReport {
    /// The account.
    pub account: Arc<Named>,
    /// The usage of the last 30 days against the plan, by the service's own figures.
    pub usage: Vec<Used>,
    /// The billable visits of the period and what they will be at its end; `None` if the days are not known.
    pub visits: Option<Forecast>,
    /// The bytes of traffic of the period and what they will be at its end; `None` if the days are not known.
    pub bandwidth: Option<Forecast>,
    /// The visits that the plan allows in a month.
    pub allowed_visits: Option<f64>,
    /// The billable visits of each known day of the period.
    pub days: Vec<(Date, f64)>,
    /// The installs with the most billable visits in the period, the largest first.
    pub largest: Vec<(String, f64)>,
}

/// When a certificate of a live domain ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CertificateEnd {
    /// The domain.
    pub domain: String,
    /// The install.
    pub install: String,
    /// When it ends; `None` if that cannot be read.
    pub expires_at: Option<Timestamp>,
    /// Whether it renews itself.
    pub auto_renew: Option<bool>,
}

/// The longest range that the API answers for.
const WINDOW: i32 = 31;

/// The days before the period that a forecast looks at, unless another number is set.
const HISTORY: i32 = 93;

impl Fleet {
    /// Prepares a report of a period. Periods of more than a month are read in windows of 31 days.
    pub fn report(&self, first: Date, last: Date) -> ReportRequest<'_> {
        ReportRequest {
            fleet: self,
            period: (first, last),
            accounts: None,
            history: HISTORY,
        }
    }
}

/// The daily figures of an account: by day, and by install.
#[derive(Default)]
struct Daily {
    visits: BTreeMap<Date, f64>,
    bytes: BTreeMap<Date, f64>,
    installs: BTreeMap<String, f64>,
    /// Whether the user may not see all environments.
    is_partial: bool,
}

impl ReportRequest<'_> {
    /// Reports on these accounts only, by their ids.
    pub fn accounts<I>(mut self, accounts: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.accounts = Some(accounts.into_iter().map(Into::into).collect());
        self
    }

    /// How many days before the period the forecast looks at; 93 by default, 365 at most.
    pub fn history(mut self, days: u16) -> Self {
        self.history = i32::from(days.min(365));
        self
    }

    /// Reads the daily usage of every account from the service, and everything else from the mirror.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the mirror cannot be read. An account whose days cannot be read has none in the report, and is a
    /// failure.
    pub async fn read(self) -> Result<Observed<Report>, Error> {
        let facts = self.fleet.facts(&[Class::Limits, Class::Usage]).await?;
        let findings = self.fleet.check().run().await?;
        let domains = self.fleet.domains().await?;
        let (mut failures, mut requests) = (Vec::new(), 0);
        let is_wanted = |id: &str| {
            self.accounts
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|one| one == id))
        };
        for wanted in self.accounts.iter().flatten() {
            if facts.named(Some(wanted)).is_none() {
                return Err(Error::not_found(wanted));
            }
        }
        let mut accounts = Vec::new();
        for account in facts
            .accounts
            .iter()
            .filter(|account| is_wanted(&account.id))
        {
            let named = facts
                .named(Some(&account.id))
                .unwrap_or_else(|| Arc::new(Named::new(&account.id, &account.name)));
            let subject = format!("daily usage of account {}", account.name);
            let daily = self.daily(&account.id, &mut requests).await;
            if daily.as_ref().is_ok_and(|daily| daily.is_partial) {
                failures.push(Failure::partial(subject.clone()));
            }
            let daily = daily
                .map_err(|error| failures.push(Failure::new(subject, &error)))
                .ok();
            let usage = usage(&facts, &account.id);
            let allowed_visits = usage
                .iter()
                .find(|used| used.metric == "visits")
                .and_then(|used| used.allowed);
            accounts.push(self.account(named, usage, allowed_visits, daily.as_ref()));
        }
        // In a report on some accounts, what belongs to none that is known belongs to none of them.
        let of_wanted = |account: Option<&Named>| match account {
            Some(account) => is_wanted(&account.id),
            None => self.accounts.is_none(),
        };
        let mut certificates: Vec<CertificateEnd> = Vec::new();
        for record in domains
            .data
            .iter()
            .filter(|record| of_wanted(record.account.as_deref()))
        {
            // The one that ends last is the one that counts.
            let known = record.certificates.iter().flatten();
            if let Some(last) = known.max_by_key(|certificate| certificate.expires_at) {
                certificates.push(CertificateEnd {
                    domain: record.domain.clone(),
                    install: record.install.name.clone(),
                    expires_at: last.expires_at,
                    auto_renew: last.auto_renew,
                });
            }
        }
        certificates.sort_by(|one, other| {
            (one.expires_at, &one.domain).cmp(&(other.expires_at, &other.domain))
        });
        let mut of_report = findings.data.findings;
        let is_global =
            |finding: &Finding| finding.code == Code::CheckFailed && finding.account.is_none();
        of_report.retain(|finding| is_global(finding) || of_wanted(finding.account.as_ref()));
        if self.accounts.is_some() {
            // The other install may be one of another customer.
            let doubles = of_report
                .iter_mut()
                .filter(|one| one.code == Code::DomainDuplicate);
            doubles
                .for_each(|one| "on another install, too".clone_into(&mut one.evidence.observed));
        }
        // A report for one account names no other one, and what could not be read of another one is no gap of it.
        let unread = |finding: &&Finding| finding.code == Code::CheckFailed;
        let unread: HashSet<&str> = of_report
            .iter()
            .filter(unread)
            .map(|finding| finding.subject.as_str())
            .collect();
        let known = findings.failures.into_iter();
        failures.extend(known.filter(|failure| unread.contains(failure.subject.as_str())));
        let complete = unread.is_empty() && failures.is_empty();
        let report = Report {
            period: self.period,
            made_at: Timestamp::now(),
            accounts,
            findings: of_report,
            certificates,
            failures: failures.clone(),
            complete,
            as_of: findings.as_of,
        };
        let mut observed = Observed::new(report, findings.as_of).with(failures, requests);
        observed.complete = complete;
        Ok(observed)
    }

    fn account(
        &self,
        account: Arc<Named>,
        usage: Vec<Used>,
        allowed_visits: Option<f64>,
        daily: Option<&Daily>,
    ) -> AccountReport {
        let series = |days: &BTreeMap<Date, f64>| -> Vec<(Date, f64)> {
            days.iter().map(|(date, figure)| (*date, *figure)).collect()
        };
        let of = |days: &BTreeMap<Date, f64>| forecast(&series(days), self.period);
        let (first, last) = self.period;
        let mut largest: Vec<(String, f64)> = daily
            .into_iter()
            .flat_map(|daily| daily.installs.clone())
            .collect();
        largest.sort_by(|(one, left), (other, right)| {
            right.total_cmp(left).then_with(|| one.cmp(other))
        });
        largest.truncate(10);
        AccountReport {
            account,
            usage,
            visits: daily.and_then(|daily| of(&daily.visits)),
            bandwidth: daily.and_then(|daily| of(&daily.bytes)),
            allowed_visits,
            days: daily
                .map_or(Vec::new(), |daily| series(&daily.visits))
                .into_iter()
                .filter(|(date, _)| (first..=last).contains(date))
                .collect(),
            largest,
        }
    }

    /// The days of the period and before it, in windows.
    async fn daily(&self, account: &str, requests: &mut u64) -> Result<Daily, wpengine::Error> {
        // Today is not over: its figures are no day.
        let yesterday = Timestamp::now()
            .to_zoned(TimeZone::UTC)
            .date()
            .yesterday()
            .unwrap_or(Date::MAX);
        let begin = self
            .period
            .0
            .checked_sub(Span::new().days(self.history))
            .unwrap_or(self.period.0);
        // The API has the days of 13 months. History that is older is none; a period that is older is an error.
        let earliest = yesterday
            .checked_sub(Span::new().months(13))
            .and_then(|day| day.checked_add(Span::new().days(2)))
            .unwrap_or(begin);
        let begin = begin.max(earliest.min(self.period.0));
        let end = self.period.1.min(yesterday);
        let mut daily = Daily::default();
        let mut first = begin;
        while first <= end {
            let last = first
                .checked_add(Span::new().days(WINDOW - 1))
                .unwrap_or(end)
                .min(end);
            let handle = self.fleet.client().account(account);
            let mut pages = handle.usage().list().between(first, last).pages();
            while let Some(page) = pages.try_next().await? {
                *requests += u64::from(page.response().attempts());
                daily.is_partial |= page.all_environments_included() == Some(false);
                for environment in page.items {
                    let name = environment.environment_name.unwrap_or_default();
                    for day in environment.metrics.into_iter().flatten() {
                        daily.add(&name, &day, self.period);
                    }
                }
            }
            let Ok(next) = last.tomorrow() else { break };
            first = next;
        }
        Ok(daily)
    }
}

impl Daily {
    fn add(&mut self, install: &str, day: &DailyUsageMetrics, period: (Date, Date)) {
        let Some(date) = day.date.as_ref().and_then(|date| date.date()) else {
            return;
        };
        if let Some(visits) = day.billable_visits.map(Sum::as_f64) {
            *self.visits.entry(date).or_default() += visits;
            if (period.0..=period.1).contains(&date) {
                *self.installs.entry(install.to_owned()).or_default() += visits;
            }
        }
        if let Some(bytes) = day.network_total_bytes.map(Sum::as_f64) {
            *self.bytes.entry(date).or_default() += bytes;
        }
    }
}

/// The classes that a report needs in the mirror.
#[must_use]
pub fn report_classes() -> [Class; 7] {
    [
        Class::Limits,
        Class::Usage,
        Class::People,
        Class::Transfers,
        Class::Certificates,
        Class::Backups,
        Class::Domains,
    ]
}
