//! The document of the events, and the events themselves.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wpengine_events::{Event, Events, Poller, TYPES};
use wpengine_sim::Simulator;

use super::{all, events_of, minutes, paused};
use crate::support::simulated;

fn document() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../openapi/wpengine-events-v1.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The schema of the body of a type.
fn schema(document: &Value, kind: &str) -> jsonschema::Validator {
    let body =
        &document["webhooks"][kind]["post"]["requestBody"]["content"]["application/json"]["schema"];
    let mut schema = body.clone();
    schema["components"] = document["components"].clone();
    jsonschema::draft202012::new(&schema).unwrap()
}

fn check(document: &Value, event: &Event) {
    let body = serde_json::to_value(event).unwrap();
    let errors: Vec<String> = schema(document, &event.kind)
        .iter_errors(&body)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?} in {body:#}");
}

#[test]
fn the_document_describes_each_type_and_no_other() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let described: BTreeSet<&str> = document["webhooks"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let types: BTreeSet<&str> = TYPES.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(described, types);
    for (kind, meaning) in TYPES {
        let post = &document["webhooks"][kind]["post"];
        assert_eq!(post["summary"], meaning, "{kind}");
        let content = &post["requestBody"]["content"]["application/json"];
        let example = content["example"]
            .as_object()
            .map(|_| content["example"].clone());
        let example = example
            .or_else(|| Some(content["examples"].as_object()?.values().next()?["value"].clone()));
        let example: Event = serde_json::from_value(example.expect("an example")).unwrap();
        assert_eq!(example.kind, kind);
        check(&document, &example);
    }
}

#[test]
fn a_test_event_of_each_type_is_the_example_of_the_document() {
    paused(async {
        let document = document();
        let events = Events::in_memory().unwrap();
        for (kind, _) in TYPES {
            events.trigger(kind).await.unwrap();
        }
        for mut event in all(&events).await {
            assert!(event.is_test());
            check(&document, &event);
            let content = &document["webhooks"][&event.kind]["post"]["requestBody"]["content"];
            let content = &content["application/json"];
            let mut example = content["example"].clone();
            if example.is_null() {
                let examples = content["examples"].as_object().unwrap();
                example = examples.values().next().unwrap()["value"].clone();
            }
            event.data.remove("test");
            for data in [&mut event.data, example["data"].as_object_mut().unwrap()] {
                data.remove("observed_at");
            }
            assert_eq!(Value::Object(event.data), example["data"], "{}", event.kind);
        }
    });
}

#[test]
fn events_are_as_the_document_says() {
    let seen = paused(async {
        let document = document();
        let simulator = Simulator::builder().fleet(3, 20, 40).troubled().build();
        let client = simulated::builder(&simulator)
            .no_rate_limiter()
            .build()
            .unwrap();
        let events = events_of(&simulator);
        tokio::spawn(
            Poller::new(&client, &events)
                .initial_events()
                .run(std::future::pending()),
        );
        tokio::time::sleep(minutes(40)).await;
        let installs = super::truth(&client, wpengine_fleet::Class::Installs, "").await;
        let (first, last) = (
            installs.keys().next().unwrap(),
            installs.keys().last().unwrap(),
        );
        client
            .install(first.as_str())
            .backups()
            .create("x", ["ops@example.com"])
            .await
            .unwrap();
        client.install(last.as_str()).delete().await.unwrap();
        tokio::time::sleep(minutes(40)).await;
        let mut seen = BTreeSet::new();
        for event in all(&events).await {
            check(&document, &event);
            seen.insert(event.kind);
        }
        // What somebody triggers is like it, too.
        for (kind, _) in TYPES {
            let id = events.trigger(kind).await.unwrap();
            let (triggered, _) = events.get(&id).await.unwrap().unwrap();
            assert_eq!(triggered.event.data["test"], json!(true));
        }
        seen
    });
    assert!(seen.len() > 12, "{seen:?}");
}
