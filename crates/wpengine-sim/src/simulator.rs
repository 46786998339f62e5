//! The handle of a running simulator.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use percent_encoding::NON_ALPHANUMERIC;

use crate::clock::Clock;
use crate::controls::InstallContent;
use crate::delivery::{Broken, Delivery, Trouble, first_part};
use crate::dispatch;
use crate::document::BASE_PATH;
use crate::faults::Faults;
use crate::limits::RateLimits;
use crate::log::{OperationCount, SeenRequest};
use crate::server::Server;
use crate::shared::Shared;
use crate::snapshot::{Snapshot, SnapshotError, StateFile};
use crate::world::Population;

/// A simulator of the WP Engine Customer API.
///
/// It is cheap to clone: all clones are the same simulator. A simulator that was
/// [started](crate::SimulatorBuilder::start) listens until the last clone is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use http::Request;
/// use wpengine_sim::Simulator;
///
/// // Without a socket, requests are answered in memory.
/// let simulator = Simulator::builder().build();
/// let request = Request::get("/v1/status").body(Default::default())?;
/// let response = simulator.handle(request).await;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Simulator {
    pub(crate) shared: Arc<Shared>,
    server: Option<Arc<Server>>,
    state_file: Option<Arc<StateFile>>,
    user: Arc<str>,
    password: Arc<str>,
}

impl Simulator {
    pub(crate) fn new(
        shared: Arc<Shared>,
        server: Option<Server>,
        user: String,
        password: String,
    ) -> Self {
        Self {
            shared,
            server: server.map(Arc::new),
            state_file: None,
            user: user.into(),
            password: password.into(),
        }
    }

    pub(crate) fn with_state_file(mut self, state_file: Option<StateFile>) -> Self {
        self.state_file = state_file.map(Arc::new);
        self
    }

    /// The base URL of the API: `http://127.0.0.1:PORT/v1`. Without a socket nothing listens at this address.
    #[must_use]
    pub fn base_url(&self) -> String {
        match self.address() {
            Some(address) => format!("http://{address}{BASE_PATH}"),
            None => format!("http://localhost{BASE_PATH}"),
        }
    }

