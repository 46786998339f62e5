//! Realistic usage figures: a pure function of seed, install and day.
//!
//! Nothing is stored. Repeated requests for a day give the same figures, and thirteen months of ten thousand installs
//! take no memory.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::random::Random;
use crate::state::{Environment, Install, StorageRefreshes};

/// The disk is measured weekly at 06:12 UTC.
const MEASURED_AT: SignedDuration = SignedDuration::from_mins(6 * 60 + 12);
/// Monday to Sunday.
const WEEK: [f64; 7] = [1.05, 1.12, 1.1, 1.06, 0.96, 0.82, 0.86];

/// The figures of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) date: Date,
    pub(crate) visits: u64,
    pub(crate) billable_visits: u64,
    pub(crate) origin_bytes: u64,
    pub(crate) cdn_bytes: u64,
    pub(crate) origin_requests: u64,
    /// Only for the days on which it was measured.
    pub(crate) storage: Option<Storage>,
}

/// A measurement of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Storage {
    pub(crate) file_bytes: u64,
    pub(crate) database_bytes: u64,
    pub(crate) database_tables: u64,
    pub(crate) sql_bytes: u64,
    pub(crate) autoloaded_bytes: u64,
    pub(crate) measured_at: Timestamp,
}

/// The days of a range on which the install existed, up to today.
pub(crate) fn days(
    seed: u64,
    install: &Install,
    account: &StorageRefreshes,
    range: (Date, Date),
    now: Timestamp,
) -> Vec<Day> {
    let today = day_of(now);
    let first = range.0.max(day_of(install.created_at));
    let profile = Profile::new(seed, install);
    first
        .series(jiff::Span::new().days(1))
        .take_while(|date| *date <= range.1.min(today))
        .map(|date| profile.day(seed, install, account, date, now))
        .collect()
}

/// The day of a time, in UTC.
pub(crate) fn day_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The typical figures of an install.
struct Profile {
    visits: f64,
    growth: f64,
    file_bytes: f64,
    database_bytes: f64,
    tables: u64,
    /// The day of the week on which its disk is measured.
    phase: i64,
}

impl Profile {
    fn new(seed: u64, install: &Install) -> Self {
        let mut random = Random::for_text(seed, &install.id);
        let share = match install.environment {
            Some(Environment::Production) => 1.0,
            Some(Environment::Staging) => 0.05,
            Some(Environment::Development) => 0.03,
            None => 0.2,
        };
        // From 60 to 7,680 visits a day. Small sites are more frequent.
        let visits = 60.0 * f64::from(1_u32 << random.below(7)) * (1.0 + random.unit()) * share;
        Self {
            visits,
            growth: random.unit().mul_add(0.8, -0.2),
            file_bytes: 1e9 * (1.0 + 19.0 * random.unit()),
            database_bytes: 5e7 * (1.0 + 19.0 * random.unit()),
            tables: 12 + random.below(80),
            phase: random.below(7) as i64,
        }
    }

    fn day(
        &self,
        seed: u64,
        install: &Install,
        account: &StorageRefreshes,
        date: Date,
        now: Timestamp,
    ) -> Day {
        let number = date
            .duration_since(jiff::civil::date(1970, 1, 1))
            .as_hours()
            / 24;
        let mut random = Random::for_text(seed ^ (number as u64).rotate_left(32), &install.id);
        // Growth since October 2024 (day 20,000), a weekly pattern, noise, and a spike about every two months.
        let trend = self
            .growth
            .mul_add((number - 20_000) as f64 / 1000.0, 1.0)
            .clamp(0.2, 5.0);
        let weekday = WEEK[date.weekday().to_monday_zero_offset() as usize];
        let noise = random.unit().mul_add(0.3, 0.85);
        let spike = if random.below(60) == 0 {
            2.0 + 2.0 * random.unit()
        } else {
            1.0
        };
        let visits = self.visits * trend * weekday * noise * spike;
        Day {
            date,
            visits: visits as u64,
            billable_visits: (visits * 0.92) as u64,
            origin_bytes: (visits * random.unit().mul_add(200e3, 350e3)) as u64,
            cdn_bytes: (visits * random.unit().mul_add(500e3, 700e3)) as u64,
            origin_requests: (visits * random.unit().mul_add(15.0, 25.0)) as u64,
            storage: self.storage(install, account, date, number, now),
        }
    }

    fn storage(
        &self,
        install: &Install,
        account: &StorageRefreshes,
        date: Date,
        number: i64,
        now: Timestamp,
    ) -> Option<Storage> {
        let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let weekly = (!install.is_unmeasured && (number + self.phase) % 7 == 0)
            .then(|| midnight.saturating_add(MEASURED_AT).ok())
            .flatten();
        let asked = install
            .storage
            .finished(now)
            .chain(account.finished(now))
            .filter(|time| day_of(*time) == date);
        let measured_at = asked.chain(weekly.filter(|time| *time <= now)).max()?;
        // Files grow by about a tenth in a year.
        let growth = (number - 20_000) as f64 / 3650.0 + 1.0;
        let file_bytes = (self.file_bytes * growth.max(0.1)) as u64;
        let database_bytes = (self.database_bytes * growth.max(0.1)) as u64;
        Some(Storage {
            file_bytes,
            database_bytes,
            database_tables: self.tables,
            sql_bytes: database_bytes / 2,
            autoloaded_bytes: 200_000 + database_bytes / 1000,
            measured_at,
        })
    }
}
