//! Which requests are retried after which failure, and what the error says.

use http::Method;
use wpengine::{Error, ErrorKind, operation::Retry};

use crate::support::{
    calls::{self, INSTALL},
    clients,
    script::{Script, Turn, json},
};

const SITE_BODY: &str = r#"{"id":"s1","name":"A site","account":{"id":"a1"}}"#;

const TURNS: [Turn; 13] = [
    Turn::Connect,
    Turn::ConnectTimeout,
    Turn::Broken,
    Turn::Silence,
    Turn::Status(500),
    Turn::Status(502),
    Turn::Status(503),
    Turn::Status(504),
    Turn::Status(400),
    Turn::Status(403),
    Turn::Status(404),
    Turn::Status(409),
    Turn::Status(501),
];

/// Returns whether it is unknown after this failure if the request was done.
fn leaves_it_open(turn: Turn) -> bool {
    matches!(
        turn,
        Turn::Broken | Turn::Silence | Turn::Status(500 | 502 | 503 | 504)
    )
}

#[tokio::test(start_paused = true)]
async fn every_operation_is_tried_as_often_as_its_class_says() {
    for turn in TURNS {
        let script = Script::always(turn);
        let client = clients::on(script.clone());
        for operation in wpengine::operations() {
            if calls::looks_first(operation.id) {
                continue;
            }
            let before = script.count();
            let error = calls::call(&client, operation.id)
                .await
                .expect_err("no attempt succeeds");
            let sent = script.count() - before;
            let again = match turn {
                Turn::Connect | Turn::ConnectTimeout => true,
                turn if leaves_it_open(turn) => operation.retry == Retry::Safe,
                _ => false,
            };
            let expected = if again { 4 } else { 1 };
            assert_eq!(sent, expected, "{} after {turn:?}: {error}", operation.id);
            assert_eq!(error.attempts() as usize, sent, "{} {turn:?}", operation.id);
            assert_eq!(error.operation(), Some(operation.id));
            assert_eq!(
                error.may_have_happened(),
                !operation.is_read() && (leaves_it_open(turn) || turn == Turn::Status(501)),
                "{} after {turn:?}: {error}",
                operation.id
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_get_is_sent_again_after_whatever_passes() {
    for turn in TURNS {
        if matches!(turn, Turn::Status(400 | 403 | 404 | 409 | 501)) {
            continue;
        }
        let script = Script::then(&[turn, turn, turn], SITE_BODY);
        let answer = clients::on(script.clone()).site("s1").get().send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{turn:?}: {error}"));
        assert_eq!(answer.attempts(), 4, "{turn:?}");
        assert_eq!(script.count(), 4, "{turn:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_is_sent_again_only_when_it_was_certainly_not_done() {
    let refused = [Turn::Connect, Turn::ConnectTimeout, Turn::Status(429)];
    let script = Script::then(&refused, SITE_BODY);
    let client = clients::on(script.clone());
    let answer = client.sites().create("A site", "a1").send().await;
    assert_eq!(answer.expect("a site").attempts(), 4);
    let bodies: Vec<_> = script
        .requests()
        .into_iter()
        .map(|request| request.into_body())
        .collect();
    assert!(
        bodies
            .iter()
            .all(|body| *body == bodies[0] && !body.is_empty())
    );

    for turn in TURNS.into_iter().filter(|turn| leaves_it_open(*turn)) {
        let script = Script::then(&[Turn::Connect, turn], SITE_BODY);
        let client = clients::on(script.clone());
        let error = client
            .sites()
            .create("A site", "a1")
            .await
            .expect_err("it stops");
        assert_eq!(script.count(), 2, "{turn:?}: {error}");
        assert_eq!(error.attempts(), 2);
        assert!(error.may_have_happened(), "{turn:?}: {error}");
        assert!(
            error.to_string().contains("check before you send it again"),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_cannot_be_read_may_have_happened() {
    let script = Script::answering(r#"{"id":"#);
    let client = clients::on(script.clone());
    let error = client
        .sites()
        .create("A site", "a1")
        .await
        .expect_err("no JSON");
    assert_eq!((error.kind(), script.count()), (ErrorKind::Decode, 1));
    assert!(error.may_have_happened());
    let error = client.site("s1").get().await.expect_err("no JSON");
    assert!(!error.may_have_happened());
}

async fn delete(turns: &'static [Turn]) -> (Result<(), Error>, usize) {
    let script = Script::new(move |number, _| match turns.get(number) {
        Some(turn) => Err(*turn),
        None => Ok(json(204, "")),
    });
    let deleted = clients::on(script.clone()).install(INSTALL).delete().await;
    (deleted, script.count())
}

#[tokio::test(start_paused = true)]
async fn a_404_to_a_repeated_deletion_means_done() {
    for lost in [
        [Turn::Broken, Turn::Status(404)],
        [Turn::Silence, Turn::Status(404)],
        [Turn::Status(500), Turn::Status(404)],
        [Turn::Status(502), Turn::Status(404)],
        [Turn::Status(503), Turn::Status(404)],
        [Turn::Status(504), Turn::Status(404)],
    ] {
        let (deleted, sent) = delete(Box::leak(Box::new(lost))).await;
        deleted.unwrap_or_else(|error| panic!("{lost:?}: {error}"));
        assert_eq!(sent, 2, "{lost:?}");
    }
    let (deleted, sent) = delete(&[
        Turn::Broken,
        Turn::Status(429),
        Turn::Connect,
        Turn::Status(404),
    ])
    .await;
    deleted.expect("done by the first attempt");
    assert_eq!(sent, 4);
}

#[tokio::test(start_paused = true)]
async fn a_404_to_a_deletion_that_did_not_happen_before_is_an_error() {
    for turns in [
        &[Turn::Status(404)][..],
        &[Turn::Connect, Turn::Status(404)],
        &[Turn::ConnectTimeout, Turn::Status(404)],
        &[Turn::Status(429), Turn::Status(404)],
    ] {
        let (deleted, sent) = delete(turns).await;
        let error = deleted.expect_err("nothing was there");
        assert!(error.is_not_found(), "{turns:?}: {error}");
        assert!(!error.may_have_happened(), "{turns:?}: {error}");
        assert_eq!(sent, turns.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_is_never_answered_may_have_happened() {
    let (deleted, sent) = delete(&[Turn::Broken; 9]).await;
    let error = deleted.expect_err("no answer");
    assert_eq!((sent, error.attempts()), (4, 4));
    assert!(error.may_have_happened());
    // A later response does not change this.
    let error = delete(&[Turn::Broken, Turn::Status(403)]).await.0;
    assert!(error.expect_err("refused").may_have_happened());
}

#[tokio::test(start_paused = true)]
async fn of_an_unknown_path_only_reading_and_deleting_is_sent_again() {
    for (method, expected) in [
        (Method::GET, 4),
        (Method::DELETE, 4),
        (Method::POST, 1),
        (Method::PUT, 1),
        (Method::PATCH, 1),
    ] {
        let script = Script::always(Turn::Status(503));
        let client = clients::on(script.clone());
        let error = client.request(method.clone(), "/brand/new").send().await;
        let error = error.expect_err("no attempt succeeds");
        assert_eq!(script.count(), expected, "{method}");
        assert_eq!(error.may_have_happened(), method != Method::GET, "{method}");
    }
    // A request by path counts as the operation with this path.
    let script = Script::always(Turn::Status(503));
    let client = clients::on(script.clone());
    let path = format!("/installs/{INSTALL}/purge_cache");
    client
        .request(Method::POST, &path)
        .send()
        .await
        .expect_err("503");
    assert_eq!(script.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_was_done_after_all_is_no_error_and_leaves_no_trace() {
    let script = Script::then(&[Turn::Broken, Turn::Status(502)], "");
    let client = clients::on(script.clone());
    let answer = client
        .install(INSTALL)
        .purge_cache(wpengine::types::CacheType::Page)
        .send()
        .await
        .expect("the third attempt");
    assert_eq!((answer.attempts(), answer.status().as_u16()), (3, 200));
}
