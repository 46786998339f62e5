//! Lines of several logs as one, by time, and the choice among them.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::line::{Entries, Level, Line};

/// Which entries are wanted. Without anything set all of them are.
///
/// ```
/// use wpengine_ssh::logs::{Filter, Level, parse};
///
/// let filter = Filter::default().level(Level::Error);
/// assert!(filter.takes(&parse("[26-Nov-2026 06:29:46 UTC] PHP Fatal error:  no")));
/// assert!(!filter.takes(&parse("[26-Nov-2026 06:29:46 UTC] PHP Notice:  well")));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    level: Option<Level>,
    status: Vec<RangeInclusive<u16>>,
}

impl Filter {
    /// Entries of this time or later. Those whose time is not known are left out.
    #[must_use]
    pub fn since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// Entries of this time or earlier.
    #[must_use]
    pub fn until(mut self, at: Timestamp) -> Self {
        self.until = Some(at);
        self
    }

    /// Entries that are at least as serious. Answers with a status of 400 count as warnings, of 500 as errors.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Answers with a status such as `404`, `5xx` or `400-499`. Several are alternatives.
    ///
    /// # Errors
    ///
    /// A text that says what can be given.
    pub fn status(mut self, text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no status; give one such as 404, 5xx or 400-499");
        let number = |text: &str| {
            text.parse::<u16>()
                .ok()
                .filter(|status| (100..=599).contains(status))
        };
        let range = match text.to_ascii_lowercase().as_bytes() {
            [class @ b'1'..=b'5', b'x', b'x'] => {
                let first = u16::from(class - b'0') * 100;
                first..=first + 99
            }
            _ => match text.split_once('-') {
                Some((first, last)) => {
                    number(first).ok_or_else(wrong)?..=number(last).ok_or_else(wrong)?
                }
                None => {
                    let status = number(text).ok_or_else(wrong)?;
                    status..=status
                }
            },
        };
        self.status.push(range);
        Ok(self)
    }

    /// Returns the earliest time that is wanted.
    #[must_use]
    pub fn earliest(&self) -> Option<Timestamp> {
        self.since
    }

    /// Whether an entry is wanted.
    #[must_use]
    pub fn takes(&self, line: &Line) -> bool {
        self.takes_at(line, line.at)
    }

    fn takes_at(&self, line: &Line, at: Option<Timestamp>) -> bool {
        self.since
            .is_none_or(|since| at.is_some_and(|at| at >= since))
            && self
                .until
                .is_none_or(|until| at.is_some_and(|at| at <= until))
            && self
                .level
                .is_none_or(|level| line.severity().is_some_and(|found| found >= level))
            && (self.status.is_empty()
                || line
                    .status
                    .is_some_and(|status| self.status.iter().any(|range| range.contains(&status))))
    }
}

/// Reads whole files, each with the name of its log, and returns what is wanted by time. Files of one log come in the order in which
/// they were written. An entry without a time has that of the one before.
#[must_use]
pub fn merged<N: Clone>(files: &[(N, String)], filter: &Filter) -> Vec<(N, Line)> {
    let mut all: Vec<(Option<Timestamp>, N, Line)> = Vec::new();
    for (name, content) in files {
        let mut entries = Entries::default();
        let mut last = None;
        let mut add = |line: Line| {
            let at = line.at.or(last);
            last = at;
            if filter.takes_at(&line, at) {
                all.push((at, name.clone(), line));
            }
        };
        for text in content.lines() {
            if let Some(line) = entries.push(text) {
                add(line);
            }
        }
        if let Some(line) = entries.finish() {
            add(line);
        }
    }
    all.sort_by_key(|(at, ..)| *at);
    all.into_iter()
        .map(|(_, name, line)| (name, line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_merged_by_time_and_entries_stay_whole() {
        let php = "[26-Nov-2026 06:00:01 UTC] PHP Warning:  one\n[26-Nov-2026 06:00:03 UTC] PHP Fatal error:  three\nStack trace:\n#0 {main}\n";
        let web = "1.2.3.4 h - [26/Nov/2026:06:00:02 +0000] \"GET /a HTTP/1.1\" 500 1\n1.2.3.4 h - [26/Nov/2026:06:00:04 +0000] \"GET /b HTTP/1.1\" 200 1\n";
        let files = [("php", php.to_owned()), ("web", web.to_owned())];
        let names = |filter: &Filter| -> Vec<String> {
            merged(&files, filter)
                .into_iter()
                .map(|(name, line)| format!("{name} {}", line.raw.lines().count()))
                .collect()
        };
        assert_eq!(
            names(&Filter::default()),
            ["php 1", "web 1", "php 3", "web 1"]
        );
        assert_eq!(
            names(&Filter::default().level(Level::Error)),
            ["web 1", "php 3"]
        );
        assert_eq!(names(&Filter::default().status("5xx").unwrap()), ["web 1"]);
        let at = "2026-11-26T06:00:03Z".parse().unwrap();
        assert_eq!(names(&Filter::default().since(at)), ["php 3", "web 1"]);
        assert_eq!(
            names(&Filter::default().until(at)),
            ["php 1", "web 1", "php 3"]
        );
        assert!(Filter::default().status("9xx").is_err());
        assert!(Filter::default().status("40").is_err());
    }
}
