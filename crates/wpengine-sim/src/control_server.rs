//! The controls over HTTP, under `/_sim`.
//!
//! A web page in a browser must not be able to reset somebody's simulator: whatever has an `Origin` is refused, and so
//! is every `Host` that is not loopback, since a page could have pointed a name of its own here.

use std::net::IpAddr;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::gateway::MAX_BODY;
use crate::shared::Shared;

/// Where the controls are.
const BASE_PATH: &str = "/_sim";

/// Why a control was not used, as status and message.
type Refused = (StatusCode, String);

/// Answers a request for a control; nothing if it is not for one.
pub(crate) fn answer(shared: &Shared, request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let rest = request.uri().path().strip_prefix(BASE_PATH)?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    let result = check_caller(request.headers()).and_then(|()| control(shared, request, &parts));
    let (status, body) = result
        .unwrap_or_else(|(status, message)| (status, json!({ "message": message }).to_string()));
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    if status != StatusCode::NO_CONTENT {
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    Some(response)
}

fn check_caller(headers: &HeaderMap) -> Result<(), Refused> {
    if headers.contains_key(header::ORIGIN) {
        return Err((
            StatusCode::FORBIDDEN,
            "controls are not for web pages".to_owned(),
        ));
    }
    match headers.get(header::HOST) {
        Some(host) if !host.to_str().is_ok_and(is_loopback) => Err((
            StatusCode::FORBIDDEN,
            "controls answer at a loopback address only".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Whether a `Host` header names this machine: `localhost`, `127.0.0.1:4010`, `[::1]:4010`.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    name == "localhost"
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn control(
    shared: &Shared,
    request: &Request<Bytes>,
    path: &[&str],
) -> Result<(StatusCode, String), Refused> {
    #[derive(Deserialize)]
    struct Advance {
        seconds: f64,
    }
    #[derive(Deserialize)]
    struct NewArchive {
        backup_id: String,
        #[serde(default)]
        notification_emails: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Limits {
        install: bool,
    }
    let method = request.method();
    match (method, path) {
        (&Method::GET, ["clock"]) => json(StatusCode::OK, &shared.clock_reading()),
        (&Method::POST, ["clock", "advance"]) => {
            let Advance { seconds } = body(request)?;
            let by =
                Duration::try_from_secs_f64(seconds).map_err(|error| bad(&error.to_string()))?;
            shared.clock.advance(by);
            json(StatusCode::OK, &shared.clock_reading())
        }
        (&Method::POST, ["reset"]) => {
            shared.reset();
            Ok((StatusCode::NO_CONTENT, String::new()))
        }
        (&Method::GET, ["requests"]) => {
            let log = shared.log.lock().unwrap_or_else(PoisonError::into_inner);
            let (total, side_effects) = (log.total(), log.side_effects());
            json(
                StatusCode::OK,
                &json!({ "total": total, "side_effects": side_effects, "requests": log.requests() }),
            )
        }
        (&Method::GET, ["violations"]) => json(
            StatusCode::OK,
            &*shared
                .violations
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        ),
        (&Method::PATCH, ["limits"]) => {
            let Limits { install } = body(request)?;
            shared.set_install_limits(install);
            json(StatusCode::OK, &json!({ "install": install }))
        }
        (&Method::GET, ["installs", id]) => json(
            StatusCode::OK,
            &shared
                .install_content(id)
                .ok_or_else(|| missing("install"))?,
        ),
        (&Method::POST, ["installs", install, "archives"]) => {
            let NewArchive {
                backup_id,
                notification_emails,
            } = body(request)?;
            let id = shared.create_archive(install, &backup_id, notification_emails);
            json(
                StatusCode::CREATED,
                &json!({ "id": id.ok_or_else(|| missing("install or completed backup"))? }),
            )
        }
        (&Method::POST, ["installs", install, "archives", archive, "abort"]) => done(
            shared.abort_archive(install, archive),
            "archive that is not completed",
        ),
        (&Method::POST, ["installs", install, "backups", backup, "abort"]) => done(
            shared.abort_backup(install, backup),
            "backup that is not completed",
        ),
        _ => Err((
            StatusCode::NOT_FOUND,
            format!("there is no control {method} {}", request.uri().path()),
        )),
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Result<(StatusCode, String), Refused> {
    serde_json::to_string(body)
        .map(|body| (status, body))
        .map_err(|error| bad(&error.to_string()))
}

fn body<'a, T: Deserialize<'a>>(request: &'a Request<Bytes>) -> Result<T, Refused> {
    if request.body().len() > MAX_BODY {
        return Err((
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too long".to_owned(),
        ));
    }
    // Any content type: what a browser could send unasked was refused for its Origin.
    serde_json::from_slice(request.body()).map_err(|error| bad(&error.to_string()))
}

fn done(done: bool, what: &str) -> Result<(StatusCode, String), Refused> {
    if done {
        Ok((StatusCode::NO_CONTENT, String::new()))
    } else {
        Err(missing(what))
    }
}

fn missing(what: &str) -> Refused {
    (StatusCode::NOT_FOUND, format!("there is no such {what}"))
}

fn bad(message: &str) -> Refused {
    (StatusCode::BAD_REQUEST, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_hosts_are_answered() {
        for host in [
            "localhost",
            "localhost:80",
            "127.0.0.1:4010",
            "127.1.2.3",
            "[::1]:4010",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "192.168.0.1",
            "[::2]",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
