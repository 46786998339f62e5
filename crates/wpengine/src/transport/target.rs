//! The properties of a request that the transport needs for its decisions.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::de::IgnoredAny;
use wpengine_raw::{AccountPlace, OPERATIONS, Operation, Retry, Safety};

/// The id of a request that is no operation of the table.
const UNKNOWN: &str = "request";

/// The target of a request: an operation of the table, or an unknown path.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) id: &'static str,
    pub(crate) method: Method,
    /// The path template of the OpenAPI document; empty for an unknown path.
    pub(crate) path: &'static str,
    pub(crate) safety: Safety,
    pub(crate) retry: Retry,
    pub(crate) authenticated: bool,
    /// The documented status of a success; none for an unknown path.
    pub(crate) success: Option<u16>,
    /// Whether a successful response has a JSON body.
    pub(crate) json: bool,
    pub(crate) account: Option<AccountPlace>,
    /// The minimum time between two calls for the same install, if the service limits it.
    pub(crate) limited: Option<Duration>,
    /// Whether the bodies may contain secrets and must not be printed.
    pub(crate) secret: bool,
}

impl Target {
    pub(crate) fn of(operation: &'static Operation) -> Self {
        Self {
            id: operation.id,
            method: operation.method.clone(),
            path: operation.path,
            safety: operation.safety,
            retry: operation.retry,
            authenticated: operation.authenticated,
            success: Some(operation.success),
            json: operation.json,
            account: operation.account,
            limited: operation.limited,
            secret: operation.secret,
        }
    }

    /// Returns the operation with this method and path. For an unknown path it assumes the safest properties: GET, HEAD
    /// and OPTIONS read, all other methods write, and DELETE is the only write that may be retried.
    pub(crate) fn find(method: &Method, path: &str) -> Self {
        if let Some(operation) = OPERATIONS
            .iter()
            .find(|operation| operation.method == *method && matches(operation.path, path))
        {
            return Self::of(operation);
        }
        let (safety, retry) = match *method {
            Method::GET | Method::HEAD | Method::OPTIONS => (Safety::Read, Retry::Safe),
            Method::DELETE => (Safety::Destructive, Retry::Safe),
            _ => (Safety::Destructive, Retry::Unsent),
        };
        Self {
            id: UNKNOWN,
            method: method.clone(),
            path: "",
            safety,
            retry,
            authenticated: true,
            success: None,
            json: false,
            // In paths below an account, the account is in the path. In all others, it can only be in the query.
            account: Some(if path.split('/').any(|part| part == "accounts") {
                AccountPlace::Path
            } else {
                AccountPlace::Query
            }),
            limited: None,
            secret: false,
        }
    }

    /// Returns the name for error texts.
    pub(crate) fn name(&self) -> &'static str {
        if self.id == UNKNOWN { "this" } else { self.id }
    }

    pub(crate) fn is_read(&self) -> bool {
        self.safety == Safety::Read
    }

    /// Returns how a successful response contradicts the documentation: it has a body although none is documented, or
    /// it is only a part. A proxy may have responded, or cut the response off. None if the response matches.
    ///
    /// A success with another status than the documented one is accepted if its body is empty or has no content, such
    /// as `{}`. A success with the documented status is also accepted if its body is JSON.
    pub(crate) fn contradiction(&self, status: StatusCode, body: &[u8]) -> Option<&'static str> {
        if status == StatusCode::PARTIAL_CONTENT {
            return Some("the answer is only a part, which was not asked for");
        }
        let success = self.success.filter(|_| !self.json && status.is_success())?;
        let fits = says_nothing(body) || (success == status && is_json(body));
        (!fits).then_some("the answer has a body where none is documented")
    }
}

/// Whether a body is empty or has no content.
fn says_nothing(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"{}" | b"[]" | b"null" | b"\"\"")
}

/// Whether a body is valid JSON.
pub(crate) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

fn matches(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    template.split('/').all(|expected| {
        parts
            .next()
            .is_some_and(|part| expected.starts_with('{') && !part.is_empty() || part == expected)
    }) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_table_is_recognised() {
        let found = Target::find(&Method::POST, "/installs/abc/backups");
        assert_eq!(found.id, "create_backup");
        assert_eq!(found.retry, Retry::Unsent);
        assert_eq!(
            Target::find(&Method::GET, "/installs/abc").id,
            "get_install"
        );
        assert_eq!(Target::find(&Method::GET, "/installs").id, "list_installs");
    }

    #[test]
    fn of_what_is_unknown_nothing_but_reading_and_deleting_is_repeated() {
        for path in ["/installs//backups", "/installs/abc/backups/", "/brand/new"] {
            assert_eq!(Target::find(&Method::POST, path).retry, Retry::Unsent);
            assert!(!Target::find(&Method::POST, path).is_read());
            assert!(Target::find(&Method::GET, path).is_read());
            assert_eq!(Target::find(&Method::DELETE, path).retry, Retry::Safe);
        }
    }
}
