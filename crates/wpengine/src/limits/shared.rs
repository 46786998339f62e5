//! The default limiters, which clients share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use url::Url;

use super::{RateLimiter, Windows};
use crate::{Credentials, credentials::Kind};

/// The windows of each origin, as long as a client uses them.
static SHARED: Mutex<Option<HashMap<String, Weak<Windows>>>> = Mutex::new(None);

/// Returns the windows that all clients of this origin share; the key of a request separates the users. A token source
/// without a `limit_key` may stand for any user, so its clients have windows of their own.
pub(crate) fn default_of(base: &Url, credentials: &Credentials) -> Arc<dyn RateLimiter> {
    if let Kind::Source(source) = &credentials.0
        && source.limit_key().is_none()
    {
        return Arc::new(Windows::default());
    }
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let shared = shared.get_or_insert_default();
    let origin = base.origin().ascii_serialization();
    if let Some(windows) = shared.get(&origin).and_then(Weak::upgrade) {
        return windows;
    }
    shared.retain(|_, windows| windows.strong_count() > 0);
    let windows = Arc::new(Windows::default());
    shared.insert(origin, Arc::downgrade(&windows));
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TokenFuture, TokenSource};

    struct Source(Option<&'static str>);

    impl TokenSource for Source {
        fn token(&self) -> TokenFuture<'_> {
            Box::pin(async { Ok("token".into()) })
        }

        fn limit_key(&self) -> Option<&str> {
            self.0
        }
    }

    #[test]
    fn clients_of_one_origin_share_their_limits_and_token_sources_only_by_name() {
        let of = |url: &str, credentials: &Credentials| {
            default_of(&Url::parse(url).unwrap(), credentials)
        };
        let basic = Credentials::basic("a", "1");
        let first = of("https://shared.example.com/v1", &basic);
        let same = |other: &Arc<dyn RateLimiter>| Arc::ptr_eq(&first, other);
        assert!(same(&of(
            "https://shared.example.com/v2",
            &Credentials::bearer("t")
        )));
        assert!(!same(&of("https://shared.example.com:8443/v1", &basic)));
        let (named, unnamed) = (Source(Some("team")), Source(None));
        assert!(same(&of(
            "https://shared.example.com/",
            &Credentials::token_source(named)
        )));
        assert!(!same(&of(
            "https://shared.example.com/",
            &Credentials::token_source(unnamed)
        )));
    }
}
