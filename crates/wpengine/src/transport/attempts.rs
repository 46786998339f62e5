//! The loop of a call: attempts, until there is a final response.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use super::{
    admit::{self, Held},
    attempt::{Answer, attempt},
    call::Call,
    deadline::Deadline,
    retry::{self, Failure, Next, Outcome, Past},
    trace,
};
use crate::{error::Error, limits::LimitKey};

/// A response, and the history of its call.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) response: Response<Bytes>,
    pub(crate) history: History,
    /// The `Authorization` header of the request. It must be removed from every text that is quoted from the response.
    pub(crate) authorization: Option<HeaderValue>,
}

/// The history of the attempts of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct History {
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    /// Whether any attempt may have had an effect.
    pub(crate) may_have_happened: bool,
}

impl History {
    fn new(attempts: u32, past: Past, deadline: &Deadline) -> Self {
        Self {
            attempts,
            elapsed: deadline.elapsed(),
            may_have_happened: past.may_have_happened,
        }
    }

    /// Copies the history into an error.
    pub(crate) fn note(self, error: Error) -> Error {
        error.with(|inner| {
            inner.attempts = self.attempts;
            inner.elapsed = Some(self.elapsed);
            inner.may_have_happened = self.may_have_happened;
        })
    }
}

impl Call<'_> {
    /// Makes attempts until the call has ended. A response of any status is `Ok`.
    pub(super) async fn run(self) -> Result<Exchange, Error> {
        let config = &self.core.config;
        let extra = self
            .options
            .rate_limit_wait
            .unwrap_or(config.rate_limit_wait);
        let mut deadline = Deadline::new(self.timeout(), extra);
        let key = admit::key(self.core, &self.session, self.target, self.request);
        let (mut past, mut attempts, mut refused_token) = (Past::default(), 0, None);
        let mut was_sent = false;
        loop {
            let held = self.admit(&key, &mut deadline, attempts).await;
            let held = held.map_err(|error| History::new(attempts, past, &deadline).note(error))?;
            attempts += 1;
            past.tries += 1;
            let mut sent = attempt(&self, held, &deadline, refused_token, attempts).await;
            match &mut sent {
                Err(failure) if failure.not_sent => failure.say_not_sent(was_sent),
                _ => was_sent = true,
            }
            if let Ok(answer) = &sent
                && refused_token.is_none()
                && let Some(token) = answer.refused_token()
            {
                // The token may have expired. One more attempt with a new token follows, which does not count as a
                // retry.
                refused_token = Some(token);
                past.tries -= 1;
                continue;
            }
            let outcome = match &sent {
                Ok(answer) => answer.outcome(&self),
                Err(failure) => Outcome::Failed(failure),
            };
            let pause = self.observe(&key, &sent);
            let next = self.next(&outcome, past, pause, &deadline);
            past.may_have_happened |= retry::may_have_happened(self.target, &outcome);
            let history = History::new(attempts, past, &deadline);
            match next {
                Next::Stop => return self.end(sent, history, past.tries > 1),
                Next::Gone => return Ok(gone(history)),
                Next::Retry(wait) => {
                    trace::waiting(self.target, wait, attempts);
                    tokio::time::sleep(wait).await;
                }
                Next::Refused(wait) => {
                    trace::limited(self.target, wait);
                    tokio::time::sleep(wait).await;
                    self.core.counting.limited(wait);
                    deadline.spent_on_limit(wait);
                    past.refusals += 1;
                    past.tries -= 1;
                }
            }
        }
    }

    /// Waits for the rate limit.
    async fn admit(
        &self,
        key: &LimitKey,
        deadline: &mut Deadline,
        attempts: u32,
    ) -> Result<Held, Error> {
        let held = admit::admit(self.core, self.target, key, deadline, attempts).await?;
        if deadline.left().is_zero() {
            return Err(self.out_of_time());
        }
        Ok(held)
    }

    /// Passes the response to the limiter. After a 429, returns how long the limiter pauses.
    fn observe(&self, key: &LimitKey, sent: &Result<Answer, Failure>) -> Option<Duration> {
        let response = &sent.as_ref().ok()?.response;
        admit::observe(
            self.core,
            key,
            self.target,
            response.status(),
            response.headers(),
        )
    }

    /// Decides what to do next, within the policy, the deadline and the budget.
    fn next(
        &self,
        outcome: &Outcome<'_>,
        past: Past,
        pause: Option<Duration>,
        deadline: &Deadline,
    ) -> Next {
        let policy = self.policy();
        match retry::next_step(self.target, outcome, &policy, past, fastrand::f64()) {
            Next::Retry(wait)
                if wait >= deadline.left()
                    || deadline.worked().saturating_add(wait) > policy.time_limit
                    || !self.core.budget.spend() =>
            {
                Next::Stop
            }
            Next::Refused(wait) => {
                let is_told = matches!(outcome, Outcome::Answered(_, Some(_)));
                // Without a `Retry-After`, the limiter may know how long to wait. If the service refuses again, the
                // limiter was wrong.
                let known = pause.filter(|_| !is_told && past.refusals == 0);
                let wait = known.unwrap_or(wait);
                if wait >= deadline.left_for_limit() {
                    Next::Stop
                } else {
                    Next::Refused(wait)
                }
            }
            next => next,
        }
    }

    fn end(
        &self,
        sent: Result<Answer, Failure>,
        mut history: History,
        repeated: bool,
    ) -> Result<Exchange, Error> {
        let answer = sent.map_err(|failure| history.note(failure.error))?;
        if answer.response.status().is_success() {
            self.core.budget.earn(repeated);
            history.may_have_happened = false;
        }
        Ok(Exchange {
            response: answer.response,
            history,
            authorization: answer.authorization,
        })
    }
}

/// Creates the response of a deletion that an earlier attempt has done.
fn gone(history: History) -> Exchange {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Exchange {
        response,
        history: History {
            may_have_happened: false,
            ..history
        },
        authorization: None,
    }
}
