//! Integers in responses, which the service sometimes writes as text.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

/// The id of a certificate, which is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct CertificateId(#[serde(deserialize_with = "integer")] i64);

impl CertificateId {
    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl From<i64> for CertificateId {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Decodes an integer, or an integer that is written as text.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Integer::deserialize(deserializer).map(|Integer(value)| value)
}

/// Decodes an optional integer of any type. Null means none.
pub(crate) fn optional_integer<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i64>,
{
    let Some(Integer(value)) = Option::deserialize(deserializer)? else {
        return Ok(None);
    };
    let number = T::try_from(value);
    number
        .map(Some)
        .map_err(|_| de::Error::invalid_value(de::Unexpected::Signed(value), &"a number from 0"))
}

struct Integer(i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of at most 64 bits")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Integer, E> {
                Ok(Integer(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Integer, E> {
                i64::try_from(value)
                    .map(Integer)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Integer, E> {
                text.trim()
                    .parse()
                    .map(Integer)
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_from_both_forms() {
        for (json, value) in [("7", Some(7)), ("\"-7\"", Some(-7)), ("null", None)] {
            let mut deserializer = serde_json::Deserializer::from_str(json);
            assert_eq!(optional_integer(&mut deserializer).unwrap(), value);
        }
        for json in ["\"\"", "\"many\"", "7.5", "true", "18446744073709551615"] {
            let mut deserializer = serde_json::Deserializer::from_str(json);
            assert!(integer(&mut deserializer).is_err(), "{json}");
        }
    }
}
