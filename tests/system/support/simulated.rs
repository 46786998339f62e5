//! The simulator as a transport in memory, with faults, for tests with paused time.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::Request;
use wpengine::{
    Client, ClientBuilder, Credentials,
    transport::{HttpClient, HttpError, ResponseFuture},
};
use wpengine_sim::Simulator;

/// A simulator without a socket.
pub(crate) struct Simulated(pub(crate) Simulator);

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

impl HttpClient for Simulated {
    fn send(&self, request: Request<Bytes>, _most: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            self.0
                .exchange(request)
                .await
                .map_err(|broken| HttpError::Broken(broken.into()))
        })
    }
}

/// A builder for a client of this simulator, with the defaults of the library.
pub(crate) fn builder(simulator: &Simulator) -> ClientBuilder {
    Client::builder()
        .base_url(simulator.base_url())
        .credentials(Credentials::basic(simulator.user(), simulator.password()))
        .http_client(Arc::new(Simulated(simulator.clone())))
}
