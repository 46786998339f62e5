//! Downloadable copies of backups.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const WAITING: SignedDuration = SignedDuration::from_secs(10);
const DURATION: SignedDuration = SignedDuration::from_mins(12);

/// An archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Archive {
    pub(crate) id: String,
    pub(crate) backup_id: String,
    pub(crate) notification_emails: Vec<String>,
    pub(crate) requested_at: Timestamp,
    /// Whether it ends as `aborted`.
    pub(crate) fails: bool,
    /// The random part of its link, which makes the link unguessable.
    #[serde(default)]
    pub(crate) key: String,
}

impl Archive {
    pub(crate) fn state(&self, now: Timestamp) -> &'static str {
        match () {
            () if now < self.starts_at() => "requested",
            () if now < self.ends_at() => "in_progress",
            () if self.fails => "aborted",
            () => "completed",
        }
    }

    pub(crate) fn starts_at(&self) -> Timestamp {
        self.requested_at
            .saturating_add(WAITING)
            .unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn ends_at(&self) -> Timestamp {
        self.starts_at()
            .saturating_add(DURATION)
            .unwrap_or(Timestamp::MAX)
    }
}
