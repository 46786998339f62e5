//! What every question about a fleet returns: data, and how far it can be trusted.

use serde::{Deserialize, Serialize};
use wpengine::{Error, jiff::Timestamp};

/// The version of the serialized form of [`Observed`].
pub const SCHEMA_VERSION: u32 = 1;

/// A result, with everything that could not be read.
///
/// A part that could not be read is a [`Failure`]. It is never left out silently and never counted as zero.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Observed<T> {
    /// The version of this form.
    pub schema_version: u32,
    /// The result.
    pub data: T,
    /// What could not be read.
    pub failures: Vec<Failure>,
    /// Whether everything that the result needs was read.
    pub complete: bool,
    /// When the oldest part of the data was read; `None` if nothing was.
    pub as_of: Option<Timestamp>,
    /// How many requests were sent for it, with retries.
    pub requests: u64,
}

impl<T> Observed<T> {
    pub(crate) fn new(data: T, as_of: Option<Timestamp>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            data,
            failures: Vec::new(),
            complete: true,
            as_of,
            requests: 0,
        }
    }

    /// The same about other data.
    pub(crate) fn map<U>(self, data: impl FnOnce(T) -> U) -> Observed<U> {
        Observed {
            schema_version: self.schema_version,
            data: data(self.data),
            failures: self.failures,
            complete: self.complete,
            as_of: self.as_of,
            requests: self.requests,
        }
    }

    pub(crate) fn with(mut self, failures: Vec<Failure>, requests: u64) -> Self {
        self.complete &= failures.is_empty();
        self.failures = failures;
        self.requests = requests;
        self
    }
}

/// Something that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// What was to be read: `installs`, or `domains of install torquemag`.
    pub subject: String,
    /// The operation, such as `list_domains`.
    pub operation: Option<String>,
    /// The kind of the error, such as `Timeout`.
    pub kind: String,
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// The id of the request at the service.
    pub request_id: Option<String>,
    /// The text of the error, in one line.
    pub message: String,
}

impl Failure {
    pub(crate) fn unreadable(subject: String) -> Self {
        Self {
            subject,
            operation: None,
            kind: "Decode".to_owned(),
            status: None,
            request_id: None,
            message: "the response is not what the API documents".to_owned(),
        }
    }

    /// The service shows this user only a part.
    pub(crate) fn partial(subject: String) -> Self {
        Self {
            kind: "Partial".to_owned(),
            message:
                "the user of the credentials may not see all environments, so figures are missing"
                    .to_owned(),
            ..Self::unreadable(subject)
        }
    }

    pub(crate) fn lost(account: &str) -> Self {
        Self {
            kind: "AccessLost".to_owned(),
            message: "it had sites and installs, and now lists none: check whether the API access of the account or of the user was turned off. What was known of it is kept".to_owned(),
            ..Self::unreadable(format!("account {account}"))
        }
    }

    pub(crate) fn new(subject: impl Into<String>, error: &Error) -> Self {
        Self {
            subject: subject.into(),
            operation: error.operation().map(str::to_owned),
            kind: format!("{:?}", error.kind()),
            status: error.status().map(|status| status.as_u16()),
            request_id: error.request_id().map(str::to_owned),
            message: error.to_string(),
        }
    }
}

/// An id with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Named {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The environment, of an install.
    pub environment: Option<String>,
}

impl Named {
    pub(crate) fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            environment: None,
        }
    }
}
