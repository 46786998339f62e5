//! What operators are told of Redis; nothing at all without the feature `tracing`.

use std::time::Duration;

use super::settings::Settings;
#[cfg(feature = "tracing")]
use super::settings::WhenDown;

/// Redis cannot be used from now on.
#[cfg(feature = "tracing")]
pub(super) fn lost(address: &str, why: &str, settings: &Settings) {
    let until = match settings.when_down {
        WhenDown::Stop => "nothing is sent; requests wait, and fail when the patience is over",
        WhenDown::Share(_) => "this process goes on with its part of the limits",
    };
    tracing::warn!(
        redis.address = address,
        why,
        patience_seconds = settings.patience.as_secs_f64(),
        "the rate limits in Redis cannot be used: {until}"
    );
}

#[cfg(not(feature = "tracing"))]
pub(super) fn lost(_: &str, _: &str, _: &Settings) {}

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
