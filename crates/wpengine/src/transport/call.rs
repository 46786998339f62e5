//! A call: what its attempts have in common.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;

use super::{Core, Options, RetryPolicy, Session, Target, seconds};
use crate::error::{Error, ErrorKind};

/// One request of a caller, with all its attempts.
pub(super) struct Call<'a> {
    pub(super) core: &'a Core,
    pub(super) target: &'a Target,
    pub(super) options: &'a Options,
    pub(super) request: &'a Request<Bytes>,
    /// The credentials at the start of the call.
    pub(super) session: Arc<Session>,
}

impl Call<'_> {
    pub(super) fn timeout(&self) -> Duration {
        self.options.timeout.unwrap_or(self.core.config.timeout)
    }

    pub(super) fn policy(&self) -> RetryPolicy {
        self.options.retry.unwrap_or(self.core.config.retry)
    }

    /// Creates the error for a call whose deadline has passed.
    pub(super) fn out_of_time(&self) -> Error {
        Error::new(
            ErrorKind::Timeout,
            format!("the call did not end within {}", seconds(self.timeout())),
        )
        .with_hint("the service or a proxy answers slowly or not at all; set a longer limit with `timeout`")
    }
}
