//! From a request to its answer: route, authenticate, validate, act, log.
//!
//! All callers come through here, over a socket or in memory.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use jiff::Timestamp;

use crate::answers;
use crate::auth;
use crate::call::{Answer, Call, Handler, Outcome};
use crate::control_server;
use crate::document::{Found, Operation, document};
use crate::gateway::{self, MAX_BODY};
use crate::handlers::handler;
use crate::log::SeenRequest;
use crate::shared::Shared;
use crate::validate;

/// Where the API begins.
pub(crate) const BASE_PATH: &str = "/v1";

/// Answers one request.
pub(crate) fn answer(shared: &Shared, request: &Request<Bytes>) -> Response<Bytes> {
    if let Some(response) = control_server::answer(shared, request) {
        return response;
    }
    let now = shared.clock.now();
    let number = shared.next_request();
    // HEAD is GET without the body; only its length is told.
    let is_head = request.method() == Method::HEAD;
    let method = if is_head {
        Method::GET
    } else {
        request.method().clone()
    };
    let mut response = route(shared, request, &method, now);
    gateway::finish(&mut response, shared.seed, number, now);
    if is_head {
        *response.body_mut() = Bytes::new();
    }
    response
}

fn route(
    shared: &Shared,
    request: &Request<Bytes>,
    method: &Method,
    now: Timestamp,
) -> Response<Bytes> {
    let path = request.uri().path();
    let found = match api_path(path) {
        Some(rest) => document().routes.find(method, rest),
        None => Found::Nothing,
    };
    let (operation, response, side_effect) = match found {
        Found::Operation(index, parameters) => {
            let operation = &document().operations[index];
            let (response, side_effect) = match handler(index) {
                _ if request.body().len() > MAX_BODY => (
                    gateway::error(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long"),
                    false,
                ),
                Some(handler) => operate(shared, request, operation, handler, parameters, now),
                None => (
                    gateway::error(StatusCode::NOT_IMPLEMENTED, "Not modelled"),
                    false,
                ),
            };
            (Some(operation), response, side_effect)
        }
        Found::OtherMethods(methods) if method == Method::OPTIONS => {
            (None, gateway::options(&methods), false)
        }
        Found::OtherMethods(methods) => (None, gateway::method_not_allowed(&methods), false),
        Found::Nothing => (
            None,
            gateway::error(StatusCode::FORBIDDEN, "Missing Authentication Token"),
            false,
        ),
    };
    shared
        .log
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(SeenRequest {
            number: 0,
            method: request.method().clone(),
            path: path.to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            operation: operation.map(|operation| operation.id.clone()),
            status: response.status().as_u16(),
            side_effect,
        });
    response
}

/// The path within the API. Slashes may be doubled anywhere, as upstream.
fn api_path(path: &str) -> Option<&str> {
    let rest = path.trim_start_matches('/').strip_prefix(&BASE_PATH[1..])?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// Does one operation. The second value says whether something was written.
///
/// This is the place where faults and rate limits will act: before the operation, and after it.
fn operate(
    shared: &Shared,
    request: &Request<Bytes>,
    operation: &'static Operation,
    handler: Handler,
    path: Vec<(&'static str, String)>,
    now: Timestamp,
) -> (Response<Bytes>, bool) {
    // A handler that panics must not take the server along, nor the lock: the world is only read and written by
    // handlers, which check before they change.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        call(shared, request, operation, handler, path, now)
    }));
    let Ok(outcome) = outcome else {
        let message = "An unexpected error occurred, please try again in a few minutes";
        return (
            gateway::error(StatusCode::INTERNAL_SERVER_ERROR, message),
            false,
        );
    };
    let (status, body, done) = match outcome {
        Ok(Ok(answer)) => (
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK),
            answer.body,
            true,
        ),
        Ok(Err(refusal)) => (refusal.status(operation), refusal.body(), false),
        Err(Unauthorized) => (
            StatusCode::UNAUTHORIZED,
            br#"{"message":"Bad Credentials"}"#.to_vec(),
            false,
        ),
    };
    if shared.check_answers
        && let Some(violation) = answers::violation(operation, status.as_u16(), &body)
    {
        shared
            .violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(violation);
    }
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    (response, done && operation.method != Method::GET)
}

