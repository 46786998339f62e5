//! What happens to every request, in order: authenticate, send, read, classify, and perhaps all of it again.
//!
//! Whoever adds a step that every request must pass, such as waiting for a rate limit, adds it to [`attempt`].

mod admit;
mod authenticate;
mod budget;
mod core;
mod counters;
mod retry;
mod target;
mod trace;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use tokio::time::{Instant, timeout};
use wpengine_raw::Retry;

pub(crate) use self::{
    authenticate::{Authenticator, Session},
    budget::Budget,
    core::{Core, Timeouts},
    counters::Counting,
};
pub use counters::Counters;
pub use retry::RetryPolicy;
use retry::{Failure, Outcome, Verdict};
pub(crate) use target::Target;
pub(crate) use wire::{Http, Parsed};
pub use wire::{Wire, WireBody, WireError, WireFuture, WireHead};

use crate::{
    error::{Error, ErrorKind},
    response,
};

/// What a caller can set for one call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry: Option<RetryPolicy>,
}

/// An answer, and what it took to get it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) response: Response<Bytes>,
    pub(crate) history: History,
    /// The `Authorization` that it was asked with: whatever is quoted of the answer must not hold it.
    pub(crate) authorization: Option<HeaderValue>,
}

/// What became of the attempts of one call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct History {
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    /// How much of that was spent waiting for the rate limit.
    pub(crate) limited: Duration,
    /// Whether any attempt may have been done.
    pub(crate) may_have_happened: bool,
    /// What the success at the end earned for repetitions.
    pub(crate) earned: u32,
}

impl History {
    /// Writes it into an error.
    pub(crate) fn note(self, error: Error) -> Error {
        error.with(|inner| {
            inner.attempts = self.attempts;
            inner.elapsed = Some(self.elapsed);
            inner.may_have_happened = self.may_have_happened;
        })
    }
}

/// Sends a request until it is answered for good.
///
/// An answer of any status is `Ok`: what it means is the caller's business.
pub(crate) async fn run(
    core: &Core,
    target: &Target,
    options: &Options,
    request: &Request<Bytes>,
) -> Result<Exchange, Error> {
    core.refuse_foreign(request.uri())?;
    if core.read_only && !target.is_read() {
        return Err(read_only(target));
    }
    let work = attempts(core, target, options, request, History::default());
    let done = trace::operation(target, core, work).await;
    match &done {
        Ok(exchange) => core.counting.call(
            exchange.history.attempts,
            exchange.response.status().is_success(),
        ),
        Err(error) => core.counting.call(error.attempts(), false),
    }
    done
}

/// Asks again for what was answered with a success that cannot be read, because it breaks off or is no JSON at all:
/// something on the way did that, as it breaks connections. Only what is safe to repeat, and within the limits of the
/// whole call; none if they leave no room.
pub(crate) async fn run_again(
    core: &Core,
    target: &Target,
    options: &Options,
    request: Request<Bytes>,
    mut history: History,
) -> Option<Result<Exchange, Error>> {
    core.budget.take_back(history.earned);
    let policy = options.retry.unwrap_or(core.retry);
    let total = options.timeout.unwrap_or(core.timeouts.total);
    if target.retry != Retry::Safe || history.attempts >= policy.max_attempts {
        return None;
    }
    let wait = policy.back_off(history.attempts);
    if history
        .elapsed
        .saturating_sub(history.limited)
        .saturating_add(wait)
        >= total
        || !core.budget.spend()
    {
        return None;
    }
    trace::waiting(target, wait, history.attempts);
    tokio::time::sleep(wait).await;
    history.elapsed += wait;
    // The answer that cannot be read was a success.
    history.may_have_happened = !target.is_read();
    let before = history.attempts;
    let work = attempts(core, target, options, &request, history);
    let done = trace::operation(target, core, work).await;
    let after = match &done {
        Ok(exchange) => exchange.history.attempts,
        Err(error) => error.attempts(),
    };
    core.counting.more(after.saturating_sub(before));
    Some(done)
}

