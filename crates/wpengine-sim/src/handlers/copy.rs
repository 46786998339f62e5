//! Copies one install over another. The API does not show when a copy ends; the simulator's controls do.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::call::{Answer, Call, Outcome};
use crate::error::{INVALID_VALUE, Refusal};
use crate::state::Work;

/// How long a copy takes.
const DURATION: SignedDuration = SignedDuration::from_mins(5);

#[derive(Deserialize)]
struct Body {
    source_environment_id: String,
    destination_environment_id: String,
    custom_options: Option<Options>,
}

#[derive(Deserialize)]
struct Options {
    include_files: Option<bool>,
    include_db: Option<bool>,
    db_tables: Option<Vec<String>>,
}

pub(super) fn copy_install(call: &mut Call<'_>) -> Outcome {
    let body: Body = call.body()?;
    let find = |id: &str| {
        call.world
            .install(&call.caller, id)
            .ok_or_else(Refusal::not_found)
    };
    let source = find(&body.source_environment_id)?;
    let destination = find(&body.destination_environment_id)?;
    let refuse = |field, message| {
        Err(Refusal::field(
            "Install",
            field,
            INVALID_VALUE,
            "invalid",
            message,
        ))
    };
    if source.id == destination.id {
        return refuse(
            "destination_environment_id",
            "Destination must be another install",
        );
    }
    if source.account_id != destination.account_id {
        return refuse(
            "destination_environment_id",
            "Destination must be on the account of the source",
        );
    }
    let options = body.custom_options.as_ref();
    let files = options
        .and_then(|options| options.include_files)
        .unwrap_or(true);
    let database = options
        .and_then(|options| options.include_db)
        .unwrap_or(true);
    let tables = options
        .and_then(|options| options.db_tables.as_ref())
        .filter(|tables| !tables.is_empty());
    if tables.is_some() && !database {
        return refuse(
            "custom_options.db_tables",
            "Tables cannot be copied without the database",
        );
    }
    let mut content = source.content.clone();
    let details = json!({
        "source_environment_id": source.id,
        "include_files": files,
        "include_db": database,
        "db_tables": tables,
    });
    let destination_id = destination.id.clone();
    if tables.is_some() {
        // With selected tables, the result is neither the source's database nor the old one.
        content.database = call.world.random.hex(16);
    }
    let end = call
        .now
        .saturating_add(DURATION)
        .map_err(|_| Refusal::invalid("the clock is at its end"))?;
    let work = Work::Overwrite {
        install_id: destination_id.clone(),
        content,
        files,
        database,
    };
    call.world.agenda.add(end, work);
    call.world.installs[&destination_id].record("copy", call.now, details);
    Answer::empty(202)
}
