//! Reports the differences, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::deviations::Sifted;
use super::difference::Kind;

/// The other description.
#[derive(Debug)]
pub(crate) struct Other {
    pub(crate) source: String,
    pub(crate) form: &'static str,
    pub(crate) version: String,
    pub(crate) operations: usize,
    /// Its references to other documents or to missing targets.
    pub(crate) unresolved: Vec<String>,
}

/// A text of the other description, without control characters, so that it is safe in a terminal.
fn visible(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            letter if letter.is_control() => letter.escape_default().to_string(),
            letter => letter.to_string(),
        })
        .collect()
}

pub(crate) fn is_same(sifted: &Sifted) -> bool {
    sifted.differences.is_empty() && sifted.stale.is_empty()
}

/// The report, grouped by operation, with a summary as the last line.
pub(crate) fn text(sifted: &Sifted, other: &Other) -> String {
    let mut text = String::new();
    let mut operation = "";
    let mut operations = 0;
    for difference in &sifted.differences {
        if difference.operation != operation {
            operation = &difference.operation;
            operations += 1;
            let id = difference
                .id
                .as_ref()
                .map_or_else(String::new, |id| format!(" ({id})"));
            let _ = writeln!(text, "{}{id}", visible(operation));
        }
        let sign = match difference.kind() {
            Kind::Added => '+',
            Kind::Removed => '-',
            Kind::Changed => '~',
        };
        let _ = writeln!(text, "  {sign} {}", visible(&difference.line()));
    }
    if !sifted.stale.is_empty() {
        let _ = writeln!(text, "openapi/deviations.yaml: no longer needed");
    }
    for stale in &sifted.stale {
        let (operation, place, there, here) =
            (&stale.operation, &stale.place, &stale.there, &stale.here);
        let _ = writeln!(text, "  ! {operation}, {place}: {there} there, {here} here");
    }
    if !other.unresolved.is_empty() {
        let _ = writeln!(
            text,
            "references that lead nowhere in {}: what they stand for was taken for anything",
            other.source
        );
    }
    for reference in &other.unresolved {
        let _ = writeln!(text, "  ? {}", visible(reference));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let meant = match sifted.meant {
        0 => String::new(),
        meant => format!("; {} on purpose", counted(meant, "deviation")),
    };
    let Other {
        source,
        form,
        version,
        operations: total,
        ..
    } = other;
    let version = visible(version);
    if is_same(sifted) {
        let _ = writeln!(
            text,
            "the same: {} in {source} ({form}, version {version}){meant}",
            counted(*total, "operation")
        );
    } else {
        let _ = writeln!(
            text,
            "{} in {}: {} added, {} removed, {} changed; {}{meant}; {source} is {form}, version {version}",
            counted(sifted.differences.len(), "difference"),
            counted(operations, "operation"),
            count(sifted, Kind::Added),
            count(sifted, Kind::Removed),
            count(sifted, Kind::Changed),
            counted(sifted.stale.len(), "stale entry"),
        );
    }
    text
}

/// The report as JSON. Only add members; never remove or rename one.
pub(crate) fn json(sifted: &Sifted, other: &Other) -> Value {
    let differences: Vec<Value> = sifted
        .differences
        .iter()
        .map(|difference| {
            json!({
                "operation": difference.operation,
                "operation_id": difference.id,
                "kind": difference.kind(),
                "aspect": difference.aspect,
                "where": difference.place,
                "there": difference.there,
                "here": difference.here,
            })
        })
        .collect();
    json!({
        "same": is_same(sifted),
        "issue": {
            "title": format!("The API describes itself differently: version {}", other.version),
            "body": issue(&text(sifted, other)),
        },
        "other": {
            "source": other.source,
            "form": other.form,
            "version": other.version,
            "operations": other.operations,
            "unresolved": other.unresolved,
        },
        "counts": {
            "added": count(sifted, Kind::Added),
            "removed": count(sifted, Kind::Removed),
            "changed": count(sifted, Kind::Changed),
            "on_purpose": sifted.meant,
            "stale": sifted.stale.len(),
        },
        "differences": differences,
        "stale": sifted.stale,
    })
}

/// The report as the text of an issue, in Markdown. It is in a code block with a fence that the report cannot close.
fn issue(report: &str) -> String {
    /// GitHub's limit for the text of an issue is 65,536 characters.
    const MOST: usize = 60_000;
    let mut shown: String = report.chars().take(MOST).collect();
    if shown.len() < report.len() {
        shown.push_str("\n[cut: run the command for the rest]\n");
    }
    let ticks = shown.split(|letter| letter != '`').map(str::len).max();
    let fence = "`".repeat(ticks.unwrap_or(0).max(2) + 1);
    format!(
        "What `cargo xtask drift` says:\n\n{fence}text\n{shown}{fence}\n\n\
         CONTRIBUTING, \"When the service has a new release\", says what to do with it. A difference that is meant goes \
         into `openapi/deviations.yaml`.\n"
    )
}

fn count(sifted: &Sifted, kind: Kind) -> usize {
    sifted
        .differences
        .iter()
        .filter(|difference| difference.kind() == kind)
        .count()
}

fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {noun}s"),
    }
}
