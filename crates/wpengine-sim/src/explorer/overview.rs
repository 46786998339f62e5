//! The data of the state page in one answer: the time, the counts, one table, the last requests.

use std::sync::PoisonError;

use bytes::Bytes;
use serde::Serialize;

use super::lists::{self, List, TABLES};
use crate::controls::ClockReading;
use crate::log::SeenRequest;
use crate::shared::Shared;

/// The number of requests that are shown.
const REQUESTS: usize = 40;

#[derive(Serialize)]
struct Overview {
    clock: ClockReading,
    counts: Vec<Count>,
    list: List,
    requests: Vec<SeenRequest>,
    requests_total: u64,
    side_effects: u64,
    violations: usize,
}

#[derive(Serialize)]
struct Count {
    kind: &'static str,
    name: &'static str,
    count: usize,
}

/// The overview. The query selects the table (`list`) and a text to `find` in its rows.
pub(super) fn overview(shared: &Shared, query: &str) -> Bytes {
    let wanted = |key: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.into_owned())
    };
    let id = wanted("list").unwrap_or_default();
    let find = wanted("find").unwrap_or_default().trim().to_lowercase();
    let now = shared.clock.now();
    let (counts, list) = {
        let mut world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(now);
        let counts = TABLES.iter().map(|table| Count {
            kind: table.id,
            name: table.name,
            count: (table.count)(&world),
        });
        (counts.collect(), lists::list(&id, &world, now, &find))
    };
    let log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
    let violations = shared
        .violations
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .len();
    let overview = Overview {
        clock: shared.clock_reading(),
        counts,
        list,
        requests: log.last(REQUESTS),
        requests_total: log.total(),
        side_effects: log.side_effects(),
        violations,
    };
    Bytes::from(serde_json::to_vec(&overview).unwrap_or_default())
}
