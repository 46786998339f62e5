//! Clients for tests.

use std::{sync::Arc, time::Duration};

use wpengine::{Client, ClientBuilder, Credentials, RetryPolicy, transport::HttpClient};
use wpengine_sim::Simulator;

/// The base URL of clients without a socket.
pub(crate) const BASE_URL: &str = "http://127.0.0.1:1/v1";

/// A builder without a rate limit, without a retry budget and with four attempts. The limits have their own tests.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder()
        .no_rate_limiter()
        .retry(four_attempts())
        .retry_budget(u32::MAX)
}

/// Returns a policy of four attempts without a practical time limit.
pub(crate) fn four_attempts() -> RetryPolicy {
    RetryPolicy::default()
        .max_attempts(4)
        .time_limit(Duration::from_secs(3_600))
}

/// A client that uses this transport instead of a socket.
pub(crate) fn on(wire: Arc<dyn HttpClient>) -> Client {
    builder_on(wire).build().expect("a client")
}

/// The same, with the base URL of the service. With a loopback base URL, waits have shorter pauses.
pub(crate) fn of_the_service(wire: Arc<dyn HttpClient>) -> Client {
    builder_on(wire)
        .base_url("https://api.wpengineapi.com/v1")
        .build()
        .expect("a client")
}

pub(crate) fn builder_on(wire: Arc<dyn HttpClient>) -> ClientBuilder {
    at(BASE_URL).http_client(wire)
}

/// A client of a simulator with a socket.
pub(crate) fn of(simulator: &Simulator) -> Client {
    at(&simulator.base_url())
        .credentials(Credentials::basic(simulator.user(), simulator.password()))
        .build()
        .expect("a client")
}

/// A builder for a client of this base URL.
pub(crate) fn at(base_url: &str) -> ClientBuilder {
    builder()
        .base_url(base_url)
        .credentials(Credentials::basic("test-user", "test-password"))
}

/// Returns a PEM text with this content.
pub(crate) fn pem(label: &str, words: &str) -> String {
    format!("-----BEGIN {label}-----\n{words}\n-----END {label}-----\n")
}
