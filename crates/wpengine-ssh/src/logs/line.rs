//! Reads single lines of the logs that WP Engine keeps: PHP, WordPress, nginx and Apache.

use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;

use text::{
    access_time, any_time, bracket, civil, instant, is_ip, known, month_number, number, quoted,
    split3, unescape,
};

#[cfg(test)]
mod tests;
mod text;

/// How serious an entry is, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Level {
    /// Details for developers.
    Debug,
    /// Something ordinary happened.
    Info,
    /// Worth a look; deprecated PHP code counts here too.
    Notice,
    /// Something is wrong, but the work went on.
    Warning,
    /// Something failed.
    Error,
    /// The request or the process ended.
    Fatal,
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "debug" | "trace" => Self::Debug,
            "info" => Self::Info,
            "notice" | "deprecated" => Self::Notice,
            "warning" | "warn" => Self::Warning,
            "error" | "err" => Self::Error,
            "fatal" | "crit" | "critical" | "alert" | "emerg" | "emergency" => Self::Fatal,
            _ => {
                return Err(format!(
                    "unknown level {text:?}: use debug, info, notice, warning, error or fatal"
                ));
            }
        })
    }
}

/// One log line, or one entry of several lines, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Line {
    /// The text exactly as it came.
    pub raw: String,
    /// When it was written; none if the log names a zone other than UTC or a numeric offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// The level the log states; access lines have none, see [`Line::severity`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// What is left without time, level, process and client prefix; the request of an access line.
    pub message: String,
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The HTTP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The requested path with its query string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The host name that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The address of the visitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The user of HTTP authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The page the visitor came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referer: Option<String>,
    /// The user agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The size of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How long the whole request took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// The file of `in FILE:LINE` or `in FILE on line N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line number in that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The length in characters of a database query that the platform killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub killed_query: Option<u64>,
    /// The server of a cluster that wrote the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

impl Line {
    /// The level, or for an access line what its status says: 5xx is an error, 4xx a warning.
    #[must_use]
    pub fn severity(&self) -> Option<Level> {
        self.level.or(match self.status {
            Some(500..=599) => Some(Level::Error),
            Some(400..=499) => Some(Level::Warning),
            _ => None,
        })
    }
}

/// Takes one log line apart. A line of an unknown format has only `raw` and `message`.
///
/// ```
/// use wpengine_ssh::logs::{Level, parse};
///
/// let line = parse("[26-Nov-2026 06:29:46 UTC] PHP Warning:  Odd in /nas/a.php on line 7");
/// assert_eq!(line.level, Some(Level::Warning));
/// assert_eq!(line.at.unwrap().to_string(), "2026-11-26T06:29:46Z");
/// assert_eq!(line.file.as_deref(), Some("/nas/a.php"));
/// assert_eq!(line.message, "Odd in /nas/a.php on line 7");
/// ```
#[must_use]
pub fn parse(raw: &str) -> Line {
    recognise(raw).map_or_else(|| unknown(raw), |(line, _)| line)
}

/// Whether a line can only belong to the entry before it in a PHP log.
///
/// That is so if it begins with white space (as `  thrown in` does), with `Stack trace:` or with
/// `#` and a digit, or if it does not look like the beginning of an entry. An entry begins with
/// a time in the form of one of the known logs (for an access log, with all its fields before
/// the request), or without a time with `PHP` and a level, `WordPress database error` or
/// `KILLED QUERY (`. An empty line is a continuation too.
#[must_use]
pub fn continues(raw: &str) -> bool {
    recognise(raw).is_none()
}

const MAX_LINES: usize = 200;
const MAX_BYTES: usize = 64 * 1024;

/// Joins the lines of an error log to entries. Push line by line, then call `finish`.
///
/// A line that [`continues`] an entry of an error log is added to it, up to 200 lines or 64 KiB;
/// what comes after begins an entry of its own. Every other line is an entry. Nothing is lost:
/// the `raw` of all entries, joined by line breaks, is the input.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    open: Option<Line>,
    joins: bool,
    lines: usize,
}

