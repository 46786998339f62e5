//! The requested days: both dates or neither, in order, and not too long ago.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::call::Call;
use crate::error::Refusal;
use crate::usage::day_of;

/// First and last day, both included.
pub(super) type Range = (Date, Date);

/// The range of the query, or the last 30 days.
pub(super) fn range(call: &Call<'_>) -> Result<Range, Refusal> {
    let today = day_of(call.now);
    let (first, last) = match (call.query("first_date"), call.query("last_date")) {
        (None, None) => {
            return Ok((
                today.saturating_sub(30.days()),
                today.saturating_sub(1.day()),
            ));
        }
        (Some(first), Some(last)) => (date("first_date", first)?, date("last_date", last)?),
        _ => {
            return Err(Refusal::invalid(
                "Must provide or omit both first_date and last_date.",
            ));
        }
    };
    if last < first {
        return Err(Refusal::invalid("first_date must not be after last_date."));
    }
    if first < today.saturating_sub(13.months()) {
        return Err(Refusal::invalid(
            "first_date must not be older than 13 months.",
        ));
    }
    Ok((first, last))
}

/// The same, with at most 31 days.
pub(super) fn range_within_31_days(call: &Call<'_>) -> Result<Range, Refusal> {
    let (first, last) = range(call)?;
    if first.checked_add(30.days()).is_ok_and(|end| end < last) {
        return Err(Refusal::invalid(
            "The range must not be longer than 31 days.",
        ));
    }
    Ok((first, last))
}

fn date(name: &str, text: &str) -> Result<Date, Refusal> {
    text.parse()
        .map_err(|_| Refusal::invalid(format!("{name} must be a date in the form YYYY-MM-DD.")))
}
