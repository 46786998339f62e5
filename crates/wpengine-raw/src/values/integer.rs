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
fn integer<'de, D: Deserializer<'de>, T: TryFrom<i128>>(deserializer: D) -> Result<T, D::Error> {
    Integer::deserialize(deserializer)?.fitting()
}

/// Decodes an optional integer of any type. Null means none.
pub(crate) fn optional_integer<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<i128>,
{
    let number = Option::<Integer>::deserialize(deserializer)?;
    number.map(Integer::fitting).transpose()
}

/// A whole number before it is known which ones fit.
struct Integer(i128);

impl Integer {
    fn fitting<T: TryFrom<i128>, E: de::Error>(self) -> Result<T, E> {
        let number = self.0;
        T::try_from(number).map_err(|_| E::custom(format!("the number {number} is out of range")))
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of at most 64 bits")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Integer, E> {
                Ok(Integer(number.into()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Integer, E> {
                Ok(Integer(number.into()))
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
            let number: Option<i64> = optional_integer(&mut deserializer).unwrap();
            assert_eq!(number, value);
        }
        for json in ["\"\"", "\"many\"", "7.5", "true", "18446744073709551615"] {
            let mut deserializer = serde_json::Deserializer::from_str(json);
            let number: Result<i64, _> = integer(&mut deserializer);
            assert!(number.is_err(), "{json}");
        }
    }
}
