//! Retries over real connections, which fail in more ways.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wpengine::{Client, ErrorKind};

use crate::support::clients;

const USER: &str = r#"{"id":"u1","email":"jane@example.com"}"#;

fn quick(base_url: &str) -> Client {
    clients::at(base_url)
        .retry(clients::four_attempts().first_wait(Duration::from_millis(2)))
        .attempt_timeout(Duration::from_secs(10))
        .build()
        .expect("a client")
}

/// A server that breaks the first connections in the given way and answers the rest.
async fn breaking(first: usize, bytes: &'static [u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let requests = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            if seen.fetch_add(1, Ordering::SeqCst) < first {
                let _ = stream.write_all(bytes).await;
                continue;
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{USER}",
                USER.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, requests)
}

async fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    while !complete(&request) {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&chunk[..read]),
        }
    }
}

/// Returns whether the head and the body have arrived, by the `content-length` of the head.
fn complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")
                .map(str::to_owned)
        })
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    body.len() >= length
}

const BREAKS: [(&str, &[u8]); 4] = [
    ("before the answer", b""),
    ("in the head", b"HTTP/1.1 200 OK\r\ncontent-le"),
    (
        "in the body",
        b"HTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n{\"id\":",
    ),
    ("with what is no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n"),
];

#[tokio::test]
async fn a_reading_request_survives_connections_that_break() {
    for (place, bytes) in BREAKS {
        let (url, requests) = breaking(2, bytes).await;
        let answer = quick(&url).current_user().send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{place}: {error:?}"));
        assert_eq!(answer.attempts(), 3, "{place}");
        assert_eq!(requests.load(Ordering::SeqCst), 3, "{place}");
    }
}

#[tokio::test]
async fn a_writing_request_is_sent_once_over_a_connection_that_breaks() {
    for (place, bytes) in BREAKS {
        let (url, requests) = breaking(9, bytes).await;
        let error = quick(&url).sites().create("A site", "a1").await;
        let error = error.expect_err(place);
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{place}: {error}");
        assert_eq!(error.kind(), ErrorKind::Transport, "{place}: {error:?}");
        assert!(error.may_have_happened(), "{place}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_and_nothing_happened() {
    // The port was free a moment ago, so nothing listens on it.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    drop(listener);
    let error = quick(&url)
        .sites()
        .create("A site", "a1")
        .await
        .expect_err("refused");
    assert!(error.is_connect(), "{error:?}");
    assert_eq!(error.attempts(), 4);
    assert!(!error.may_have_happened());
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_and_not_asked_for_again() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
    ] {
        let long = format!("{head}\"{}\"", "x".repeat(4_998));
        let (url, requests) = breaking(9, Box::leak(long.into_bytes().into_boxed_slice())).await;
        let client = clients::at(&url)
            .max_response_size(4_999)
            .build()
            .expect("a client");
        let error = client.current_user().await.expect_err("too long");
        assert!(
            error
                .to_string()
                .contains("longer than the allowed 4999 bytes"),
            "{error}"
        );
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }
}

/// A pooled connection makes no progress while the runtime that opened it does not run.
#[test]
fn a_timeout_on_another_runtime_says_so() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    };
    // The simulator runs on a separate runtime, which is always active.
    let servers = tokio::runtime::Runtime::new().expect("a runtime");
    let simulator = servers
        .block_on(wpengine_sim::Simulator::builder().start())
        .expect("a simulator");
    let client = clients::at(&simulator.url())
        .credentials(wpengine::Credentials::basic(
            simulator.user(),
            simulator.password(),
        ))
        .attempt_timeout(Duration::from_millis(300))
        .retry(wpengine::RetryPolicy::none())
        .build()
        .expect("a client");
    let (first, second) = (runtime(), runtime());
    let call = || async { client.current_user().await };
    first.block_on(call()).expect("a user");
    let error = second
        .block_on(call())
        .expect_err("the connection is the first runtime's");
    assert!(
        error.to_string().contains("another tokio runtime"),
        "{error}"
    );
    first.block_on(call()).expect("a user");
}
