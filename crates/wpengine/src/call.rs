//! One call: a raw client whose inner value is this call's context. The raw crate's errors become [`Error`] here and
//! nowhere else.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use wpengine_raw as raw;

use crate::{
    credentials::redact,
    error::{ApiError, Error, ErrorKind, shortened},
    response::{self, Response},
    transport::{self, Core, Exchange, History, Options, Parsed, Target},
};

pub(crate) type RawResult<T> = Result<raw::ResponseValue<T>, raw::Error<()>>;

/// How long what is named in an error may be: the place where an answer cannot be read, which an answer with fields of any
/// name makes up, and the id of a request.
const NAME: usize = 100;

/// How long the reason may be why an answer cannot be read: it quotes the answer.
const PROBLEM: usize = 200;

/// [`explain`], of the type that was wanted.
pub(crate) type Explain = fn(&[u8]) -> Option<Explanation>;

/// Where a body breaks, and how.
pub(crate) struct Explanation {
    path: String,
    problem: String,
}

/// Runs one operation of the generated client.
pub(crate) async fn call<T, F, Fut>(
    core: &Arc<Core>,
    operation: &'static str,
    options: Options,
    ask: F,
) -> Result<Response<T>, Error>
where
    T: DeserializeOwned,
    F: FnOnce(raw::Client) -> Fut,
    Fut: Future<Output = RawResult<T>>,
{
    let context = Arc::new(Context {
        core: Arc::clone(core),
        options,
        record: Mutex::default(),
    });
    let transport: raw::Transport = Arc::clone(&context) as raw::Transport;
    let client = raw::Client::new_with_client(core.base_url(), core.http.clone(), transport);
    let outcome = ask(client).await;
    let record = context.take_record();
    match outcome {
        Ok(value) => Ok(Response::new(
            value.into_inner(),
            record.status,
            record.headers,
            record.history.attempts,
        )),
        Err(raw::Error::InvalidResponsePayload(body, error))
            if let Some((target, request)) = record.repeatable()
                && !is_json(&body) =>
        {
            let unread = Unread { body, error };
            let facts = record.facts(core, operation);
            let (value, facts) =
                read_again(&target, &context.options, request, unread, facts).await?;
            let attempts = facts.history.attempts;
            Ok(Response::new(value, facts.status, facts.headers, attempts))
        }
        Err(error) => Err(raw_error(core, operation, record, error, explain::<T>).await),
    }
}

/// A success whose body is no JSON.
pub(crate) struct Unread {
    pub(crate) body: Bytes,
    pub(crate) error: serde_json::Error,
}

/// Whether a body is JSON of any kind.
pub(crate) fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// Asks again until an answer can be read, as long as the limits of the call allow it.
pub(crate) async fn read_again<'a, T: DeserializeOwned>(
    target: &Target,
    options: &Options,
    request: http::Request<Bytes>,
    mut unread: Unread,
    mut facts: Facts<'a>,
) -> Result<(T, Facts<'a>), Error> {
    loop {
        let again =
            transport::run_again(facts.core, target, options, request.clone(), facts.history);
        let answer = match again.await {
            None => return Err(facts.decode(&unread.body, explain::<T>, &unread.error)),
            Some(Err(error)) => return Err(facts.name(error)),
            Some(Ok(answer)) => answer,
        };
        let (status, body) = (answer.response.status(), answer.response.body().clone());
        if status == StatusCode::NO_CONTENT {
            // A repeated deletion found nothing left: it was done, but what it was answered with is lost.
            facts.history = answer.history;
            return Err(facts.decode(&unread.body, explain::<T>, &unread.error));
        }
        facts.status = status;
        facts.headers = answer.response.headers().clone();
        facts.history = answer.history;
        facts.authorization = answer.authorization;
        if !status.is_success() {
            return Err(facts.api(&body));
        }
        match serde_json::from_slice(&body) {
            Ok(value) => return Ok((value, facts)),
            Err(error) if is_json(&body) => {
                return Err(facts.decode(&body, explain::<T>, &error));
            }
            Err(error) => unread = Unread { body, error },
        }
    }
}

/// Decodes a body that could not be decoded once more, to find out where it breaks.
pub(crate) fn explain<T: DeserializeOwned>(body: &[u8]) -> Option<Explanation> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err()?;
    Some(Explanation {
        path: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })
}