impl Entries {
    /// Takes the next line, without its line break, and returns the entry that it completes.
    pub fn push(&mut self, line: &str) -> Option<Line> {
        let found = recognise(line);
        if found.is_none() && self.joins && self.join(line) {
            return None;
        }
        // The rest of an entry that grew too long is joined again, in portions.
        let (next, joins) = found.unwrap_or_else(|| (unknown(line), self.joins));
        (self.joins, self.lines) = (joins, 1);
        self.open.replace(next)
    }

    /// Returns the last entry, if there is one.
    pub fn finish(&mut self) -> Option<Line> {
        std::mem::take(self).open
    }

    fn join(&mut self, line: &str) -> bool {
        let Some(open) = &mut self.open else {
            return false;
        };
        if self.lines >= MAX_LINES || open.raw.len() + 1 + line.len() > MAX_BYTES {
            return false;
        }
        self.lines += 1;
        for text in [&mut open.raw, &mut open.message] {
            text.push('\n');
            text.push_str(line);
        }
        if open.file.is_none() {
            locate(open, line);
        }
        true
    }
}

fn unknown(raw: &str) -> Line {
    let mut line = error_line(None, raw);
    raw.clone_into(&mut line.raw);
    line
}

/// Reads a line of a known format; the second value says whether it is of an error log.
fn recognise(raw: &str) -> Option<(Line, bool)> {
    let numbered = matches!(raw.as_bytes(), [b'#', b'0'..=b'9', ..]);
    if numbered || raw.starts_with(char::is_whitespace) || raw.starts_with("Stack trace:") {
        return None;
    }
    let text = raw.trim_end_matches(['\r', '\n']);
    let error = php(text).or_else(|| apache_error(text));
    let error = error.or_else(|| nginx_error(text));
    let is_error = error.is_some();
    let mut line = error.or_else(|| piped(text)).or_else(|| combined(text))?;
    raw.clone_into(&mut line.raw);
    if is_error {
        let message = line.message.clone();
        locate(&mut line, &message);
    }
    Some((line, is_error))
}

fn php(text: &str) -> Option<Line> {
    let Some((time, rest)) = bracket(text) else {
        return php_body(text, false);
    };
    let mut parts = time.splitn(3, ' ');
    let (day, month, year) = split3(parts.next()?, '-')?;
    let local = civil(year, month_number(month)?, day, parts.next()?)?;
    // PHP-FPM names no zone; the servers run in UTC.
    let zone = parts.next().unwrap_or("UTC");
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let mut line = php_body(rest, true).unwrap_or_else(|| error_line(None, rest));
    line.at = instant(local, zone);
    Some(line)
}

/// Reads what stands behind the time. Without a time only what is certainly an entry counts.
fn php_body(text: &str, has_time: bool) -> Option<Line> {
    if text.starts_with("WordPress database error") || text.starts_with("KILLED QUERY (") {
        return Some(error_line(Some(Level::Error), text));
    }
    let label = text.strip_prefix("PHP ").or(has_time.then_some(text))?;
    let (label, message) = label.split_once(':')?;
    let label = label.to_ascii_lowercase();
    let label = label.strip_prefix("core ").unwrap_or(&label);
    let level = match label.strip_prefix("user ").unwrap_or(label) {
        "fatal error" | "parse error" => Level::Fatal,
        "recoverable fatal error" | "catchable fatal error" => Level::Error,
        "strict standards" => Level::Notice,
        other => other.parse().ok()?,
    };
    Some(error_line(Some(level), message.trim_start()))
}

