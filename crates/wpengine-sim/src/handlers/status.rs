//! The status of the API, and its own description.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::call::{Answer, Call, Outcome};
use crate::document::document;

pub(super) fn get_status(call: &mut Call<'_>) -> Outcome {
    #[derive(Serialize)]
    struct Status {
        success: bool,
        created_on: String,
    }
    // This is the only time that the API writes with an offset.
    let created_on = call
        .now
        .to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%dT%H:%M:%S+00:00")
        .to_string();
    Answer::json(
        200,
        &Status {
            success: true,
            created_on,
        },
    )
}

pub(super) fn get_swagger(_call: &mut Call<'_>) -> Outcome {
    Ok(Answer {
        status: 200,
        body: document().compact.clone(),
    })
}
