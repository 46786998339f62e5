//! Reports on the DNS, HTTP and TLS of a domain.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long the service takes to look.
const DURATION: SignedDuration = SignedDuration::from_secs(15);

/// A report, complete some seconds after it was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) id: String,
    /// The name of the domain that is looked at.
    pub(crate) domain: String,
    pub(crate) asked_at: Timestamp,
}

impl Report {
    pub(crate) fn is_complete(&self, now: Timestamp) -> bool {
        now.duration_since(self.asked_at) >= DURATION
    }
}
