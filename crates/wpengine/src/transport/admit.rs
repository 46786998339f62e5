//! The step before a request leaves: waiting for the rate limit.

use std::{future::poll_fn, hash::Hasher, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use secrecy::ExposeSecret;
use siphasher::sip::SipHasher24;
use tokio::time::{Instant, timeout};
use wpengine_raw::AccountPlace;

use super::{Core, Target, seconds, trace};
use crate::{
    credentials::{Credentials, Kind},
    error::{Error, ErrorKind, shortened},
    limits::{LimitKey, Observation, Permit, RateLimiter, WindowState},
};

/// How long the reason of a limiter may be.
const REASON: usize = 400;

/// Waits that are shorter are not worth a word, nor a place in the counters.
const UNNOTICED: Duration = Duration::from_millis(20);

/// Whose windows a request counts in.
pub(super) fn key(core: &Core, target: &Target, request: &Request<Bytes>) -> LimitKey {
    let session = core.authenticator.session();
    LimitKey::new(hash(session.credentials()), account(target, request))
}

/// Waits until the request may leave. Gives the permit, and how long that took.
pub(super) async fn admit(
    core: &Core,
    key: &LimitKey,
) -> Result<(Option<Permit>, Duration), Error> {
    let Some(limiter) = &core.limiter else {
        return Ok((None, Duration::ZERO));
    };
    let longest = core.timeouts.limit_wait;
    let mut acquiring = Box::pin({
        let (limiter, key) = (Arc::clone(limiter), key.clone());
        async move { limiter.acquire(&key).await.map(Unclaimed::new) }
    });
    // Whoever is let through at once has not waited, and pays for no timer.
    let at_once = poll_fn(|context| Poll::Ready(acquiring.as_mut().poll(context))).await;
    if let Poll::Ready(Ok(permit)) = at_once {
        return Ok((permit.claim(), Duration::ZERO));
    }
    let asked = Instant::now();
    let permit = match at_once {
        Poll::Ready(refused) => Ok(refused),
        Poll::Pending => {
            // Whoever is first in line keeps the others waiting. The caller may not poll this call for long, as a listing
            // that reads ahead while its reader makes another call: so the runtime does.
            let mut waiting = Driven(tokio::spawn(acquiring));
            // Also where no wait is allowed: a limiter elsewhere needs that long to answer.
            match timeout(UNNOTICED, &mut waiting.0).await {
                Ok(permit) => Ok(permit),
                Err(_) => {
                    // A wait of a minute looks like a hang to whoever cannot see what it is for.
                    trace::limited(longest);
                    timeout(longest.saturating_sub(UNNOTICED), &mut waiting.0).await
                }
            }
            .map(|done| done.unwrap_or_else(|ended| Err(ended.into())))
        }
    };
    // Time on the way to a limiter elsewhere is no wait.
    let waited = Some(asked.elapsed())
        .filter(|waited| *waited >= UNNOTICED)
        .unwrap_or_default();
    core.counting.limited(waited);
    match permit {
        Ok(Ok(permit)) => Ok((permit.claim(), waited)),
        Ok(Err(cause)) => Err(undecided(&cause.to_string())),
        Err(_) => Err(match limiter.trouble() {
            Some(why) => undecided(&why),
            None => no_room(limiter.as_ref(), key, longest),
        }),
    }
}

/// The limiter itself is in trouble. Its reason stands in the message: whoever reads a log rarely sees a cause.
fn undecided(why: &str) -> Error {
    let why = shortened(why, REASON);
    let message = format!("the rate limiter cannot decide: {why}");
    Error::new(ErrorKind::Limiter, message).hint("nothing was sent")
}

fn no_room(limiter: &dyn RateLimiter, key: &LimitKey, longest: Duration) -> Error {
    let mut message = format!("the rate limit leaves no room within {}", seconds(longest));
    let states = limiter.state(key);
    let pause = states.iter().filter_map(|state| state.paused_for).max();
    if let Some(pause) = pause {
        let pause = Duration::from_secs(pause.as_secs() + 1);
        message.push_str(&format!(
            "; the service asked everybody to pause for {} more",
            seconds(pause)
        ));
    }
    Error::new(ErrorKind::RateLimit, message)
        .hint("nothing was sent; ask less often, or allow a longer wait with `max_rate_limit_wait`")
        .with(|inner| inner.retry_after = pause)
}

/// A wait that goes on while nobody looks, and ends with the call.
struct Driven<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Driven<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A permit on its way to the call. If the call is gone, nothing was sent.
struct Unclaimed(Option<Permit>);

impl Unclaimed {
    fn new(permit: Permit) -> Self {
        Self(Some(permit))
    }

    fn claim(mut self) -> Option<Permit> {
        self.0.take()
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.not_sent();
        }
    }
}

