//! Times as the API writes them: `2025-07-10T09:59:58.684Z`.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::{Serialize, Serializer};

/// A time in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Formatted by hand. Lists have many times, and a format pattern would take half of the time of an item.
        let at = Offset::UTC.to_datetime(self.0);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        put(&mut text[0..4], at.year().unsigned_abs());
        put(&mut text[5..7], at.month().unsigned_abs().into());
        put(&mut text[8..10], at.day().unsigned_abs().into());
        put(&mut text[11..13], at.hour().unsigned_abs().into());
        put(&mut text[14..16], at.minute().unsigned_abs().into());
        put(&mut text[17..19], at.second().unsigned_abs().into());
        put(&mut text[20..23], at.millisecond().unsigned_abs());
        match str::from_utf8(&text) {
            Ok(text) if at.year() >= 0 => serializer.serialize_str(text),
            _ => serializer.collect_str(&format_args!("{:.3}", self.0)),
        }
    }
}

/// Writes the last digits of the number, as many as fit.
fn put(text: &mut [u8], mut number: u16) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
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
        for time in [Timestamp::MAX, Timestamp::UNIX_EPOCH, Timestamp::MIN] {
            let written = serde_json::to_string(&Time(time)).unwrap();
            assert_eq!(written, format!("\"{time:.3}\""));
        }
    }
}
