//! Roles, as they are given to further users of a simulator.

use crate::state::{Level, Roles};

/// What a [further user](crate::SimulatorBuilder::user) may do in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Everything.
    Owner,
    /// All installs; no owners can be made or removed.
    Full,
    /// The same, and billing, which site transfers need.
    FullBilling,
    /// Only these installs.
    Partial(Vec<String>),
    /// Only these installs, and billing.
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