    /// The base URL with the credentials: `http://USER:PASSWORD@127.0.0.1:PORT/v1`. The SDK creates a client of the
    /// simulator with `wpengine::Client::at(simulator.url())`.
    #[must_use]
    pub fn url(&self) -> String {
        let encoded = |text| percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC);
        let login = format!(
            "http://{}:{}@",
            encoded(&self.user),
            encoded(&self.password)
        );
        self.base_url().replacen("http://", &login, 1)
    }

    /// The address that the simulator listens on; `None` without a socket.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(|server| server.address)
    }

    /// The API user id to sign in with.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password to sign in with.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The virtual clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Advances the virtual time.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
        self.shared.changed.notify_one();
    }

    /// Resets world, time, limits and log to the start, and removes all faults. Credentials do not change.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Resets to the world of another seed. Later resets use this seed too.
    pub fn reseed(&self, seed: u64, population: Population) {
        self.shared.rebuild(seed, population);
    }

    /// Answers a request in memory, with the same code as over the socket. For rate limits by address, add an
    /// [`IpAddr`](std::net::IpAddr) to the request's extensions.
    ///
    /// A [fault](crate::Fault) that delays the answer delays this method, and with a hang it never completes. A reset
    /// becomes a 502, because there is no connection; [`exchange`](Self::exchange) returns an error instead.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.exchange(request).await.unwrap_or_else(|broken| {
            let body = serde_json::json!({ "message": broken.to_string() });
            let mut response = Response::new(Bytes::from(body.to_string()));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response.headers_mut().insert(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            response
        })
    }

    /// Answers a request in memory like [`handle`](Self::handle), and returns an error if a fault breaks the connection.
    ///
    /// # Errors
    ///
    /// If a [fault](crate::Fault) resets the connection.
    pub async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Broken> {
        match dispatch::answer(&self.shared, &request).await {
            Delivery::Whole(response) => Ok(response),
            Delivery::Reset => Err(Broken::BeforeAnswer),
            Delivery::Broken(response, Trouble::Pause(pause)) => {
                pause.wait(&self.shared.clock).await;
                Ok(response)
            }
            Delivery::Broken(_, Trouble::Hang) => std::future::pending().await,
            Delivery::Broken(response, Trouble::Reset) => {
                let half = response.map(|body| first_part(&body));
                Err(Broken::InBody(Box::new(half)))
            }
        }
    }

    /// The faults of the simulator.
    #[must_use]
    pub fn faults(&self) -> Faults<'_> {
        Faults::new(&self.shared.faults)
    }

    /// The enabled rate limits.
    pub fn rate_limits(&self) -> RateLimits {
        self.shared.rate_limits()
    }

    /// Sets the rate limits. Requests so far are no longer counted.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.shared.set_rate_limits(limits);
    }

    /// A snapshot of world and time.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Restores world and time from a snapshot of this simulator or of another one. The clock continues from the
    /// snapshot's time in its present mode. Credentials, faults, limits and log do not change.
    ///
    /// # Errors
    ///
    /// If the content of the snapshot is inconsistent.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.shared.restore(snapshot)
    }

    /// Writes the [state file](crate::SimulatorBuilder::state_file) now. Call it at the end of the program. Without a
    /// state file it does nothing.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save_state(&self) -> io::Result<()> {
        self.state_file.as_ref().map_or(Ok(()), |file| file.save())
    }

    /// Waits until a write of the [state file](crate::SimulatorBuilder::state_file) fails. Without a state file it
    /// never completes.
    pub async fn state_failure(&self) -> io::Error {
        match &self.state_file {
            Some(file) => file.failure().await,
            None => std::future::pending().await,
        }
    }

    /// The last requests that were answered, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .requests()
    }

    /// The number of requests that changed something since the start.
    #[must_use]
    pub fn side_effects(&self) -> u64 {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .side_effects()
    }

    /// How often each operation was requested and changed something since the start.
    #[must_use]
    pub fn operation_counts(&self) -> BTreeMap<String, OperationCount> {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .operations()
            .clone()
    }

    /// Clears the log of requests and their counts.
    pub fn clear_requests(&self) {
        self.shared.clear_requests();
    }

    /// The content of an install and what was done to it. The API does not show this; use it to check that a copy, a
    /// restore or a purge was done. `None` if there is no such install.
    #[must_use]
    pub fn install_content(&self, install_id: impl AsRef<str>) -> Option<InstallContent> {
        self.shared.install_content(install_id.as_ref())
    }

    /// Makes a backup that is in progress end as `aborted`. Returns false if there is no such backup.
    pub fn abort_backup(&self, install_id: impl AsRef<str>, backup_id: impl AsRef<str>) -> bool {
        self.shared
            .abort_backup(install_id.as_ref(), backup_id.as_ref())
    }

    /// Makes an archive that is in progress end as `aborted`. Returns false if there is no such archive.
    pub fn abort_archive(&self, install_id: impl AsRef<str>, archive_id: impl AsRef<str>) -> bool {
        self.shared
            .abort_archive(install_id.as_ref(), archive_id.as_ref())
    }

    /// Enables or disables the two rate limits by install; see
    /// [`SimulatorBuilder::install_limits`](crate::SimulatorBuilder::install_limits).
    pub fn set_install_limits(&self, on: bool) {
        self.shared.set_install_limits(on);
    }

    /// Answers that do not match the document. Each one is a bug of the simulator. They are recorded in debug builds, or if
    /// [`check_answers`](crate::SimulatorBuilder::check_answers) is enabled.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.shared
            .violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Simulator")
            .field("base_url", &self.base_url())
            .finish_non_exhaustive()
    }
}
