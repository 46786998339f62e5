//! A gateway for each test, and a client of it.

use std::io::Write as _;

use tempfile::TempDir;
use wpengine_sim::GatewayBuilder;
use wpengine_ssh::{Connection, Gateway};

/// A gateway, and the folder of one user of it.
pub(crate) struct Rig {
    pub(crate) server: wpengine_sim::Gateway,
    pub(crate) folder: TempDir,
}

impl Rig {
    /// Starts a gateway. Returns `None` if a program is missing; then the test says that it was skipped. If
    /// `WPENGINE_REQUIRE_SSH` is set, that is a failure.
    pub(crate) async fn start() -> Option<Self> {
        Self::with(wpengine_sim::Gateway::builder().installs(["acme"])).await
    }

    pub(crate) async fn with(builder: GatewayBuilder) -> Option<Self> {
        if let Some(why) = wpengine_sim::Gateway::missing() {
            let is_required = std::env::var_os("WPENGINE_REQUIRE_SSH").is_some();
            assert!(!is_required, "{why}");
            let _ = writeln!(std::io::stderr(), "skipped: {why}");
            return None;
        }
        Some(Self {
            server: builder.start().await.expect("a gateway"),
            folder: tempfile::tempdir().expect("a folder"),
        })
    }

    /// A user who has not accepted a host key yet.
    pub(crate) fn stranger(&self) -> Gateway {
        Gateway::new(self.folder.path().join("ssh"))
            .expect("a client")
            .config_file(self.server.config_file())
            .expect("a file")
            .user(self.server.user())
    }

    /// A user who has accepted the host key.
    pub(crate) async fn user(&self) -> Gateway {
        let user = self.stranger();
        if user.accepted().expect("a file").is_empty() {
            let key = user.shown("acme").await.expect("a host key");
            user.accept(&key).expect("a file");
        }
        user
    }

    pub(crate) async fn connect(&self) -> Connection {
        self.user()
            .await
            .connect("acme")
            .await
            .expect("a connection")
    }
}
