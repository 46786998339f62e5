//! One attempt: authenticate, send, read, classify.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use tokio::time::timeout;

use super::{
    Core, HttpError,
    admit::Held,
    call::Call,
    deadline::Deadline,
    retry::{Failure, Outcome},
    seconds, trace,
};
use crate::{
    error::{Error, ErrorKind},
    response,
};

/// A response, and the credentials of its request.
pub(super) struct Answer {
    pub(super) response: Response<Bytes>,
    /// The `Authorization` header that was sent.
    pub(super) authorization: Option<HeaderValue>,
    /// The number of the token, if it came from a token source.
    pub(super) token: Option<u64>,
}

/// The time limit of one attempt.
#[derive(Clone, Copy)]
struct Limit {
    time: Duration,
    /// Whether this is the remaining time of the whole call.
    of_call: bool,
}

impl Limit {
    fn new(core: &Core, deadline: &Deadline) -> Self {
        let left = deadline.left();
        Self {
            time: left.min(core.config.attempt_timeout),
            of_call: left < core.config.attempt_timeout,
        }
    }

    fn no_answer(self, call: &Call<'_>) -> Failure {
        let error = if self.of_call {
            call.out_of_time()
        } else {
            let text = format!("no answer within {}", seconds(self.time));
            Error::new(ErrorKind::Timeout, text).with_hint(
                "the service or a proxy does not answer; set a longer limit with `attempt_timeout`",
            )
        };
        Failure {
            error,
            not_sent: false,
            transient: true,
        }
    }
}

/// A pooled connection is driven by the runtime that opened it.
const OTHER_RUNTIME: &str = "the client was first used on another tokio runtime, which may not run any more and has its connections: use a client for each runtime";

/// Sends the request once. From the moment of sending, the permit of the rate limit counts as used.
pub(super) async fn attempt(
    call: &Call<'_>,
    held: Held,
    deadline: &Deadline,
    refused_token: Option<u64>,
    number: u32,
) -> Result<Answer, Failure> {
    let Call { core, target, .. } = *call;
    let limit = Limit::new(core, deadline);
    let mut request = call.request.clone();
    let (mut token, mut sent) = (None, None);
    if target.authenticated {
        let authorization = authorize(call, limit, refused_token)
            .await
            .map_err(|error| Failure {
                error,
                not_sent: true,
                transient: false,
            })?;
        token = authorization.generation;
        sent = Some(authorization.header.clone());
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, authorization.header);
    }
    // Getting the token may have taken some of the time.
    let limit = if token.is_some() {
        Limit::new(core, deadline)
    } else {
        limit
    };
    let on_another_runtime = core.is_on_another_runtime();
    let permit = held.used();
    let sending = core
        .http_client
        .send(request, core.config.max_response_size);
    let work = timeout(limit.time, sending);
    let answer = trace::attempt(core, target, call.request.uri(), number, work).await;
    let failure = match answer {
        Ok(Ok(response)) => {
            return Ok(Answer {
                response,
                authorization: sent,
                token,
            });
        }
        Ok(Err(error)) => failure(core, error),
        Err(_) if on_another_runtime => {
            let mut failure = limit.no_answer(call);
            failure.error = failure.error.with_hint(OTHER_RUNTIME);
            failure
        }
        Err(_) => limit.no_answer(call),
    };
    if let Some(permit) = permit
        && failure.not_sent
    {
        permit.not_sent();
    }
    Err(failure)
}

async fn authorize(
    call: &Call<'_>,
    limit: Limit,
    refused_token: Option<u64>,
) -> Result<super::authenticate::Authorization, Error> {
    let asking = call.session.authorization(refused_token);
    timeout(limit.time, asking).await.map_err(|_| {
        let time = seconds(limit.time);
        let text = format!("the token source gave no token within {time}");
        Error::new(ErrorKind::Timeout, text)
    })?
}

