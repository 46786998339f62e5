//! Private keys, which two operations return and one accepts.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// Printed instead of a private key.
const REDACTED: &str = "(redacted)";

/// A private key. `Debug` and `Display` do not show it, and neither it nor a type that contains it can be serialized.
/// [`expose_secret`](Self::expose_secret) returns the key.
///
/// ```
/// use wpengine_raw::values::PrivateKey;
///
/// let key = PrivateKey::new("d29ybGQK");
/// assert_eq!(format!("{key} {key:?}"), "(redacted) PrivateKey(redacted)");
/// assert_eq!(key.expose_secret(), "d29ybGQK");
/// ```
#[derive(Clone)]
pub struct PrivateKey(SecretString);

impl PrivateKey {
    /// Wraps the text of a private key.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the key. Be careful where you pass it.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(redacted)")
    }
}

impl fmt::Display for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl PartialEq for PrivateKey {
    fn eq(&self, other: &Self) -> bool {
        self.expose_secret() == other.expose_secret()
    }
}

impl Eq for PrivateKey {}

impl<'de> Deserialize<'de> for PrivateKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Accepts text. Unlike `String`, its errors never quote a value of another type.
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = PrivateKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a private key as text")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<PrivateKey, E> {
                Ok(PrivateKey::new(text))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for PrivateKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PrivateKey".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"description": "A private key.", "type": "string"})
    }
}
