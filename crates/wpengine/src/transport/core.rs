//! The state that all clones of a client share.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use tokio::runtime::{self, Handle};
use url::Url;

use super::{Authenticator, Budget, Counting, HttpClient};
use crate::{
    Config,
    limits::{Accounts, RateLimiter},
};

pub(crate) struct Core {
    /// Without a slash at the end.
    pub(crate) base: Url,
    pub(crate) config: Config,
    /// Builds the requests of the generated client; `http_client` sends them.
    pub(crate) http: reqwest::Client,
    pub(crate) http_client: Arc<dyn HttpClient>,
    pub(crate) authenticator: Authenticator,
    pub(crate) budget: Budget,
    pub(crate) limiter: Option<Arc<dyn RateLimiter>>,
    /// The accounts of installs and sites, as far as they are known from responses.
    pub(crate) accounts: Accounts,
    pub(crate) counting: Counting,
    pub(crate) user_agent: http::HeaderValue,
    /// The runtime of the first request.
    pub(crate) runtime: OnceLock<Option<runtime::Id>>,
}

impl Core {
    /// Returns the host and the port, as shown in errors.
    pub(crate) fn authority(&self) -> &str {
        self.base.authority()
    }

    /// Whether the client was first used on another runtime, which drives the connections that were opened there.
    pub(super) fn is_on_another_runtime(&self) -> bool {
        let current = Handle::try_current().ok().map(|handle| handle.id());
        *self.runtime.get_or_init(|| current) != current
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
            .field("config", &self.config)
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}
