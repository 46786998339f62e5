//! The handle of a running simulator.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::builder::SimulatorBuilder;
use crate::clock::Clock;
use crate::controls::InstallContent;
use crate::dispatch::{self, BASE_PATH};
use crate::log::SeenRequest;
use crate::server::Server;
use crate::shared::Shared;

/// A simulator of the WP Engine Customer API.
///
/// Cheap to clone: all clones are the same simulator. One that was [started](SimulatorBuilder::start) listens until
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
    shared: Arc<Shared>,
    server: Option<Arc<Server>>,
    user: Arc<str>,
    password: Arc<str>,
}

impl Simulator {
    /// Configures a simulator.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    pub(crate) fn new(
        shared: Arc<Shared>,
        server: Option<Server>,
        user: String,
        password: String,
    ) -> Self {
        Self {
            shared,
            server: server.map(Arc::new),
            user: user.into(),
            password: password.into(),
        }
    }

    /// Where the API is: `http://127.0.0.1:PORT/v1`. Without a socket it is an address that nobody listens on.
    #[must_use]
    pub fn base_url(&self) -> String {
        match self.address() {
            Some(address) => format!("http://{address}{BASE_PATH}"),
            None => format!("http://localhost{BASE_PATH}"),
        }
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
    }

    /// Takes world, time and log back to the start. Credentials stay.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Answers a request in memory: the same code that answers over the socket.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        dispatch::answer(&self.shared, &request)
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

    /// What an install holds and what was done to it, which no operation of the API shows: the way to see that a copy,
    /// a restore or a purge was done. Nothing if there is no such install.
    #[must_use]
    pub fn install_content(&self, install_id: &str) -> Option<InstallContent> {
        self.shared.install_content(install_id)
    }

    /// Lets a backup that is still being taken end `aborted`. False if there is no such backup.
    pub fn abort_backup(&self, install_id: &str, backup_id: &str) -> bool {
        self.shared.abort_backup(install_id, backup_id)
    }

    /// Orders an archive of a completed backup, which the API itself cannot do, and gives its id.
    pub fn create_archive(&self, install_id: &str, backup_id: &str) -> Option<String> {
        self.shared
            .create_archive(install_id, backup_id, Vec::new())
    }

    /// Lets an archive that is still being made end `aborted`. False if there is no such archive.
    pub fn abort_archive(&self, install_id: &str, archive_id: &str) -> bool {
        self.shared.abort_archive(install_id, archive_id)
    }

    /// Switches the two rate limits by install on or off; see [`SimulatorBuilder::install_limits`].
    pub fn set_install_limits(&self, on: bool) {
        self.shared.set_install_limits(on);
    }

    /// Answers that did not fit the document: none, or the simulator has a mistake. Filled in debug builds, and where
    /// [`check_answers`](SimulatorBuilder::check_answers) asks for it.
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
