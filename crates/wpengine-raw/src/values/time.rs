//! Times and days in responses. An invalid one must not make a whole listing fail.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A decoded value, or the text if it cannot be parsed.
///
/// Text sorts before every value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Written<T> {
    Text(String),
    Value(T),
}

impl<T: FromStr> From<&str> for Written<T> {
    fn from(text: &str) -> Self {
        match text.trim().parse() {
            Ok(value) => Self::Value(value),
            Err(_) => Self::Text(text.to_owned()),
        }
    }
}

impl<T: fmt::Display> fmt::Display for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Value(value) => value.fmt(f),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Value(value) => value.fmt(f),
        }
    }
}

/// Defines a type for values in responses. The two types differ in what they parse and in their documentation.
macro_rules! written {
    ($(#[$doc:meta])* $name:ident, $(#[$get_doc:meta])* $get:ident -> $value:ident, $format:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Written<$value>);

        impl $name {
            $(#[$get_doc])*
            #[must_use]
            pub fn $get(&self) -> Option<$value> {
                match self.0 {
                    Written::Value(value) => Some(value),
                    Written::Text(_) => None,
                }
            }
        }

        impl From<$value> for $name {
            fn from(value: $value) -> Self {
                Self(Written::Value(value))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl de::Visitor<'_> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $format, " as text"))
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        Ok(text.into())
                    }
                }

                deserializer.deserialize_str(Visitor)
            }
        }

        #[cfg(feature = "schemars")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "format": $format})
            }
        }
    };
}

written! {
    /// A time in a response. Text that is not a time is kept as it is, so that the response can still be decoded.
    ///
    /// ```
    /// use wpengine_raw::values::Time;
    ///
    /// let time: Time = serde_json::from_str("\"2026-09-01T02:00:00+02:00\"")?;
    /// assert_eq!(time.timestamp(), Some("2026-09-01T00:00:00Z".parse()?));
    /// let time: Time = serde_json::from_str("\"soon\"")?;
    /// assert_eq!((time.timestamp(), time.to_string().as_str()), (None, "soon"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Time,
    /// Returns the time; none if the text is not a time.
    timestamp -> Timestamp,
    "date-time"
}

written! {
    /// A day in a response, without a time zone. Text that is not a day is kept as it is, so that the response can
    /// still be decoded.
    ///
    /// ```
    /// use wpengine_raw::values::Day;
    ///
    /// let day: Day = serde_json::from_str("\"2026-04-01\"")?;
    /// assert_eq!(day.date(), Some("2026-04-01".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Day,
    /// Returns the date; none if the text is not a date.
    date -> Date,
    "date"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_and_an_odd_one_is_kept() {
        for (text, read) in [
            ("2026-09-01T00:00:00Z", true),
            ("2026-09-01 00:00:00.5Z", true),
            ("2018-05-17T16:20:40+00:00", true),
            ("2026-09-01", false),
            ("", false),
            ("soon", false),
        ] {
            let json = serde_json::to_string(text).unwrap();
            let time: Time = serde_json::from_str(&json).unwrap();
            assert_eq!(time.timestamp().is_some(), read, "{text}");
            if !read {
                assert_eq!(serde_json::to_string(&time).unwrap(), json);
            }
        }
        assert!(serde_json::from_str::<Time>("7").is_err());
    }

    #[test]
    fn what_is_no_time_sorts_first() {
        let mut times = ["2026-01-02T00:00:00Z", "soon", "2026-01-01T00:00:00Z"].map(Time::from);
        times.sort();
        let texts = times.map(|time| time.to_string());
        assert_eq!(
            texts,
            ["soon", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
        );
    }
}
