//! The kinds of error, for whoever wants to match.

/// What kind of error an [`Error`](crate::Error) is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client is not configured as it must be. Nothing was sent.
    #[default]
    Configuration,
    /// The request breaks a rule of the API. Nothing was sent.
    InvalidRequest,
    /// The client is read-only and the operation is not. Nothing was sent.
    ReadOnly,
    /// The source of tokens failed. Nothing was sent.
    Credentials,
    /// The rate limit left no room within the longest wait. Nothing was sent.
    RateLimit,
    /// The rate limiter cannot decide, such as one whose Redis is down. Nothing was sent.
    Limiter,
    /// No connection could be made. Nothing was sent.
    Connect,
    /// No answer came in time.
    Timeout,
    /// The connection broke, or what came over it was not HTTP.
    Transport,
    /// The service answered with a failure; see [`Error::status`](crate::Error::status) and
    /// [`Error::api`](crate::Error::api).
    Api,
    /// The answer could not be read.
    Decode,
    /// A listing does not advance or does not fit what was asked; what it yielded before is good.
    Paging,
    /// Nothing fits what was looked for.
    NotFound,
    /// Several things fit what was looked for, and nothing says which one is meant.
    Ambiguous,
    /// Work that was waited for did not end within the limit. It goes on at the service.
    WaitTimedOut,
    /// Work that was waited for ended, but failed; see [`Error::state`](crate::Error::state).
    WorkFailed,
}
