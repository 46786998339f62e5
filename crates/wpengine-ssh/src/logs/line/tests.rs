#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use jiff::tz::Offset;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64)";

/// Every example line with what is expected of it, without `raw`.
fn table() -> Vec<(String, Value)> {
    let at = "2026-11-26T06:29:46Z";
    let query =
        "KILLED QUERY (16432 characters long generated in /nas/a b/x.php:88): SELECT a in /y:1";
    let query = query.replace("a b", "ab");
    let database = "WordPress database error Table 'a' doesn't exist for query SELECT 1";
    let nginx = r#"123#123: *45 open() "/x" failed (2: No such file or directory), client: 203.0.113.7, server: a.example.com, request: "GET /x HTTP/1.1", host: "www.example.com", referrer: "https://r/, client: 6.6.6.6""#;
    let odd = r#"1#1: *2 FastCGI sent in stderr: "PHP message: PHP Warning:  a in /n/a.php on line 3" while reading, client: ::1, server: a.example.com"#;
    let apache =
        "AH01071: Got error 'PHP message: PHP Fatal error:  x in /n/a.php:9', referer: https://r/";
    let quoted = r#"GET /a\"b\x22c HTTP/1.1"#;
    let row = |raw: &str, fields: Value| (raw.to_owned(), fields);
    let mut rows = vec![
        row(
            "[26-Nov-2026 06:29:46 UTC] PHP Fatal error:  Uncaught Error: x in /n/a.php:12",
            json!({"at": at, "level": "fatal", "message": "Uncaught Error: x in /n/a.php:12", "file": "/n/a.php", "line": 12}),
        ),
        row(
            "[26-Nov-2026 06:29:46 Europe/Berlin] PHP Parse error:  y in C:\\a.php on line 7\r",
            json!({"level": "fatal", "message": "y in C:\\a.php on line 7", "file": "C:\\a.php", "line": 7}),
        ),
        row(
            "[26-Nov-2026 08:29:46 +02:00] PHP Deprecated:  z in Unknown on line 0",
            json!({"at": at, "level": "notice", "message": "z in Unknown on line 0", "file": "Unknown", "line": 0}),
        ),
        row(
            "[26-Nov-2026 06:29:46 UTC] PHP Recoverable fatal error:  a in http://x:80 b",
            json!({"at": at, "level": "error", "message": "a in http://x:80 b"}),
        ),
        row(
            "[26-Nov-2026 06:29:46 GMT] PHP Core Warning:  c",
            json!({"at": at, "level": "warning", "message": "c"}),
        ),
        row(
            "[26-Nov-2026 06:29:46 UTC] PHP User Notice:  c",
            json!({"at": at, "level": "notice", "message": "c"}),
        ),
        row(
            "[26-Nov-2026 06:29:46] WARNING: [pool x] child 1 exited",
            json!({"at": at, "level": "warning", "message": "[pool x] child 1 exited"}),
        ),
        row(
            "[26-Nov-2026 06:29:46] NOTICE: ready",
            json!({"at": at, "level": "notice", "message": "ready"}),
        ),
        row(
            "[26-Nov-2026 06:29:46 UTC] my own: text",
            json!({"at": at, "message": "my own: text"}),
        ),
        row(
            &format!("[26-Nov-2026 06:29:46 UTC] {database}"),
            json!({"at": at, "level": "error", "message": database}),
        ),
        row(
            &query,
            json!({"level": "error", "message": query, "file": "/nas/ab/x.php", "line": 88, "killed_query": 16432}),
        ),
        row(
            "PHP Warning:  w",
            json!({"level": "warning", "message": "w"}),
        ),
        row(
            &format!(
                "203.0.113.7 www.example.com - [26/Nov/2026:06:29:46 +0000] \"GET /wp-login.php?a=1 HTTP/1.1\" 200 5123 \"https://r/\" \"{BROWSER}\""
            ),
            json!({"at": at, "message": "GET /wp-login.php?a=1 HTTP/1.1", "status": 200, "method": "GET", "path": "/wp-login.php?a=1",
                "host": "www.example.com", "ip": "203.0.113.7", "referer": "https://r/", "agent": BROWSER, "bytes": 5123}),
        ),
        row(
            &format!(
                "web-1 2001:db8::1 www.example.com bob [26/Nov/2026:01:29:46 -0500] \"{quoted}\" 404 - \"-\" \"a\\\\\" \"more\""
            ),
            json!({"at": at, "message": "GET /a\"b\"c HTTP/1.1", "status": 404, "method": "GET", "path": "/a\"b\"c", "server": "web-1",
                "host": "www.example.com", "ip": "2001:db8::1", "user": "bob", "agent": "a\\"}),
        ),
        row(
            "203.0.113.7 - bob smith [26/Nov/2026:06:29:46 +0000] \"-\" 400 0",
            json!({"at": at, "message": "-", "status": 400, "ip": "203.0.113.7", "user": "bob smith", "bytes": 0}),
        ),
        row(
            r#"203.0.113.7 - - [26/Nov/2026:06:29:46 +0000] "\x16\x03\x01" 400 226 "-" "cut off"#,
            json!({"at": at, "message": r"\x16\x03\x01", "status": 400, "ip": "203.0.113.7", "bytes": 226, "agent": "cut off"}),
        ),
        row(
            nginx_line(nginx).as_str(),
            json!({"at": at, "level": "error", "message": nginx, "method": "GET", "path": "/x",
            "host": "www.example.com", "ip": "203.0.113.7", "referer": "https://r/, client: 6.6.6.6"}),
        ),
        row(
            nginx_line(odd).as_str(),
            json!({"at": at, "level": "error", "message": odd, "host": "a.example.com", "ip": "::1", "file": "/n/a.php", "line": 3}),
        ),
        row(
            &format!(
                "[Thu Nov 26 06:29:46.123456 2026] [proxy_fcgi:error] [pid 1:tid 2] [client 2001:db8::1:54321] {apache}"
            ),
            json!({"at": "2026-11-26T06:29:46.123456Z", "level": "error", "message": apache, "ip": "2001:db8::1", "referer": "https://r/", "file": "/n/a.php", "line": 9}),
        ),
        row(
            "[Thu Nov 26 06:29:46 2026] [core:trace3] [client 203.0.113.7:1] [x] y",
            json!({"at": at, "level": "debug", "message": "[x] y", "ip": "203.0.113.7"}),
        ),
    ];
    for (time, server) in [
        ("1795674586.5", ""),
        ("2026-11-26T07:29:46.5+01:00", "web-1|"),
    ] {
        let raw = format!(
            "{time}|{server}v1|203.0.113.7|www.example.com|503|-|127.0.0.1:9002|0.412|0.420|POST /a|b HTTP/1.1|x| HTTP/1.0"
        );
        let mut fields = json!({"at": "2026-11-26T06:29:46.5Z", "message": "POST /a|b HTTP/1.1", "status": 503, "method": "POST",
            "path": "/a|b", "host": "www.example.com", "ip": "203.0.113.7", "duration_ms": 420.0});
        if !server.is_empty() {
            fields["server"] = json!("web-1");
        }
        rows.push((raw, fields));
    }
    for raw in [
        "",
        "Array",
        "    [0] => x",
        "#0 /a.php(12): f()",
        "Stack trace:",
        "  thrown in /a.php on line 12",
        "[99-Nov-2026 06:29:46 UTC] x",
        "[26-Nov-2026 06:29:46",
        "a|b|c",
        "a [26/Nov/2026:06:29:46 +0000] \"x\"",
        "x|v1|not an address|h",
        "2026/11/26 06:29:46 [strange] x",
        "\u{1b}[31mred\u{0}\r\n",
    ] {
        rows.push((raw.to_owned(), json!({"message": raw})));
    }
    rows
}

