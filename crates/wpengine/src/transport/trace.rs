//! Spans and events, with OpenTelemetry's names for HTTP clients; nothing at all without the feature `tracing`.
//!
//! Each attempt is a span of the kind `client`, as those conventions have it: one for every request that is sent. Around
//! the attempts of a call is one of the kind `internal`.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use http::{Response, Uri};
use tokio::time::error::Elapsed;

use super::{Core, Exchange, Target, WireError};
use crate::error::Error;

/// One operation, over all its attempts.
#[cfg(feature = "tracing")]
pub(super) async fn operation(
    target: &Target,
    core: &Core,
    work: impl Future<Output = Result<Exchange, Error>>,
) -> Result<Exchange, Error> {
    use tracing::{Instrument, field::Empty};

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

#[cfg(not(feature = "tracing"))]
pub(super) async fn operation(
    _: &Target,
    _: &Core,
    work: impl Future<Output = Result<Exchange, Error>>,
) -> Result<Exchange, Error> {
    work.await
}

type Answer = Result<Result<Response<Bytes>, WireError>, Elapsed>;

/// One attempt of an operation.
#[cfg(feature = "tracing")]
pub(super) async fn attempt(
    core: &Core,
    target: &Target,
    uri: &Uri,
    tries: u32,
    work: impl Future<Output = Answer>,
) -> Answer {
    use tracing::{Instrument, field::Empty};

    let span = tracing::debug_span!(
        "wpengine.attempt",
        otel.name = %SpanName(target),
        otel.kind = "client",
        otel.status_code = Empty,
        wpengine.operation = target.id,
        http.request.method = %target.method,
        url.template = template(target),
        // Without its query, which may hold anything in a request by path.
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
        Ok(Err(WireError::Connect(_))) => "connect",
        Ok(Err(WireError::ConnectTimeout(_))) => "connect_timeout",
        Ok(Err(WireError::Unsendable(_))) => "unsendable",
        Ok(Err(WireError::Broken(_))) => "broken",
        Ok(Err(WireError::TooLong)) => "too_long",
        Err(_) => "timeout",
    };
    span.record("error.type", error);
    span.record("otel.status_code", "ERROR");
    answer
}

/// The status of an answer. One that is an error makes the span one, with the status as its type.
#[cfg(feature = "tracing")]
fn record_status(span: &tracing::Span, status: http::StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_client_error() || status.is_server_error() {
        span.record("error.type", status.as_str());
        span.record("otel.status_code", "ERROR");
    }
}

/// The path of the operation; none of a path that is not modelled.
#[cfg(feature = "tracing")]
fn template(target: &Target) -> Option<&'static str> {
    Some(target.path).filter(|path| !path.is_empty())
}

/// Method and template: `GET /installs/{install_id}`. The path itself would make as many names as there are installs.
#[cfg(feature = "tracing")]
struct SpanName<'a>(&'a Target);

#[cfg(feature = "tracing")]
impl std::fmt::Display for SpanName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.method)?;
        template(self.0).map_or(Ok(()), |template| write!(f, " {template}"))
    }
}

#[cfg(not(feature = "tracing"))]
pub(super) async fn attempt(
    _: &Core,
    _: &Target,
    _: &Uri,
    _: u32,
    work: impl Future<Output = Answer>,
) -> Answer {
    work.await
}

/// A request that has to wait for the rate limit.
#[cfg(feature = "tracing")]
pub(super) fn limited(longest: Duration) {
    tracing::info!(
        max_wait_seconds = longest.as_secs_f64(),
        "waiting for the rate limit"
    );
}

#[cfg(not(feature = "tracing"))]
pub(super) fn limited(_: Duration) {}

/// A wait before the next attempt.
#[cfg(feature = "tracing")]
pub(super) fn waiting(target: &Target, wait: Duration, tries: u32) {
    tracing::debug!(
        wpengine.operation = target.id,
        attempt = tries,
        wait_seconds = wait.as_secs_f64(),
        "waiting before the next attempt"
    );
}

#[cfg(not(feature = "tracing"))]
pub(super) fn waiting(_: &Target, _: Duration, _: u32) {}