/// What one call knows of its request and answer. The generated client keeps it as its transport.
struct Context {
    core: Arc<Core>,
    options: Options,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    status: StatusCode,
    headers: HeaderMap,
    history: History,
    authorization: Option<HeaderValue>,
    failure: Option<Error>,
    /// What was sent, or would have been.
    sent: Option<(Target, http::Request<Bytes>)>,
}

impl Record {
    /// What was sent, where it is safe to send it again.
    fn repeatable(&self) -> Option<(Target, http::Request<Bytes>)> {
        let sent = self.sent.as_ref();
        sent.filter(|(target, _)| target.retry == raw::Retry::Safe)
            .cloned()
    }

    fn facts<'a>(self, core: &'a Core, operation: &'static str) -> Facts<'a> {
        let sent = self.sent.as_ref();
        let known = raw::operation(operation);
        Facts {
            core,
            operation,
            request: sent.map(|(_, request)| name_of(core, request.method(), request.uri().path())),
            status: self.status,
            headers: self.headers,
            history: self.history,
            authorization: self.authorization,
            is_read: known.is_some_and(raw::Operation::is_read),
            is_secret: known.is_some_and(|operation| operation.secret),
        }
    }
}

impl Context {
    fn take_record(&self) -> Record {
        std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl raw::Exec for Context {
    fn exec<'a>(
        &'a self,
        _client: &'a reqwest::Client,
        request: reqwest::Request,
        operation_id: &'static str,
    ) -> raw::ExecFuture<'a> {
        Box::pin(async move {
            let (mut record, mut response) =
                exec(&self.core, &self.options, request, operation_id).await;
            // The generated client hands them on without a look at them.
            record.headers = std::mem::take(response.headers_mut());
            *self.record.lock().unwrap_or_else(PoisonError::into_inner) = record;
            Ok(response)
        })
    }
}

/// The transport of [`Client::raw`](crate::Client::raw): the same way out, without a call that reads the record.
#[derive(Debug)]
pub(crate) struct Shared(pub(crate) Arc<Core>);

impl raw::Exec for Shared {
    fn exec<'a>(
        &'a self,
        _client: &'a reqwest::Client,
        request: reqwest::Request,
        operation_id: &'static str,
    ) -> raw::ExecFuture<'a> {
        Box::pin(async move {
            let (_, response) = exec(&self.0, &Options::default(), request, operation_id).await;
            Ok(response)
        })
    }
}

/// The status of the answer that stands for none: `reqwest::Error` cannot be made, so a failure travels as this.
const NO_ANSWER: u16 = 599;

async fn exec(
    core: &Core,
    options: &Options,
    request: reqwest::Request,
    operation_id: &'static str,
) -> (Record, reqwest::Response) {
    let mut record = Record::default();
    let sent = match prepare(core, options, request) {
        Ok(request) => {
            let target = raw::operation(operation_id).map_or_else(
                || Target::find(request.method(), request.uri().path()),
                Target::of,
            );
            let sent = transport::run(core, &target, options, &request).await;
            record.sent = Some((target, request));
            sent
        }
        Err(error) => Err(error),
    };
    let response = match sent {
        Ok(Exchange {
            response,
            history,
            authorization,
        }) => {
            record.authorization = authorization;
            record.status = response.status();
            record.history = history;
            answer(core, response)
        }
        Err(error) => {
            let mut response = http::Response::new(reqwest::Body::from(error.to_string()));
            *response.status_mut() =
                StatusCode::from_u16(NO_ANSWER).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            record.failure = Some(error);
            response
        }
    };
    (record, response.into())
}

/// As the generated client wants it. It asks for no address, and making one up would cost more than a copy.
fn answer(core: &Core, response: http::Response<Bytes>) -> http::Response<reqwest::Body> {
    use reqwest::ResponseBuilderExt as _;
    let (parts, body) = response.into_parts();
    let made = http::Response::builder()
        .url(core.base.clone())
        .body(reqwest::Body::from(body));
    let mut made = made.unwrap_or_default();
    *made.status_mut() = parts.status;
    *made.headers_mut() = parts.headers;
    made
}

