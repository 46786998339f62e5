//! The roles of additional users.

use crate::state::{Level, Roles};

/// What an [additional user](crate::SimulatorBuilder::user) may do in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// May do everything.
    Owner,
    /// Accesses all installs, but cannot create or remove owners.
    Full,
    /// Like `Full`, with billing, which site transfers need.
    FullBilling,
    /// Accesses only these installs.
    Partial(Vec<String>),
    /// Accesses only these installs, with billing.
    PartialBilling(Vec<String>),
}

impl Role {
    pub(crate) fn roles(&self) -> Roles {
        let (level, billing) = match self {
            Self::Owner => (Level::Owner, false),
            Self::Full => (Level::Full, false),
            Self::FullBilling => (Level::Full, true),
            Self::Partial(_) => (Level::Partial, false),
            Self::PartialBilling(_) => (Level::Partial, true),
        };
        Roles { level, billing }
    }

    pub(crate) fn install_ids(&self) -> Vec<String> {
        match self {
            Self::Partial(ids) | Self::PartialBilling(ids) => ids.clone(),
            Self::Owner | Self::Full | Self::FullBilling => Vec::new(),
        }
    }
}