fn nginx_line(message: &str) -> String {
    format!("2026/11/26 06:29:46 [error] {message}")
}

#[test]
fn reads_every_format() {
    for (raw, mut fields) in table() {
        assert_eq!(
            continues(&raw),
            fields.as_object().unwrap().len() == 1,
            "{raw}"
        );
        fields["raw"] = json!(raw);
        assert_eq!(serde_json::to_value(parse(&raw)).unwrap(), fields, "{raw}");
    }
}

#[test]
fn levels_are_ordered_and_named() {
    use Level::*;
    let all = [Debug, Info, Notice, Warning, Error, Fatal];
    assert!(all.is_sorted());
    for level in all {
        let name = serde_json::to_value(level).unwrap();
        assert_eq!(name.as_str().unwrap().parse(), Ok(level));
    }
    let others = [
        ("WARN", Warning),
        ("err", Error),
        ("crit", Fatal),
        ("Critical", Fatal),
        ("deprecated", Notice),
    ];
    for (name, level) in others {
        assert_eq!(name.parse(), Ok(level));
    }
    let error = "odd".parse::<Level>().unwrap_err();
    assert_eq!(
        error,
        "unknown level \"odd\": use debug, info, notice, warning, error or fatal"
    );
}

#[test]
fn severity_follows_the_status() {
    let of = |status, level| {
        Line {
            status,
            level,
            ..Line::default()
        }
        .severity()
    };
    assert_eq!(of(None, Some(Level::Fatal)), Some(Level::Fatal));
    for (status, level) in [
        (399, None),
        (400, Some(Level::Warning)),
        (499, Some(Level::Warning)),
        (500, Some(Level::Error)),
        (599, Some(Level::Error)),
        (600, None),
    ] {
        assert_eq!(of(Some(status), None), level);
    }
    assert_eq!(of(None, None), None);
    assert_eq!(of(Some(500), Some(Level::Info)), Some(Level::Info));
}

