//! Events: what changes at the service is seen, once, within the limits, and nothing else is.

mod histories;
mod poller;
mod schema;

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};
use wpengine::Client;
use wpengine_events::{Clock, Event, Events};
use wpengine_fleet::Class;
use wpengine_sim::Simulator;

/// Events in memory, with the time of a simulator.
fn events_of(simulator: &Simulator) -> Events {
    let simulator = simulator.clone();
    let clock = Clock::new(move || simulator.clock().now());
    Events::in_memory().expect("memory").clock(clock)
}

/// Runs something with paused time.
pub(crate) fn paused<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(work)
}

pub(crate) async fn all(events: &Events) -> Vec<Event> {
    let stored = events.list(wpengine_events::Query::default()).await;
    stored
        .expect("events")
        .into_iter()
        .map(|stored| stored.event)
        .collect()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Objects by their subject, as somebody knows them who has only read the events.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    pub(crate) objects: BTreeMap<String, Map<String, Value>>,
}

impl Follower {
    /// Takes the next event, which has to fit to what was known.
    pub(crate) fn take(&mut self, event: &Event) {
        let (kind, what) = event.kind.split_once('.').unwrap_or_default();
        if !matches!(what, "created" | "updated" | "gone") {
            return;
        }
        let Some(object) = event.data["object"].as_object() else {
            panic!("an event without an object: {event:?}");
        };
        let subject = event.subject().to_owned();
        let key = subject.clone();
        if what == "updated" {
            let before = self.objects.get(&key);
            let previous = event.data["previous_attributes"]
                .as_object()
                .expect("what it was before");
            assert!(!previous.is_empty(), "nothing changed: {event:?}");
            if let Some(before) = before {
                let mut expected = object.clone();
                expected.extend(previous.clone());
                assert_eq!(
                    *before, expected,
                    "it was not what the event says: {event:?}"
                );
            } else {
                assert!(
                    kind == "wordpress" || kind == "limits",
                    "an update of what is not there: {event:?}"
                );
            }
        }
        match what {
            "created" => {
                let before = self.objects.insert(key, object.clone());
                assert!(before.is_none(), "created twice: {event:?}");
            }
            "updated" => {
                self.objects.insert(key, object.clone());
            }
            _ => {
                assert!(self.objects.remove(&key).is_some(), "gone twice: {event:?}");
                let below = format!("{subject}/");
                self.objects.retain(|key, _| !key.starts_with(&below));
            }
        }
    }

    fn below(&self, start: &str) -> Vec<&String> {
        self.objects
            .keys()
            .filter(|key| key.starts_with(start))
            .collect()
    }
}

/// What a listing has now, by the id of each row.
pub(crate) async fn truth(client: &Client, class: Class, subject: &str) -> BTreeMap<String, Value> {
    seen(client, class, subject).await.expect("the truth")
}

/// The same, while there may be faults.
pub(crate) async fn seen(
    client: &Client,
    class: Class,
    subject: &str,
) -> Result<BTreeMap<String, Value>, wpengine_fleet::Unread> {
    let listing = wpengine_fleet::listing(client, class, subject).await;
    let rows = listing.rows?;
    let rows = rows
        .iter()
        .map(|row| serde_json::from_str::<Value>(row.get()).expect("json"));
    rows.map(|row| {
        let id = if class == Class::People {
            &row["user_id"]
        } else {
            &row["id"]
        };
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        Ok((id, row))
    })
    .collect()
}
