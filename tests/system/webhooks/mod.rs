//! Deliveries: signed, in order, again until they are done or given up, and to no address that nobody named.

mod addresses;
pub(crate) mod kills;
mod retries;
mod verifiers;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use serde_json::Value;
use tokio::time::Instant;
use wpengine::{
    jiff::{SignedDuration, Timestamp},
    transport::{HttpClient, HttpError, ResponseFuture},
};
use wpengine_events::{Clock, Endpoint, Events, Secret, Sender};

/// Events in memory, with the time of the runtime.
fn events() -> Events {
    let (start, began) = (
        Timestamp::from_second(1_800_000_000).unwrap(),
        Instant::now(),
    );
    let clock = Clock::new(move || start + SignedDuration::try_from(began.elapsed()).unwrap());
    Events::in_memory().unwrap().clock(clock)
}

fn secret() -> Secret {
    Secret::generate().unwrap()
}

fn endpoint(name: &str) -> Endpoint {
    Endpoint::webhook(name, "https://receiver.example.com/hook", [secret()]).unwrap()
}

/// A delivery that came.
#[derive(Clone, Debug)]
struct Got {
    /// How long after the beginning.
    at: Duration,
    id: String,
    kind: String,
    object: String,
}

type Answer = dyn Fn(usize, &Got) -> Result<Response<Bytes>, HttpError> + Send + Sync;

/// A receiver without a socket, which answers as it is told.
#[derive(Clone)]
struct Receiver {
    began: Instant,
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Answer>,
    /// A delivery with this number is never answered.
    hangs: Option<usize>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver")
    }
}

impl Receiver {
    fn new(
        answer: impl Fn(usize, &Got) -> Result<Response<Bytes>, HttpError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            began: Instant::now(),
            got: Arc::default(),
            answer: Arc::new(answer),
            hangs: None,
        }
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
}

impl HttpClient for Receiver {
    fn send(&self, request: Request<Bytes>, _most: usize) -> ResponseFuture<'_> {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let got = Got {
            at: self.began.elapsed(),
            id: request.headers()["webhook-id"].to_str().unwrap().to_owned(),
            kind: body["type"].as_str().unwrap().to_owned(),
            object: body["data"]["subject"].as_str().unwrap().to_owned(),
        };
        let number = {
            let mut all = self.got.lock().unwrap();
            all.push(got.clone());
            all.len() - 1
        };
        Box::pin(async move {
            if self.hangs == Some(number) {
                std::future::pending::<()>().await;
            }
            (self.answer)(number, &got)
        })
    }
}

fn status(code: u16) -> Result<Response<Bytes>, HttpError> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = code.try_into().unwrap();
    Ok(response)
}

fn asking_to_wait(code: u16, value: &str) -> Result<Response<Bytes>, HttpError> {
    let mut response = status(code)?;
    response
        .headers_mut()
        .insert("retry-after", HeaderValue::from_str(value).unwrap());
    Ok(response)
}

/// Runs a sender for a while.
async fn run(sender: &Sender, time: Duration) {
    sender.run(tokio::time::sleep(time)).await.unwrap();
}

async fn add(events: &Events, object: &str, key: &str) -> String {
    events
        .add("deploy.finished", object, key, Value::Null)
        .await
        .unwrap()
}

const HOUR: Duration = Duration::from_secs(3_600);