/// The credentials are missing or wrong.
struct Unauthorized;

fn call(
    shared: &Shared,
    request: &Request<Bytes>,
    operation: &'static Operation,
    handler: Handler,
    path: Vec<(&'static str, String)>,
    now: Timestamp,
) -> Result<Outcome, Unauthorized> {
    let mut world = shared.world.lock().unwrap_or_else(PoisonError::into_inner);
    let caller = match auth::caller(&world, operation, request.headers()) {
        Some(caller) => caller,
        None if operation.open => String::new(),
        None => return Err(Unauthorized),
    };
    world.settle(now);
    Ok(perform(
        request,
        operation,
        handler,
        Call {
            operation,
            world: &mut world,
            now,
            caller,
            address: address(request),
            path,
            query: query(request.uri().query()),
            body: serde_json::Value::Null,
        },
    ))
}

fn perform(
    request: &Request<Bytes>,
    operation: &Operation,
    handler: Handler,
    mut call: Call<'_>,
) -> Result<Answer, crate::error::Refusal> {
    validate::parameters(operation, &call.path, &call.query)?;
    call.body = validate::body(operation, request.headers(), request.body())?;
    handler(&mut call)
}

fn query(text: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(text.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
}

/// The address that was asked, at the host by which the caller knows the simulator.
fn address(request: &Request<Bytes>) -> String {
    let host = host(request.headers()).or_else(|| {
        request
            .uri()
            .authority()
            .map(|authority| authority.as_str())
    });
    format!(
        "http://{}{}",
        host.unwrap_or("localhost"),
        request.uri().path()
    )
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::clock::{Clock, ClockMode};
    use crate::world::{Plan, Population};

    fn shared() -> Shared {
        let plan = Plan {
            population: Population::Documentation,
            user: "u".to_owned(),
            password: "p".to_owned(),
            users: Vec::new(),
            bearer_token: None,
            closed_accounts: Vec::new(),
            install_limits: false,
        };
        Shared::new(0, Clock::new(ClockMode::Manual, None), plan, true)
    }

    fn get(path: &str) -> Request<Bytes> {
        let authorization = format!("Basic {}", STANDARD.encode("u:p"));
        Request::get(path)
            .header("authorization", authorization)
            .body(Bytes::new())
            .unwrap()
    }

    fn boom(_call: &mut Call<'_>) -> Outcome {
        panic!("a mistake in a handler")
    }

    #[test]
    fn a_handler_that_panics_is_a_500_and_the_simulator_goes_on() {
        let shared = shared();
        let operation = document()
            .operations
            .iter()
            .find(|operation| operation.id == "get_current_user")
            .unwrap();
        let (response, side_effect) = operate(
            &shared,
            &get("/v1/user"),
            operation,
            boom,
            Vec::new(),
            shared.clock.now(),
        );
        assert_eq!(
            (response.status(), side_effect),
            (StatusCode::INTERNAL_SERVER_ERROR, false)
        );
        assert_eq!(answer(&shared, &get("/v1/user")).status(), StatusCode::OK);
    }

    #[test]
    fn addresses_are_at_the_host_that_was_asked() {
        let with_host = Request::get("/v1/sites?limit=1")
            .header("host", "sim.test:1")
            .body(Bytes::new())
            .unwrap();
        assert_eq!(address(&with_host), "http://sim.test:1/v1/sites");
        let absolute = Request::get("http://127.0.0.1:9/v1/sites")
            .body(Bytes::new())
            .unwrap();
        assert_eq!(address(&absolute), "http://127.0.0.1:9/v1/sites");
        assert_eq!(address(&get("/v1/sites")), "http://localhost/v1/sites");
    }
}
