//! Offload settings: large files are served from object storage. Changes take effect a minute after they were accepted.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;
use crate::state::Work;

const DELAY: SignedDuration = SignedDuration::from_mins(1);

pub(super) fn get_largefs_validation_file(call: &mut Call<'_>) -> Outcome {
    Answer::json(200, &call.install()?.largefs_file)
}

pub(super) fn get_offload_settings(call: &mut Call<'_>) -> Outcome {
    let settings = &call.install()?.offload_settings;
    if settings.is_empty() {
        return Err(Refusal::not_there("LargeFS settings not found"));
    }
    Answer::json(200, &json!({ "largefs_settings": settings }))
}

/// Replaces all settings.
pub(super) fn update_offload_settings(call: &mut Call<'_>) -> Outcome {
    change(call, true)
}

/// Changes the settings that are in the body.
pub(super) fn patch_offload_settings(call: &mut Call<'_>) -> Outcome {
    change(call, false)
}

fn change(call: &mut Call<'_>, replace: bool) -> Outcome {
    let settings: Map<String, Value> = match call.body["largefs_settings"].take() {
        Value::Object(settings) => settings,
        _ => Map::new(),
    };
    let install = call.install_mut()?;
    let install_id = install.id.clone();
    let at = call
        .now
        .saturating_add(DELAY)
        .map_err(|_| Refusal::invalid("the clock is at its end"))?;
    call.world.agenda.add(
        at,
        Work::Offload {
            install_id,
            settings,
            replace,
        },
    );
    Answer::empty(202)
}
