//! What a user may do in an account.

use serde::{Deserialize, Serialize};

use std::fmt;

/// How much of an account a user can access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Owner,
    Full,
    /// Only the selected installs.
    Partial,
}

/// A level, and whether the user has billing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Roles {
    pub(crate) level: Level,
    pub(crate) billing: bool,
}

impl Roles {
    pub(crate) const OWNER: Self = Self {
        level: Level::Owner,
        billing: false,
    };

    /// Parses one of the five combinations, in any order and with any spaces.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words: Vec<&str> = text.split(',').map(str::trim).collect();
        words.sort_unstable();
        let (level, billing) = match words[..] {
            ["owner"] => (Level::Owner, false),
            ["full"] => (Level::Full, false),
            ["billing", "full"] => (Level::Full, true),
            ["partial"] => (Level::Partial, false),
            ["billing", "partial"] => (Level::Partial, true),
            _ => return None,
        };
        Some(Self { level, billing })
    }

    /// May create and delete sites and installs, and manage the account's users.
    pub(crate) fn manages(self) -> bool {
        self.level != Level::Partial
    }

    /// May move sites between accounts.
    pub(crate) fn transfers(self) -> bool {
        self.level == Level::Owner || (self.level == Level::Full && self.billing)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.level {
            Level::Owner => "owner",
            Level::Full => "full",
            Level::Partial => "partial",
        })?;
        formatter.write_str(if self.billing { ",billing" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_combinations_are_read_and_written() {
        for text in [
            "owner",
            "full",
            "full,billing",
            "partial",
            "partial,billing",
        ] {
            assert_eq!(Roles::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Roles::parse("billing, partial").unwrap().to_string(),
            "partial,billing"
        );
    }

    #[test]
    fn nothing_else_is_a_role() {
        for text in [
            "",
            "admin",
            "owner,billing",
            "billing",
            "full,partial",
            "full,full",
        ] {
            assert_eq!(Roles::parse(text), None, "{text}");
        }
    }
}
