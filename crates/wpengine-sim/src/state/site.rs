//! Sites: groups of up to three installs.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Schedule, SiteReport};

/// A site.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Site {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) account_id: String,
    pub(crate) group_name: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) sandbox: bool,
    pub(crate) transferable: bool,
    /// Ids of its installs; [`World`](super::World) keeps them consistent.
    pub(crate) installs: Vec<String>,
    /// By id.
    #[serde(default)]
    pub(crate) schedules: IndexMap<String, Schedule>,
    /// Oldest first.
    #[serde(default)]
    pub(crate) reports: Vec<SiteReport>,
}
