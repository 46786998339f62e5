//! Whether clients stay within the rate limits, and how much of the limits they use. Many tasks send requests without
//! a pause, and the times at which requests arrive are evaluated.
//!
//! There are two figures for each way to share the limits: the requests beyond a limit, over every position of its
//! window; and the requests that arrived, against the largest number that the limits allow in that time.

mod arrivals;
mod one_process;
mod shared;

use std::time::Duration;

use crate::Failure;
use crate::Run;
use crate::table::{Comparison, Figures, Row, Target, Unit};
use arrivals::{allowed, exceeding, used};
pub(crate) use shared::{KnockArgs, knock};

/// A number of requests in a period.
pub(crate) type Limit = (usize, Duration);

/// The first account of every simulated fleet.
const ACCOUNT: &str = "eeda3227-9a39-46ae-9e14-20958bb4e6c9";

const NONE_EXCEEDED: Target = Target::Exactly(0.0);

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    let mut rows = one_process::measure(run)?;
    rows.extend(shared::measure(run)?);
    Ok(rows)
}

/// The two rows of one way to share limits. They have no figures if there are no arrivals.
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
