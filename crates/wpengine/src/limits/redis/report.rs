//! What operators are told of Redis; nothing at all without the feature `tracing`.

use std::time::Duration;

/// Redis cannot be used from now on.
#[cfg(feature = "tracing")]
pub(super) fn lost(address: &str, why: &str) {
    tracing::warn!(
        redis.address = address,
        why,
        "the rate limits in Redis cannot be used"
    );
}

#[cfg(not(feature = "tracing"))]
pub(super) fn lost(_: &str, _: &str) {}

/// Redis can be used again.
#[cfg(feature = "tracing")]
pub(super) fn found(address: &str, after: Duration) {
    tracing::info!(
        redis.address = address,
        outage_seconds = after.as_secs_f64(),
        "the rate limits in Redis can be used again"
    );
}

#[cfg(not(feature = "tracing"))]
pub(super) fn found(_: &str, _: Duration) {}
