//! The controls over HTTP, under `/_sim`. Faults and rate limits do not act on them.
//!
//! They are for programs and for the simulator's own pages. [`guard`](crate::guard) refuses requests from other web pages.
//! [`routes`] has the list of controls; `openapi/controls.json` describes them, and a test compares the two.

mod exchange;
mod people;
mod routes;
mod things;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request};
use serde_json::json;

use crate::guard::{Refused, check_caller};
use crate::shared::Shared;
use exchange::{Exchange, Reply};

/// The path prefix of the controls.
const BASE_PATH: &str = "/_sim";
/// The size limit of a snapshot, enough for about a hundred thousand installs.
const MAX_SNAPSHOT: usize = 512 * 1024 * 1024;

/// The description of the controls, as `GET /_sim/openapi.json` answers it.
const DOCUMENT: &str = include_str!("../openapi/controls.json");

/// Answers a request for a control, or returns `None` if the path is not one of a control.
pub(crate) fn answer(shared: &Shared, request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let rest = path_of_control(request.uri().path())?;
    let result = check_caller(request.headers()).and_then(|()| control(shared, request, rest));
    let (status, body) = result.unwrap_or_else(|(status, message)| {
        let body = json!({ "message": message }).to_string();
        (status, Bytes::from(body))
    });
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let methods = routes::methods(rest).join(", ");
        if let Ok(value) = HeaderValue::try_from(methods) {
            response.headers_mut().insert(header::ALLOW, value);
        }
    }
    Some(response)
}

/// The size limit of the request body, if it differs from the API's limit: a snapshot may be larger.
pub(crate) fn body_limit(parts: &request::Parts) -> Option<usize> {
    let is_snapshot = parts.method == Method::PUT
        && path_of_control(parts.uri.path())
            .is_some_and(|path| path.trim_matches('/') == "snapshot")
        && check_caller(&parts.headers).is_ok();
    is_snapshot.then_some(MAX_SNAPSHOT)
}

fn path_of_control(path: &str) -> Option<&str> {
    let rest = path.strip_prefix(BASE_PATH)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn control(shared: &Shared, request: &Request<Bytes>, path: &str) -> Result<Reply, Refused> {
    let Some((control, parameters)) = routes::find(request.method(), path) else {
        let (method, path) = (request.method(), request.uri().path());
        return Err(
            if routes::methods(path_of_control(path).unwrap_or(path)).is_empty() {
                let message = format!("there is no control endpoint {method} {path}");
                (StatusCode::NOT_FOUND, message)
            } else {
                let message = format!("{path} does not support {method}");
                (StatusCode::METHOD_NOT_ALLOWED, message)
            },
        );
    };
    control(&Exchange {
        shared,
        request,
        parameters,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    #[test]
    fn every_control_is_in_the_document_and_the_other_way_round() {
        let document = document();
        let mut documented = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                if method != "parameters" {
                    documented.insert(format!("{} {path}", method.to_uppercase()));
                }
            }
        }
        let routes: BTreeSet<String> = routes::ROUTES
            .iter()
            .map(|(method, path, _)| format!("{method} {BASE_PATH}{path}"))
            .collect();
        assert_eq!(routes, documented);
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        fn check(document: &Value, value: &Value) {
            if let Some(reference) = value["$ref"].as_str() {
                let target = document.pointer(reference.trim_start_matches('#'));
                assert!(target.is_some(), "{reference}");
            }
            match value {
                Value::Object(fields) => fields.values().for_each(|value| check(document, value)),
                Value::Array(items) => items.iter().for_each(|value| check(document, value)),
                _ => {}
            }
        }
        let document = document();
        check(&document, &document);
    }

    #[test]
    fn every_operation_of_the_document_is_described_and_has_an_id_of_its_own() {
        let document = document();
        let mut ids = BTreeSet::new();
        for item in document["paths"].as_object().unwrap().values() {
            for (method, operation) in item.as_object().unwrap() {
                if method != "parameters" {
                    let id = operation["operationId"].as_str().unwrap();
                    assert!(ids.insert(id.to_owned()), "{id} twice");
                    assert!(operation["summary"].is_string(), "{id}");
                    assert!(operation["responses"].is_object(), "{id}");
                }
            }
        }
    }
}