/// `GET /sites/28c7...`: what errors call a request. Never with its query.
pub(crate) fn name_of(core: &Core, method: &http::Method, path: &str) -> String {
    format!("{method} {}", below_base(core, path))
}

/// The part of a path that stands below the base URL.
pub(crate) fn below_base<'a>(core: &Core, path: &'a str) -> &'a str {
    let base = core.base.path().trim_end_matches('/');
    path.strip_prefix(base).unwrap_or(path)
}

/// Whether a path is below the base URL at all: `/v1x` is not below `/v1`.
pub(crate) fn is_below_base(core: &Core, path: &str) -> bool {
    let base = core.base.path().trim_end_matches('/');
    path.strip_prefix(base)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Makes an owned request of the generated one, with the headers that every request has.
fn prepare(
    core: &Core,
    options: &Options,
    request: reqwest::Request,
) -> Result<http::Request<Bytes>, Error> {
    let (method, url) = (request.method().clone(), Arc::new(request.url().clone()));
    let request = http::Request::<reqwest::Body>::try_from(request).map_err(|error| {
        let name = name_of(core, &method, url.path());
        Error::invalid("the request has no valid URL")
            .caused_by(error)
            .with(|inner| inner.request = Some(name))
    })?;
    let (parts, body) = request.into_parts();
    let body = body
        .as_bytes()
        .map(Bytes::copy_from_slice)
        .unwrap_or_default();
    let mut request = http::Request::from_parts(parts, body);
    request.extensions_mut().insert(Parsed(url));
    decorate(core, options, request.headers_mut());
    Ok(request)
}

/// The headers that every request has, and those of this call.
pub(crate) fn decorate(core: &Core, options: &Options, headers: &mut HeaderMap) {
    for (name, value) in &options.headers {
        headers.insert(name, value.clone());
    }
    headers.insert(header::USER_AGENT, core.user_agent.clone());
    // The transport puts its own where one is wanted.
    headers.remove(header::AUTHORIZATION);
    // Where no body is documented the generated client asks for none, but failures have one all the same.
    headers
        .entry(header::ACCEPT)
        .or_insert(HeaderValue::from_static("application/json"));
}

/// What a decoder says of an answer, without the addresses that it quotes: some of them open what they lead to.
fn without_addresses(problem: &str) -> String {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '`' | '\'' | ',');
    let mut rest = problem;
    let mut text = String::new();
    while let Some(at) = rest.find("://") {
        let start = rest[..at].rfind(is_end).map_or(0, |before| before + 1);
        let end = rest[at..]
            .find(is_end)
            .map_or(rest.len(), |after| at + after);
        text.push_str(&rest[..start]);
        text.push_str("(an address)");
        rest = &rest[end..];
    }
    text.push_str(rest);
    text
}

async fn raw_error(
    core: &Core,
    operation: &'static str,
    mut record: Record,
    error: raw::Error<()>,
    explain: Explain,
) -> Error {
    let failure = record.failure.take();
    let facts = record.facts(core, operation);
    if let Some(failure) = failure {
        return facts.name(failure);
    }
    match error {
        raw::Error::UnexpectedResponse(response) => {
            let body = response.bytes().await.unwrap_or_default();
            facts.api(&body)
        }
        raw::Error::InvalidResponsePayload(body, error) => facts.decode(&body, explain, &error),
        // The generated client makes no other error of an answer that it was given whole.
        other => facts.name(
            Error::new(ErrorKind::Transport, "the request could not be made").caused_by(other),
        ),
    }
}

/// What is known of a call that failed.
pub(crate) struct Facts<'a> {
    pub(crate) core: &'a Core,
    pub(crate) operation: &'static str,
    pub(crate) request: Option<String>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) history: History,
    /// What was sent as `Authorization`, to be taken out of whatever is quoted.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) is_read: bool,
    /// Whether the bodies can hold a secret: of a failure nothing is quoted then.
    pub(crate) is_secret: bool,
}

