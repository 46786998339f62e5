//! What the rate limits say about a request.

use std::cmp::Reverse;

use http::HeaderMap;

use crate::limits::Standing;
use crate::shared::Shared;

/// How much of each limit is left after a request.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    pub(super) address: Option<Standing>,
    pub(super) account: Option<Standing>,
}

impl Standings {
    /// Tells, if that is wanted, of the limit that is nearer; of two that are equally near, of the one that lasts longer.
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
