//! Links that give access to their target.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A link that gives access to its target to everyone who has it: to an archive with the database, a report, or the DNS
/// of a domain.
///
/// `Debug` does not show the link. [`expose_secret`](Self::expose_secret) returns it. Serializing a response writes the
/// link, so that a stored response is complete.
///
/// ```
/// use wpengine_raw::values::SecretLink;
///
/// let link = SecretLink::new("https://storage.googleapis.com/bucket/archive.zip");
/// assert_eq!(format!("{link:?}"), "SecretLink(redacted)");
/// assert_eq!(link.expose_secret(), "https://storage.googleapis.com/bucket/archive.zip");
/// ```
#[derive(Clone)]
pub struct SecretLink(SecretString);

impl SecretLink {
    /// Wraps a link.
    #[must_use]
    pub fn new(link: impl Into<String>) -> Self {
        Self(SecretString::from(link.into()))
    }

    /// Returns the link. Be careful where you pass it.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SecretLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretLink(redacted)")
    }
}

impl PartialEq for SecretLink {
    fn eq(&self, other: &Self) -> bool {
        self.expose_secret() == other.expose_secret()
    }
}

impl Eq for SecretLink {}

impl Serialize for SecretLink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose_secret())
    }
}

impl<'de> Deserialize<'de> for SecretLink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for SecretLink {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretLink".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A link that opens what it leads to for whoever has it.",
            "type": "string",
        })
    }
}
