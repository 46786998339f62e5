//! Measurements of the disk usage that were requested.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a measurement takes.
const DURATION: SignedDuration = SignedDuration::from_mins(2);

/// When measurements were requested, oldest first.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct StorageRefreshes(Vec<Timestamp>);

impl StorageRefreshes {
    /// Requests a measurement. If one is running, it serves this request too.
    pub(crate) fn ask(&mut self, now: Timestamp) {
        if self.expected_at(now).is_none() {
            self.0.push(now);
        }
    }

    /// When the running measurement will end, if one runs.
    pub(crate) fn expected_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.last().map(end).filter(|end| now < *end)
    }

    /// When measurements ended, newest first.
    pub(crate) fn finished(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.0.iter().rev().map(end).filter(move |end| *end <= now)
    }
}

fn end(start: &Timestamp) -> Timestamp {
    start.saturating_add(DURATION).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_requests_make_one_measurement() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut refreshes = StorageRefreshes::default();
        refreshes.ask(at(0));
        refreshes.ask(at(60));
        assert_eq!(refreshes.expected_at(at(119)), Some(at(120)));
        assert_eq!(refreshes.expected_at(at(120)), None);
        refreshes.ask(at(200));
        assert_eq!(
            refreshes.finished(at(320)).collect::<Vec<_>>(),
            [at(320), at(120)]
        );
    }
}
