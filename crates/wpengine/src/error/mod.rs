//! The error of every call: one opaque type with the request, the response and a hint.

mod api;
mod display;
mod kind;

use std::{fmt, time::Duration};

use http::{HeaderMap, StatusCode};

pub use api::{ApiError, FieldError};
pub(crate) use display::shortened;
pub use kind::ErrorKind;

use crate::response::{RateLimit, Response};

pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// The error of a call.
///
/// `Display` prints one line: the request, the response, the request id for WP Engine's support, and a hint. The cause,
/// if there is one, is returned by [`source`](std::error::Error::source) and is not part of this line.
///
/// Use the `is_*` methods for the common questions, and [`kind`](Self::kind) to match on all kinds.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// # let client = wpengine::Client::at(simulator.url())?;
/// match client.install("no-such-install").get().await {
///     Ok(install) => println!("{} runs PHP {:?}", install.name, install.php_version),
///     Err(error) if error.is_not_found() => println!("there is no such install"),
///     Err(error) if error.is_rate_limited() => println!("again in {:?}", error.retry_after()),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
pub struct Error(Box<Inner>);

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) kind: ErrorKind,
    /// What went wrong, without the request.
    pub(crate) message: String,
    /// How to solve the problem.
    pub(crate) hint: Option<String>,
    pub(crate) operation: Option<&'static str>,
    /// The method and the path, as sent.
    pub(crate) request: Option<String>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    /// Printable: one short line without the credentials of the request.
    pub(crate) request_id: Option<String>,
    pub(crate) api: Option<ApiError>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Option<Duration>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) may_have_happened: bool,
    pub(crate) state: Option<String>,
    pub(crate) source: Option<Source>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            ..Inner::default()
        }))
    }

    /// Creates an error about the configuration of the client.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    /// Creates an error for a request that breaks a rule and was not sent.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// Whether the message of the service starts with `beginning`.
    pub(crate) fn says(&self, beginning: &str) -> bool {
        self.api()
            .and_then(|api| api.message.as_deref())
            .is_some_and(|message| message.starts_with(beginning))
    }

    /// Turns an error that is a success after all into its response.
    pub(crate) fn into_response(self) -> Response<()> {
        let status = self.0.status.unwrap_or_default();
        Response::new((), status, self.0.headers, self.0.attempts)
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        self.change(change);
        self
    }

    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.0);
    }

    /// Sets the operation of the error.
    pub(crate) fn of(self, operation: &'static str) -> Self {
        self.with(|inner| inner.operation = Some(operation))
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        self.with(|inner| inner.hint = Some(hint.into()))
    }

    pub(crate) fn caused_by(self, source: impl Into<Source>) -> Self {
        self.with(|inner| inner.source = Some(source.into()))
    }

    /// Returns the kind of this error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the id of the operation, such as `create_backup`; none if no operation was involved.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns the status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the headers of the response; empty if there was none.
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Returns the request id that the service assigned. WP Engine's support asks for it.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns the rate limit in the headers of the response, if they contain it.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::read(&self.0.headers)
    }

    /// Returns the number of attempts of the request that failed; 0 if none was made, or if no single request failed, as
    /// in a search without a match.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns how long the service asked to wait before the next attempt, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns a hint about how to solve the problem, if the client has one. The text of the error ends with it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns the details in the error response of the service, if there was a response.
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_ref()
    }

    /// Whether the service may have done the work although the call failed.
    ///
    /// True for a write or a deletion if its response was lost, could not be decoded, or was a server error. Such a
    /// request is not retried unless the operation is idempotent. Check the state at the service before you send it
    /// again.
    pub fn may_have_happened(&self) -> bool {
        self.0.may_have_happened
    }

    /// Returns the last known state of the work that was waited for, such as `aborted`.
    pub fn state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }

    /// Whether the resource does not exist or is not visible to the credentials (404), or a search found no match.
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(StatusCode::NOT_FOUND) || self.0.kind == ErrorKind::NotFound
    }

    /// Whether the credentials are missing or wrong (401).
    pub fn is_unauthorized(&self) -> bool {
        self.0.status == Some(StatusCode::UNAUTHORIZED)
    }

    /// Whether the credentials are valid but do not allow the operation (403).
    pub fn is_forbidden(&self) -> bool {
        self.0.status == Some(StatusCode::FORBIDDEN)
    }

    /// Whether the state of the resource does not allow the operation (409).
    pub fn is_conflict(&self) -> bool {
        self.0.status == Some(StatusCode::CONFLICT)
    }

    /// Whether a rate limit refused the request: the service's (429), or the client's own, which had no room in time.
    /// The refused attempt had no effect.
    pub fn is_rate_limited(&self) -> bool {
        self.0.status == Some(StatusCode::TOO_MANY_REQUESTS) || self.0.kind == ErrorKind::RateLimit
    }

    /// Whether the service refused the content of the request (400 or 422).
    pub fn is_rejected(&self) -> bool {
        matches!(
            self.0.status,
            Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
        )
    }

    /// Whether the service failed (5xx).
    pub fn is_server_error(&self) -> bool {
        self.0.status.is_some_and(|status| status.is_server_error())
    }

    /// Whether a time limit passed: that of an attempt, of the call, or of a wait.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout | ErrorKind::WaitTimedOut)
    }

    /// Whether no connection could be opened, so that the attempt was not sent.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// Whether this library refused the request. In this case no request was sent.
    pub fn is_invalid_request(&self) -> bool {
        matches!(self.0.kind, ErrorKind::InvalidRequest | ErrorKind::ReadOnly)
    }

    /// Whether a response arrived but could not be decoded.
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Prints the line of `Display` and the causes. A program whose `main` returns the error prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(deeper) = cause {
            write!(f, "\n  because: {deeper}")?;
            cause = deeper.source();
        }
        Ok(())
    }
}
