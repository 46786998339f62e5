//! Instants as the API writes them: `2025-07-10T09:59:58.684Z`.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// An instant, written in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_always_written() {
        let text = |time: &str| serde_json::to_string(&Time(time.parse().unwrap())).unwrap();
        assert_eq!(
            text("2025-07-10T09:59:58.6841Z"),
            r#""2025-07-10T09:59:58.684Z""#
        );
        assert_eq!(
            text("2025-07-10T09:59:58Z"),
            r#""2025-07-10T09:59:58.000Z""#
        );
    }
}