/// Learns from an answer, where it says anything of the limits.
pub(super) fn observe(
    core: &Core,
    key: &LimitKey,
    target: &Target,
    status: StatusCode,
    headers: &HeaderMap,
) {
    let throttled = status == StatusCode::TOO_MANY_REQUESTS;
    if throttled {
        core.counting.throttled();
    }
    // A limit of one install is no reason for everybody to pause.
    let refused = throttled && target.limited.is_none();
    if let Some(limiter) = &core.limiter
        && (refused || headers.contains_key("x-ratelimit-remaining"))
    {
        limiter.observe(key, &Observation::new(refused, headers));
    }
}

impl Core {
    /// How full the windows are.
    pub(crate) fn limit_state(&self, account: Option<&str>) -> Vec<WindowState> {
        let session = self.authenticator.session();
        let key = LimitKey::new(hash(session.credentials()), account.map(Arc::from));
        self.limiter
            .as_ref()
            .map(|limiter| limiter.state(&key))
            .unwrap_or_default()
    }
}

/// Stands for the credentials, the same in every process, whatever it was built with: `std`'s hasher promises neither. Of a
/// user only the id goes into it, which is no secret.
fn hash(credentials: &Credentials) -> u64 {
    let mut hasher = SipHasher24::new();
    let (kind, text) = match &credentials.0 {
        Kind::Basic { user, .. } => (0, user.expose_secret()),
        Kind::Bearer(token) => (1, token.expose_secret()),
        // Nothing tells one source from another that is the same in another process.
        Kind::Source(_) => (2, ""),
    };
    hasher.write_u8(kind);
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// The account that the request names.
fn account(target: &Target, request: &Request<Bytes>) -> Option<Arc<str>> {
    #[derive(serde::Deserialize)]
    struct Body {
        account_id: String,
    }
    let uri = request.uri();
    match target.account? {
        AccountPlace::Path => {
            let mut parts = uri.path().split('/').skip_while(|part| *part != "accounts");
            parts.nth(1).filter(|id| !id.is_empty()).map(Arc::from)
        }
        AccountPlace::Query => {
            let mut pairs = uri.query()?.split('&');
            pairs
                .find_map(|pair| pair.strip_prefix("account_id="))
                .map(Arc::from)
        }
        AccountPlace::Body => {
            let body: Body = serde_json::from_slice(request.body()).ok()?;
            Some(Arc::from(body.account_id))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn account_of(method: Method, path: &str, body: &'static str) -> Option<Arc<str>> {
        let target = Target::find(&method, path.split('?').next().unwrap());
        let request = Request::builder()
            .method(method)
            .uri(format!("https://api.wpengineapi.com/v1{path}"))
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        account(&target, &request)
    }

    #[test]
    fn the_account_is_found_wherever_an_operation_names_it() {
        let body = r#"{"name":"x","account_id":"a"}"#;
        for (method, path, body) in [
            (Method::GET, "/accounts/a", ""),
            (Method::GET, "/accounts/a/usage/summary?first_date=x", ""),
            (Method::GET, "/installs?limit=1&account_id=a", ""),
            (Method::POST, "/sites", body),
            (Method::POST, "/installs", body),
        ] {
            assert_eq!(
                account_of(method, path, body).as_deref(),
                Some("a"),
                "{path}"
            );
        }
        for path in [
            "/accounts",
            "/accounts?limit=1",
            "/installs/accounts2/backups",
            "/user",
        ] {
            assert_eq!(account_of(Method::GET, path, ""), None, "{path}");
        }
    }

    #[test]
    fn credentials_are_told_apart_by_their_user_and_not_by_their_password() {
        let of = |user: &str, password: &str| hash(&Credentials::basic(user, password));
        assert_eq!(of("a", "1"), of("a", "2"));
        assert_ne!(of("a", "1"), of("b", "1"));
        assert_ne!(hash(&Credentials::bearer("a")), of("a", "1"));
    }

    #[test]
    fn the_hash_of_credentials_is_the_same_in_every_version() {
        assert_eq!(
            hash(&Credentials::basic("a", "1")),
            14_496_667_132_877_036_649
        );
    }
}
