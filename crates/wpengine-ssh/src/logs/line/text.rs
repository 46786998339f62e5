//! The pieces that log lines are made of: brackets, quotes, numbers and times.

use std::net::IpAddr;
use std::str::FromStr;

use jiff::{Timestamp, civil::DateTime, tz::Offset};

/// Splits `[inside]rest`. What is of interest in brackets is short; the limit keeps it linear.
pub(super) fn bracket(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('[')?;
    let end = inside.bytes().take(80).position(|b| b == b']')?;
    Some((&inside[..end], &inside[end + 1..]))
}

/// Splits `"inside"rest`; a line that was cut off may lack the closing quote.
pub(super) fn quoted(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = body.bytes().position(|b| {
        let closes = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        closes
    });
    let (inside, rest) = end.map_or((body, ""), |end| (&body[..end], &body[end + 1..]));
    Some((unescape(inside), rest))
}

/// Decodes `\"`, `\\` and `\x22`, but leaves what would become a control character.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, tail)) = rest.split_once('\\') {
        out.push_str(plain);
        let hex = tail.strip_prefix('x').and_then(|hex| hex.get(..2));
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (byte, used) = match (byte, tail.as_bytes().first()) {
            (Some(byte @ b' '..=b'~'), _) => (byte, 3),
            (_, Some(byte @ (b'"' | b'\\'))) => (*byte, 1),
            _ => (b'\\', 0),
        };
        out.push(char::from(byte));
        rest = &tail[used..];
    }
    out + rest
}

pub(super) fn known(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text != "-").then(|| text.to_owned())
}

pub(super) fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn number<T: FromStr>(text: &str, digits: usize) -> Option<T> {
    let text = Some(text).filter(|text| text.len() == digits && is_digits(text))?;
    text.parse().ok()
}

pub(super) fn split3(text: &str, separator: char) -> Option<(&str, &str, &str)> {
    let (first, rest) = text.split_once(separator)?;
    let (second, third) = rest.split_once(separator)?;
    Some((first, second, third))
}

pub(super) fn month_number(name: &str) -> Option<i8> {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    (1..).zip(NAMES).find_map(|(n, m)| (m == name).then_some(n))
}

pub(super) fn civil(year: &str, month: i8, day: &str, clock: &str) -> Option<DateTime> {
    let (hour, minute, second) = split3(clock, ':')?;
    let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
    let day = number(day, 2).or_else(|| number(day, 1))?;
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    let nanos = nanoseconds(fraction)?;
    DateTime::new(number(year, 4)?, month, day, hour, minute, second, nanos).ok()
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    let digits = fraction.get(..9).unwrap_or(fraction);
    is_digits(fraction).then(|| format!("{digits:0<9}").parse().ok())?
}

fn offset(zone: &str) -> Option<Offset> {
    if matches!(zone, "UTC" | "GMT" | "Z") {
        return Some(Offset::UTC);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits = zone.strip_prefix(['+', '-'])?.replacen(':', "", 1);
    let digits = number::<i32>(&digits, 4).filter(|n| n % 100 < 60)?;
    Offset::from_seconds(sign * (digits / 100 * 3600 + digits % 100 * 60)).ok()
}

pub(super) fn instant(local: DateTime, zone: &str) -> Option<Timestamp> {
    offset(zone)?.to_timestamp(local).ok()
}

pub(super) fn access_time(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once(':')?;
    let (day, month, year) = split3(date, '/')?;
    let (clock, zone) = rest.split_once(' ')?;
    instant(civil(year, month_number(month)?, day, clock)?, zone)
}

pub(super) fn any_time(text: &str) -> Option<Timestamp> {
    // The parser below would ignore a named zone in brackets.
    if text.len() > 80 || text.contains('[') {
        return None;
    }
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if is_digits(seconds) {
        return Timestamp::new(seconds.parse().ok()?, nanoseconds(fraction)?).ok();
    }
    let iso = || text.parse().ok();
    let no_zone = || instant(text.parse().ok()?, "UTC");
    access_time(text).or_else(iso).or_else(no_zone)
}
