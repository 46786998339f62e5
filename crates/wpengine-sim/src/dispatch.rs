//! Answers requests: it calls the controls, the pages, or an operation of the API.
//!
//! All requests come through here, over a socket or in memory.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::control_server;
use crate::delivery::Delivery;
use crate::document::{BASE_PATH, Found, document};
use crate::downloads;
use crate::entry::Entry;
#[cfg(feature = "explorer")]
use crate::explorer;
use crate::gateway::{self, MAX_BODY};
use crate::handlers::handler;
use crate::operate::Asked;
use crate::shared::Shared;

/// Answers one request. It waits only if a fault says so.
pub(crate) async fn answer(shared: &Shared, request: &Request<Bytes>) -> Delivery {
    if let Some(response) = control_server::answer(shared, request) {
        return Delivery::Whole(response);
    }
    #[cfg(feature = "explorer")]
    if let Some(response) = explorer::answer(shared, request) {
        return Delivery::Whole(response);
    }
    if let Some(response) = downloads::answer(shared, request) {
        return Delivery::Whole(response);
    }
    let number = shared.next_request();
    // HEAD is answered like GET, without the body but with its length.
    let is_head = request.method() == Method::HEAD;
    let method = if is_head {
        Method::GET
    } else {
        request.method().clone()
    };
    let mut delivery = route(shared, request, &method).await;
    if let Delivery::Whole(response) | Delivery::Broken(response, _) = &mut delivery {
        gateway::finish(response, shared.seed(), number, shared.clock.now());
        if is_head {
            *response.body_mut() = Bytes::new();
        }
    }
    delivery
}

async fn route(shared: &Shared, request: &Request<Bytes>, method: &Method) -> Delivery {
    let found = match api_path(request.uri().path()) {
        Some(rest) => document().routes.find(method, rest),
        None => Found::Nothing,
    };
    let operation = match &found {
        Found::Operation(index, _) => Some(document().operations[*index].id.as_str()),
        Found::OtherMethods(_) | Found::Nothing => None,
    };
    let mut entry = Entry::new(shared, request, operation);
    let response = match found {
        Found::Operation(index, path) => match handler(index) {
            _ if request.body().len() > MAX_BODY => {
                gateway::error(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long")
            }
            Some(handler) => {
                let asked = Asked {
                    shared,
                    request,
                    operation: &document().operations[index],
                    handler,
                    path,
                };
                return asked.answer(&mut entry).await;
            }
            None => gateway::error(StatusCode::NOT_IMPLEMENTED, "Not modelled"),
        },
        other => unrouted(&other, method),
    };
    entry.set_status(response.status().as_u16());
    Delivery::Whole(response)
}

/// The gateway's answer to a path or method that is no operation.
fn unrouted(found: &Found, method: &Method) -> Response<Bytes> {
    match found {
        Found::OtherMethods(methods) if method == Method::OPTIONS => gateway::options(methods),
        Found::OtherMethods(methods) => gateway::method_not_allowed(methods),
        _ => gateway::error(StatusCode::FORBIDDEN, "Missing Authentication Token"),
    }
}

/// The path below the API's base path. Slashes may be doubled anywhere, as in the real API.
fn api_path(path: &str) -> Option<&str> {
    let rest = path.trim_start_matches('/').strip_prefix(&BASE_PATH[1..])?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}
