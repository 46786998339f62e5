//! Decoding of answers. It accepts changes of a new API release and refuses answers that would mislead.
//!
//! Some tests send thousands of answers through one client. They use paused time, so that rate limits do not slow them
//! down.

mod broken;
mod lenient;
mod mutate;
mod shapes;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use wpengine::{Client, Error};

use crate::support::{
    calls, clients,
    document::{self, Described},
    script::{self, Script},
};

/// A client whose requests all get the last answer that was set.
struct Desk {
    client: Client,
    answer: Arc<Mutex<Response<Bytes>>>,
}

impl Desk {
    fn new() -> Self {
        let answer = Arc::new(Mutex::new(script::json(200, "")));
        let played = Arc::clone(&answer);
        let wire = Script::new(move |_, _| {
            Ok(played
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone())
        });
        Self {
            client: clients::on(wire),
            answer,
        }
    }

    /// Sets the answer, calls an operation and returns the value as `Debug` text.
    async fn ask(&self, id: &str, status: u16, body: &str) -> Result<String, Error> {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = script::json(status, body);
        calls::full(&self.client, id).await
    }
}

/// Returns the operations whose success has a body, with the status, the schema and the example.
fn with_bodies() -> Vec<(Described, u16, document::Body)> {
    document::operations()
        .into_iter()
        .filter_map(|operation| {
            let (status, body) = operation.success();
            Some((operation, status, body?))
        })
        .collect()
}

/// Sends every mutation of every example through the SDK.
async fn through_the_facade(
    mutate: fn(&document::Body) -> Vec<mutate::Mutation>,
    mut judge: impl FnMut(&Described, u16, &mutate::Mutation, Result<String, Error>),
) -> usize {
    let desk = Desk::new();
    let mut count = 0;
    for (operation, status, body) in with_bodies() {
        for mutation in mutate(&body) {
            let body: &Value = &mutation.body;
            let result = desk.ask(operation.id, status, &body.to_string()).await;
            judge(&operation, status, &mutation, result);
            count += 1;
        }
    }
    count
}
