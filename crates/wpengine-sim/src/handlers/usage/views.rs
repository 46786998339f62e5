//! Usage as the API shows it: 64-bit counts are written as text.

use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::state::{Environment, Install, Site, Time};
use crate::usage::Day;

/// A 64-bit count, which is written as text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count(u64);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The figures of one day.
#[derive(Serialize)]
pub(super) struct DayView {
    date: Date,
    visit_count: Count,
    billable_visits: Count,
    network_origin_bytes: Count,
    network_cdn_bytes: Count,
    network_total_bytes: Count,
    request_origin_count: Count,
    storage_file_bytes: Option<Count>,
    storage_database_bytes: Option<Count>,
    storage_update_time: Option<Time>,
    traffic_metrics_source: &'static str,
    database_tables_count: Option<Count>,
    database_sql_bytes: Option<Count>,
    autoloaded_bytes: Option<Count>,
}

impl DayView {
    pub(super) fn new(day: &Day) -> Self {
        Self {
            date: day.date,
            visit_count: Count(day.visits),
            billable_visits: Count(day.billable_visits),
            network_origin_bytes: Count(day.origin_bytes),
            network_cdn_bytes: Count(day.cdn_bytes),
            network_total_bytes: Count(day.origin_bytes + day.cdn_bytes),
            request_origin_count: Count(day.origin_requests),
            storage_file_bytes: day.storage.map(|storage| Count(storage.file_bytes)),
            storage_database_bytes: day.storage.map(|storage| Count(storage.database_bytes)),
            storage_update_time: day.storage.map(|storage| Time(storage.measured_at)),
            traffic_metrics_source: "BIGQUERY",
            database_tables_count: day.storage.map(|storage| Count(storage.database_tables)),
            database_sql_bytes: day.storage.map(|storage| Count(storage.sql_bytes)),
            autoloaded_bytes: day.storage.map(|storage| Count(storage.autoloaded_bytes)),
        }
    }
}

/// The figures of a range, of one install or of several: `average` and `sum` of traffic, `latest` of storage.
#[derive(Serialize)]
pub(super) struct Rollup {
    visit_count: Flow,
    billable_visits: Flow,
    network_origin_bytes: Flow,
    network_cdn_bytes: Flow,
    network_total_bytes: Flow,
    request_origin_count: Flow,
    storage_file_bytes: Stock,
    storage_database_bytes: Stock,
}

#[derive(Serialize)]
struct Flow {
    average: Option<Count>,
    sum: Count,
}

#[derive(Serialize)]
struct Stock {
    latest: Option<Latest>,
}

#[derive(Serialize)]
struct Latest {
    date: Date,
    value: Count,
}

impl Rollup {
    /// The rollup of several installs, from the days of each.
    pub(super) fn new(installs: &[&[Day]]) -> Self {
        let days = installs.iter().map(|days| days.len()).max().unwrap_or(0) as u64;
        let flow = |figure: fn(&Day) -> u64| {
            let sum: u64 = installs.iter().copied().flatten().map(figure).sum();
            Flow {
                average: sum.checked_div(days).map(Count),
                sum: Count(sum),
            }
        };
        Self {
            visit_count: flow(|day| day.visits),
            billable_visits: flow(|day| day.billable_visits),
            network_origin_bytes: flow(|day| day.origin_bytes),
            network_cdn_bytes: flow(|day| day.cdn_bytes),
            network_total_bytes: flow(|day| day.origin_bytes + day.cdn_bytes),
            request_origin_count: flow(|day| day.origin_requests),
            storage_file_bytes: stock(installs, file_bytes),
            storage_database_bytes: stock(installs, database_bytes),
        }
    }
}

fn file_bytes(day: &Day) -> Option<u64> {
    day.storage.map(|storage| storage.file_bytes)
}

fn database_bytes(day: &Day) -> Option<u64> {
    day.storage.map(|storage| storage.database_bytes)
}

/// The sum of the last figure of each install, with the most recent of their days.
fn stock(installs: &[&[Day]], figure: fn(&Day) -> Option<u64>) -> Stock {
    let last = installs.iter().filter_map(|days| latest(days, figure));
    let latest = last.reduce(|one, other| (one.0.max(other.0), one.1 + other.1));
    Stock {
        latest: latest.map(|(date, value)| Latest {
            date,
            value: Count(value),
        }),
    }
}

fn latest(days: &[Day], figure: fn(&Day) -> Option<u64>) -> Option<(Date, u64)> {
    days.iter()
        .rev()
        .find_map(|day| Some((day.date, figure(day)?)))
}

/// The figures of an account by environment and by type of site.
#[derive(Default, Serialize)]
pub(super) struct Breakdowns {
    visit_count: Breakdown,
    billable_visits: Breakdown,
    network_origin_bytes: Breakdown,
    network_cdn_bytes: Breakdown,
    network_total_bytes: Breakdown,
    storage_file_bytes: Breakdown,
    storage_database_bytes: Breakdown,
    request_origin_count: Breakdown,
}

#[derive(Default, Serialize)]
struct Breakdown {
    total: Count,
    environment_types: EnvironmentTypes,
    site_types: SiteTypes,
}

#[derive(Default, Serialize)]
struct EnvironmentTypes {
    production: Count,
    staging: Count,
    development: Count,
}

#[derive(Default, Serialize)]
struct SiteTypes {
    standard: Count,
    transferable: Count,
    sandbox: Count,
}

impl Breakdowns {
    pub(super) fn add(&mut self, days: &[Day], install: &Install, site: Option<&Site>) {
        let sum = |figure: fn(&Day) -> u64| days.iter().map(figure).sum();
        let last = |figure| latest(days, figure).map_or(0, |(_, value)| value);
        self.visit_count.add(sum(|day| day.visits), install, site);
        self.billable_visits
            .add(sum(|day| day.billable_visits), install, site);
        self.network_origin_bytes
            .add(sum(|day| day.origin_bytes), install, site);
        self.network_cdn_bytes
            .add(sum(|day| day.cdn_bytes), install, site);
        self.network_total_bytes
            .add(sum(|day| day.origin_bytes + day.cdn_bytes), install, site);
        self.storage_file_bytes.add(last(file_bytes), install, site);
        self.storage_database_bytes
            .add(last(database_bytes), install, site);
        self.request_origin_count
            .add(sum(|day| day.origin_requests), install, site);
    }
}

impl Breakdown {
    fn add(&mut self, figure: u64, install: &Install, site: Option<&Site>) {
        self.total.0 += figure;
        let slot = match install.environment {
            // An install without an environment counts as production.
            None | Some(Environment::Production) => &mut self.environment_types.production,
            Some(Environment::Staging) => &mut self.environment_types.staging,
            Some(Environment::Development) => &mut self.environment_types.development,
        };
        slot.0 += figure;
        let kind = match site {
            Some(site) if site.sandbox => &mut self.site_types.sandbox,
            Some(site) if site.transferable => &mut self.site_types.transferable,
            _ => &mut self.site_types.standard,
        };
        kind.0 += figure;
    }
}
