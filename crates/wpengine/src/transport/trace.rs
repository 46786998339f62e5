//! Spans and events, with the names of the OpenTelemetry conventions for HTTP clients.
//!
//! As in these conventions, each attempt is a span of the kind `client`. The attempts of a call are in a common span of
//! the kind `internal`.

use std::{fmt, future::Future, time::Duration};

use bytes::Bytes;
use http::{Response, Uri};
use tokio::time::error::Elapsed;
use tracing::{Instrument as _, field::Empty};

use super::{Core, Exchange, HttpError, Target};
use crate::error::Error;

/// Traces one operation with all its attempts.
pub(super) async fn operation(
    target: &Target,
    core: &Core,
    work: impl Future<Output = Result<Exchange, Error>>,
) -> Result<Exchange, Error> {
    let span = tracing::debug_span!(
        "wpengine.operation",
        otel.name = target.id,
        otel.kind = "internal",
        otel.status_code = Empty,
        wpengine.operation = target.id,
        http.request.method = %target.method,
        url.template = template(target),
        server.address = core.base.host_str(),
        server.port = core.base.port_or_known_default(),
        http.response.status_code = Empty,
        http.request.resend_count = Empty,
        error.type = Empty,
    );
    let done = work.instrument(span.clone()).await;
    match &done {
        Ok(exchange) => {
            record_status(&span, exchange.response.status());
            span.record(
                "http.request.resend_count",
                exchange.history.attempts.saturating_sub(1),
            );
        }
        Err(error) => {
            span.record(
                "http.request.resend_count",
                error.attempts().saturating_sub(1),
            );
            span.record("error.type", tracing::field::debug(error.kind()));
            span.record("otel.status_code", "ERROR");
        }
    }
    done
}

type Answer = Result<Result<Response<Bytes>, HttpError>, Elapsed>;

/// Traces one attempt of an operation.
pub(super) async fn attempt(
    core: &Core,
    target: &Target,
    uri: &Uri,
    tries: u32,
    work: impl Future<Output = Answer>,
) -> Answer {
    let span = tracing::debug_span!(
        "wpengine.attempt",
        otel.name = %SpanName(target),
        otel.kind = "client",
        otel.status_code = Empty,
        wpengine.operation = target.id,
        http.request.method = %target.method,
        url.template = template(target),
        // Without the query, which can contain anything in a request by path.
        url.full = %format_args!("{}://{}{}", core.base.scheme(), core.authority(), uri.path()),
        server.address = core.base.host_str(),
        server.port = core.base.port_or_known_default(),
        http.request.resend_count = (tries > 1).then(|| tries - 1),
        http.response.status_code = Empty,
        error.type = Empty,
    );
    let answer = work.instrument(span.clone()).await;
    let error = match &answer {
        Ok(Ok(response)) => {
            record_status(&span, response.status());
            return answer;
        }
        Ok(Err(HttpError::Connect(_))) => "connect",
        Ok(Err(HttpError::ConnectTimeout(_))) => "connect_timeout",
        Ok(Err(HttpError::Unsendable(_))) => "unsendable",
        Ok(Err(HttpError::Broken(_))) => "broken",
        Ok(Err(HttpError::TooLong)) => "too_long",
        Err(_) => "timeout",
    };
    span.record("error.type", error);
    span.record("otel.status_code", "ERROR");
    answer
}

/// Records the status of a response. An error status marks the span as failed, with the status as its error type.
fn record_status(span: &tracing::Span, status: http::StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_client_error() || status.is_server_error() {
        span.record("error.type", status.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

/// Returns the path template of the operation; none for an unknown path.
fn template(target: &Target) -> Option<&'static str> {
    Some(target.path).filter(|path| !path.is_empty())
}

/// Method and template: `GET /installs/{install_id}`. With the full path, there would be one span name per install.
struct SpanName<'a>(&'a Target);

impl fmt::Display for SpanName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.method)?;
        template(self.0).map_or(Ok(()), |template| write!(f, " {template}"))
    }
}

/// Logs that a request waits for the rate limit. Without this event, a long wait would look like a hang.
pub(super) fn limited(target: &Target, longest: Duration) {
    tracing::info!(
        wpengine.operation = target.id,
        max_wait_seconds = longest.as_secs_f64(),
        "waiting for the rate limit"
    );
}

/// Logs the wait before the next attempt.
pub(super) fn waiting(target: &Target, wait: Duration, tries: u32) {
    tracing::debug!(
        wpengine.operation = target.id,
        attempt = tries,
        wait_seconds = wait.as_secs_f64(),
        "waiting before the next attempt"
    );
}
