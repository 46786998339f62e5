//! The client: the root of every handle.

use std::{fmt, sync::Arc};

use http::Method;
use wpengine_raw as raw;

use crate::{
    ClientBuilder, Config, Credentials,
    any_request::AnyRequest,
    call::Shared,
    config::BASE_URL_VARIABLE,
    error::Error,
    limits::WindowState,
    transport::{Core, Counters},
    types::AccountId,
};

/// A client of the WP Engine Customer API.
///
/// Cheap to clone; all clones share connections and credentials. Collections hang on it (`client.installs()`), and
/// single things are handles (`client.install(id)`) that nest as the URLs do. No handle sends anything by itself.
///
/// ```no_run
/// # async fn example() -> Result<(), wpengine::Error> {
/// let client = wpengine::Client::from_env()?;
/// let mut installs = client.installs().list().items();
/// while let Some(install) = installs.try_next().await? {
///     println!("{}", install.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Core>);

impl Client {
    /// A client with Basic credentials from the environment, as [`Credentials::from_env`] reads them, and with the base
    /// URL from `WPE_API_BASE_URL` if that is set.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the environment has no usable credentials or base URL; the error
    /// names the variable.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder_from_env()?.build()
    }

    /// A builder with what [`from_env`](Self::from_env) takes from the environment, for further settings.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the environment has no usable credentials.
    pub fn builder_from_env() -> Result<ClientBuilder, Error> {
        let builder = Self::builder().credentials(Credentials::from_env()?);
        match std::env::var(BASE_URL_VARIABLE) {
            Ok(url) if !url.is_empty() => Ok(builder.base_url(url)),
            Ok(_) | Err(std::env::VarError::NotPresent) => Ok(builder),
            Err(std::env::VarError::NotUnicode(_)) => Err(Error::configuration(format!(
                "the environment variable {BASE_URL_VARIABLE} is not valid UTF-8"
            ))),
        }
    }

    /// A client of a URL that holds its credentials, as the simulator's `url()` does. Only a URL of this machine may hold
    /// any.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// let client = wpengine::Client::at(simulator.url())?;
    /// println!("{}", client.current_user().await?.email);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the URL cannot be used or holds no credentials.
    pub fn at(url: impl Into<String>) -> Result<Self, Error> {
        Self::builder().base_url(url).build()
    }

    /// A builder, for everything that can be set.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn from_core(core: Core) -> Self {
        Self(Arc::new(core))
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }

    /// Replaces the credentials, for this client and all its clones. Calls that are under way end with the old ones.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if they cannot be used; then the old ones stay.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        credentials.check()?;
        self.0.authenticator.replace(credentials);
        Ok(())
    }

    /// Whether the client refuses everything that is not a reading operation.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.0.config.read_only
    }

    /// The settings of this client: its time limits, its retries and its sizes.
    ///
    /// A call that needs another retry policy begins with the one of the client:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let once_more = client.config().retry.max_attempts(2);
    /// let user = client.current_user().retry(once_more).await?;
    /// # assert_eq!(user, client.current_user().await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// What this client and all its clones have done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.0.counting.read()
    }

    /// How full the rate limit's windows are, for requests that name that account or none. Empty without a limiter.
    #[must_use]
    pub fn rate_limit_state(&self, account: Option<&AccountId>) -> Vec<WindowState> {
        self.0.limit_state(account.map(|id| id.as_str()))
    }

    /// A request for a path that this version does not model, through the same transport: with the credentials, the
    /// time limits, the retries and the errors of every other request.
    ///
    /// The path is below the base URL and begins with a slash. What is known of the path, such as whether it may be
    /// repeated, counts; of any other, only a GET and a DELETE are repeated.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use http::Method;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct User {
    ///     email: String,
    /// }
    ///
    /// let user: User = client.request(Method::GET, "/user").json().await?;
    /// assert!(user.email.contains('@'));
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: Method, path: &str) -> AnyRequest {
        AnyRequest::new(self, method, path)
    }

    /// The generated client, through the same transport. An escape hatch, outside the promise of stability: its types
    /// change with every release of the API's description, and its errors do not say what happened. A failure without
    /// an answer comes as a response with the status 599 and the error as its text.
    #[must_use]
    pub fn raw(&self) -> raw::Client {
        raw::Client::new_with_client(
            self.base_url(),
            self.0.http.clone(),
            Arc::new(Shared(Arc::clone(&self.0))),
        )
    }

    /// The transport refuses writes of a read-only client too; this is sooner, and needs no body.
    pub(crate) fn refuse_writes(&self, operation: &'static str) -> Result<(), Error> {
        let is_read = raw::operation(operation).is_some_and(raw::Operation::is_read);
        self.0
            .refuse_writes(is_read, operation)
            .map_err(|error| error.with(|inner| inner.operation = Some(operation)))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
