//! One request for a control and its answer.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::gateway::MAX_BODY;
use crate::guard::Refused;
use crate::shared::Shared;

/// What a control answers.
pub(super) type Reply = (StatusCode, Bytes);

/// The handler of a control.
pub(super) type Control = fn(&Exchange<'_>) -> Result<Reply, Refused>;

/// A request for a control.
pub(super) struct Exchange<'a> {
    pub(super) shared: &'a Shared,
    pub(super) request: &'a Request<Bytes>,
    /// The decoded path parameters, in the order of the path.
    pub(super) parameters: Vec<String>,
}

impl Exchange<'_> {
    /// A path parameter. The route guarantees that it exists.
    pub(super) fn parameter(&self, index: usize) -> &str {
        self.parameters.get(index).map_or("", String::as_str)
    }

    /// The body.
    pub(super) fn body<'b, T: Deserialize<'b>>(&'b self) -> Result<T, Refused> {
        if self.request.body().len() > MAX_BODY {
            return Err((
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is too long".to_owned(),
            ));
        }
        // The content type is not checked. The check of the origin already protects against requests from web pages.
        serde_json::from_slice(self.request.body()).map_err(bad)
    }
}

/// 200 with a body.
pub(super) fn ok(body: &impl Serialize) -> Result<Reply, Refused> {
    json(StatusCode::OK, body)
}

pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Result<Reply, Refused> {
    serde_json::to_vec(body)
        .map(|body| (status, Bytes::from(body)))
        .map_err(bad)
}

/// 204.
pub(super) fn nothing() -> Result<Reply, Refused> {
    Ok((StatusCode::NO_CONTENT, Bytes::new()))
}

/// 204, or 404 if nothing was found.
pub(super) fn done(done: bool, what: &str) -> Result<Reply, Refused> {
    if done { nothing() } else { Err(missing(what)) }
}

pub(super) fn missing(what: &str) -> Refused {
    (StatusCode::NOT_FOUND, format!("there is no such {what}"))
}

#[allow(clippy::needless_pass_by_value, reason = "it ends a chain of map_err")]
pub(super) fn bad(error: impl ToString) -> Refused {
    (StatusCode::BAD_REQUEST, error.to_string())
}
