//! A client with a transport in memory, which answers from a script, and with a paused clock.

use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header};
use tokio::time::Instant;
use wpengine::{
    Client, ClientBuilder, Credentials, RetryPolicy,
    transport::{HttpClient, HttpError, ResponseFuture},
};

/// The base URL of the clients.
const ORIGIN: &str = "http://127.0.0.1:1";

pub(super) const USER: &str = "fuzz-user";

/// The credentials of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// An ordinary password.
    Plain,
    /// A password with characters that JSON, HTML and Rust escape.
    Odd,
    /// A bearer token.
    Token,
}

impl Caller {
    /// The password or the token.
    pub(super) fn secret(self) -> &'static str {
        match self {
            Self::Plain => "plain-7f3a-password",
            Self::Odd => "o\"d\\d/ö7f3a<&'password",
            Self::Token => "token.7f3a~91",
        }
    }

    fn credentials(self) -> Credentials {
        match self {
            Self::Token => Credentials::bearer(self.secret()),
            Self::Plain | Self::Odd => Credentials::basic(USER, self.secret()),
        }
    }
}

/// Answers a request, given its number (from 0) and the request.
type Play = dyn FnMut(usize, &Request<Bytes>) -> Response<Bytes> + Send;

/// The transport.
#[derive(Default)]
pub(super) struct Desk(Mutex<State>);

#[derive(Default)]
struct State {
    play: Option<Box<Play>>,
    sent: Vec<(Instant, String)>,
    /// The largest allowed number of requests.
    most: usize,
    /// The latency of each answer.
    delay: Duration,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the script and clears the recorded requests. More than `most` requests are a failure.
    pub(super) fn play(
        &self,
        most: usize,
        play: impl FnMut(usize, &Request<Bytes>) -> Response<Bytes> + Send + 'static,
    ) {
        *self.state() = State {
            play: Some(Box::new(play)),
            sent: Vec::new(),
            most,
            delay: Duration::ZERO,
        };
    }

    /// Sets the latency of each answer.
    pub(super) fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// Gives the same answer to every request.
    pub(super) fn answer(&self, status: u16, body: &[u8]) {
        let body = Bytes::copy_from_slice(body);
        self.play(100, move |_, _| answer(status, body.clone()));
    }

    /// When the requests were sent.
    pub(super) fn times(&self) -> Vec<Instant> {
        self.state().sent.iter().map(|(time, _)| *time).collect()
    }

    /// The path and query of each request.
    pub(super) fn sent(&self) -> Vec<String> {
        self.state()
            .sent
            .iter()
            .map(|(_, asked)| asked.clone())
            .collect()
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Desk")
    }
}

impl HttpClient for Desk {
    fn send(&self, request: Request<Bytes>, most: usize) -> ResponseFuture<'_> {
        // Whatever an answer contains, credentials must go only to the base URL.
        let uri = request.uri();
        assert_eq!(uri.scheme_str(), Some("http"), "{uri}");
        assert_eq!(
            uri.authority().map(|at| at.as_str()),
            Some("127.0.0.1:1"),
            "{uri}"
        );
        assert!(uri.path().starts_with("/v1/"), "{uri}");
        assert!(request.headers().contains_key(header::AUTHORIZATION));
        let mut state = self.state();
        let number = state.sent.len();
        let asked = uri.path_and_query().map(ToString::to_string);
        state.sent.push((Instant::now(), asked.unwrap_or_default()));
        assert!(number < state.most, "this goes on for ever");
        let play = state.play.as_mut().expect("something is played");
        let answer = play(number, &request);
        let delay = state.delay;
        Box::pin(async move {
            tokio::time::sleep(delay).await;
            if answer.body().len() > most {
                return Err(HttpError::TooLong);
            }
            Ok(answer)
        })
    }
}

pub(super) fn answer(status: u16, body: Bytes) -> Response<Bytes> {
    let mut answer = Response::new(body);
    *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    answer
}

fn builder(caller: Caller, desk: &Arc<Desk>) -> ClientBuilder {
    Client::builder()
        .base_url(format!("{ORIGIN}/v1"))
        .credentials(caller.credentials())
        .retry(RetryPolicy::none())
        .retry_budget(u32::MAX)
        .http_client(Arc::clone(desk) as Arc<dyn HttpClient>)
}

/// A client without rate limits, and its desk. There is one for each thread.
pub(super) fn client(caller: Caller) -> (Client, Arc<Desk>) {
    thread_local! {
        static CLIENTS: RefCell<HashMap<Caller, (Client, Arc<Desk>)>> = RefCell::default();
    }
    CLIENTS.with_borrow_mut(|clients| {
        clients
            .entry(caller)
            .or_insert_with(|| {
                let desk = Arc::new(Desk::default());
                let client = builder(caller, &desk).no_rate_limiter().build();
                (client.expect("a client"), desk)
            })
            .clone()
    })
}

/// A new client with the default rate limits.
pub(super) fn limited_client() -> (Client, Arc<Desk>) {
    let desk = Arc::new(Desk::default());
    let client = builder(Caller::Plain, &desk)
        .rate_limiter(wpengine::limits::Windows::default())
        .build();
    (client.expect("a client"), desk)
}

/// Runs the future to its end with a paused clock, which jumps to the next timer.
pub(super) fn run<T>(work: impl Future<Output = T>) -> T {
    /// A year, which is longer than any test takes.
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime
        .block_on(async { tokio::time::timeout(LONGEST, work).await })
        .expect("it comes to an end")
}
