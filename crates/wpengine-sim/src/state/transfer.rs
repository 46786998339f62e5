//! Transfers of sites between accounts.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a transfer without a scheduled time is `pending`.
const WAITING: SignedDuration = SignedDuration::from_secs(30);
/// How long the transfer itself takes.
const DURATION: SignedDuration = SignedDuration::from_mins(5);

/// A transfer. It keeps the names from the time of the request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Transfer {
    pub(crate) id: String,
    pub(crate) site_id: String,
    pub(crate) site_name: String,
    pub(crate) install_names: Vec<String>,
    pub(crate) origin: AccountName,
    pub(crate) destination: AccountName,
    pub(crate) scheduled_time: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) cancelled_at: Option<Timestamp>,
    /// Whether the site or the destination no longer existed when the transfer ended.
    pub(crate) failed: bool,
}

/// An account, with its name at that time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccountName {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Transfer {
    fn starts_at(&self) -> Timestamp {
        let soon = self.created_at.saturating_add(WAITING);
        self.scheduled_time
            .unwrap_or_else(|| soon.unwrap_or(Timestamp::MAX))
    }

    pub(crate) fn ends_at(&self) -> Timestamp {
        self.starts_at()
            .saturating_add(DURATION)
            .unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn status(&self, now: Timestamp) -> &'static str {
        match () {
            () if self.cancelled_at.is_some() => "cancelled",
            () if now < self.starts_at() && self.scheduled_time.is_some() => "scheduled",
            () if now < self.starts_at() => "pending",
            () if now < self.ends_at() => "in_progress",
            () if self.failed => "failed",
            () => "completed",
        }
    }

    /// Whether it prevents another transfer of the site.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        matches!(self.status(now), "pending" | "scheduled" | "in_progress")
    }

    pub(crate) fn updated_at(&self, now: Timestamp) -> Timestamp {
        match self.status(now) {
            "in_progress" => self.starts_at(),
            "completed" | "failed" => self.ends_at(),
            _ => self.cancelled_at.unwrap_or(self.created_at),
        }
    }
}
