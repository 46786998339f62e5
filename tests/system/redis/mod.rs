//! Rate limits that processes share through Redis, on a real `redis-server`. Where there is none these tests say that they
//! were skipped; `WPENGINE_REQUIRE_REDIS` makes that a failure.

mod canary;
mod failing;
mod processes;
mod server;
mod windows;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use wpengine::{Client, RedisWindows, Window, Wire, WireError, WireFuture};

use crate::support::{clients, script};

const USER: &str = r#"{"id":"u","email":"joe@example.com"}"#;

/// The period of the windows here: so short that a test can wait for it.
const PERIOD: Duration = Duration::from_millis(800);
const MARGIN: Duration = Duration::from_millis(50);

/// Windows of so many requests in [`PERIOD`].
fn windows(url: &str, limit: usize) -> RedisWindows {
    RedisWindows::new(url)
        .expect("a URL")
        .per_credentials([Window::new(limit, PERIOD)])
        .per_account([])
        .margin(MARGIN)
        .trust_empty()
}

/// A process of its own, as far as Redis can see.
struct Process {
    client: Client,
    wire: Arc<Service>,
}

impl Process {
    fn new(windows: RedisWindows) -> Self {
        let wire = Arc::new(Service::default());
        let client = clients::builder_on(Arc::clone(&wire) as Arc<dyn Wire>)
            .rate_limiter(windows)
            .build()
            .expect("a client");
        Self { client, wire }
    }

    async fn ask(&self) -> Result<(), wpengine::Error> {
        self.client.current_user().await.map(drop)
    }

    async fn ask_times(&self, times: usize) {
        for _ in 0..times {
            self.ask().await.expect("it may leave");
        }
    }

    fn arrivals(&self) -> Vec<Instant> {
        self.wire.state.lock().unwrap().arrivals.clone()
    }
}

/// Asserts that of all these no more than the limit arrived in any period.
fn assert_not_exceeded(processes: &[&Process], limit: usize) -> usize {
    let mut arrivals: Vec<_> = processes.iter().flat_map(|one| one.arrivals()).collect();
    arrivals.sort();
    for (index, arrival) in arrivals.iter().enumerate().skip(limit) {
        let between = *arrival - arrivals[index - limit];
        assert!(between >= PERIOD, "more than {limit} in {between:?}");
    }
    arrivals.len()
}

/// What answers: at once with a user, unless told otherwise.
#[derive(Debug, Default)]
struct Service {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    arrivals: Vec<Instant>,
    /// What the next answers are, before those that are as usual.
    next: Vec<Next>,
}

#[derive(Debug)]
enum Next {
    Answer(Response<Bytes>),
    After(Duration),
    CannotConnect,
}

impl Service {
    fn next(&self, next: Next) {
        self.state.lock().unwrap().next.push(next);
    }

    fn refuse(&self, headers: &[(&'static str, String)]) {
        let mut answer = script::json(429, r#"{"message":"Too Many Requests"}"#);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a value"));
        }
        *answer.headers_mut() = map;
        self.next(Next::Answer(answer));
    }
}

impl Wire for Service {
    fn send(&self, _request: Request<Bytes>, _most: usize) -> WireFuture<'_> {
        Box::pin(async move {
            let next = {
                let state = &mut *self.state.lock().unwrap();
                if state.next.is_empty() {
                    None
                } else {
                    Some(state.next.remove(0))
                }
            };
            if matches!(next, Some(Next::CannotConnect)) {
                return Err(WireError::Connect("refused".into()));
            }
            self.state.lock().unwrap().arrivals.push(Instant::now());
            match next {
                Some(Next::Answer(answer)) => Ok(answer),
                Some(Next::After(time)) => {
                    tokio::time::sleep(time).await;
                    Ok(script::json(200, USER))
                }
                _ => Ok(script::json(200, USER)),
            }
        })
    }
}