/// The attempts of a call, after those that it has already seen.
async fn attempts(
    core: &Core,
    target: &Target,
    options: &Options,
    request: &Request<Bytes>,
    mut history: History,
) -> Result<Exchange, Error> {
    let started = Instant::now();
    let earlier = history.elapsed;
    let total = options.timeout.unwrap_or(core.timeouts.total);
    let policy = options.retry.unwrap_or(core.retry);
    let session = core.authenticator.session();
    let limit_key = admit::key(core, target, request);
    let mut tries = history.attempts;
    let mut refused_token = None;
    loop {
        let (permit, waited) = admit::admit(core, &limit_key).await.map_err(|error| {
            history.elapsed = earlier + started.elapsed();
            history.note(error)
        })?;
        // Waiting for the rate limit is not the service's time.
        history.limited += waited;
        let limited = history.limited;
        let elapsed = || (earlier + started.elapsed()).saturating_sub(limited);
        let left = total.saturating_sub(elapsed());
        if left.is_zero() {
            history.elapsed = earlier + started.elapsed();
            if let Some(permit) = permit {
                permit.not_sent();
            }
            return Err(history.note(out_of_time(total)));
        }
        tries += 1;
        history.attempts += 1;
        let sent = attempt(core, target, &session, refused_token, request, left, tries)
            .await
            .map_err(|failure| failure.by_the_end_of_the_call(core, left, total));
        let outcome = match &sent {
            Ok(sent) => {
                let (status, headers) = (sent.response.status(), sent.response.headers());
                admit::observe(core, &limit_key, target, status, headers);
                Outcome::Answered(status)
            }
            Err(failure) => Outcome::Failed(failure),
        };
        match (permit, &outcome) {
            (Some(permit), Outcome::Failed(failure)) if failure.not_sent => permit.not_sent(),
            (permit, _) => drop(permit),
        }
        if let (Outcome::Answered(StatusCode::UNAUTHORIZED), Ok(sent), None) =
            (&outcome, &sent, refused_token)
            && sent.token.is_some()
        {
            // A token runs out sooner or later: that is worth one more question, and no more.
            refused_token = sent.token;
            tries -= 1;
            continue;
        }
        let verdict = retry::verdict(target, &outcome, history.may_have_happened);
        history.may_have_happened |= retry::may_have_happened(target, &outcome);
        history.elapsed = earlier + started.elapsed();
        let wait = match verdict {
            Verdict::Again(fixed) if tries < policy.max_attempts => {
                wait_before_next(&policy, &sent, fixed, tries)
            }
            Verdict::Done => {
                history.may_have_happened = false;
                return Ok(Exchange {
                    response: no_content(),
                    history,
                    authorization: None,
                });
            }
            _ => None,
        };
        let wait = wait
            .filter(|wait| elapsed().saturating_add(*wait) < total)
            .filter(|_| pays(core, &outcome));
        match wait {
            Some(wait) => {
                trace::waiting(target, wait, tries);
                tokio::time::sleep(wait).await;
            }
            None => {
                return match sent {
                    Ok(sent) => {
                        if sent.response.status().is_success() {
                            history.earned = core.budget.earn(tries > 1);
                            history.may_have_happened = false;
                        }
                        Ok(Exchange {
                            response: sent.response,
                            history,
                            authorization: sent.authorization,
                        })
                    }
                    Err(failure) => Err(history.note(failure.error)),
                };
            }
        }
    }
}

/// Whether the budget pays for one more attempt. A refusal by a limit is no trouble of the service, and costs nothing.
fn pays(core: &Core, outcome: &Outcome<'_>) -> bool {
    matches!(outcome, Outcome::Answered(StatusCode::TOO_MANY_REQUESTS)) || core.budget.spend()
}

/// An answer, what it was asked with, and which token of the source that was, if there is a source.
struct Sent {
    response: Response<Bytes>,
    authorization: Option<HeaderValue>,
    token: Option<u64>,
}

async fn attempt(
    core: &Core,
    target: &Target,
    session: &Session,
    refused_token: Option<u64>,
    request: &Request<Bytes>,
    left: Duration,
    tries: u32,
) -> Result<Sent, Failure> {
    let limit = left.min(core.timeouts.attempt);
    let unsent = |error| Failure {
        error,
        not_sent: true,
        transient: false,
    };
    let uri = request.uri();
    let mut request = request.clone();
    let (mut token, mut sent_authorization) = (None, None);
    if target.authenticated {
        let authorization = timeout(limit, session.authorization(refused_token))
            .await
            .map_err(|_| {
                unsent(
                    Error::new(
                        ErrorKind::Timeout,
                        format!("the token source gave no token within {}", seconds(limit)),
                    )
                    .hint("nothing was sent"),
                )
            })?
            .map_err(unsent)?;
        token = authorization.generation;
        sent_authorization = Some(authorization.header.clone());
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, authorization.header);
    }
    let sending = core.wire.send(request, core.max_response_size);
    let answer = trace::attempt(core, target, uri, tries, timeout(limit, sending)).await;
    match answer {
        Ok(Ok(response)) => Ok(Sent {
            response,
            authorization: sent_authorization,
            token,
        }),
        Ok(Err(error)) => Err(failure(core, error)),
        Err(_) => Err(Failure {
            error: Error::new(
                ErrorKind::Timeout,
                format!("no answer within {}", seconds(limit)),
            )
            .hint("the service or something on the way hangs; a longer limit is set with `attempt_timeout`"),
            not_sent: false,
            transient: true,
        }),
    }
}

