//! The settings of the limiter.

use std::{fmt, sync::Arc, time::Duration};

use redis::Client;
use wpengine::limits::{LimitKey, Window, Windows};

use crate::RedisWindows;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) client: Client,
    pub(crate) prefix: String,
    pub(crate) per_credentials: Vec<Window>,
    pub(crate) per_account: Vec<Window>,
    pub(crate) margin: Duration,
    pub(crate) processes: u32,
    pub(crate) strict: bool,
}

/// Why a setting cannot be used.
#[derive(Debug)]
pub struct SettingsError(&'static str, redis::RedisError);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for SettingsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.1)
    }
}

/// No error quotes the URL, because it may contain a password.
const NO_URL: &str = "the URL of Redis cannot be used; write it as `redis://host:6379/0`, or `rediss://` for TLS, and percent-encode the password";

impl RedisWindows {
    /// Creates windows in the Redis or Valkey server at a URL such as `redis://user:password@host:6379/0`, or
    /// `rediss://` for TLS. The first request opens the connection.
    ///
    /// # Errors
    ///
    /// If the URL cannot be used.
    pub fn new(url: &str) -> Result<Self, SettingsError> {
        let client = Client::open(url).map_err(|error| SettingsError(NO_URL, error))?;
        Ok(Self::with(client))
    }

    /// Creates windows with a TLS connection and your own certificates in PEM format: `authority_pem` for the authority
    /// of the server's certificate, and `client_pem` for the client's certificate and its key. Without `authority_pem`,
    /// the certificates of the platform are trusted.
    ///
    /// # Errors
    ///
    /// If the URL or a certificate cannot be used.
    #[cfg(feature = "rustls")]
    pub fn with_certificates(
        url: &str,
        authority_pem: Option<Vec<u8>>,
        client_pem: Option<(Vec<u8>, Vec<u8>)>,
    ) -> Result<Self, SettingsError> {
        let certificates = redis::TlsCertificates {
            client_tls: client_pem.map(|(client_cert, client_key)| redis::ClientTlsConfig {
                client_cert,
                client_key,
            }),
            root_cert: authority_pem,
        };
        let client = Client::build_with_tls(url, certificates).map_err(|error| {
            SettingsError(
                "the URL or a certificate of Redis cannot be used; the URL is `rediss://host:6379/0`, the certificates are PEM",
                error,
            )
        })?;
        Ok(Self::with(client))
    }

    fn with(client: Client) -> Self {
        let documented = Windows::default();
        Self {
            settings: Settings {
                client,
                prefix: "wpengine".to_owned(),
                per_credentials: documented.per_credentials().to_vec(),
                per_account: documented.per_account().to_vec(),
                margin: Duration::from_secs(1),
                processes: 2,
                strict: false,
            },
            running: Arc::default(),
        }
    }

    /// Sets the windows for each user and for each account. All processes need the same windows.
    #[must_use]
    pub fn windows(
        self,
        per_credentials: impl IntoIterator<Item = Window>,
        per_account: impl IntoIterator<Item = Window>,
    ) -> Self {
        self.set(|settings| {
            settings.per_credentials = per_credentials.into_iter().collect();
            settings.per_account = per_account.into_iter().collect();
        })
    }

    /// Sets how much longer a window is here than at the service, to allow for network delay; 1 s by default. A request
    /// that is not sent within this time after its turn asks for a new place.
    #[must_use]
    pub fn margin(self, margin: Duration) -> Self {
        self.set(|settings| settings.margin = margin)
    }

    /// Sets the prefix of the keys in Redis; `wpengine` by default.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        self.set(|settings| settings.prefix = prefix.into())
    }

    /// Sets how many processes share the limits; 2 by default. While Redis is down, each process uses its part of the
    /// limits.
    #[must_use]
    pub fn processes(self, processes: u32) -> Self {
        self.set(|settings| settings.processes = processes.max(1))
    }

    /// Fails requests with an error of the kind `Limiter` while Redis is down, so that the limits are not exceeded.
    #[must_use]
    pub fn strict(self) -> Self {
        self.set(|settings| settings.strict = true)
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        // A limiter that is already running keeps its settings.
        self.running = Arc::default();
        self
    }
}

impl Settings {
    /// Returns the part of the limits that this process uses while Redis is down.
    pub(crate) fn share(&self) -> Windows {
        let part = |windows: &[Window]| {
            let processes = usize::try_from(self.processes).unwrap_or(usize::MAX);
            let part = |window: &Window| Window::new(window.limit() / processes, window.period());
            windows.iter().map(part).collect::<Vec<_>>()
        };
        Windows::new(part(&self.per_credentials), part(&self.per_account)).margin(self.margin)
    }

    /// Returns the windows of a request; those of its account come first.
    pub(crate) fn windows_of(&self, key: &LimitKey) -> impl Iterator<Item = Window> {
        let of_account = key.account.as_ref().map(|_| self.per_account.iter());
        of_account
            .into_iter()
            .flatten()
            .chain(&self.per_credentials)
            .copied()
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.client.get_connection_info().addr().to_string();
        f.debug_struct("RedisWindows")
            .field("address", &address)
            .field("prefix", &self.prefix)
            .field("per_credentials", &self.per_credentials)
            .field("per_account", &self.per_account)
            .field("margin", &self.margin)
            .field("processes", &self.processes)
            .field("strict", &self.strict)
            .finish()
    }
}
