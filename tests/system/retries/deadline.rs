//! One deadline for a call, wherever its time goes.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::Instant,
};
use wpengine::{
    ClientBuilder, Credentials, ErrorKind, RetryPolicy, TokenFuture, TokenSource,
    limits::{LimitKey, Observation, PermitFuture, RateLimiter, WindowState},
    transport::{HttpClient, HttpError, ResponseFuture},
};

use crate::support::{
    clients,
    script::{Script, Turn},
};

const DEADLINE: Duration = Duration::from_secs(2);

/// A limiter that never grants a permit and ignores the given time.
#[derive(Debug)]
struct Closed;

impl RateLimiter for Closed {
    fn acquire<'a>(&'a self, _: &'a LimitKey, _: Duration) -> PermitFuture<'a> {
        Box::pin(pending())
    }

    fn observe(&self, _: &LimitKey, _: &Observation<'_>) {}

    fn state(&self, _: &LimitKey) -> Vec<WindowState> {
        Vec::new()
    }
}

#[derive(Debug)]
struct NoToken;

impl TokenSource for NoToken {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(pending())
    }
}

/// A transport that fails to connect after a while.
#[derive(Debug)]
struct SlowToConnect;

impl HttpClient for SlowToConnect {
    fn send(&self, _: Request<Bytes>, _: usize) -> ResponseFuture<'_> {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            Err(HttpError::ConnectTimeout("timed out".into()))
        })
    }
}

/// The step that takes the time, the client in which it does, the kind of the error, and whether a write may have been
/// done.
type Row = (&'static str, ClientBuilder, ErrorKind, bool);

fn table() -> Vec<Row> {
    let answering = || clients::builder_on(Script::answering("{}"));
    let slow_retries = RetryPolicy::default().first_wait(Duration::from_secs(600));
    vec![
        (
            "limiter",
            answering().rate_limiter(Closed),
            ErrorKind::RateLimit,
            false,
        ),
        (
            "token",
            answering().credentials(Credentials::token_source(NoToken)),
            ErrorKind::Timeout,
            false,
        ),
        (
            "connect",
            clients::builder_on(Arc::new(SlowToConnect)).retry(RetryPolicy::none()),
            ErrorKind::Connect,
            false,
        ),
        (
            "attempt",
            clients::builder_on(Script::always(Turn::Silence)),
            ErrorKind::Timeout,
            true,
        ),
        (
            "back-off",
            clients::builder_on(Script::always(Turn::Status(503))).retry(slow_retries),
            ErrorKind::Api,
            true,
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_every_step_of_a_call() {
    for (step, builder, kind, may_have_happened) in table() {
        let client = builder.timeout(DEADLINE).build().expect("a client");
        let started = Instant::now();
        let error = client.current_user().await.expect_err(step);
        let took = started.elapsed();
        // Timers have a resolution of one millisecond, and a limiter that ignores the given time gets 20 ms more.
        assert!(
            took <= DEADLINE + Duration::from_millis(25),
            "{step}: {took:?}"
        );
        assert_eq!(error.kind(), kind, "{step}: {error}");

        let write = client.sites().create("x", "a1").await.expect_err(step);
        assert_eq!(write.kind(), kind, "{step}: {write}");
        assert_eq!(
            write.may_have_happened(),
            may_have_happened,
            "{step}: {write}"
        );
    }
}

#[tokio::test]
async fn the_deadline_covers_the_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 4096];
        let _ = socket.read(&mut request).await.expect("a request");
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":";
        socket.write_all(half).await.expect("it is written");
        // Waits until the client closes the connection.
        while socket.read(&mut request).await.is_ok_and(|read| read > 0) {}
    });
    let client = clients::at(&format!("http://{address}/v1"))
        .timeout(Duration::from_millis(300))
        .build()
        .expect("a client");
    let error = client.current_user().await.expect_err("half a body");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.to_string().contains("within 0.3 s"), "{error}");
    server.await.expect("the client hung up");
}
