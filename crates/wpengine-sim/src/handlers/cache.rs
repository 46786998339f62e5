//! Purges caches. The API does not show the effect; the simulator's controls show that it was done.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;

const EVENT: &str = "cache_purge";
/// The event that is also recorded if the object cache is purged.
const OBJECT_EVENT: &str = "object_cache_purge";
const BETWEEN: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn purge_cache(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        r#type: String,
    }
    let Body { r#type: kind } = call.body()?;
    let (now, limited) = (call.now, call.world.install_limits);
    let install = call.install_mut()?;
    if kind == "object" || kind == "all" {
        let too_soon = install
            .last(OBJECT_EVENT)
            .is_some_and(|last| now.duration_since(last) < BETWEEN);
        if limited && too_soon {
            return Err(Refusal::too_many_requests(
                "Object cache purges are rate-limited to one request every 60 seconds for each install",
            ));
        }
        install.record(OBJECT_EVENT, now, json!({}));
    }
    install.record(EVENT, now, json!({ "type": kind }));
    Answer::empty(202)
}
