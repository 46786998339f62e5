//! A simulator and a plain HTTP client for it.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use wpengine_sim::{ClockMode, Simulator, SimulatorBuilder};

pub(crate) const ACCOUNT: &str = "eeda3227-9a39-46ae-9e14-20958bb4e6c9";
pub(crate) const SITE: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
pub(crate) const INSTALL: &str = "294deacc-d8b8-4005-82c4-0727ba8ddde0";
pub(crate) const PARTIAL_USER: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
pub(crate) const MAIN_USER: &str = "fd8e24a5-1f16-4b80-af5f-d748bcc9e64d";

/// A simulator with a manual clock. When it is dropped, it checks that all its responses matched the document.
pub(crate) struct Api {
    pub(crate) simulator: Simulator,
    client: reqwest::Client,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(configure: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> Self {
        let builder = Simulator::builder()
            .clock(ClockMode::Manual)
            .check_answers(true);
        let simulator = configure(builder).start().await.unwrap();
        Self {
            simulator,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Creates a request with valid credentials.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path)
            .basic_auth(self.simulator.user(), Some(self.simulator.password()))
    }

    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous_at(method, &format!("{}{path}", self.simulator.base_url()))
    }

    /// Creates a request without credentials to any address.
    pub(crate) fn anonymous_at(&self, method: Method, address: &str) -> RequestBuilder {
        self.client.request(method, address)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::DELETE, path)).await
    }

    /// Sends a GET request that must succeed, and returns the body.
    pub(crate) async fn found(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.simulator.advance(Duration::from_secs(seconds));
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.simulator.violations(), Vec::<String>::new());
        }
    }
}

/// Sends a request. Returns the status and the body; the body is null if the response has none.
pub(crate) async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap();
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).unwrap()
    };
    (status, body)
}

/// Returns the `field` of each field error.
pub(crate) fn refused(body: &Value) -> Vec<&str> {
    body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error["field"].as_str())
        .collect()
}

/// Returns the values of one field in all results.
pub(crate) fn column<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list["results"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item[field].as_str())
        .collect()
}
