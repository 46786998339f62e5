//! Successful responses that were cut off, or whose body was replaced by another text.

use std::time::Duration;

use wpengine::{ErrorKind, RetryPolicy, operation::Retry};

use crate::support::{
    calls::{self, INSTALL},
    clients,
    script::{Script, Turn, json},
};

const SITE: &str = r#"{"id":"s1","name":"A site","account":{"id":"a1"}}"#;

/// Bodies that are not JSON: cut off, replaced by another text, and empty.
const BROKEN: [&str; 3] = [r#"{"id":"s1","name":"A si"#, "<html>Welcome</html>", ""];

#[tokio::test(start_paused = true)]
async fn it_is_asked_for_again_where_that_is_safe() {
    for body in BROKEN {
        let script = Script::new(move |number, _| match number {
            0 => Ok(json(200, body)),
            1 => Err(Turn::Status(503)),
            2 => Ok(json(200, body)),
            _ => Ok(json(200, SITE)),
        });
        let client = clients::on(script.clone());
        let answer = client.site("s1").get().send().await.expect("it is there");
        assert_eq!(answer.value.id.as_str(), "s1");
        assert_eq!(answer.attempts(), 4);
        let counters = client.counters();
        assert_eq!((counters.calls, counters.attempts), (1, 4));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_safe_to_repeat_is_not_and_the_error_says_that_it_may_have_happened() {
    for body in BROKEN {
        let script = Script::answering(body);
        let client = clients::on(script.clone());
        for operation in wpengine::operations() {
            if calls::looks_first(operation.id) {
                continue;
            }
            let before = script.count();
            let outcome = calls::call(&client, operation.id).await;
            let sent = script.count() - before;
            let Err(error) = outcome else {
                // An empty body is correct if no body is documented.
                assert!(body.is_empty() && !operation.json, "{}", operation.id);
                continue;
            };
            assert_eq!(error.kind(), ErrorKind::Decode, "{}", operation.id);
            let expected = if operation.retry == Retry::Safe { 4 } else { 1 };
            assert_eq!(sent, expected, "{}: {error}", operation.id);
            assert_eq!(error.attempts() as usize, sent, "{}", operation.id);
            assert_eq!(error.may_have_happened(), !operation.is_read());
            assert_eq!(error.operation(), Some(operation.id));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn json_of_another_shape_is_not_asked_for_again() {
    for body in [r#"{"id":5}"#, "[]"] {
        let script = Script::answering(body);
        let client = clients::on(script.clone());
        client.site("s1").get().await.unwrap_err();
        assert_eq!(script.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_the_call_hold_over_all_its_attempts() {
    let script = Script::answering(BROKEN[0]);
    let client = clients::on(script.clone());
    let asked = |policy| client.site("s1").get().retry(policy);
    let error = asked(RetryPolicy::none()).await.unwrap_err();
    assert_eq!((script.count(), error.attempts()), (1, 1));
    let error = asked(RetryPolicy::default().max_attempts(6))
        .await
        .unwrap_err();
    assert_eq!((script.count(), error.attempts()), (7, 6));

    let started = tokio::time::Instant::now();
    let limit = Duration::from_secs(2);
    let patient = RetryPolicy::default().max_attempts(1_000);
    let error = asked(patient).timeout(limit).await.unwrap_err();
    assert!(started.elapsed() <= limit, "{:?}", started.elapsed());
    assert_eq!(error.kind(), ErrorKind::Decode);

    let thrifty = clients::builder_on(script.clone())
        .retry_budget(2)
        .build()
        .unwrap();
    let error = thrifty.site("s1").get().await.unwrap_err();
    assert!(
        error.attempts() == 3,
        "what cannot be read is no success: {error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_by_path_is_asked_again_too() {
    let script = Script::new(|number, _| match number {
        0 => Ok(json(200, BROKEN[0])),
        _ => Ok(json(200, SITE)),
    });
    let client = clients::on(script.clone());
    let site: serde_json::Value = client
        .request(http::Method::GET, "/sites/s1")
        .json()
        .await
        .expect("it is there");
    assert_eq!(site["id"], "s1");
    let path = format!("/installs/{INSTALL}/backups");
    let script = Script::answering(BROKEN[0]);
    let error = clients::on(script.clone())
        .request(http::Method::POST, &path)
        .json::<serde_json::Value>()
        .await
        .unwrap_err();
    assert_eq!(script.count(), 1);
    assert!(error.may_have_happened());
}
