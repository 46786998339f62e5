//! Clients to test with.

use std::sync::Arc;

use wpengine::{Client, ClientBuilder, Credentials, Wire};
use wpengine_sim::Simulator;

/// Where clients in memory believe the service to be.
pub(crate) const BASE_URL: &str = "http://127.0.0.1:1/v1";

/// A builder that waits for no rate limit and repeats as often as the policy says: what limits a client over many calls
/// has tests of its own, and would only slow down the others.
pub(crate) fn builder() -> ClientBuilder {
    Client::builder().no_rate_limiter().retry_budget(u32::MAX)
}

/// A client whose requests go to that wire and to no socket.
pub(crate) fn on(wire: Arc<dyn Wire>) -> Client {
    builder_on(wire).build().expect("a client")
}

pub(crate) fn builder_on(wire: Arc<dyn Wire>) -> ClientBuilder {
    at(BASE_URL).wire(wire)
}

/// A client of a simulator that listens.
pub(crate) fn of(simulator: &Simulator) -> Client {
    at(&simulator.base_url())
        .credentials(Credentials::basic(simulator.user(), simulator.password()))
        .build()
        .expect("a client")
}

/// A client of an address.
pub(crate) fn at(base_url: &str) -> ClientBuilder {
    builder()
        .base_url(base_url)
        .credentials(Credentials::basic("test-user", "test-password"))
}
