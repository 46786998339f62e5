//! What code has to know about an operation besides its types.

use std::{fmt, time::Duration};

use crate::OPERATIONS;

/// One operation of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Its id, such as `create_backup`. Stable: logs, metrics and snapshots are keyed by it.
    pub id: &'static str,
    /// Its HTTP method.
    pub method: reqwest::Method,
    /// Its path below the base URL, with parameters in braces.
    pub path: &'static str,
    /// The resource that it belongs to, in the words of the API's documentation.
    pub tag: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// What it changes.
    pub safety: Safety,
    /// Whether it may be repeated.
    pub retry: Retry,
    /// How it pages.
    pub paging: Paging,
    /// Whether it wants credentials.
    pub authenticated: bool,
    /// The documented status of a success.
    pub success: u16,
    /// Whether a success has a documented body, which is JSON.
    pub json: bool,
    /// What has to be weighed before it. Empty for what only reads, and for changes that have none of these effects.
    pub effects: &'static [Effect],
    /// Where the request names its account, always as `account_id`.
    pub account: Option<AccountPlace>,
    /// The time between two calls for one install, where the service limits that.
    pub limited: Option<Duration>,
    /// Whether its bodies can hold a secret, so that nothing of them may be printed.
    pub secret: bool,
}

impl Operation {
    /// Whether the operation changes nothing.
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
    /// Nothing.
    Read,
    /// It creates or changes something.
    Write,
    /// It deletes or overwrites something.
    Destructive,
}

/// Whether an operation may be repeated when nobody knows how the first attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// Doing it twice ends in the same state as doing it once.
    Safe,
    /// Only while it is certain that the request never left.
    Unsent,
}

/// How an operation pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Paging {
    /// By `limit` and a numeric `offset`.
    Offset,
    /// By `limit` and a token from the page before.
    Token,
    /// It does not.
    None,
}

/// What an operation does besides changing what it names: what has to be weighed before it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Who can reach what: people, and keys.
    Access,
    /// What visitors reach.
    Traffic,
    /// It can cost money.
    Billable,
    /// Content is gone afterwards, and other content is in its place.
    Overwrite,
    /// Something is gone afterwards.
    Loss,
}

/// Where a request names its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountPlace {
    /// In its path.
    Path,
    /// In its query.
    Query,
    /// In its body.
    Body,
}

/// Looks an operation up by its id.
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
