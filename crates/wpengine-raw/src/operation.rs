//! The properties of an operation that its types do not contain.

use std::{fmt, time::Duration};

use crate::OPERATIONS;

/// One operation of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The id, such as `create_backup`. It is stable: logs, metrics and snapshots use it as a key.
    pub id: &'static str,
    /// The HTTP method.
    pub method: reqwest::Method,
    /// The path below the base URL, with parameters in braces.
    pub path: &'static str,
    /// The resource that the operation belongs to, as named in the documentation of the API.
    pub tag: &'static str,
    /// What the operation does, in a few words.
    pub summary: &'static str,
    /// What the operation changes.
    pub safety: Safety,
    /// Whether a request may be retried.
    pub retry: Retry,
    /// How the operation pages.
    pub paging: Paging,
    /// Whether the operation needs credentials.
    pub authenticated: bool,
    /// The documented status of a success.
    pub success: u16,
    /// Whether a success has a documented body. It is then JSON.
    pub json: bool,
    /// Effects to consider before the operation is used. Empty for operations that only read, and for changes without
    /// such effects.
    pub effects: &'static [Effect],
    /// Where a request contains the id of its account, which is always named `account_id`.
    pub account: Option<AccountPlace>,
    /// The minimum time between two calls for the same install, if the service limits it.
    pub limited: Option<Duration>,
    /// Whether the bodies may contain secrets and must not be printed.
    pub secret: bool,
}

impl Operation {
    /// Whether the operation only reads.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.safety == Safety::Read
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What an operation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Safety {
    /// The operation changes nothing.
    Read,
    /// The operation creates or changes something.
    Write,
    /// The operation deletes or overwrites something.
    Destructive,
}

/// Whether a request may be retried if the result of the first attempt is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// The operation is idempotent: a second request has no further effect.
    Safe,
    /// The operation is not idempotent. A request is repeated only if it is certain that the first one was not sent.
    Unsent,
}

/// How an operation pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Paging {
    /// With `limit` and a numeric `offset`.
    Offset,
    /// With `limit` and a token from the previous page.
    Token,
    /// It returns everything at once.
    None,
}

/// A consequence of an operation to consider before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// It changes who can access what: users and keys.
    Access,
    /// It changes what visitors see.
    Traffic,
    /// It can cost money.
    Billable,
    /// It replaces content with other content.
    Overwrite,
    /// It deletes something for good.
    Loss,
}

/// Where a request contains the id of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountPlace {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In the body.
    Body,
}

/// Returns the operation with this id.
#[must_use]
pub fn operation(id: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_found_by_its_id_and_no_id_is_used_twice() {
        let ids: BTreeSet<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
        assert_eq!(ids.len(), OPERATIONS.len());
        for known in &OPERATIONS {
            assert_eq!(operation(known.id), Some(known));
        }
        assert_eq!(operation("no_such_operation"), None);
    }

    #[test]
    fn only_reading_is_a_get_and_every_get_is_safe_to_repeat() {
        for operation in &OPERATIONS {
            assert_eq!(
                operation.is_read(),
                operation.method == reqwest::Method::GET,
                "{operation}"
            );
            if operation.is_read() {
                assert_eq!(operation.retry, Retry::Safe, "{operation}");
            }
        }
    }
}
