//! `/explorer`: the simulator in a browser. It has references of the API and of the controls, in which every operation
//! can be tried, and a page that shows the state, the clock, the faults and the last requests.
//!
//! All files are part of the program. The pages load nothing from other servers; the response headers enforce that.

mod lists;
mod overview;
mod package;
mod rows;

use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::document::BASE_PATH as API_PATH;
use crate::document::document;
use crate::guard::{check_caller, check_host};
use crate::shared::Shared;

/// The path prefix of the pages.
const BASE_PATH: &str = "/explorer";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const JSON: &str = "application/json";
const SVG: &str = "image/svg+xml";

/// Our own files: name, type, content.
const FILES: [(&str, &str, &str); 11] = [
    ("", HTML, include_str!("assets/reference.html")),
    ("controls", HTML, include_str!("assets/reference.html")),
    ("state", HTML, include_str!("assets/state.html")),
    ("common.css", CSS, include_str!("assets/common.css")),
    ("reference.css", CSS, include_str!("assets/reference.css")),
    ("reference.js", SCRIPT, include_str!("assets/reference.js")),
    ("state.css", CSS, include_str!("assets/state.css")),
    ("state.js", SCRIPT, include_str!("assets/state.js")),
    ("dom.js", SCRIPT, include_str!("assets/dom.js")),
    ("faults.js", SCRIPT, include_str!("assets/faults.js")),
    ("icon.svg", SVG, include_str!("assets/icon.svg")),
];

/// The content security policy. Swagger UI uses inline styles and `data:` images; our own page does not.
const POLICY_OF_PACKAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers a request for a page or its files. Returns `None` if the path is not the path of a page or file.
pub(crate) fn answer(shared: &Shared, request: &Request<Bytes>) -> Option<Response<Bytes>> {
    let rest = request.uri().path().strip_prefix(BASE_PATH)?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let name = rest.trim_matches('/');
    let (status, kind, body) = match find(shared, request, name) {
        Ok((kind, body)) => (StatusCode::OK, kind, body),
        Err((status, message)) => {
            let body = json!({ "message": message }).to_string();
            (status, JSON, Bytes::from(body))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let policy = match name {
        "" | "controls" => POLICY_OF_PACKAGE,
        _ => POLICY,
    };
    let headers: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // Not cached: the next simulator at this address may be another version, and the state changes.
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    Some(response)
}

type Found = Result<(&'static str, Bytes), (StatusCode, String)>;

fn find(shared: &Shared, request: &Request<Bytes>, name: &str) -> Found {
    check_host(request.headers())?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let message = "the explorer is only read; controls are under /_sim".to_owned();
        return Err((StatusCode::METHOD_NOT_ALLOWED, message));
    }
    if let Some((_, kind, text)) = FILES.iter().find(|(file, ..)| *file == name) {
        return Ok((kind, Bytes::from_static(text.as_bytes())));
    }
    if let Some(file) = name.strip_prefix("package/") {
        return package::file(file).ok_or_else(|| missing(name));
    }
    match name {
        "openapi.json" => Ok((JSON, document_of_this_server())),
        "credentials.json" => {
            check_caller(request.headers())?;
            Ok((JSON, credentials(shared)))
        }
        "state.json" => {
            check_caller(request.headers())?;
            let query = request.uri().query().unwrap_or_default();
            Ok((JSON, overview::overview(shared, query)))
        }
        _ => Err(missing(name)),
    }
}

fn missing(name: &str) -> (StatusCode, String) {
    let message = format!("the explorer has no {name:?}");
    (StatusCode::NOT_FOUND, message)
}

/// The document, with this simulator as the server.
fn document_of_this_server() -> Bytes {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let document = DOCUMENT.get_or_init(|| {
        let mut value: Value = serde_json::from_slice(&document().compact).unwrap_or_default();
        value["servers"] = json!([{ "url": API_PATH, "description": "This simulator" }]);
        Bytes::from(value.to_string())
    });
    document.clone()
}

/// The credentials that the pages use to sign in. Only if the simulator listens on loopback; otherwise other machines
/// could read the password.
fn credentials(shared: &Shared) -> Bytes {
    let plan = &shared.plan;
    let value = if shared.is_exposed.load(Ordering::Relaxed) {
        json!({ "user": null, "password": null })
    } else {
        json!({ "user": plan.user, "password": plan.password })
    };
    Bytes::from(value.to_string())
}