impl Facts<'_> {
    /// Says in an error what was asked.
    pub(crate) fn name(self, error: Error) -> Error {
        error.with(|inner| {
            inner.operation = Some(self.operation);
            // What could not even be made into a request says itself what it was to be.
            if self.request.is_some() {
                inner.request = self.request;
            }
        })
    }

    /// The id of the request, which is printed: a service can repeat anything in a header, too.
    fn request_id(&self) -> Option<String> {
        let mut id = response::request_id(&self.headers)?.to_owned();
        redact(&mut id, self.authorization.as_ref());
        Some(shortened(&id, NAME))
    }

    /// The service answered with a failure.
    pub(crate) fn api(self, body: &[u8]) -> Error {
        let api = if self.is_secret {
            ApiError::default()
        } else {
            ApiError::read(body, |text| redact(text, self.authorization.as_ref()))
        };
        let mut message = match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        };
        if let Some(said) = api.line()
            && !message.ends_with(&said)
        {
            message.push_str(": ");
            message.push_str(&said);
        }
        let mut error = Error::new(ErrorKind::Api, message);
        let session = self.core.authenticator.session();
        if let Some(hint) = self.hint(session.credentials()) {
            error = error.hint(hint);
        }
        let error = self.history.note(error).with(|inner| {
            inner.status = Some(self.status);
            inner.retry_after = response::retry_after(&self.headers);
            inner.request_id = self.request_id();
            inner.headers = self.headers.clone();
            inner.api = Some(api);
        });
        self.name(error)
    }

    /// What to do about a failure, where the service's own words do not say it.
    fn hint(&self, credentials: &crate::Credentials) -> Option<String> {
        let hint = match self.status {
            StatusCode::UNAUTHORIZED => return Some(credentials.hint()),
            StatusCode::FORBIDDEN => {
                "the user of these credentials may not do this, or cannot reach an id that the request names, or the path does not exist"
            }
            StatusCode::NOT_FOUND => {
                "nothing is there under that id, or these credentials cannot see it"
            }
            StatusCode::TOO_MANY_REQUESTS => "ask less often",
            status if status.is_redirection() => {
                "redirects are not followed, since they would carry the credentials elsewhere; check the base URL"
            }
            // Of a write it is said to look first.
            status if status.is_server_error() && !self.history.may_have_happened => {
                "the service failed: try again later, or ask WP Engine's support"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// The answer is a success that cannot be read.
    pub(crate) fn decode(self, body: &[u8], explain: Explain, error: &serde_json::Error) -> Error {
        let secret = self.is_secret;
        let (mut path, mut problem) = match explain(body) {
            Some(explanation) => (explanation.path, explanation.problem),
            None => (String::new(), error.to_string()),
        };
        redact(&mut path, self.authorization.as_ref());
        let path = shortened(&path, NAME);
        redact(&mut problem, self.authorization.as_ref());
        let problem = shortened(&without_addresses(&problem), PROBLEM);
        // Where the text breaks off there is no place.
        let place = if matches!(path.as_str(), "" | "." | "?") {
            String::new()
        } else {
            format!(" at `{path}`")
        };
        let is_json = is_json(body);
        let message = if body.is_empty() {
            format!("{}, but the answer has no body", self.status.as_u16())
        } else if !is_json {
            format!(
                "{}, but the answer is not JSON: {problem}",
                self.status.as_u16()
            )
        } else if secret {
            format!(
                "{}, but the answer cannot be read{place}",
                self.status.as_u16()
            )
        } else {
            format!(
                "{}, but the answer cannot be read{place}: {problem}",
                self.status.as_u16()
            )
        };
        let error = self
            .history
            .note(
                Error::new(ErrorKind::Decode, message).hint(if is_json {
                    "the API may have changed: look for a newer version of this crate"
                } else {
                    "something on the way may have answered, or cut the answer off: check the base URL and the proxy"
                }),
            )
            .with(|inner| {
                // The service said that it did what was asked; only the answer is lost.
                inner.may_have_happened = !self.is_read;
                inner.status = Some(self.status);
                inner.request_id = self.request_id();
                inner.headers = self.headers.clone();
            });
        self.name(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_decoder_quotes_is_not_shown() {
        let problem =
            r#"invalid type: string "https://a.example/b?c=d", expected struct X at line 1"#;
        assert_eq!(
            without_addresses(problem),
            r#"invalid type: string "(an address)", expected struct X at line 1"#
        );
        assert_eq!(
            without_addresses("x://y and z://"),
            "(an address) and (an address)"
        );
        assert_eq!(
            without_addresses("missing field `id`"),
            "missing field `id`"
        );
    }
}