impl Answer {
    /// Returns the result of the attempt.
    pub(super) fn outcome(&self, call: &Call<'_>) -> Outcome<'static> {
        let status = self.response.status();
        let body = self.response.body();
        let is_cut_off = status.is_success() && call.target.json && !is_whole_json(body);
        if is_cut_off || call.target.contradiction(status, body).is_some() {
            return Outcome::CutOff;
        }
        Outcome::Answered(status, response::retry_after(self.response.headers()))
    }

    /// Returns the number of the token, if the service refused it and the source can provide another one.
    pub(super) fn refused_token(&self) -> Option<u64> {
        self.token
            .filter(|_| self.response.status() == StatusCode::UNAUTHORIZED)
    }
}

/// Whether a body is a whole JSON object or array, as far as that can be seen without decoding it: it begins and ends
/// as one. If it is cut off behind an inner object, it has more opening than closing braces. Braces in texts do not
/// count, so only then it is read.
fn is_whole_json(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let has_both_ends = matches!(
        (body.first(), body.last()),
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
    );
    let is_read = || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    has_both_ends && (count(body, b'{') == count(body, b'}') || is_read())
}

/// Counts a byte. Every response comes through here: sums of at most 255 fit a byte, so that many bytes are compared at
/// once.
fn count(body: &[u8], byte: u8) -> usize {
    let chunks = body.chunks(255);
    let in_chunk = |chunk: &[u8]| chunk.iter().map(|one| u8::from(*one == byte)).sum::<u8>();
    chunks.map(|chunk| usize::from(in_chunk(chunk))).sum()
}

fn failure(core: &Core, error: HttpError) -> Failure {
    const NETWORK: Option<&str> = Some("check the base URL, the network and the proxy");
    let (host, config) = (core.authority(), &core.config);
    let (kind, text, hint, source) = match error {
        HttpError::Connect(source) => {
            let text = format!("cannot connect to {host}");
            (ErrorKind::Connect, text, NETWORK, Some(source))
        }
        HttpError::ConnectTimeout(source) => {
            let text = format!(
                "cannot connect to {host} within {}",
                seconds(config.connect_timeout)
            );
            (ErrorKind::Connect, text, NETWORK, Some(source))
        }
        HttpError::Unsendable(source) => {
            let text = "the request cannot be sent".to_owned();
            (ErrorKind::InvalidRequest, text, None, Some(source))
        }
        HttpError::Broken(source) => {
            let text = "the connection broke before the whole answer was there".to_owned();
            let hint = Some("the network, a proxy or the service closed it");
            (ErrorKind::Transport, text, hint, Some(source))
        }
        HttpError::TooLong => {
            let most = config.max_response_size;
            let text = format!("the answer is longer than the allowed {most} bytes");
            let hint = Some("allow a longer one with `max_response_size`");
            (ErrorKind::Decode, text, hint, None)
        }
    };
    Failure {
        error: Error::new(kind, text).with(|inner| {
            inner.hint = hint.map(str::to_owned);
            inner.source = source;
        }),
        // The kinds of the failures above tell how far the request came.
        not_sent: matches!(kind, ErrorKind::Connect | ErrorKind::InvalidRequest),
        transient: matches!(kind, ErrorKind::Connect | ErrorKind::Transport),
    }
}

#[cfg(test)]
mod tests {
    use super::{count, is_whole_json};

    #[test]
    fn more_than_fit_a_byte_are_counted() {
        assert_eq!(count(&[b'{'; 1_000], b'{'), 1_000);
        assert_eq!(count(b"a{b{}", b'{'), 2);
    }

    #[test]
    fn a_body_that_is_cut_off_or_no_json_is_recognised_by_its_ends() {
        for whole in ["{}", "[1]", " {\"a\":{}}\r\n", "{\"a\":\"}\"}"] {
            assert!(is_whole_json(whole.as_bytes()), "{whole}");
        }
        for other in [
            "",
            "  ",
            "{",
            "{\"a\":[1,2",
            "{]",
            "<html></html>",
            "null",
            "{}x",
            "{\"a\":[{\"b\":1}",
        ] {
            assert!(!is_whole_json(other.as_bytes()), "{other}");
        }
    }
}
