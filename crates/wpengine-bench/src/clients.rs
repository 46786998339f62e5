//! The two clients that are compared, configured alike.

use std::time::Duration;

use serde::{Deserialize, de::DeserializeOwned};
use wpengine::types::Installation;
use wpengine::{
    Client, ClientBuilder, Credentials,
    limits::{Window, Windows},
};

use crate::Failure;
use crate::server::{PASSWORD, USER};

/// The number of installs on a page.
pub(crate) const PAGE: usize = 100;

/// The SDK, with limits so large that it never waits. The work of the limiter still counts.
pub(crate) fn facade(base_url: &str) -> Result<Client, Failure> {
    let window = Window::new(1_000_000_000, Duration::from_secs(60));
    Ok(builder(base_url)
        .rate_limiter(Windows::new([window], [window]))
        .build()?)
}

/// The SDK without a limiter.
pub(crate) fn builder(base_url: &str) -> ClientBuilder {
    Client::builder()
        .base_url(base_url)
        .credentials(Credentials::basic(USER, PASSWORD))
}

/// A client written without the SDK: reqwest, serde_json and the same models. No timeouts, no retries, no limits.
pub(crate) struct Bare {
    http: reqwest::Client,
    address: String,
}

/// A page as the API returns it.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "whoever reads pages needs them all")]
pub(crate) struct BarePage {
    previous: Option<String>,
    next: Option<String>,
    count: u64,
    /// The installs of this page.
    pub(crate) results: Vec<Installation>,
}

impl Bare {
    pub(crate) fn new(base_url: &str) -> Result<Self, Failure> {
        Ok(Self {
            http: reqwest::Client::builder()
                .tls_certs_only([])
                .no_proxy()
                .build()?,
            address: format!("{base_url}/installs"),
        })
    }

    /// Requests the first page.
    pub(crate) async fn page(&self) -> Result<BarePage, Failure> {
        let request = self.http.get(&self.address);
        send(request.query(&[("limit", PAGE), ("offset", 0)])).await
    }

    /// Requests one install. If only one place in the program decoded installs, the compiler would inline the decoder
    /// there. Real programs have several such places.
    pub(crate) async fn install(&self, id: &str) -> Result<Installation, Failure> {
        send(self.http.get(format!("{}/{id}", self.address))).await
    }
}

async fn send<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, Failure> {
    let answer = request
        .basic_auth(USER, Some(PASSWORD))
        .header(http::header::ACCEPT, "application/json")
        .send()
        .await?
        .error_for_status()?;
    Ok(serde_json::from_slice(&answer.bytes().await?)?)
}
