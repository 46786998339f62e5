//! Usage figures, which the API writes as text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The number of decimals that are kept.
const DIGITS: usize = 9;
const BILLIONTHS: f64 = 1e9;

/// A usage figure: a number of visits or bytes, or an average of them, which may have decimals.
///
/// It is decoded from text or from a number, and serialized as text, as the API does. Up to nine decimals are kept.
///
/// ```
/// use wpengine_raw::values::Sum;
///
/// let visits: Sum = serde_json::from_str("\"1695\"")?;
/// assert_eq!(visits.get(), 1695);
/// let average: Sum = serde_json::from_str("54.5")?;
/// assert_eq!((average.get(), average.as_f64()), (54, 54.5));
/// assert_eq!(average.to_string(), "54.5");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sum {
    whole: i64,
    /// Has the sign of the figure.
    billionths: i32,
}

impl Sum {
    /// Creates a figure from an integer.
    #[must_use]
    pub const fn new(whole: i64) -> Self {
        Self {
            whole,
            billionths: 0,
        }
    }

    /// Returns the integer part.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.whole
    }

    /// Returns the figure as the nearest `f64`.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.whole as f64 + f64::from(self.billionths) / BILLIONTHS
    }
}

impl From<i64> for Sum {
    fn from(whole: i64) -> Self {
        Self::new(whole)
    }
}

/// The error if a text is not a number, or is a number of more than 64 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseSumError(());

impl fmt::Display for ParseSumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a number of at most 64 bits")
    }
}

impl std::error::Error for ParseSumError {}

impl FromStr for Sum {
    type Err = ParseSumError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        if !is_number(digits) || !is_number(decimals) {
            return Err(ParseSumError(()));
        }
        let kept = &decimals[..decimals.len().min(DIGITS)];
        let billionths: i32 = format!("{kept:0<DIGITS$}")
            .parse()
            .map_err(|_| ParseSumError(()))?;
        Ok(Self {
            whole: whole.parse().map_err(|_| ParseSumError(()))?,
            billionths: if whole.starts_with('-') {
                -billionths
            } else {
                billionths
            },
        })
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.billionths == 0 {
            return self.whole.fmt(f);
        }
        let sign = if self.whole == 0 && self.billionths < 0 {
            "-"
        } else {
            ""
        };
        let decimals = format!("{:0DIGITS$}", self.billionths.unsigned_abs());
        let text = format!("{sign}{}.{}", self.whole, decimals.trim_end_matches('0'));
        f.pad(&text)
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sum({self})")
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Sum;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of at most 64 bits, as text or as a number")
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Sum, E> {
                Ok(Sum::new(value))
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Sum, E> {
                i64::try_from(value)
                    .map(Sum::new)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Sum, E> {
                // `to_string` of an `f64` writes no exponent.
                value
                    .to_string()
                    .parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Float(value), &self))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Sum, E> {
                value
                    .parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(value), &self))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Sum {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Sum".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A number of at most 64 bits, as text or as a number.",
            "type": ["string", "number"],
            "pattern": "^-?[0-9]+([.][0-9]+)?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_from_both_forms_and_written_as_text() {
        for text in ["\"9223372036854775807\"", "9223372036854775807"] {
            let sum = serde_json::from_str::<Sum>(text).unwrap();
            assert_eq!(sum, Sum::new(i64::MAX));
        }
        assert_eq!(serde_json::to_string(&Sum::new(7)).unwrap(), "\"7\"");
    }

    #[test]
    fn decimals_are_kept() {
        for (text, whole, written) in [
            ("\"54.5\"", 54, "54.5"),
            ("54.50", 54, "54.5"),
            ("\"-0.25\"", 0, "-0.25"),
            ("-7.000000001", -7, "-7.000000001"),
            ("\"1.0\"", 1, "1"),
            ("\"0.12345678987654321\"", 0, "0.123456789"),
            ("1e3", 1000, "1000"),
            ("1.5e-3", 0, "0.0015"),
        ] {
            let sum = serde_json::from_str::<Sum>(text).unwrap();
            assert_eq!((sum.get(), sum.to_string().as_str()), (whole, written));
        }
        let sorted = ["-1.5", "-1.25", "-1", "-0.5", "0", "0.5", "1"].map(|text| {
            let sum: Sum = text.parse().unwrap();
            sum
        });
        assert!(sorted.is_sorted(), "{sorted:?}");
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        for text in [
            "\"\"",
            "\"1.\"",
            "\".5\"",
            "\"1.5.2\"",
            "\"1.-5\"",
            "\"+1\"",
            "\"many\"",
            "\"NaN\"",
            "true",
            "18446744073709551615",
            "1e300",
        ] {
            assert!(serde_json::from_str::<Sum>(text).is_err(), "{text}");
        }
    }
}
