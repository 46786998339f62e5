//! A client of a simulator in memory.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request};
use serde_json::Value;
use wpengine_sim::{ClockMode, Simulator};

pub(crate) struct Api {
    pub(crate) simulator: Simulator,
    runtime: tokio::runtime::Runtime,
    authorization: String,
}

impl Api {
    pub(crate) fn new() -> Self {
        let simulator = Simulator::builder()
            .credentials("u", "p")
            .clock(ClockMode::Manual)
            .fleet(2, 0, 0)
            .check_answers(true)
            .build();
        Self {
            simulator,
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap(),
            authorization: format!("Basic {}", STANDARD.encode("u:p")),
        }
    }

    /// Sends a request. Returns the status and the body; the body is null if the response has none.
    pub(crate) fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/v1{path}"))
            .header("authorization", &self.authorization);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Bytes::from(body)).unwrap();
        let response = self.runtime.block_on(self.simulator.handle(request));
        let value = match response.body() {
            body if body.is_empty() => Value::Null,
            body => serde_json::from_slice(body).unwrap(),
        };
        (response.status().as_u16(), value)
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, None)
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, Some(body))
    }

    pub(crate) fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::PATCH, path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) -> (u16, Value) {
        self.ask(Method::DELETE, path, None)
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.simulator.advance(Duration::from_secs(seconds));
    }
}
