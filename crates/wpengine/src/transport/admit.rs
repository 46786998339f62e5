//! Waits for the rate limit before each attempt.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;
use wpengine_raw::AccountPlace;

use super::{Core, Session, Target, deadline::Deadline, retry, seconds, trace};
use crate::{
    error::{Error, ErrorKind, shortened},
    limits::{LimitError, LimitKey, Observation, Permit, WindowState},
};

/// The maximum number of characters that are quoted from the error text of a limiter.
const REASON: usize = 400;

/// Shorter waits are not logged or counted: they are the round trip to a remote limiter.
const UNNOTICED: Duration = Duration::from_millis(20);

/// A permit whose request has not been sent yet. Dropping it returns the permit as unused.
pub(super) struct Held(Option<Permit>);

impl Held {
    /// Marks the request as sent, and returns the permit.
    pub(super) fn used(mut self) -> Option<Permit> {
        self.0.take()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.not_sent();
        }
    }
}

/// Returns the key of the limits that a request counts against.
pub(super) fn key(
    core: &Core,
    session: &Session,
    target: &Target,
    request: &Request<Bytes>,
) -> LimitKey {
    if core.limiter.is_none() {
        return LimitKey::default();
    }
    LimitKey {
        credentials: session.limit_key(),
        account: account(target, request).or_else(|| core.accounts.of_path(request.uri().path())),
        leave_free: core.config.background.unwrap_or(0),
    }
}

/// Waits until the request may be sent, as long as the deadline allows. `attempts` is the number of earlier attempts.
pub(super) async fn admit(
    core: &Core,
    target: &Target,
    key: &LimitKey,
    deadline: &mut Deadline,
    attempts: u32,
) -> Result<Held, Error> {
    let Some(limiter) = &core.limiter else {
        return Ok(Held(None));
    };
    let within = deadline.left_for_limit();
    let asked = Instant::now();
    let mut acquiring = limiter.acquire(key, within);
    // Polls once, because most requests may be sent immediately. Only a request that has to wait is logged.
    let at_once = poll_fn(|context| Poll::Ready(acquiring.as_mut().poll(context))).await;
    let acquired = match at_once {
        Poll::Ready(acquired) => acquired,
        Poll::Pending => {
            trace::limited(target, within);
            // A limiter should observe `within` itself. The timeout protects against one that does not.
            let slack = within.saturating_add(UNNOTICED);
            tokio::time::timeout(slack, acquiring)
                .await
                .unwrap_or(Err(LimitError::NoRoom { retry_after: None }))
        }
    };
    let waited = asked.elapsed();
    if waited >= UNNOTICED {
        core.counting.limited(waited);
    }
    deadline.spent_on_limit(waited);
    match acquired {
        Ok(permit) => Ok(Held(Some(permit))),
        Err(LimitError::NoRoom { retry_after }) => Err(no_room(within, retry_after, attempts)),
        Err(LimitError::Failed(cause)) => {
            // The reason is part of the message, because logs rarely contain the cause.
            let why = shortened(&cause.to_string(), REASON);
            let message = format!("the rate limiter failed: {why}");
            Err(Error::new(ErrorKind::Limiter, message).with_hint(retry::not_sent(attempts > 0)))
        }
    }
}

fn no_room(within: Duration, retry_after: Option<Duration>, attempts: u32) -> Error {
    let mut message = format!(
        "the rate limit leaves no room within the {} that this call may still wait",
        seconds(within)
    );
    if let Some(wait) = retry_after {
        let rounded = Duration::from_secs(
            u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX),
        );
        message.push_str(&format!("; there is room in {}", seconds(rounded)));
    }
    let hint = format!(
        "{}; send fewer requests, or allow the wait with `rate_limit_wait`",
        retry::not_sent(attempts > 0)
    );
    Error::new(ErrorKind::RateLimit, message)
        .with_hint(hint)
        .with(|inner| inner.retry_after = retry_after)
}

/// Passes a response to the limiter. After a 429, returns how long the limiter pauses.
pub(super) fn observe(
    core: &Core,
    key: &LimitKey,
    target: &Target,
    status: StatusCode,
    headers: &HeaderMap,
) -> Option<Duration> {
    let throttled = status == StatusCode::TOO_MANY_REQUESTS;
    if throttled {
        core.counting.count(|counters| counters.throttled += 1);
    }
    // A limit of a single install must not pause all other requests.
    let refused = throttled && target.limited.is_none();
    let limiter = core.limiter.as_ref()?;
    if !refused && !headers.contains_key("x-ratelimit-remaining") {
        return None;
    }
    limiter.observe(key, &Observation::new(refused, headers));
    let states = limiter.state(key);
    let pauses = states.iter().filter_map(|state| state.paused_for);
    pauses.max().filter(|_| refused)
}

impl Core {
    /// Returns how full the windows are.
    pub(crate) fn limit_state(&self, account: Option<&str>) -> Vec<WindowState> {
        let key = LimitKey {
            credentials: self.authenticator.session().limit_key(),
            account: account.map(Arc::from),
            leave_free: self.config.background.unwrap_or(0),
        };
        self.limiter
            .as_ref()
            .map(|limiter| limiter.state(&key))
            .unwrap_or_default()
    }
}

/// Returns the account that a request contains.
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
}
