//! Accounts and their users.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Level, Roles, StorageRefreshes};

/// An account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) nickname: String,
    /// Whether API access is enabled. If not, the API shows nothing of the account.
    pub(crate) api_access: bool,
    pub(crate) limits: Limits,
    /// By user id.
    pub(crate) users: IndexMap<String, AccountUser>,
    /// Storage measurements of the whole account.
    pub(crate) storage: StorageRefreshes,
}

/// The monthly limits of an account's plan.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Limits {
    pub(crate) visitors: u64,
    pub(crate) storage_gb: u64,
    pub(crate) bandwidth_gb: u64,
}

/// A user of an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccountUser {
    pub(crate) user_id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) phone: Option<String>,
    pub(crate) invite_accepted: bool,
    pub(crate) mfa_enabled: bool,
    pub(crate) roles: Roles,
    /// The installs that a partial user can access.
    pub(crate) install_ids: Vec<String>,
}

impl Account {
    /// Whether the account would have no owner without this user.
    pub(crate) fn is_last_owner(&self, user_id: &str) -> bool {
        let mut owners = self
            .users
            .values()
            .filter(|user| user.roles.level == Level::Owner);
        owners.next().is_some_and(|owner| owner.user_id == user_id) && owners.next().is_none()
    }
}

impl AccountUser {
    /// Whether this user can access an install of the account.
    pub(crate) fn reaches(&self, install_id: &str) -> bool {
        self.roles.level != Level::Partial || self.install_ids.iter().any(|id| id == install_id)
    }
}
