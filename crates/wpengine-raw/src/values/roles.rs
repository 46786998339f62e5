//! The roles of a user in an account, which the API writes as one text.

use std::{collections::BTreeSet, convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A role of a user in an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Access to everything, including the account itself.
    Owner,
    /// Access to all sites and installs of the account.
    Full,
    /// Access to selected installs.
    Partial,
    /// Access to invoices and payment, together with `Full` or `Partial`.
    Billing,
    /// A role that this version does not know.
    Unknown(String),
}

impl Role {
    /// Returns the role as the API writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Owner => "owner",
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Billing => "billing",
            Self::Unknown(role) => role,
        }
    }
}

impl From<&str> for Role {
    fn from(text: &str) -> Self {
        match text {
            "owner" => Self::Owner,
            "full" => Self::Full,
            "partial" => Self::Partial,
            "billing" => Self::Billing,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

/// The roles of a user. Order and spacing in the text do not matter.
///
/// ```
/// use wpengine_raw::values::{Role, Roles};
///
/// let roles: Roles = serde_json::from_str(r#""billing, partial""#)?;
/// assert_eq!(roles, Roles::partial_and_billing());
/// assert!(roles.contains(&Role::Billing));
/// assert_eq!(roles.to_string(), "partial,billing");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    /// Creates the role of an owner of the account.
    #[must_use]
    pub fn owner() -> Self {
        Self::from_iter([Role::Owner])
    }

    /// Creates the role for all sites and installs, without billing.
    #[must_use]
    pub fn full() -> Self {
        Self::from_iter([Role::Full])
    }

    /// Creates the roles for all sites and installs, and for billing.
    #[must_use]
    pub fn full_and_billing() -> Self {
        Self::from_iter([Role::Full, Role::Billing])
    }

    /// Creates the role for selected installs, without billing.
    #[must_use]
    pub fn partial() -> Self {
        Self::from_iter([Role::Partial])
    }

    /// Creates the roles for selected installs, and for billing.
    #[must_use]
    pub fn partial_and_billing() -> Self {
        Self::from_iter([Role::Partial, Role::Billing])
    }

    /// Whether these roles contain `role`.
    #[must_use]
    pub fn contains(&self, role: &Role) -> bool {
        self.0.contains(role)
    }

    /// Returns all roles; `Billing` comes after `Owner`, `Full` and `Partial`.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.0.iter()
    }

    /// Whether these roles are one of the five combinations that the API documents. A request may not contain any
    /// other.
    #[must_use]
    pub fn is_documented(&self) -> bool {
        [
            Self::owner(),
            Self::full(),
            Self::full_and_billing(),
            Self::partial(),
            Self::partial_and_billing(),
        ]
        .contains(self)
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().collect())
    }
}

impl From<&str> for Roles {
    fn from(text: &str) -> Self {
        text.split(',')
            .map(str::trim)
            .filter(|role| !role.is_empty())
            .map(Role::from)
            .collect()
    }
}

impl FromStr for Roles {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(text))
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<_> = self.0.iter().map(Role::as_str).collect();
        f.pad(&roles.join(","))
    }
}

impl Serialize for Roles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Roles {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Roles".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The roles of a user, separated by commas.",
            "type": "string",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_spacing_do_not_matter_and_are_normal_again_when_written() {
        for text in [
            "full,billing",
            "billing,full",
            "billing, full",
            " full , billing ",
        ] {
            let roles = Roles::from(text);
            assert_eq!(roles, Roles::full_and_billing(), "{text}");
            assert_eq!(roles.to_string(), "full,billing");
        }
    }

    #[test]
    fn an_unknown_role_is_kept_and_is_not_one_to_send() {
        let roles = Roles::from("partial,dance");
        assert_eq!(roles.to_string(), "partial,dance");
        assert!(!roles.is_documented());
        assert!(!Roles::from("").is_documented());
        assert!(Roles::from("owner").is_documented());
    }
}
