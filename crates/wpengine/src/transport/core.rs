//! What all clones of a client share.

use std::{fmt, sync::Arc, time::Duration};

use url::Url;

use super::{Authenticator, Budget, Counting, RetryPolicy, Wire};
use crate::{client_limits::ClientLimits, limits::RateLimiter};

/// The time limits of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    pub(crate) connect: Duration,
    pub(crate) attempt: Duration,
    pub(crate) total: Duration,
    /// The longest wait for the rate limit, which does not count as time of the call.
    pub(crate) limit_wait: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            // The gateway itself gives up after 29 s.
            attempt: Duration::from_secs(45),
            total: Duration::from_secs(300),
            // The longest documented window is an hour: everybody gets a turn in it.
            limit_wait: Duration::from_secs(65 * 60),
        }
    }
}

pub(crate) struct Core {
    /// Without a slash at its end.
    pub(crate) base: Url,
    /// Builds the requests of the generated client; they are sent by `wire`.
    pub(crate) http: reqwest::Client,
    pub(crate) wire: Arc<dyn Wire>,
    pub(crate) authenticator: Authenticator,
    pub(crate) timeouts: Timeouts,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: Budget,
    /// None if nothing limits the client.
    pub(crate) limiter: Option<Arc<dyn RateLimiter>>,
    pub(crate) counting: Counting,
    pub(crate) user_agent: http::HeaderValue,
    pub(crate) max_response_size: usize,
    /// All limits once more, for whoever asks.
    pub(crate) limits: ClientLimits,
    pub(crate) read_only: bool,
}

impl Core {
    /// Host and port, as errors name them.
    pub(crate) fn authority(&self) -> &str {
        self.base.authority()
    }

    pub(crate) fn base_url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .field("credentials", &self.authenticator)
            .field("read_only", &self.read_only)
            .field("limits", &self.limits)
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}