fn entries<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<Line> {
    let mut entries = Entries::default();
    let mut all: Vec<Line> = lines
        .into_iter()
        .filter_map(|line| entries.push(line))
        .collect();
    all.extend(entries.finish());
    assert!(entries.finish().is_none());
    all
}

#[test]
fn joins_only_what_belongs_to_an_error() {
    let access = "203.0.113.7 - - [26/Nov/2026:06:29:46 +0000] \"GET / HTTP/1.1\" 200 1";
    let error = "[26-Nov-2026 06:29:46 UTC] PHP Fatal error:  Uncaught Error: x";
    let lines = [
        "  odd",
        "#1",
        access,
        "#2",
        error,
        "Stack trace:",
        "#0 /b.php(1): f()",
        "",
        "  thrown in /a.php on line 12",
        error,
        "z",
    ];
    let all = entries(lines);
    let sizes: Vec<usize> = all
        .iter()
        .map(|entry| entry.raw.split('\n').count())
        .collect();
    assert_eq!(sizes, [1, 1, 1, 1, 5, 2]);
    assert_eq!(
        all[4].message,
        "Uncaught Error: x\nStack trace:\n#0 /b.php(1): f()\n\n  thrown in /a.php on line 12"
    );
    assert_eq!(
        (all[4].file.as_deref(), all[4].line),
        (Some("/a.php"), Some(12))
    );
    assert_eq!(
        (all[5].level, all[5].file.as_deref()),
        (Some(Level::Fatal), None)
    );
}

#[test]
fn joins_no_more_than_the_limits() {
    let count = |line: &str, n| {
        let lines = std::iter::once("PHP Warning:  w").chain(std::iter::repeat_n(line, n));
        let all = entries(lines);
        all.iter()
            .map(|entry| entry.raw.split('\n').count())
            .collect::<Vec<_>>()
    };
    assert_eq!(count("x", 199), [200]);
    assert_eq!(count("x", 450), [200, 200, 51]);
    let rest = MAX_BYTES - "PHP Warning:  w\n".len();
    assert_eq!(count(&"x".repeat(rest), 1), [2]);
    assert_eq!(count(&"x".repeat(rest + 1), 1), [1, 1]);
}

#[test]
fn nasty_lines_of_200_kb_end_quickly() {
    let heads = [
        "",
        "[",
        "PHP ",
        "[26-Nov-2026 06:29:46 UTC] ",
        "2026/11/26 06:29:46 [error] x, client: ",
        "[Thu Nov 26 06:29:46 2026] ",
        "1.5|v1|",
        "1.5|v1|1.1.1.1|h|1|1|u|1|1|",
        "1.1.1.1 h u [26/Nov/2026:06:29:46 +0000] \"",
        "PHP Warning: KILLED QUERY (1 characters long generated in ",
    ];
    let bodies = [
        "\"",
        "[",
        "|",
        "]",
        " [",
        "[]",
        "\\",
        "\\\"",
        "\\x",
        " ",
        ":",
        "1",
        " in ",
        " in a:",
        " on line 1",
        ", client: ",
        ", host: \"",
        " HTTP/1",
        " HTTP/1.1x",
        "KILLED QUERY (",
        "v1|",
        "é",
        "\u{0}",
        ", referer: ",
    ];
    for head in heads {
        for body in bodies {
            let raw = format!("{head}{}", body.repeat(200_000 / body.len()));
            let start = Instant::now();
            assert_eq!(parse(&raw).raw, raw);
            assert!(start.elapsed() < Duration::from_secs(2), "{head}{body}");
        }
    }
}

