//! PHP versions: their end of life, and differences inside a site.

use std::collections::BTreeMap;

use wpengine::jiff::{civil::Date, tz::TimeZone};

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::{class::Class, store::InstallRow};

/// When the table was made. Versions that are newer are not in it.
pub(super) const AS_OF: &str = "2026-11-25";

/// Until when each version gets security fixes, by the PHP project.
const END_OF_LIFE: [(&str, &str); 12] = [
    ("5.6", "2018-12-31"),
    ("7.0", "2019-01-10"),
    ("7.1", "2019-12-01"),
    ("7.2", "2020-11-30"),
    ("7.3", "2021-12-06"),
    ("7.4", "2022-11-28"),
    ("8.0", "2023-11-26"),
    ("8.1", "2025-12-31"),
    ("8.2", "2026-12-31"),
    ("8.3", "2027-12-31"),
    ("8.4", "2028-12-31"),
    ("8.5", "2029-12-31"),
];

/// A version is a warning so many days before its end.
const SOON: i64 = 90;

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    let mut sites: BTreeMap<&str, Vec<&InstallRow>> = BTreeMap::new();
    for install in &facts.installs {
        if let Some(site) = &install.site_id {
            sites.entry(site).or_default().push(install);
        }
        match install.php_version.as_deref() {
            Some(version) => end_of_life(context, install, version),
            None => {
                let words = Words {
                    subject: install.name.clone(),
                    observed: "no PHP version in the answer".to_owned(),
                    expected: "a PHP version".to_owned(),
                    next: format!("look at the install {} in the user portal", install.name),
                };
                context.add(
                    Code::PhpUnknown,
                    Severity::Info,
                    Place::Install(install),
                    Class::Installs,
                    words,
                );
            }
        }
    }
    for installs in sites.values() {
        mismatch(context, installs);
    }
    context.subjects()
}

fn end_of_life(context: &mut Context<'_>, install: &InstallRow, version: &str) {
    let known = END_OF_LIFE
        .iter()
        .find(|(known, _)| version == *known || version.starts_with(&format!("{known}.")));
    // Even older ones ended before the first of the table; versions that are newer than the table are supported.
    let is_older = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok())
        .is_some_and(|major: u8| major < 7);
    let Some((known, date)) = known.or_else(|| is_older.then_some(&END_OF_LIFE[0])) else {
        return;
    };
    let Ok(end) = date.parse::<Date>().map_err(drop).and_then(|date| {
        date.at(23, 59, 59, 0)
            .to_zoned(TimeZone::UTC)
            .map(|end| end.timestamp())
            .map_err(drop)
    }) else {
        return;
    };
    let days = context.days_until(end);
    let severity = match days {
        i64::MIN..0 => Severity::Critical,
        0..=SOON => Severity::Warning,
        _ => return,
    };
    let words = Words {
        subject: install.name.clone(),
        observed: format!(
            "PHP {version}, which gets security fixes until {date} (table of {AS_OF})"
        ),
        expected: format!("a version with more than {SOON} days of security fixes"),
        next: format!(
            "test the site with a newer version than {known} in staging, then change it in the user portal"
        ),
    };
    context.add(
        Code::PhpEol,
        severity,
        Place::Install(install),
        Class::Installs,
        words,
    );
}

/// An environment that differs from production, or from the first one.
fn mismatch(context: &mut Context<'_>, installs: &[&InstallRow]) {
    let production = installs.iter().find(|install| install.is_production());
    let Some(reference) = production.or(installs.first()) else {
        return;
    };
    for install in installs {
        let (Some(version), Some(expected)) = (&install.php_version, &reference.php_version) else {
            continue;
        };
        if version != expected {
            let words = Words {
                subject: install.name.clone(),
                observed: format!("PHP {version}"),
                expected: format!("PHP {expected}, as the install {}", reference.name),
                next: "use one version in all environments of a site, so that tests say something about production".to_owned(),
            };
            context.add(
                Code::PhpMismatch,
                Severity::Info,
                Place::Install(install),
                Class::Installs,
                words,
            );
        }
    }
}
