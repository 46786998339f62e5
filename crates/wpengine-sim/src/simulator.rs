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
/// Cheap to clone: all clones are the same simulator. One that was [started](crate::SimulatorBuilder::start) listens until
/// the last clone is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use http::Request;
/// use wpengine_sim::Simulator;
///
/// // No socket: requests are answered in memory.
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

    /// Where the API is: `http://127.0.0.1:PORT/v1`. Without a socket it is an address that nobody listens on.
    #[must_use]
    pub fn base_url(&self) -> String {
        match self.address() {
            Some(address) => format!("http://{address}{BASE_PATH}"),
            None => format!("http://localhost{BASE_PATH}"),
        }
    }

    /// The base URL with the credentials in it: `http://USER:PASSWORD@127.0.0.1:PORT/v1`. With the SDK, a client of the
    /// simulator is `wpengine::Client::at(simulator.url())`.
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

    /// The address that the simulator listens on, if it does.
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

    /// Moves the virtual time forward.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
        self.shared.changed.notify_one();
    }

    /// Takes world, time, limits and log back to the start, and all faults away. Credentials stay.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Starts anew with the world of another seed, which is also the one of later resets.
    pub fn reseed(&self, seed: u64, population: Population) {
        self.shared.rebuild(seed, population);
    }

    /// Answers a request in memory: the same code that answers over the socket. An address for the rate limits can be
    /// given as an [`IpAddr`](std::net::IpAddr) among the request's extensions.
    ///
    /// A [fault](crate::Fault) that delays the answer delays this, and one that hangs lets it never end. There is no
    /// connection that could be reset: in its place comes a 502 that says so. [`exchange`](Self::exchange) tells it
    /// apart.
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

    /// Answers a request in memory, like [`handle`](Self::handle), and tells when a fault has broken the connection.
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

    /// The faults: what goes wrong, and when.
    #[must_use]
    pub fn faults(&self) -> Faults<'_> {
        Faults::new(&self.shared.faults)
    }

    /// The rate limits that act.
    pub fn rate_limits(&self) -> RateLimits {
        self.shared.rate_limits()
    }

    /// Sets the rate limits; what was counted so far is forgotten.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.shared.set_rate_limits(limits);
    }

    /// World and time as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// Takes world and time back to a snapshot, of this simulator or of another one. The clock goes on from there as it
    /// moves at present; credentials, faults, limits and log stay.
    ///
    /// # Errors
    ///
    /// If the snapshot does not fit together.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.shared.restore(snapshot)
    }

    /// Writes the [state file](crate::SimulatorBuilder::state_file) now, as one does at the end. Without such a file it does
    /// nothing.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save_state(&self) -> io::Result<()> {
        self.state_file.as_ref().map_or(Ok(()), |file| file.save())
    }

    /// Waits until the [state file](crate::SimulatorBuilder::state_file) cannot be written after a change; for ever without such
    /// a file.
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

    /// How many writes were done since the start.
    #[must_use]
    pub fn side_effects(&self) -> u64 {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .side_effects()
    }

    /// How often each operation was asked, and did something, since the start.
    #[must_use]
    pub fn operation_counts(&self) -> BTreeMap<String, OperationCount> {
        self.shared
            .log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .operations()
            .clone()
    }

    /// Forgets the requests and their counts.
    pub fn clear_requests(&self) {
        self.shared.clear_requests();
    }

    /// What an install holds and what was done to it, which no operation of the API shows: the way to see that a copy,
    /// a restore or a purge was done. Nothing if there is no such install.
    #[must_use]
    pub fn install_content(&self, install_id: impl AsRef<str>) -> Option<InstallContent> {
        self.shared.install_content(install_id.as_ref())
    }

    /// Lets a backup that is still being taken end `aborted`. False if there is no such backup.
    pub fn abort_backup(&self, install_id: impl AsRef<str>, backup_id: impl AsRef<str>) -> bool {
        self.shared
            .abort_backup(install_id.as_ref(), backup_id.as_ref())
    }

    /// Lets an archive that is still being made end `aborted`. False if there is no such archive.
    pub fn abort_archive(&self, install_id: impl AsRef<str>, archive_id: impl AsRef<str>) -> bool {
        self.shared
            .abort_archive(install_id.as_ref(), archive_id.as_ref())
    }

    /// Switches the two rate limits by install on or off; see [`SimulatorBuilder::install_limits`](crate::SimulatorBuilder::install_limits).
    pub fn set_install_limits(&self, on: bool) {
        self.shared.set_install_limits(on);
    }

    /// Answers that did not fit the document: none, or the simulator has a mistake. Filled in debug builds, and where
    /// [`check_answers`](crate::SimulatorBuilder::check_answers) asks for it.
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