fn failure(core: &Core, error: WireError) -> Failure {
    let (error, not_sent, transient) = match error {
        WireError::Connect(source) => (
            Error::new(
                ErrorKind::Connect,
                format!("cannot connect to {}", core.authority()),
            )
            .hint("nothing was sent; check the base URL, the network and the proxy")
            .caused_by(source),
            true,
            true,
        ),
        WireError::ConnectTimeout(source) => (
            Error::new(
                ErrorKind::Connect,
                format!(
                    "cannot connect to {} within {}",
                    core.authority(),
                    seconds(core.timeouts.connect)
                ),
            )
            .hint("nothing was sent; check the base URL, the network and the proxy")
            .caused_by(source),
            true,
            true,
        ),
        WireError::Unsendable(source) => (
            Error::invalid("the request cannot be sent").caused_by(source),
            true,
            false,
        ),
        WireError::Broken(source) => (
            Error::new(
                ErrorKind::Transport,
                "the connection broke before the whole answer was there",
            )
            .hint("the network, a proxy or the service broke it off")
            .caused_by(source),
            false,
            true,
        ),
        WireError::TooLong => (
            Error::new(
                ErrorKind::Decode,
                format!(
                    "the answer is longer than the allowed {} bytes",
                    core.max_response_size
                ),
            )
            .hint("a larger one is allowed with `max_response_size`"),
            false,
            false,
        ),
    };
    Failure {
        error,
        not_sent,
        transient,
    }
}

/// How long to wait, or none if the service asks for more than the policy allows.
fn wait_before_next(
    policy: &RetryPolicy,
    sent: &Result<Sent, Failure>,
    fixed: Option<Duration>,
    tries: u32,
) -> Option<Duration> {
    let asked = sent
        .as_ref()
        .ok()
        .and_then(|sent| response::retry_after(sent.response.headers()));
    match asked {
        Some(asked) => (asked <= policy.longest_retry_after).then_some(asked),
        None => Some(fixed.unwrap_or_else(|| policy.back_off(tries))),
    }
}

fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn read_only(target: &Target) -> Error {
    Error::new(
        ErrorKind::ReadOnly,
        format!(
            "this client is read-only, and {} is not a reading operation",
            target.name()
        ),
    )
    .hint("nothing was sent; build a client without `read_only()` for it")
}

impl Failure {
    /// Where the end of the call cut an attempt short, that is the limit to name.
    fn by_the_end_of_the_call(self, core: &Core, left: Duration, total: Duration) -> Self {
        let cut_short = self.error.kind() == ErrorKind::Timeout && !self.not_sent;
        if !cut_short || left >= core.timeouts.attempt {
            return self;
        }
        Self {
            error: out_of_time(total),
            ..self
        }
    }
}

fn out_of_time(total: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!("the call was not over within {}", seconds(total)),
    )
    .hint("the service, or something on the way, answers slowly or not at all; a longer limit is set with `total_timeout`, or with `timeout` for one call")
}

/// A duration as people say it.
pub(crate) fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds.fract() == 0.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{seconds:.1} s")
    }
}

impl Core {
    /// Credentials go to the configured origin and nowhere else, whatever built the request.
    fn refuse_foreign(&self, uri: &Uri) -> Result<(), Error> {
        let same = uri.scheme_str() == Some(self.base.scheme())
            && uri.host() == self.base.host_str()
            && uri.port_u16().or(default_port(uri.scheme_str()))
                == self.base.port_or_known_default();
        if same {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "a request to {} is refused: this client talks to {} only",
            uri.host().unwrap_or("another host"),
            self.authority()
        )))
    }
}

fn default_port(scheme: Option<&str>) -> Option<u16> {
    match scheme {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    }
}
