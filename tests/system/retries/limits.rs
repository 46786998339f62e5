//! Limits of retries: the number of attempts and the total time.

use std::time::Duration;

use tokio::time::Instant;
use wpengine::{ErrorKind, RetryPolicy};

use crate::support::{
    clients,
    script::{Script, Turn, json, with_header},
};

#[tokio::test(start_paused = true)]
async fn a_policy_counts_for_the_client_or_for_one_call() {
    let script = Script::always(Turn::Connect);
    let client = clients::builder_on(script.clone())
        .retry(RetryPolicy::none())
        .build()
        .expect("a client");
    let error = client.current_user().await.expect_err("no connection");
    assert_eq!((script.count(), error.attempts()), (1, 1));

    let seven = RetryPolicy::default().max_attempts(7);
    client
        .current_user()
        .retry(seven)
        .await
        .expect_err("no connection");
    assert_eq!(script.count(), 1 + 7);
    client
        .installs()
        .create("torquedev", "a1")
        .retry(seven)
        .await
        .expect_err("no connection");
    assert_eq!(script.count(), 1 + 7 + 7);
    client
        .sites()
        .list()
        .retry(seven)
        .collect_at_most(9)
        .await
        .expect_err("no connection");
    assert_eq!(script.count(), 1 + 7 + 7 + 7);
    client
        .request(http::Method::GET, "/new")
        .retry(seven)
        .send()
        .await
        .expect_err("no connection");
    assert_eq!(script.count(), 1 + 7 + 7 + 7 + 7);
    client.current_user().await.expect_err("no connection");
    assert_eq!(script.count(), 1 + 7 + 7 + 7 + 7 + 1);

    let zero = RetryPolicy::default().max_attempts(0);
    client
        .current_user()
        .retry(zero)
        .await
        .expect_err("no connection");
    assert_eq!(script.count(), 1 + 7 + 7 + 7 + 7 + 1 + 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_no_longer_than_its_timeout() {
    let script = Script::always(Turn::Silence);
    let client = clients::builder_on(script.clone())
        .attempt_timeout(Duration::from_secs(45))
        .timeout(Duration::from_secs(100))
        .build()
        .expect("a client");
    let started = Instant::now();
    let error = client.current_user().await.expect_err("silence");
    let took = started.elapsed().as_secs_f64();
    assert!((90.0..=100.1).contains(&took), "{took}");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3));
    assert!(error.is_timeout());

    let started = Instant::now();
    let one_second = Duration::from_secs(1);
    let error = client
        .current_user()
        .timeout(one_second)
        .await
        .expect_err("silence");
    assert!(started.elapsed() <= Duration::from_millis(1_010));
    assert_eq!(error.attempts(), 1);
    let error = client
        .sites()
        .list()
        .timeout(one_second)
        .collect_at_most(1)
        .await
        .expect_err("silence");
    assert_eq!(error.attempts(), 1);
    let error = client
        .sites()
        .create("x", "a1")
        .timeout(one_second)
        .await
        .expect_err("silence");
    assert!(error.may_have_happened());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_goes_beyond_the_timeout_is_not_begun() {
    let script = Script::new(|_, _| Ok(with_header(json(429, "{}"), "retry-after", "60")));
    let client = clients::on(script.clone());
    let started = Instant::now();
    let limit = Duration::from_secs(50);
    let error = client.current_user().timeout(limit).await.expect_err("429");
    assert!(error.is_rate_limited());
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn durations_without_end_are_accepted() {
    let forever = Duration::MAX;
    let script = Script::then(
        &[Turn::Status(503)],
        r#"{"id":"u","email":"e@example.com"}"#,
    );
    let client = clients::builder_on(script.clone())
        .connect_timeout(forever)
        .attempt_timeout(forever)
        .timeout(forever)
        .build()
        .expect("a client");
    client
        .current_user()
        .timeout(forever)
        .await
        .expect("the second attempt");
    // A very long back-off must not panic either.
    let policy = RetryPolicy::default()
        .first_wait(forever)
        .longest_wait(forever);
    let script = Script::always(Turn::Status(503));
    let client = clients::on(script.clone());
    let error = client.current_user().retry(policy).await.expect_err("503");
    assert!(error.is_server_error());
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_is_not_sent_again() {
    let script = Script::always(Turn::Status(503));
    let client = clients::on(script.clone());
    let patient = RetryPolicy::default()
        .max_attempts(100)
        .first_wait(Duration::from_secs(10))
        .longest_wait(Duration::from_secs(10));
    let call = client.current_user().retry(patient).into_future();
    tokio::time::timeout(Duration::from_secs(30), call)
        .await
        .expect_err("still at it");
    let sent = script.count();
    assert!(sent >= 2, "{sent}");
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(script.count(), sent);
}
