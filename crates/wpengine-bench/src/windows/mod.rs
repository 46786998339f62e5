//! Whether the windows hold, and how much of them is used: many ask at once without a pause, and what counts is when each
//! request arrives.
//!
//! Two numbers each: how many requests were more than a window allows, wherever the window begins; and how many arrived, against
//! how many the windows allow at all in that time.

mod arrivals;
mod one_process;
mod shared;

use std::time::Duration;

use crate::Failure;
use crate::Run;
use crate::table::{Comparison, Figures, Row, Target, Unit};
use arrivals::{allowed, exceeding, used};
pub(crate) use shared::{KnockArgs, knock};

/// So many in so much time.
pub(crate) type Limit = (usize, Duration);

const NONE_EXCEEDED: Target = Target::Exactly(0.0);

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    let mut rows = one_process::measure(run)?;
    rows.extend(shared::measure(run)?);
    Ok(rows)
}

/// The two rows of a way to share windows; without arrivals for one that was not measured.
fn rows(
    who: &str,
    limits: &[Limit],
    time: Duration,
    arrivals: Option<&[Duration]>,
    least_used: Target,
) -> [Row; 2] {
    #[allow(clippy::cast_precision_loss, reason = "they are thousands")]
    let figures = |measured: usize, reference: usize| Figures {
        measured: measured as f64,
        reference: reference as f64,
    };
    let row = |what: &str, against: &str, figures, compared, target| Row {
        part: "windows",
        what: format!("{what}, {who}"),
        against: against.to_owned(),
        unit: Unit::Requests,
        figures,
        compared,
        target,
    };
    [
        row(
            "requests beyond a limit",
            "none may be",
            arrivals.map(|arrivals| figures(exceeding(arrivals, limits), 0)),
            Comparison::Difference,
            NONE_EXCEEDED,
        ),
        row(
            "budget used",
            "allowed in that time",
            arrivals.map(|arrivals| figures(used(arrivals, time), allowed(limits, time))),
            Comparison::Ratio,
            least_used,
        ),
    ]
}