fn apache_error(text: &str) -> Option<Line> {
    let (time, mut rest) = bracket(text)?;
    let parts: Vec<&str> = time.split_whitespace().collect();
    let [_, month, day, clock, year] = parts[..] else {
        return None;
    };
    let at = instant(civil(year, month_number(month)?, day, clock)?, "UTC");
    let (mut level, mut ip) = (None, None);
    while let Some((field, after)) = bracket(rest.trim_start()) {
        let name = field.rsplit(':').next().unwrap_or(field);
        // The names go from `trace1` to `trace8`.
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
        if let Some(client) = field.strip_prefix("client ") {
            ip = known(without_port(client));
        } else if let (None, Ok(found)) = (level, name.parse()) {
            level = Some(found);
        } else if !field.starts_with("pid ") {
            break;
        }
        rest = after;
    }
    let mut line = error_line(level, rest.trim_start());
    let referer = rest.rsplit_once(", referer: ");
    line.referer = referer.and_then(|(_, url)| known(url));
    (line.at, line.ip) = (at, ip);
    Some(line)
}

/// Apache writes the port behind an IPv6 address without brackets around the address.
fn without_port(client: &str) -> &str {
    let address = client.rsplit_once(':').map_or(client, |(left, _)| left);
    if is_ip(address) { address } else { client }
}

fn nginx_error(text: &str) -> Option<Line> {
    let (date, clock) = text.get(..19)?.split_once(' ')?;
    let (year, month, day) = split3(date, '/')?;
    let local = civil(year, number(month, 2)?, day, clock)?;
    let (level, rest) = bracket(text.get(19..)?.strip_prefix(' ')?)?;
    let message = rest.trim_start();
    let mut line = error_line(Some(level.parse().ok()?), message);
    line.at = instant(local, "UTC");
    // The fields come in a fixed order, the ones a visitor can fill with anything last.
    let Some((_, mut tail)) = message.split_once(", client: ") else {
        return Some(line);
    };
    line.ip = tail.split(',').next().and_then(known);
    let server = field(&mut tail, ", server: ").filter(|name| name != "_");
    if let Some(request) = field(&mut tail, ", request: ") {
        set_request(&mut line, &request);
    }
    line.host = field(&mut tail, ", host: ").or(server);
    line.referer = field(&mut tail, ", referrer: ");
    Some(line)
}

fn field(tail: &mut &str, name: &str) -> Option<String> {
    let (_, value) = tail.split_once(name)?;
    if let Some((text, rest)) = quoted(value) {
        *tail = rest;
        return known(&text);
    }
    let end = value.find(',').unwrap_or(value.len());
    *tail = &value[end..];
    known(&value[..end])
}

fn error_line(level: Option<Level>, message: &str) -> Line {
    Line {
        level,
        message: message.to_owned(),
        ..Line::default()
    }
}

/// Fills in the file and the line number that a text names.
fn locate(line: &mut Line, text: &str) {
    let killed = text.split_once("KILLED QUERY (").and_then(|(_, rest)| {
        let (length, rest) = rest.split_once(" characters long generated in ")?;
        Some((length.parse().ok()?, file_and_line(rest)?))
    });
    line.killed_query = killed.map(|(length, _)| length);
    let place = killed
        .map(|(_, place)| place)
        .or_else(|| on_line(text))
        .or_else(|| in_file(text));
    line.file = place.map(|(file, _)| file.to_owned());
    line.line = place.map(|(_, number)| number);
}

fn in_file(text: &str) -> Option<(&str, u64)> {
    const MARK: &str = " in ";
    let mut places = text.rmatch_indices(MARK);
    places.find_map(|(index, _)| file_and_line(&text[index + MARK.len()..]))
}

fn on_line(text: &str) -> Option<(&str, u64)> {
    let (before, after) = text.rsplit_once(" on line ")?;
    let end = after.find(|c: char| !c.is_ascii_digit());
    let number = after[..end.unwrap_or(after.len())].parse().ok()?;
    let file = before.rsplit_once(" in ").map(|(_, file)| file)?;
    (file == "Unknown" || is_path(file)).then_some((file, number))
}

