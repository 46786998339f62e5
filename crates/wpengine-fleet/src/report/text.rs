//! Markdown and CSV.

use std::fmt::Write as _;

use super::{AccountReport, Report};
use crate::{Finding, Forecast, Used};

/// What stands where a figure is not known. It is never 0.
const UNKNOWN: &str = "unknown";

impl Report {
    /// Writes the report as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let (first, last) = self.period;
        let _ = writeln!(text, "# Usage and findings, {first} to {last}\n");
        let _ = writeln!(text, "{}\n", self.note());
        let _ = writeln!(
            text,
            "| account | visits | at the end (8 of 10 cases) | plan, a month | traffic, GB | storage, GB |"
        );
        let _ = writeln!(text, "|---|---:|---|---:|---:|---:|");
        for account in &self.accounts {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                cell(&account.account.name),
                account
                    .visits
                    .map_or(UNKNOWN.to_owned(), |end| whole(end.so_far)),
                account
                    .visits
                    .map_or(UNKNOWN.to_owned(), |end| band(&end, 1.0)),
                account.allowed_visits.map_or(UNKNOWN.to_owned(), whole),
                account
                    .bandwidth
                    .map_or(UNKNOWN.to_owned(), |end| whole(end.so_far / GB)),
                figure(account, "storage"),
            );
        }
        let _ = writeln!(text, "\n## Findings\n");
        if self.findings.is_empty() {
            let _ = writeln!(text, "None.");
        } else {
            let _ = writeln!(text, "| severity | code | where | what | observed |");
            let _ = writeln!(text, "|---|---|---|---|---|");
        }
        for finding in &self.findings {
            let _ = writeln!(
                text,
                "| {} | `{}` | {} | {} | {} |",
                severity(finding),
                finding.code,
                cell(place(finding)),
                cell(&finding.subject),
                cell(&finding.evidence.observed),
            );
        }
        if !self.failures.is_empty() {
            let _ = writeln!(text, "\n## Not read\n");
            for failure in &self.failures {
                let _ = writeln!(
                    text,
                    "- {}: {}",
                    cell(&failure.subject),
                    cell(&failure.message)
                );
            }
        }
        text
    }

    /// Writes the accounts as CSV, one a line. Unknown figures are empty.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from(
            "account_id,account,first_day,last_day,visits,visits_expected,visits_low,visits_high,visits_allowed,traffic_bytes,storage_gb,storage_allowed_gb,complete\r\n",
        );
        for account in &self.accounts {
            let storage = used(account, "storage");
            let end = |of: fn(&Forecast) -> f64| account.visits.as_ref().map(of);
            let figures = [
                end(|end| end.so_far),
                end(|end| end.expected),
                end(|end| end.low),
                end(|end| end.high),
                account.allowed_visits,
                account.bandwidth.as_ref().map(|end| end.so_far),
                storage.and_then(|used| used.used),
                storage.and_then(|used| used.allowed),
            ];
            let figures: Vec<String> = figures
                .iter()
                .map(|figure| figure.map_or(String::new(), |figure| format!("{figure:.0}")))
                .collect();
            let (first, last) = self.period;
            let _ = write!(
                text,
                "{},{},{first},{last},{},{}\r\n",
                field(&account.account.id),
                field(&account.account.name),
                figures.join(","),
                account.visits.is_some() && self.complete,
            );
        }
        text
    }

    /// How far the report can be trusted, in a sentence.
    pub(super) fn note(&self) -> String {
        let as_of = self.as_of.map_or("never".to_owned(), |as_of| {
            as_of.strftime("%Y-%m-%d %H:%M UTC").to_string()
        });
        if self.complete {
            return format!("Everything was read; the oldest part at {as_of}.");
        }
        format!(
            "NOT COMPLETE: {} parts could not be read, and what depends on them is unknown. The oldest part was read at {as_of}.",
            self.failures.len()
        )
    }
}

/// The plans and reports of WP Engine count 2^30 bytes as a GB.
pub(super) const GB: f64 = 1_073_741_824.0;

pub(super) fn used<'a>(account: &'a AccountReport, metric: &str) -> Option<&'a Used> {
    account.usage.iter().find(|used| used.metric == metric)
}

fn figure(account: &AccountReport, metric: &str) -> String {
    let used = used(account, metric);
    let one = |figure: Option<f64>| figure.map_or(UNKNOWN.to_owned(), whole);
    let (figure, allowed) = (
        used.and_then(|used| used.used),
        used.and_then(|used| used.allowed),
    );
    format!("{} of {}", one(figure), one(allowed))
}

/// A whole number with its thousands apart.
pub(super) fn whole(figure: f64) -> String {
    let digits = format!("{:.0}", figure.abs());
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if figure < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// What is expected, with the band in which it lies in eight of ten cases.
pub(super) fn band(end: &Forecast, unit: f64) -> String {
    if end.open_days == 0 {
        return whole(end.so_far / unit);
    }
    format!(
        "{} ({} to {})",
        whole(end.expected / unit),
        whole(end.low / unit),
        whole(end.high / unit)
    )
}

pub(super) fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        crate::Severity::Critical => "critical",
        crate::Severity::Warning => "warning",
        crate::Severity::Unknown => "unknown",
        crate::Severity::Info => "info",
    }
}

pub(super) fn place(finding: &Finding) -> &str {
    let places = [&finding.install, &finding.site, &finding.account];
    places
        .into_iter()
        .flatten()
        .next()
        .map_or("the fleet", |named| named.name.as_str())
}

/// Nothing of a name can end a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\n', '\r'], " ")
        .replace('<', "&lt;")
}

/// A field of CSV. What a spreadsheet would take for a formula begins with an apostrophe.
fn field(text: &str) -> String {
    let text = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    };
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Nothing of a name becomes markup.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_cells() {
        assert_eq!(cell("a|b\n<c>"), "a\\|b &lt;c>");
        assert_eq!(field("=1+1"), "\"'=1+1\"");
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(whole(1_234_567.4), "1\u{202f}234\u{202f}567");
        assert_eq!(
            (whole(0.0), whole(-1_000.0)),
            ("0".to_owned(), "-1\u{202f}000".to_owned())
        );
    }
}
