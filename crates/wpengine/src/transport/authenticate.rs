//! The `Authorization` header, and the token that all tasks share.

use std::{
    fmt,
    hash::Hasher,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use http::HeaderValue;
use secrecy::ExposeSecret;
use siphasher::sip::SipHasher24;

use crate::{
    credentials::{self, Credentials, Kind, TokenSource},
    error::{Error, ErrorKind},
};

/// Holds the credentials of a client, which can be replaced at any time.
pub(crate) struct Authenticator(RwLock<Arc<Session>>);

/// A set of credentials, with the state of their token.
pub(crate) struct Session {
    credentials: Credentials,
    /// Identifies the user to the rate limiter.
    limit_key: u64,
    token: Mutex<TokenState>,
}

/// A call of the token source that several tasks share. Whichever task is polled drives it, so no task depends on the
/// one that started it.
type Asking = Shared<BoxFuture<'static, Result<HeaderValue, Refusal>>>;

#[derive(Default)]
struct TokenState {
    /// The number of the current token. It grows with every call of the source.
    generation: u64,
    asking: Option<Asking>,
}

/// Why there is no token. All tasks that waited share the cause.
#[derive(Clone)]
enum Refusal {
    Failed(Arc<dyn std::error::Error + Send + Sync>),
    Unusable,
}

/// A header, and the number of its token if it came from a source.
pub(crate) struct Authorization {
    pub(crate) header: HeaderValue,
    pub(crate) generation: Option<u64>,
}

impl Authenticator {
    pub(crate) fn new(credentials: Credentials) -> Self {
        let limit_key = limit_key(&credentials);
        Self(RwLock::new(Arc::new(Session::new(credentials, limit_key))))
    }

    /// Replaces the credentials. A new fixed token most likely belongs to the same user, so it keeps the limits of the
    /// old one.
    pub(crate) fn replace(&self, credentials: Credentials) {
        let before = self.session();
        let limit_key = match (&before.credentials.0, &credentials.0) {
            (Kind::Bearer(_), Kind::Bearer(_)) => before.limit_key,
            _ => limit_key(&credentials),
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Session::new(credentials, limit_key));
    }

    /// Returns the current credentials. A call keeps them until its end.
    pub(crate) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Session {
    fn new(credentials: Credentials, limit_key: u64) -> Self {
        Self {
            credentials,
            limit_key,
            token: Mutex::default(),
        }
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(crate) fn limit_key(&self) -> u64 {
        self.limit_key
    }

    /// Returns the header to send. `refused` is the number of the token that the service has just refused. If that is
    /// still the current token, the source is called again; otherwise another task has already replaced it.
    pub(crate) async fn authorization(&self, refused: Option<u64>) -> Result<Authorization, Error> {
        let fixed = match &self.credentials.0 {
            Kind::Basic { user, password, .. } => credentials::basic_header(user, password)?,
            Kind::Bearer(token) => credentials::bearer_header(token)?,
            Kind::Source(source) => return self.token_header(source, refused).await,
        };
        Ok(Authorization {
            header: fixed,
            generation: None,
        })
    }

    async fn token_header(
        &self,
        source: &Arc<dyn TokenSource>,
        refused: Option<u64>,
    ) -> Result<Authorization, Error> {
        let (asking, generation) = self.ask(source, refused);
        // Dropped without a token, also if the call runs into its timeout while the source hangs: then the next call
        // starts again.
        let forget = Forget(self, generation);
        let answer = asking.await;
        if answer.is_ok() {
            std::mem::forget(forget);
        }
        let header = answer.map_err(|refusal| match refusal {
            Refusal::Failed(cause) => {
                Error::new(ErrorKind::Credentials, "the token source gave no token")
                    .with_hint("see the cause")
                    .caused_by(cause)
            }
            Refusal::Unusable => credentials::unusable_token(),
        })?;
        Ok(Authorization {
            header,
            generation: Some(generation),
        })
    }

    fn ask(&self, source: &Arc<dyn TokenSource>, refused: Option<u64>) -> (Asking, u64) {
        let mut state = self.locked();
        if let Some(asking) = &state.asking
            && refused != Some(state.generation)
        {
            return (asking.clone(), state.generation);
        }
        let source = Arc::clone(source);
        let asking = async move {
            let token = source.token().await;
            let token = token.map_err(|cause| Refusal::Failed(cause.into()))?;
            credentials::bearer_header(&token).map_err(|_| Refusal::Unusable)
        }
        .boxed()
        .shared();
        state.generation += 1;
        state.asking = Some(asking.clone());
        (asking, state.generation)
    }

    fn locked(&self) -> MutexGuard<'_, TokenState> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a call of the source that returned no token, so that the next request calls the source again.
struct Forget<'a>(&'a Session, u64);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut state = self.0.locked();
        if state.generation == self.1 {
            state.asking = None;
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.session().credentials)
    }
}

/// Returns the number that identifies the user in the rate limits. It must be the same in every process and every
/// build, which the hasher of `std` does not guarantee. For Basic credentials only the user id is hashed, which is not
/// secret. A token source without a `limit_key` gets a random number, so that it shares its limits with nobody.
fn limit_key(credentials: &Credentials) -> u64 {
    let mut hasher = SipHasher24::new();
    let (kind, text) = match &credentials.0 {
        Kind::Basic { user, .. } => (0, user.expose_secret()),
        Kind::Bearer(token) => (1, token.expose_secret()),
        Kind::Source(source) => match source.limit_key() {
            Some(key) => (2, key),
            None => return fastrand::u64(..),
        },
    };
    hasher.write_u8(kind);
    hasher.write(text.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_belong_to_the_user_and_not_to_the_password() {
        let of = |user: &str, password: &str| limit_key(&Credentials::basic(user, password));
        assert_eq!(of("a", "1"), of("a", "2"));
        assert_ne!(of("a", "1"), of("b", "1"));
        assert_ne!(limit_key(&Credentials::bearer("a")), of("a", "1"));
    }

    #[test]
    fn the_key_of_a_user_is_the_same_in_every_version() {
        let key = limit_key(&Credentials::basic("a", "1"));
        assert_eq!(key, 14_496_667_132_877_036_649);
    }

    #[test]
    fn a_token_that_rotates_keeps_its_limits() {
        let authenticator = Authenticator::new(Credentials::bearer("first"));
        let before = authenticator.session().limit_key();
        authenticator.replace(Credentials::bearer("second"));
        assert_eq!(authenticator.session().limit_key(), before);
        authenticator.replace(Credentials::basic("a", "1"));
        assert_ne!(authenticator.session().limit_key(), before);
    }
}
