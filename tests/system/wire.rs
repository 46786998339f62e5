//! The request of every operation, and the result of the documented example answer: one snapshot each.
//!
//! The snapshots are in `snapshots/wire/`, named after the operation. Requests are also checked against the document.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use bytes::Bytes;
use http::{HeaderMap, Request};
use serde_json::Value;

use crate::support::{
    calls::{self, days},
    clients,
    document::{self, Described, plain, violations},
    script::{self, Script},
};

#[tokio::test]
async fn every_operation_goes_over_the_wire_as_documented() {
    let mut broken = Vec::new();
    for operation in wpengine::operations() {
        // Each operation runs in a separate task, so that a failure does not hide the others.
        let shown = tokio::spawn(goes_over_the_wire_as_documented(operation.id));
        if shown.await.is_err() {
            broken.push(operation.id);
        }
    }
    assert!(
        broken.is_empty(),
        "not as documented, see above: {broken:?}"
    );
}

#[test]
fn every_operation_has_a_snapshot_and_every_snapshot_an_operation() {
    let table: BTreeSet<String> = wpengine::operations()
        .iter()
        .map(|operation| operation.id.to_owned())
        .collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/system/snapshots/wire");
    let snapshots: BTreeSet<String> = fs::read_dir(folder)
        .expect("the folder of the snapshots")
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|name| Some(name.to_str()?.strip_suffix(".snap")?.to_owned()))
        .collect();
    assert_eq!(snapshots, table);
}

async fn goes_over_the_wire_as_documented(id: &'static str) {
    let operation = document::operation(id);
    let (status, body) = operation.success();
    let example = body.map(|body| body.example.clone());
    let wire = Script::new(move |number, request| {
        // A request before the operation itself belongs to another operation.
        if !is_of(&operation, request) {
            let (status, body) = of(request).success();
            return Ok(script::json(
                status,
                &body.expect("a body").example.to_string(),
            ));
        }
        let mut body = example.clone();
        // The example is a last page. A second page is needed, because a listing by token sends its token only in the
        // request for the next page.
        if number == 0
            && let Some(token) = body
                .as_mut()
                .and_then(|body| body.get_mut("next_page_token"))
        {
            *token = "1".into();
        }
        Ok(script::json(
            status,
            &body.map(|body| body.to_string()).unwrap_or_default(),
        ))
    });
    let value = calls::full(&clients::on(wire.clone()), id)
        .await
        .unwrap_or_else(|error| panic!("{error}"));

    let requests = wire.requests();
    let mut shown = String::new();
    for request in &requests {
        assert_documented(&of(request), request);
        let _ = writeln!(shown, "{}", show(request));
    }
    let own: Vec<_> = requests
        .into_iter()
        .filter(|request| is_of(&operation, request))
        .collect();
    assert_everything_was_sent(&operation, &own);
    let _ = write!(shown, "=> {status}\n{value}");

    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/wire");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(id, shown));
}

/// Returns the operation of a request.
fn of(request: &Request<Bytes>) -> Described {
    let mut all = document::operations().into_iter();
    all.find(|operation| is_of(operation, request))
        .unwrap_or_else(|| panic!("{} {} is no operation", request.method(), request.uri()))
}

/// Returns whether the method and the path of a request match the operation.
fn is_of(operation: &Described, request: &Request<Bytes>) -> bool {
    let path = request.uri().path();
    let path = path.strip_prefix("/v1").expect("the base URL comes first");
    let (parts, template) = (path.split('/'), operation.path.split('/'));
    let is_same = |(part, known): (&str, &str)| match known.starts_with('{') {
        true => !part.is_empty(),
        false => part == known,
    };
    request.method().as_str().to_lowercase() == operation.method
        && parts.clone().count() == template.clone().count()
        && parts.zip(template).all(is_same)
}

