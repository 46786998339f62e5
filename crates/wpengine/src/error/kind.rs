//! The kinds of errors, to match on.

/// The kind of an [`Error`](crate::Error).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration of the client cannot be used. No request was sent.
    #[default]
    Configuration,
    /// The request breaks a rule of the API. No request was sent.
    InvalidRequest,
    /// The client is read-only, but the operation changes something. No request was sent.
    ReadOnly,
    /// The token source failed. The attempt was not sent.
    Credentials,
    /// The rate limit has no room within the time that the call may wait. The attempt was not sent.
    RateLimit,
    /// The rate limiter failed, for example because its Redis server is down. The attempt was not sent.
    Limiter,
    /// No connection could be opened. The attempt was not sent.
    Connect,
    /// No response arrived in time.
    Timeout,
    /// The connection broke, or the response was not valid HTTP.
    Transport,
    /// The service responded with an error; see [`Error::status`](crate::Error::status) and
    /// [`Error::api`](crate::Error::api).
    Api,
    /// The response could not be decoded.
    Decode,
    /// A listing does not advance, or its pages contradict each other. The items that it returned before are valid.
    Paging,
    /// No item matches the search.
    NotFound,
    /// Several items match the search, and only one was expected.
    Ambiguous,
    /// The work did not end before the deadline of the wait. It continues at the service.
    WaitTimedOut,
    /// The work that was waited for has failed; see [`Error::state`](crate::Error::state).
    WorkFailed,
}
