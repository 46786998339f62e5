//! The state of the rate limits after a request.

use std::cmp::Reverse;

use http::HeaderMap;

use crate::limits::Standing;
use crate::shared::Shared;

/// The remaining part of each limit after a request.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    pub(super) address: Option<Standing>,
    pub(super) account: Option<Standing>,
}

impl Standings {
    /// Writes the headers, if enabled, for the limit with fewer remaining requests; if they are equal, for the one
    /// that resets later.
    pub(super) fn write(&self, shared: &Shared, headers: &mut HeaderMap) {
        let nearer = [self.address, self.account]
            .into_iter()
            .flatten()
            .min_by_key(|standing| (standing.remaining, Reverse(standing.reset)));
        if let Some(standing) = nearer.filter(|_| shared.rate_limits().headers) {
            standing.write(headers);
        }
    }
}