/// Checks that the query and the body match the document.
fn assert_documented(operation: &Described, request: &Request<Bytes>) {
    for (name, text) in query(request) {
        let (_, schema) = operation
            .query()
            .into_iter()
            .find(|(documented, _)| *documented == name)
            .unwrap_or_else(|| panic!("`{name}` is no parameter of {}", operation.id));
        let value = match plain(schema)["type"].as_str() {
            Some("integer") => Value::from(text.parse::<u64>().expect("a number")),
            _ => Value::from(text),
        };
        let broken = violations(&document::validator(schema), &value);
        assert!(broken.is_empty(), "{name}: {broken:?}");
    }
    let content_type = request.headers().get(http::header::CONTENT_TYPE);
    match operation.request_body() {
        Some(body) => {
            assert_eq!(content_type.expect("a content type"), "application/json");
            let broken = violations(&document::validator(body.schema), &json_of(request));
            assert!(broken.is_empty(), "{broken:?}");
        }
        None => {
            assert!(request.body().is_empty(), "no body is documented");
            assert!(content_type.is_none(), "no body, but its type");
        }
    }
}

/// Checks that every documented parameter and field was sent, so that the snapshot contains them all.
fn assert_everything_was_sent(operation: &Described, requests: &[Request<Bytes>]) {
    let sent: BTreeSet<String> = requests
        .iter()
        .flat_map(query)
        .map(|(name, _)| name)
        .collect();
    let documented: BTreeSet<String> = operation
        .query()
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(sent, documented, "the query");
    if let Some(body) = operation.request_body() {
        for request in requests {
            assert_all_fields(body.schema, &[&json_of(request)], "the body");
        }
    }
}

fn assert_all_fields(schema: &'static Value, values: &[&Value], place: &str) {
    let schema = plain(schema);
    for (field, of) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}.{field}");
        let inside: Vec<_> = values.iter().filter_map(|value| value.get(field)).collect();
        assert!(!inside.is_empty(), "{place} is documented and was not sent");
        assert_all_fields(of, &inside, &place);
    }
    if let Some(of) = schema.get("items") {
        let inside: Vec<_> = values
            .iter()
            .filter_map(|value| value.as_array())
            .flatten()
            .collect();
        assert!(!inside.is_empty(), "{place} has no items");
        assert_all_fields(of, &inside, &format!("{place}[]"));
    }
}

fn query(request: &Request<Bytes>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

fn json_of(request: &Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).expect("a body that is JSON")
}

/// Formats a request for the snapshot, without secrets and without values that depend on the date.
fn show(request: &Request<Bytes>) -> String {
    let path = request.uri().path().strip_prefix("/v1").unwrap_or_default();
    let mut shown = format!("{} {path}\n", request.method());
    let (first, last) = days();
    for (name, value) in query(request) {
        let value = match name.as_str() {
            "first_date" if value == first.to_string() => "[the first day]".to_owned(),
            "last_date" if value == last.to_string() => "[the last day]".to_owned(),
            _ => value,
        };
        let _ = writeln!(shown, "  ? {name} = {value}");
    }
    shown.push_str(&show_headers(request.headers()));
    if !request.body().is_empty() {
        let mut body = json_of(request);
        redact(&mut body, "private_key", "[redacted]");
        redact(&mut body, "scheduled_time", "[in two days]");
        let body = serde_json::to_string_pretty(&body).expect("JSON");
        let _ = writeln!(shown, "{body}");
    }
    shown
}

fn show_headers(headers: &HeaderMap) -> String {
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| {
            let text = value.to_str().expect("a visible header");
            let text = match name.as_str() {
                "authorization" => {
                    assert!(value.is_sensitive(), "it could be printed");
                    format!("{} [redacted]", text.split(' ').next().unwrap_or_default())
                }
                "user-agent" => text.replace(env!("CARGO_PKG_VERSION"), "[version]"),
                _ => text.to_owned(),
            };
            format!("{name}: {text}\n")
        })
        .collect();
    lines.sort();
    lines.concat()
}

fn redact(body: &mut Value, field: &str, with: &str) {
    if let Some(value) = body.get_mut(field) {
        *value = with.into();
    }
}
