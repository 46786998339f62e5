//! The table of figures, each with its reference and its target.

use std::fmt::Write as _;

use serde::Serialize;

/// One row of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The part of the run that the row belongs to.
    pub(crate) part: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// What the figure is compared with.
    pub(crate) against: String,
    /// The unit of both figures.
    pub(crate) unit: Unit,
    /// Both figures; `None` if this run did not measure them.
    pub(crate) figures: Option<Figures>,
    /// How the two are compared.
    pub(crate) compared: Comparison,
    /// The limit for the result of the comparison.
    pub(crate) target: Target,
}

/// The measured figure and its reference.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Figures {
    pub(crate) measured: f64,
    pub(crate) reference: f64,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    Instructions,
    Seconds,
    Microseconds,
    Mebibytes,
    Megabytes,
    Requests,
    Crates,
}

/// How a figure is compared with its reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Comparison {
    /// The figure divided by the reference.
    Ratio,
    /// The figure less the reference.
    Difference,
}

/// The limit for the result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    Exactly(f64),
}

/// The outcome of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Met,
    Missed,
    NotMeasured,
}

impl Row {
    /// The result of the comparison.
    pub(crate) fn value(&self) -> Option<f64> {
        let Figures {
            measured,
            reference,
        } = self.figures?;
        Some(match self.compared {
            Comparison::Ratio => measured / reference,
            Comparison::Difference => measured - reference,
        })
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let Some(value) = self.value() else {
            return Verdict::NotMeasured;
        };
        // A result that is not a number, such as 0 / 0, misses the target.
        let met = match self.target {
            Target::AtMost(bound) => value <= bound,
            Target::AtLeast(bound) => value >= bound,
            Target::Exactly(bound) => value == bound,
        };
        if met { Verdict::Met } else { Verdict::Missed }
    }
}

/// Whether any target was missed. A row without figures misses no target.
pub(crate) fn any_missed(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.verdict() == Verdict::Missed)
}

/// The table for people, as Markdown with aligned columns.
pub(crate) fn text(rows: &[Row]) -> String {
    let head = ["", "measured", "reference", "", "target", ""].map(str::to_owned);
    let lines: Vec<[String; 6]> = rows.iter().map(cells).collect();
    let all = || std::iter::once(&head).chain(&lines);
    let widths: Vec<usize> = (0..head.len())
        .map(|column| all().map(|line| line[column].chars().count()).max())
        .map(|widest| widest.unwrap_or(0).max(1))
        .collect();
    let mut text = String::new();
    for (number, line) in all().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if number == 0 {
            for width in &widths {
                let _ = write!(text, "|-{}-", "-".repeat(*width));
            }
            text.push_str("|\n");
        }
    }
    text
}

fn cells(row: &Row) -> [String; 6] {
    let figure = |number: Option<f64>| number.map_or("-".to_owned(), |n| row.unit.text(n));
    let value = match (row.value(), row.compared) {
        (None, _) => "-".to_owned(),
        (Some(value), Comparison::Ratio) => format!("{value:.3}"),
        (Some(value), Comparison::Difference) => format!("{} above", row.unit.text(value)),
    };
    let verdict = match row.verdict() {
        Verdict::Met => "met",
        Verdict::Missed => "MISSED",
        Verdict::NotMeasured => "not measured",
    };
    [
        format!("{}: {}", row.part, row.what),
        figure(row.figures.map(|figures| figures.measured)),
        format!(
            "{} ({})",
            figure(row.figures.map(|figures| figures.reference)),
            row.against
        ),
        value,
        row.target.text(row.compared, row.unit),
        verdict.to_owned(),
    ]
}

/// The table for programs, as JSON.
pub(crate) fn json(rows: &[Row]) -> serde_json::Value {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        row: &'a Row,
        value: Option<f64>,
        verdict: Verdict,
    }
    let lines: Vec<Line<'_>> = rows
        .iter()
        .map(|row| Line {
            row,
            value: row.value(),
            verdict: row.verdict(),
        })
        .collect();
    serde_json::json!({ "met": !any_missed(rows), "rows": lines })
}

