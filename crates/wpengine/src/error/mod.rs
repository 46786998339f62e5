//! The error of every call: one opaque type that says what was asked, what came back, and what to do.

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

/// What went wrong.
///
/// `Display` is one line, written for whoever reads it at three in the morning: what was asked, what came back, the id
/// to quote to WP Engine's support, and what to do. The cause, if there is one, is reached through
/// [`source`](std::error::Error::source) and is not repeated in the line.
///
/// Ask with the predicates; [`kind`](Self::kind) is for whoever wants to match.
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
    /// What went wrong, without what was asked.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    pub(crate) operation: Option<&'static str>,
    /// Method and path, as sent.
    pub(crate) request: Option<String>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    /// As it may be printed: one short text, without the credentials that the request had.
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

    /// Something about the client's configuration.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    /// A request that breaks a rule, refused before anything was sent.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// Whether the message of the service begins with that.
    pub(crate) fn says(&self, beginning: &str) -> bool {
        self.api()
            .and_then(|api| api.message.as_deref())
            .is_some_and(|message| message.starts_with(beginning))
    }

    /// What came back, of a failure that turned out to be none.
    pub(crate) fn into_response(self) -> Response<()> {
        let status = self.0.status.unwrap_or_default();
        Response::new((), status, self.0.headers, self.0.attempts)
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(&mut self.0);
        self
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        self.with(|inner| inner.hint = Some(hint.into()))
    }

    pub(crate) fn caused_by(self, source: impl Into<Source>) -> Self {
        self.with(|inner| inner.source = Some(source.into()))
    }

    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Id of the operation that failed, such as `create_backup`; none where no operation was involved.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The headers of the answer, empty if there was none.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// The id of the request at the service, which WP Engine's support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// What the answer says of the rate limit, if it does.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        RateLimit::read(&self.0.headers)
    }

    /// How often the request was sent or tried to be sent; 0 if it was refused before.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the service asked to wait before the next attempt, if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What to do about it, where the client knows something. It is also at the end of the text.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// What the service said, if it answered.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_ref()
    }

    /// Whether the service may have done what was asked, although this is an error.
    ///
    /// True for a write or a deletion whose answer was lost or was a failure of the server. Such a request is not
    /// repeated unless repeating it is harmless: look at the thing before you send it again.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        self.0.may_have_happened
    }

    /// The state in which work failed that was waited for, such as `aborted`.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }

    /// Whether nothing with such an id is there, or nothing that the credentials can see (404).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.0.status == Some(StatusCode::NOT_FOUND) || self.0.kind == ErrorKind::NotFound
    }

    /// Whether the credentials are missing or wrong (401).
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.0.status == Some(StatusCode::UNAUTHORIZED)
    }

    /// Whether the credentials are good but may not do this (403).
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        self.0.status == Some(StatusCode::FORBIDDEN)
    }

    /// Whether the state of the thing does not allow this (409).
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.0.status == Some(StatusCode::CONFLICT)
    }

    /// Whether a rate limit was hit: the service's (429), or the client's own, which left no room in time. Nothing was
    /// done.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.0.status == Some(StatusCode::TOO_MANY_REQUESTS) || self.0.kind == ErrorKind::RateLimit
    }

    /// Whether the service refused the content of the request (400 or 422).
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        matches!(
            self.0.status,
            Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY)
        )
    }

    /// Whether the service itself failed (5xx).
    #[must_use]
    pub fn is_server_error(&self) -> bool {
        self.0.status.is_some_and(|status| status.is_server_error())
    }

    /// Whether no answer came in time: within the limit of an attempt, of the call, or of a wait.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout | ErrorKind::WaitTimedOut)
    }

    /// Whether no connection could be made, so that nothing was sent.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// Whether the request was refused by this library, before anything was sent.
    #[must_use]
    pub fn is_invalid_request(&self) -> bool {
        matches!(self.0.kind, ErrorKind::InvalidRequest | ErrorKind::ReadOnly)
    }

    /// Whether an answer came but could not be read.
    #[must_use]
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

/// The line of `Display` and the causes behind it: it is what a program prints that returns the error from `main`.
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
