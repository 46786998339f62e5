//! The client, from which all handles and collections are created.

use std::{fmt, sync::Arc};

use http::Method;
use wpengine_raw as raw;

use crate::{
    ClientBuilder, Config, Credentials,
    any_request::AnyRequest,
    call::Shared,
    config::{BASE_URL_VARIABLE, is_loopback, read_base_url},
    error::Error,
    limits::WindowState,
    transport::{Core, Counters},
    types::AccountId,
};

/// A client of the WP Engine Customer API.
///
/// Cloning is cheap: all clones share connections and credentials. Methods such as `client.installs()` return a
/// collection; methods such as `client.install(id)` return a handle to one resource. Handles nest in the same way as
/// the URLs of the API. Creating a handle or a collection sends no request.
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
    /// Creates a client with Basic credentials from the environment; see [`Credentials::from_env`] for the variables.
    /// The base URL comes from `WPE_API_BASE_URL` if that variable is set.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the environment has no usable credentials or base URL. The
    /// error names the variable.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder_from_env()?.build()
    }

    /// Returns a builder with the credentials and the base URL from the environment, as in
    /// [`from_env`](Self::from_env).
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the environment has no usable credentials, or if
    /// `WPE_API_BASE_URL` is not UTF-8.
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

    /// Creates a client for a URL that contains the credentials, such as the `url()` of the simulator. Credentials in a
    /// URL are accepted only for `localhost` and loopback addresses.
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
    /// [`Configuration`](crate::ErrorKind::Configuration) if the URL cannot be used or contains no credentials.
    pub fn at(url: impl Into<String>) -> Result<Self, Error> {
        let url = url.into();
        let (_, credentials) = read_base_url(&url)?;
        if credentials.is_none() {
            return Err(Error::configuration("the URL contains no user and password")
                .with_hint("it should look like `http://user:password@127.0.0.1:8080/v1`; `Simulator::url` returns such a URL, and `base_url` one without"));
        }
        Self::builder().base_url(url).build()
    }

    /// Returns a builder, which sets everything that can be configured.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(crate) fn from_core(core: Core) -> Self {
        Self(Arc::new(core))
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    /// Returns the base URL, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.0.base_url()
    }

    /// Replaces the credentials of this client and of all its clones. Calls that are in progress finish with the old
    /// ones.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if the credentials cannot be used. The client then keeps the
    /// old ones.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        credentials.check()?;
        self.0.authenticator.replace(credentials);
        Ok(())
    }

    /// Whether the client is read-only: it refuses every operation that changes something.
    pub fn is_read_only(&self) -> bool {
        self.0.config.read_only
    }

    /// Returns the settings of this client: timeouts, retries and sizes.
    ///
    /// To change the retry policy of one call, start from the policy of the client:
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
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Returns counters of what this client and all its clones have done so far.
    pub fn counters(&self) -> Counters {
        self.0.counting.read()
    }

    /// Returns a number for the user of the credentials:
    /// [`LimitKey::credentials`](crate::limits::LimitKey::credentials). It is the same in every process for the same
    /// user id, token or key of a token source, and says nothing about them. Use it to keep data of several users
    /// apart.
    ///
    /// ```
    /// use wpengine::{Client, Credentials};
    ///
    /// let client = |user| Client::builder().credentials(Credentials::basic(user, "secret")).build();
    /// assert_eq!(client("jane")?.user_key(), client("jane")?.user_key());
    /// assert_ne!(client("jane")?.user_key(), client("john")?.user_key());
    /// # Ok::<(), wpengine::Error>(())
    /// ```
    pub fn user_key(&self) -> u64 {
        self.0.authenticator.session().limit_key()
    }

    /// Returns how full the rate-limit windows are: those of the user, and those of `account` if it is given. The list
    /// is empty if the client has no rate limiter.
    pub fn rate_limit_state(&self, account: Option<&AccountId>) -> Vec<WindowState> {
        self.0.limit_state(account.map(|id| id.as_str()))
    }

    /// Creates a request for a path that this version of the library does not model. It has the same credentials,
    /// timeouts, retries and errors as every other request.
    ///
    /// The path is relative to the base URL and starts with a slash. If the path belongs to a known operation, the
    /// retry rules of that operation apply. For an unknown path, GET, HEAD, OPTIONS and DELETE requests count as
    /// idempotent, and all others do not; see [`RetryPolicy`](crate::RetryPolicy).
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

    /// Returns the generated client, which uses the same transport.
    ///
    /// It is an escape hatch and not part of the stable API: its types change with the description of the API, and its
    /// errors have less detail. A failure without a response is reported as a response with status 599, with the error
    /// text as its body.
    pub fn raw(&self) -> raw::Client {
        raw::Client::new_with_client(
            self.base_url(),
            self.0.http.clone(),
            Arc::new(Shared(Arc::clone(&self.0))),
        )
    }

    /// Whether the base URL is a loopback address.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        is_loopback(&self.0.base)
    }

    /// The transport refuses writes of a read-only client as well. This check comes earlier, before a body is built.
    pub(crate) fn refuse_writes(&self, operation: &'static str) -> Result<(), Error> {
        let is_read = raw::operation(operation).is_some_and(raw::Operation::is_read);
        self.0
            .refuse_writes(is_read, operation)
            .map_err(|error| error.of(operation))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
