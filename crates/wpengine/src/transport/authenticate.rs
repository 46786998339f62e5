//! The first step: the `Authorization` header, and the one token that all tasks share.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use http::HeaderValue;
use tokio::sync::Mutex;

use crate::{
    credentials::{self, Credentials, Kind},
    error::{Error, ErrorKind},
};

/// Holds the credentials of a client, which can be replaced while it runs.
pub(crate) struct Authenticator(RwLock<Arc<Session>>);

/// The life of one set of credentials.
pub(crate) struct Session {
    credentials: Credentials,
    /// The token that the source gave last, and how many it gave before. Held while the source is asked, so that it is
    /// asked once for all who wait.
    token: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    generation: u64,
}

/// A header, and which token of the source it holds.
pub(crate) struct Authorization {
    pub(crate) header: HeaderValue,
    pub(crate) generation: Option<u64>,
}

impl Authenticator {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self(RwLock::new(Arc::new(Session::new(credentials))))
    }

    pub(crate) fn replace(&self, credentials: Credentials) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Session::new(credentials));
    }

    /// The credentials of this moment. A call keeps them until its end.
    pub(crate) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Session {
    fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            token: Mutex::new(None),
        }
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The header to send. `refused` is the token that the service has just refused: if nobody has asked for another
    /// since, the source is asked.
    pub(crate) async fn authorization(&self, refused: Option<u64>) -> Result<Authorization, Error> {
        let source = match &self.credentials.0 {
            Kind::Basic { user, password, .. } => {
                return Ok(Authorization {
                    header: credentials::basic_header(user, password)?,
                    generation: None,
                });
            }
            Kind::Bearer(token) => {
                return Ok(Authorization {
                    header: credentials::bearer_header(token)?,
                    generation: None,
                });
            }
            Kind::Source(source) => source,
        };
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref()
            && refused != Some(token.generation)
        {
            return Ok(Authorization {
                header: token.header.clone(),
                generation: Some(token.generation),
            });
        }
        let fresh = source.token().await.map_err(|cause| {
            Error::new(ErrorKind::Credentials, "the token source gave no token")
                .hint("nothing was sent; see the cause")
                .caused_by(cause)
        })?;
        let generation = token.as_ref().map_or(0, |token| token.generation + 1);
        let header = credentials::bearer_header(&fresh)?;
        *token = Some(Token {
            header: header.clone(),
            generation,
        });
        Ok(Authorization {
            header,
            generation: Some(generation),
        })
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.session().credentials)
    }
}
