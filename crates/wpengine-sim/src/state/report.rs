//! Reports on the DNS, HTTP and TLS of a domain.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a check takes.
const DURATION: SignedDuration = SignedDuration::from_secs(15);

/// A report. It completes some seconds after it was requested.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) id: String,
    /// The name of the domain that is checked.
    pub(crate) domain: String,
    pub(crate) asked_at: Timestamp,
}

impl Report {
    pub(crate) fn is_complete(&self, now: Timestamp) -> bool {
        now.duration_since(self.asked_at) >= DURATION
    }
}
