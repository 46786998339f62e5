//! Errors from requests that were sent, or might have been, and got no answer.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use wpengine::{
    ErrorKind, RetryPolicy,
    transport::{HttpClient, HttpError, ResponseFuture},
};

use super::{Sheet, check, once, three_times};
use crate::support::{
    calls::{INSTALL, SITE},
    clients,
    script::{Script, Turn},
};

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_says_how_far_it_got() {
    let mut sheet = Sheet::default();
    for turn in [
        Turn::Connect,
        Turn::ConnectTimeout,
        Turn::Broken,
        Turn::Silence,
    ] {
        let client = once(Script::always(turn));
        sheet.note(&format!("{turn:?}, reading"), client.site(SITE).get().await);
        sheet.note(
            &format!("{turn:?}, deleting"),
            client.site(SITE).delete().await,
        );
    }
    let client = three_times(Script::always(Turn::Connect));
    sheet.note("three attempts", client.site(SITE).get().await);
    sheet.check(
        "unanswered",
        &[ErrorKind::Connect, ErrorKind::Transport, ErrorKind::Timeout],
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_says_which_limit_it_hit() {
    let mut sheet = Sheet::default();
    let silent = || clients::builder_on(Script::always(Turn::Silence));
    let client = silent()
        .attempt_timeout(Duration::from_millis(200))
        .retry(RetryPolicy::none());
    let client = client.build().expect("a client");
    sheet.note("an attempt", client.site(SITE).get().await);
    let client = silent()
        .timeout(Duration::from_secs(3))
        .build()
        .expect("a client");
    sheet.note("the whole call", client.site(SITE).get().await);
    let backup = client
        .install(INSTALL)
        .backups()
        .create("before deploy", ["ops@example.com"]);
    sheet.note("the whole call, writing", backup.await);
    let client = silent().build().expect("a client");
    let short = client.site(SITE).get().timeout(Duration::from_millis(1500));
    sheet.note("this one call", short.await);
    let quick = RetryPolicy::default()
        .first_wait(Duration::ZERO)
        .max_attempts(99);
    let client = silent()
        .attempt_timeout(Duration::from_secs(2))
        .timeout(Duration::from_secs(5))
        .retry(quick);
    let client = client.build().expect("a client");
    sheet.note("attempts that fill the call", client.site(SITE).get().await);
    sheet.check("timeouts", &[ErrorKind::Timeout]);
}

#[tokio::test]
async fn a_refused_connection_names_where_it_was_to_go() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let client = clients::at(&format!("http://{address}/v1")).retry(RetryPolicy::none());
    let client = client.build().expect("a client");
    let error = client.current_user().await.expect_err("nobody listens");
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(std::error::Error::source(&error).is_some());
    check(
        "connection_refused",
        &error
            .to_string()
            .replace(&address.to_string(), "127.0.0.1:[port]"),
    );
}

/// A response that is longer than allowed.
#[derive(Debug)]
struct Flood;

impl HttpClient for Flood {
    fn send(&self, _: Request<Bytes>, _: usize) -> ResponseFuture<'_> {
        Box::pin(async { Err::<Response<Bytes>, _>(HttpError::TooLong) })
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_says_how_long_it_may_be() {
    let client = clients::builder_on(std::sync::Arc::new(Flood)).max_response_size(1_000_000);
    let mut sheet = Sheet::default();
    sheet.note(
        "too long",
        client
            .build()
            .expect("a client")
            .sites()
            .list()
            .collect_at_most(9)
            .await,
    );
    sheet.check("too_long", &[ErrorKind::Decode]);
}
