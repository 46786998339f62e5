//! 64-bit counts, which usage bodies write as JSON strings.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A 64-bit count. Read from a JSON string or a JSON number, written as a string like the API does.
///
/// ```
/// use wpengine_raw::values::Count;
///
/// let visits: Count = serde_json::from_str("\"1695\"")?;
/// assert_eq!(visits.get(), 1695);
/// assert_eq!(serde_json::from_str::<Count>("1695")?, visits);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count(i64);

impl Count {
    /// A count of the given size.
    #[must_use]
    pub const fn new(value: i64) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl From<Count> for i64 {
    fn from(count: Count) -> Self {
        count.0
    }
}

impl From<i64> for Count {
    fn from(value: i64) -> Self {
        Self(value)
    }
}

impl FromStr for Count {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a 64-bit integer, as a string or as a number")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Count, E> {
                Ok(Count(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Count, E> {
                i64::try_from(value)
                    .map(Count)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Count, E> {
                value
                    .parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(value), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Count {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Count".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A 64-bit integer, as a string or as a number.",
            "type": ["string", "integer"],
            "pattern": "^-?[0-9]+$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_from_both_forms_and_written_as_text() {
        for text in ["\"9223372036854775807\"", "9223372036854775807"] {
            assert_eq!(
                serde_json::from_str::<Count>(text).unwrap(),
                Count(i64::MAX)
            );
        }
        assert_eq!(serde_json::to_string(&Count(7)).unwrap(), "\"7\"");
    }

    #[test]
    fn what_is_no_count_is_an_error() {
        for text in [
            "\"\"",
            "\"1.5\"",
            "\"many\"",
            "true",
            "18446744073709551615",
            "1.5",
        ] {
            assert!(serde_json::from_str::<Count>(text).is_err(), "{text}");
        }
    }
}
