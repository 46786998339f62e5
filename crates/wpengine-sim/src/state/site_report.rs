//! Reports on a site, and the schedules that create them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::{Work, World};

/// The number of reports of a site that are kept.
const MOST_REPORTS: usize = 500;
/// How far back missed reports are created when the clock is advanced.
const CAUGHT_UP: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

/// How often reports are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "unit", content = "value", rename_all = "UPPERCASE")]
pub(crate) enum Frequency {
    /// Every this many days.
    Days(i64),
    /// On this day of the month, or on its last day in shorter months.
    Monthly(i8),
}

impl Frequency {
    /// Whether the API allows it. Other values could cause an endless loop.
    pub(crate) fn is_known(self) -> bool {
        match self {
            Self::Days(days) => matches!(days, 7 | 14),
            Self::Monthly(day) => (1..=31).contains(&day),
        }
    }

    /// The time of the next report, at the same time of day.
    fn after(self, time: Timestamp) -> Timestamp {
        let next = match self {
            Self::Days(days) => time
                .saturating_add(SignedDuration::from_hours(24 * days))
                .ok(),
            Self::Monthly(day) => {
                let at = time.to_zoned(TimeZone::UTC);
                let month = at.date().first_of_month().checked_add(1.month());
                month.ok().and_then(|month| on(month, day, &at))
            }
        };
        next.unwrap_or(Timestamp::MAX)
    }

    /// The default time of the first report: midnight.
    pub(crate) fn first(self, now: Timestamp) -> Timestamp {
        let today = now.to_zoned(TimeZone::UTC).date();
        let midnight = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
        let first = match self {
            Self::Days(days) => today
                .checked_add(Span::new().days(days))
                .ok()
                .and_then(midnight),
            Self::Monthly(day) => midnight(in_month(today, day))
                .map(|time| if time > now { time } else { self.after(time) }),
        };
        first.unwrap_or(Timestamp::MAX)
    }
}

/// This day of the month of a date, or the month's last day.
fn in_month(date: Date, day: i8) -> Date {
    let last = date.last_of_month();
    date.with().day(day.min(last.day())).build().unwrap_or(last)
}

fn on(month: Date, day: i8, at: &jiff::Zoned) -> Option<Timestamp> {
    let date = in_month(month, day);
    let zoned = date.to_datetime(at.time()).to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

/// A recipient of reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Recipient {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) name: Option<String>,
    pub(crate) email: String,
}

/// When reports on a site are created, and their content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) uuid: String,
    pub(crate) title: String,
    pub(crate) next: Timestamp,
    pub(crate) frequency: Frequency,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) sections: Vec<String>,
    pub(crate) template: String,
}

impl Schedule {
    /// Moves the next report to a time in the future.
    pub(crate) fn catch_up(&mut self, now: Timestamp) {
        if let Frequency::Days(days) = self.frequency
            && self.next < now
        {
            let whole = now.duration_since(self.next).as_hours() / (24 * days);
            let skipped = SignedDuration::from_hours(whole * 24 * days);
            self.next = self.next.saturating_add(skipped).unwrap_or(Timestamp::MAX);
        }
        while self.next <= now && self.next < Timestamp::MAX {
            self.next = self.frequency.after(self.next);
        }
    }
}

/// A created report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SiteReport {
    pub(crate) uuid: String,
    pub(crate) title: String,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) recipients: Vec<String>,
    pub(crate) sections: Vec<String>,
    /// The random part of its link, which makes the link unguessable.
    pub(crate) key: String,
}

impl World {
    /// Adds a schedule to a site or replaces the one with the same id, and plans its next report.
    pub(crate) fn set_schedule(&mut self, site_id: &str, schedule: Schedule) {
        let Some(site) = self.sites.get_mut(site_id) else {
            return;
        };
        self.agenda.add(
            schedule.next,
            Work::SiteReport {
                site_id: site_id.to_owned(),
                schedule_id: schedule.uuid.clone(),
            },
        );
        site.schedules.insert(schedule.uuid.clone(), schedule);
    }

    /// Creates the report that is due at that time. It does nothing if the schedule was changed or deleted meanwhile:
    /// then it has another time, or none.
    pub(super) fn make_report(
        &mut self,
        site_id: &str,
        schedule_id: &str,
        at: Timestamp,
        now: Timestamp,
    ) {
        let Some(site) = self.sites.get_mut(site_id) else {
            return;
        };
        let schedule = site.schedules.get_mut(schedule_id);
        let Some(schedule) = schedule.filter(|schedule| schedule.next == at) else {
            return;
        };
        let (uuid, key) = (self.random.uuid(), self.random.token(32));
        let days = match schedule.frequency {
            Frequency::Days(days) => days,
            Frequency::Monthly(_) => 30,
        };
        site.reports.push(SiteReport {
            uuid,
            title: schedule.title.clone(),
            starts_at: at
                .saturating_sub(SignedDuration::from_hours(24 * days))
                .unwrap_or(at),
            ends_at: at,
            created_at: at,
            recipients: schedule
                .recipients
                .iter()
                .map(|recipient| recipient.email.clone())
                .collect(),
            sections: schedule.sections.clone(),
            key,
        });
        if site.reports.len() > MOST_REPORTS {
            site.reports.remove(0);
        }
        schedule.next = schedule.frequency.after(at);
        // If the clock is advanced by centuries, not all missed reports are created.
        let oldest = now.saturating_sub(CAUGHT_UP).unwrap_or(Timestamp::MIN);
        if schedule.next < oldest {
            schedule.catch_up(oldest);
        }
        let schedule = schedule.clone();
        if schedule.next < Timestamp::MAX {
            self.set_schedule(site_id, schedule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_short_month_has_its_report_on_its_last_day() {
        let mut time = at("2027-01-31T06:30:00Z");
        for expected in ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"] {
            time = Frequency::Monthly(31).after(time);
            assert_eq!(time, at(&format!("{expected}T06:30:00Z")));
        }
        let leap = Frequency::Monthly(30).after(at("2028-01-30T00:00:00Z"));
        assert_eq!(leap, at("2028-02-29T00:00:00Z"));
    }

    #[test]
    fn weeks_keep_their_weekday() {
        let next = Frequency::Days(14).after(at("2026-12-28T08:00:00Z"));
        assert_eq!(next, at("2027-01-11T08:00:00Z"));
    }

    #[test]
    fn the_first_report_is_to_come() {
        let now = at("2026-06-15T12:00:00Z");
        for (frequency, expected) in [
            (Frequency::Days(7), "2026-06-22"),
            (Frequency::Monthly(16), "2026-06-16"),
            (Frequency::Monthly(15), "2026-07-15"),
            (Frequency::Monthly(31), "2026-06-30"),
        ] {
            assert_eq!(frequency.first(now), at(&format!("{expected}T00:00:00Z")));
        }
    }
}
