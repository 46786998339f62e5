//! Runs one operation of the generated client. The context of the call is the inner value of the generated client. Only
//! this module converts the errors of the generated client to [`Error`].

mod facts;
mod request;

use std::{
    any::Any,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;
use wpengine_raw as raw;

pub(crate) use facts::{Explain, Facts, Record, explain};
pub(crate) use request::{below_base, decorate, is_below_base, name_of};

use crate::{
    error::{Error, ErrorKind},
    response::Response,
    transport::{self, Core, Options, Target},
};

pub(crate) type RawResult<T> = Result<raw::ResponseValue<T>, raw::Error<()>>;

/// Runs one operation of the generated client.
pub(crate) async fn call<T, F, Fut>(
    core: &Arc<Core>,
    operation: &'static str,
    options: Options,
    ask: F,
) -> Result<Response<T>, Error>
where
    T: DeserializeOwned + Any,
    F: FnOnce(raw::Client) -> Fut,
    Fut: Future<Output = RawResult<T>>,
{
    let context = Arc::new(Context {
        core: Arc::clone(core),
        options,
        state: Mutex::default(),
    });
    let transport: raw::Transport = Arc::clone(&context) as raw::Transport;
    let client = raw::Client::new_with_client(core.base_url(), core.http.clone(), transport);
    let outcome = ask(client).await;
    let mut state = context.take_state();
    let value = match outcome {
        Ok(value) => value.into_inner(),
        Err(error) => return Err(raw_error(core, operation, state, error, explain::<T>).await),
    };
    if let Some((how, body)) = state.contradiction.take() {
        return Err(state.facts(core, operation).contradicted(how, &body));
    }
    if core.limiter.is_some() {
        core.accounts.learn(&value);
    }
    Ok(state.record.response(value))
}

/// The request and the response of one call. It is the transport of the generated client.
struct Context {
    core: Arc<Core>,
    options: Options,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    record: Record,
    failure: Option<Error>,
    /// How a successful response contradicts the documentation, and its body.
    contradiction: Option<(&'static str, Bytes)>,
}

impl State {
    fn facts<'a>(self, core: &'a Core, operation: &'static str) -> Facts<'a> {
        let known = raw::operation(operation);
        Facts {
            core,
            operation,
            is_read: known.is_some_and(raw::Operation::is_read),
            is_secret: known.is_some_and(|operation| operation.secret),
            record: self.record,
        }
    }
}

impl Context {
    fn take_state(&self) -> State {
        std::mem::take(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

debug_fields!(Context as this: options = this.options);

impl raw::Exec for Context {
    fn exec<'a>(
        &'a self,
        _client: &'a reqwest::Client,
        request: reqwest::Request,
        operation_id: &'static str,
    ) -> raw::ExecFuture<'a> {
        Box::pin(async move {
            let (mut state, mut response) =
                exec(&self.core, &self.options, request, operation_id).await;
            // The headers are moved, because the generated client does not read them.
            state.record.headers = std::mem::take(response.headers_mut());
            *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
            Ok(response)
        })
    }
}

/// The transport of [`Client::raw`](crate::Client::raw). It sends requests in the same way, but no call reads the
/// record.
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

/// The status of a placeholder response, used if the transport returned an error. A `reqwest::Error` cannot be created
/// outside of reqwest, so the generated client gets this response instead.
const NO_ANSWER: u16 = 599;

async fn exec(
    core: &Core,
    options: &Options,
    request: reqwest::Request,
    operation_id: &'static str,
) -> (State, reqwest::Response) {
    let mut state = State::default();
    match send(core, options, request, operation_id, &mut state).await {
        Ok(response) => (state, answer(core, response).into()),
        Err(error) => {
            let mut response = http::Response::new(reqwest::Body::from(error.to_string()));
            *response.status_mut() =
                StatusCode::from_u16(NO_ANSWER).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            state.failure = Some(error);
            (state, response.into())
        }
    }
}

async fn send(
    core: &Core,
    options: &Options,
    request: reqwest::Request,
    operation_id: &'static str,
    state: &mut State,
) -> Result<http::Response<Bytes>, Error> {
    let request = request::prepare(core, options, request)?;
    let path = request.uri().path();
    let target = raw::operation(operation_id)
        .map_or_else(|| Target::find(request.method(), path), Target::of);
    state.record.request = Some(name_of(core, request.method(), path));
    let exchange = transport::run(core, &target, options, &request).await?;
    let response = exchange.response;
    state.contradiction = target
        .contradiction(response.status(), response.body())
        .map(|how| (how, response.body().clone()));
    state.record.authorization = exchange.authorization;
    state.record.status = response.status();
    state.record.history = exchange.history;
    Ok(response)
}

/// Converts a response for the generated client. The URL is that of the base: the generated client does not read it,
/// and building the real one would cost more than a copy.
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

async fn raw_error(
    core: &Core,
    operation: &'static str,
    mut state: State,
    error: raw::Error<()>,
    explain: Explain,
) -> Error {
    let failure = state.failure.take();
    let facts = state.facts(core, operation);
    if let Some(failure) = failure {
        return facts.name(failure);
    }
    match error {
        raw::Error::UnexpectedResponse(response) => {
            let body = response.bytes().await.unwrap_or_default();
            facts.api(&body)
        }
        raw::Error::InvalidResponsePayload(body, error) => facts.decode(&body, explain, &error),
        // The generated client returns no other error for a response with a complete body.
        other => facts.name(
            Error::new(ErrorKind::Transport, "the request could not be made").caused_by(other),
        ),
    }
}
