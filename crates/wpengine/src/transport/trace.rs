//! Spans and events, with OpenTelemetry's names for HTTP clients; nothing at all without the feature `tracing`.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use http::Response;
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
        otel.kind = "client",
        wpengine.operation = target.id,
        http.request.method = %target.method,
        url.template = target.path,
        server.address = core.base.host_str(),
        server.port = core.base.port_or_known_default(),
        http.response.status_code = Empty,
        http.request.resend_count = Empty,
        error.type = Empty,
    );
    let done = work.instrument(span.clone()).await;
    match &done {
        Ok(exchange) => {
            span.record(
                "http.response.status_code",
                exchange.response.status().as_u16(),
            );
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
    target: &Target,
    tries: u32,
    work: impl Future<Output = Answer>,
) -> Answer {
    use tracing::{Instrument, field::Empty};

    let span = tracing::trace_span!(
        "wpengine.attempt",
        wpengine.operation = target.id,
        http.request.resend_count = tries - 1,
        http.response.status_code = Empty,
    );
    let answer = work.instrument(span.clone()).await;
    if let Ok(Ok(response)) = &answer {
        span.record("http.response.status_code", response.status().as_u16());
    }
    answer
}

#[cfg(not(feature = "tracing"))]
pub(super) async fn attempt(_: &Target, _: u32, work: impl Future<Output = Answer>) -> Answer {
    work.await
}

/// A request that has to wait for the rate limit.
#[cfg(feature = "tracing")]
pub(super) fn limited(longest: Duration) {
    tracing::info!(
        longest_wait_seconds = longest.as_secs_f64(),
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