fn mutated() -> impl Strategy<Value = String> {
    let lines: Vec<String> = table().into_iter().map(|(raw, _)| raw).collect();
    let piece = "[\\PC\"\\[\\]|\\\\: \\x00-\\x1f]{0,4}";
    (
        prop::sample::select(lines),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        piece,
    )
        .prop_map(|(line, from, to, piece)| {
            let chars: Vec<char> = line.chars().collect();
            let (a, b) = (from.index(chars.len() + 1), to.index(chars.len() + 1));
            let (head, tail) = (&chars[..a.min(b)], &chars[a.max(b)..]);
            head.iter()
                .copied()
                .chain(piece.chars())
                .chain(tail.iter().copied())
                .collect()
        })
}

proptest! {
    #[test]
    fn takes_any_text(raw in prop_oneof![any::<String>(), "(?s).{0,200}", mutated()]) {
        let line = parse(&raw);
        prop_assert_eq!(&line.raw, &raw);
        prop_assert!(serde_json::to_string(&line).is_ok());
        if continues(&raw) {
            prop_assert_eq!(line, unknown(&raw));
        }
    }

    #[test]
    fn cut_lines_do_no_harm(raw in prop::sample::select(table()), at in any::<prop::sample::Index>()) {
        let (raw, _) = raw;
        let cut: String = raw.chars().take(at.index(raw.len() + 1)).collect();
        prop_assert_eq!(parse(&cut).raw, cut);
    }

    #[test]
    fn loses_no_line(lines in prop::collection::vec(prop_oneof![mutated(), any::<String>(), "[#x ]{0,2}"], 0..60)) {
        let all = entries(lines.iter().map(String::as_str));
        let raws: Vec<&str> = all.iter().map(|entry| entry.raw.as_str()).collect();
        prop_assert_eq!(raws.join("\n"), lines.join("\n"));
        prop_assert_eq!(raws.is_empty(), lines.is_empty());
    }

    /// Any moment comes back from every way to write it, so no part of a time is mixed up.
    #[test]
    fn every_form_gives_the_same_time(second in 0_i64..4_000_000_000, minutes in -14_i32 * 60..=14 * 60_i32) {
        let at = Timestamp::from_second(second).unwrap();
        let zone = Offset::from_seconds(minutes * 60).unwrap();
        let there = zone.to_timestamp(Offset::UTC.to_datetime(at)).unwrap();
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        for (format, expected) in [
            ("[%d-%b-%Y %H:%M:%S UTC] x".to_owned(), at),
            ("[%d-%b-%Y %H:%M:%S] NOTICE: x".to_owned(), at),
            (format!("[%d-%b-%Y %H:%M:%S {sign}{hours:02}:{rest:02}] x"), there),
            ("[%a %b %d %H:%M:%S %Y] [x:error] y".to_owned(), at),
            ("%Y/%m/%d %H:%M:%S [warn] x".to_owned(), at),
            (format!("::1 - - [%d/%b/%Y:%H:%M:%S {sign}{hours:02}{rest:02}] \"-\""), there),
            (format!("%d/%b/%Y:%H:%M:%S {sign}{hours:02}{rest:02}|v1|::1"), there),
            ("%s|v1|::1".to_owned(), at),
            ("%Y-%m-%dT%H:%M:%S|v1|::1".to_owned(), at),
            (format!("%Y-%m-%dT%H:%M:%S{sign}{hours:02}{rest:02}|v1|::1"), there),
        ] {
            let raw = at.strftime(&format).to_string();
            prop_assert_eq!(parse(&raw).at, Some(expected), "{}", raw);
        }
    }
}