impl Unit {
    fn text(self, number: f64) -> String {
        match self {
            Self::Instructions => format!("{:.3} M instr.", number / 1e6),
            Self::Seconds => format!("{number:.3} s"),
            Self::Microseconds => format!("{number:.0} us"),
            Self::Mebibytes => format!("{number:.1} MiB"),
            Self::Megabytes => format!("{number:.1} MB"),
            Self::Requests => format!("{number:.0} req."),
            Self::Crates => format!("{number:.0} crates"),
        }
    }
}

impl Target {
    fn text(self, compared: Comparison, unit: Unit) -> String {
        let bound = |number: f64| match compared {
            Comparison::Ratio => number.to_string(),
            Comparison::Difference => unit.text(number),
        };
        match self {
            Self::AtMost(number) => format!("at most {}", bound(number)),
            Self::AtLeast(number) => format!("at least {}", bound(number)),
            Self::Exactly(number) => format!("exactly {}", bound(number)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(measured: f64, reference: f64, compared: Comparison, target: Target) -> Row {
        Row {
            part: "overhead",
            what: "instructions".to_owned(),
            against: "bare".to_owned(),
            unit: Unit::Mebibytes,
            figures: Some(Figures {
                measured,
                reference,
            }),
            compared,
            target,
        }
    }

    fn ratio(measured: f64, target: Target) -> Row {
        row(measured, 100.0, Comparison::Ratio, target)
    }

    #[test]
    fn a_target_is_met_up_to_its_bound_and_missed_beyond() {
        for (measured, target, verdict) in [
            (103.0, Target::AtMost(1.03), Verdict::Met),
            (103.1, Target::AtMost(1.03), Verdict::Missed),
            (98.0, Target::AtLeast(0.98), Verdict::Met),
            (97.9, Target::AtLeast(0.98), Verdict::Missed),
            (100.0, Target::Exactly(1.0), Verdict::Met),
            (101.0, Target::Exactly(1.0), Verdict::Missed),
            (99.0, Target::Exactly(1.0), Verdict::Missed),
            (f64::NAN, Target::AtMost(1.03), Verdict::Missed),
        ] {
            assert_eq!(
                ratio(measured, target).verdict(),
                verdict,
                "{measured} {target:?}"
            );
        }
    }

    #[test]
    fn a_difference_is_taken_and_not_a_ratio() {
        let above = row(38.0, 30.0, Comparison::Difference, Target::AtMost(8.0));
        assert_eq!(above.verdict(), Verdict::Met);
        let above = row(38.1, 30.0, Comparison::Difference, Target::AtMost(8.0));
        assert_eq!(above.verdict(), Verdict::Missed);
    }

    #[test]
    fn one_missed_target_among_many_is_a_miss() {
        let met = ratio(100.0, Target::AtMost(1.03));
        let missed = ratio(200.0, Target::AtMost(1.03));
        assert!(!any_missed(&[met.clone(), met.clone()]));
        assert!(any_missed(&[met.clone(), missed, met]));
    }

    #[test]
    fn what_was_not_measured_is_said_and_misses_nothing() {
        let mut unknown = ratio(100.0, Target::AtMost(1.03));
        unknown.figures = None;
        assert!(!any_missed(std::slice::from_ref(&unknown)));
        assert!(text(std::slice::from_ref(&unknown)).contains("not measured"));
        assert_eq!(
            json(&[unknown])["rows"][0]["value"],
            serde_json::Value::Null
        );
    }

    #[test]
    fn text_and_json_say_the_same() {
        let rows = [
            ratio(103.1, Target::AtMost(1.03)),
            row(38.0, 30.0, Comparison::Difference, Target::AtMost(8.0)),
        ];
        let text = text(&rows);
        assert!(text.contains("| 1.031 "), "{text}");
        assert!(text.contains("| at most 1.03 "), "{text}");
        assert!(text.contains("| 8.0 MiB above "), "{text}");
        assert!(text.contains("| MISSED |"), "{text}");
        let json = json(&rows);
        assert_eq!(json["met"], false);
        assert_eq!(json["rows"][0]["verdict"], "missed");
        assert_eq!(json["rows"][0]["target"]["at_most"], 1.03);
        assert_eq!(json["rows"][1]["value"], 8.0);
        assert_eq!(json["rows"][1]["verdict"], "met");
    }
}