fn file_and_line(text: &str) -> Option<(&str, u64)> {
    let word = text.split_whitespace().next()?;
    let place = word.trim_end_matches(|c: char| !c.is_ascii_digit());
    let (file, number) = place.rsplit_once(':')?;
    Some((file, number.parse().ok()?)).filter(|(file, _)| is_path(file))
}

fn is_path(file: &str) -> bool {
    let is_url = file.starts_with("http://") || file.starts_with("https://");
    !is_url && (file.contains(['/', '\\']) || file.ends_with(".php"))
}

fn combined(text: &str) -> Option<Line> {
    let (head, at, rest) = text.match_indices(" [").find_map(|(index, _)| {
        let (time, rest) = bracket(&text[index + 1..])?;
        Some((&text[..index], access_time(time)?, rest))
    })?;
    let (request, rest) = quoted(rest.strip_prefix(' ')?)?;
    let fields: Vec<&str> = head.split_whitespace().collect();
    let (server, fields) = match fields[..] {
        [server, ip, _, _, ..] if is_ip(ip) => (known(server), &fields[1..]),
        [_, _, _] => (None, &fields[..]),
        [ip, _, _, ..] if is_ip(ip) => (None, &fields[..]),
        _ => return None,
    };
    let (numbers, quotes) = rest.split_at(rest.find('"').unwrap_or(rest.len()));
    let mut numbers = numbers.split_whitespace();
    let (referer, rest) = quoted(quotes).unwrap_or_default();
    let (agent, _) = quoted(rest.trim_start()).unwrap_or_default();
    let mut line = Line {
        at: Some(at),
        ip: known(fields[0]),
        host: known(fields[1]),
        user: known(&fields[2..].join(" ")),
        status: numbers.next().and_then(|status| number(status, 3)),
        bytes: numbers.next().and_then(|bytes| bytes.parse().ok()),
        referer: known(&referer),
        agent: known(&agent),
        server,
        ..Line::default()
    };
    set_request(&mut line, &request);
    line.message = request;
    Some(line)
}

fn piped(text: &str) -> Option<Line> {
    let (time, rest) = text.split_once('|')?;
    let (server, rest) = match rest.strip_prefix("v1|") {
        Some(rest) => (None, rest),
        None => {
            let (server, rest) = rest.split_once('|')?;
            (known(server), rest.strip_prefix("v1|")?)
        }
    };
    let mut fields = rest.splitn(8, '|');
    let mut next = || fields.next().unwrap_or_default();
    let at = any_time(time);
    let ip = next();
    if at.is_none() && !is_ip(ip) {
        return None;
    }
    let mut line = Line {
        at,
        server,
        ip: known(ip),
        host: known(next()),
        status: number(next(), 3),
        bytes: next().parse().ok(),
        ..Line::default()
    };
    let (_upstream, _upstream_time, total) = (next(), next(), next());
    let total = total.parse().ok().map(|s: f64| (s * 1e6).round() / 1e3);
    line.duration_ms = total.filter(|ms| ms.is_finite() && *ms >= 0.0);
    let request = unescape(until_protocol(next()));
    set_request(&mut line, &request);
    line.message = request;
    Some(line)
}

/// A request can contain `|`, so it ends behind its protocol if it has one.
fn until_protocol(text: &str) -> &str {
    const MARK: &str = " HTTP/";
    let end = text.match_indices(MARK).find_map(|(index, _)| {
        let version = &text[index + MARK.len()..];
        let rest = version.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        (rest.is_empty() || rest.starts_with('|')).then(|| text.len() - rest.len())
    });
    &text[..end.or_else(|| text.find('|')).unwrap_or(text.len())]
}

fn set_request(line: &mut Line, request: &str) {
    let Some((method, target)) = request.split_once(' ') else {
        return;
    };
    let protocol = target.rsplit_once(" HTTP/").map(|(path, _)| path);
    let path = protocol.unwrap_or(target);
    let is_method = !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase());
    if is_method && (protocol.is_some() || path.starts_with('/')) {
        line.method = Some(method.to_owned());
        line.path = known(path);
    }
}
