//! A transport in memory that answers from a script, for tests of what is sent, how often and when. It works with
//! paused time.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use tokio::time::Instant;
use wpengine::transport::{HttpClient, HttpError, ResponseFuture};

/// The maximum number of requests. No test needs more; more mean an endless loop.
const MOST: usize = 20_000;

/// The result of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// No connection could be opened.
    Connect,
    /// No connection could be opened in time.
    ConnectTimeout,
    /// The connection broke after the request was sent.
    Broken,
    /// No response ever arrives.
    Silence,
    /// A response with this status and an error body.
    Status(u16),
}

type Play = dyn Fn(usize, &Request<Bytes>) -> Result<Response<Bytes>, Turn> + Send + Sync;

/// Calls a function for each request, with the number of the request (from 0) and the request.
pub(crate) struct Script {
    play: Box<Play>,
    seen: Mutex<Vec<(Duration, Request<Bytes>)>>,
    started: Instant,
}

impl Script {
    pub(crate) fn new(
        play: impl Fn(usize, &Request<Bytes>) -> Result<Response<Bytes>, Turn> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            play: Box::new(play),
            seen: Mutex::default(),
            started: Instant::now(),
        })
    }

    /// Ends every attempt in the same way.
    pub(crate) fn always(turn: Turn) -> Arc<Self> {
        Self::new(move |_, _| Err(turn))
    }

    /// Answers every attempt with this JSON.
    pub(crate) fn answering(body: impl Into<String>) -> Arc<Self> {
        let body = body.into();
        Self::new(move |_, _| Ok(json(200, &body)))
    }

    /// Ends the first attempts in these ways, and answers all later ones with this JSON.
    pub(crate) fn then(turns: &[Turn], body: impl Into<String>) -> Arc<Self> {
        let (turns, body) = (turns.to_vec(), body.into());
        Self::new(move |number, _| match turns.get(number) {
            Some(turn) => Err(*turn),
            None => Ok(json(200, &body)),
        })
    }

    /// Returns the requests that were sent, oldest first.
    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.locked()
            .iter()
            .map(|(_, request)| request.clone())
            .collect()
    }

    /// Returns when the requests were sent, counted from the creation of the script.
    pub(crate) fn times(&self) -> Vec<Duration> {
        self.locked().iter().map(|(time, _)| *time).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.locked().len()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<(Duration, Request<Bytes>)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl HttpClient for Script {
    fn send(&self, request: Request<Bytes>, _: usize) -> ResponseFuture<'_> {
        let number = {
            let mut seen = self.locked();
            assert!(seen.len() < MOST, "this goes on for ever");
            seen.push((self.started.elapsed(), request.clone()));
            seen.len() - 1
        };
        let turn = (self.play)(number, &request);
        Box::pin(async move {
            match turn {
                Ok(answer) => Ok(answer),
                Err(Turn::Connect) => Err(HttpError::Connect("connection refused".into())),
                Err(Turn::ConnectTimeout) => Err(HttpError::ConnectTimeout("timed out".into())),
                Err(Turn::Broken) => Err(HttpError::Broken("connection reset".into())),
                Err(Turn::Silence) => std::future::pending().await,
                Err(Turn::Status(status)) => Ok(json(status, r#"{"message":"as scripted"}"#)),
            }
        })
    }
}

/// Creates a response with a JSON body.
pub(crate) fn json(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .expect("a valid response")
}

/// Adds a header to a response.
pub(crate) fn with_header(
    mut answer: Response<Bytes>,
    name: &'static str,
    value: &str,
) -> Response<Bytes> {
    answer
        .headers_mut()
        .insert(name, value.parse().expect("a header value"));
    answer
}
