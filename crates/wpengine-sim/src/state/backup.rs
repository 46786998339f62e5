//! Backups: `requested`, `in_progress`, then `completed` or `aborted`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Content;

/// How long a backup is `requested`.
const WAITING: SignedDuration = SignedDuration::from_secs(5);
/// The time from the request to the end of a backup.
const DURATION: SignedDuration = SignedDuration::from_mins(3);

/// A backup point. Its state is computed from the time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Backup {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) requested_at: Timestamp,
    pub(crate) duration: SignedDuration,
    /// Whether it ends as `aborted`.
    pub(crate) fails: bool,
    /// The saved content.
    pub(crate) content: Content,
}

impl Backup {
    pub(crate) fn new(
        id: String,
        description: String,
        requested_at: Timestamp,
        content: Content,
    ) -> Self {
        Self {
            id,
            description,
            requested_at,
            duration: DURATION,
            fails: false,
            content,
        }
    }

    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        let elapsed = now.duration_since(self.requested_at);
        match () {
            () if elapsed < WAITING.min(self.duration) => "requested",
            () if elapsed < self.duration => "in_progress",
            () if self.fails => "aborted",
            () => "completed",
        }
    }

    /// When it completed, if it did.
    pub(crate) fn completed_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.status(now) == "completed")
            .then(|| self.requested_at.saturating_add(self.duration).ok())
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_goes_through_its_states_with_time() {
        let content = Content {
            wp_version: "6.8".into(),
            files: "f".into(),
            database: "d".into(),
        };
        let mut backup = Backup::new("b".into(), "before".into(), Timestamp::UNIX_EPOCH, content);
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let states: Vec<_> = [0, 4, 5, 179, 180]
            .map(|second| backup.status(at(second)))
            .into();
        assert_eq!(
            states,
            [
                "requested",
                "requested",
                "in_progress",
                "in_progress",
                "completed"
            ]
        );
        assert_eq!(backup.completed_at(at(200)), Some(at(180)));
        backup.fails = true;
        assert_eq!(
            (backup.status(at(180)), backup.completed_at(at(180))),
            ("aborted", None)
        );
    }
}
