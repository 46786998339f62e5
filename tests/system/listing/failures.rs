//! Pages that fail, stand still, or are none: an error after what was good, and never a shorter list.

use futures_util::TryStreamExt;
use jiff::civil::date;
use wpengine::{ErrorKind, operation::Paging, types::Site};

use super::{ids, read};
use crate::support::{
    calls::{self, ACCOUNT, INSTALL},
    clients,
    pages::{number, sites},
    script::{self, Script, Turn},
};

#[tokio::test(start_paused = true)]
async fn a_failing_later_page_fails_the_listing() {
    for (turn, kind) in [
        (Turn::Status(400), ErrorKind::Api),
        (Turn::Status(401), ErrorKind::Api),
        (Turn::Status(404), ErrorKind::Api),
        (Turn::Status(429), ErrorKind::Api),
        (Turn::Status(500), ErrorKind::Api),
        (Turn::Connect, ErrorKind::Connect),
        (Turn::Broken, ErrorKind::Transport),
        (Turn::Silence, ErrorKind::Timeout),
    ] {
        let script = Script::new(move |_, request| match number(request, "offset") {
            0 => Ok(script::json(200, &sites(0..2, Some("?offset=2")))),
            2 => Ok(script::json(200, &sites(2..4, Some("?offset=4")))),
            _ => Err(turn),
        });
        let client = clients::on(script.clone());
        for concurrency in [1, 4] {
            let list = || client.sites().list().limit(2).concurrency(concurrency);
            let read = read(list().items()).await;
            assert_eq!(read, (ids(0..4), Some(kind)), "{turn:?} {concurrency}");
            let error = list().all(1_000).await.expect_err("no list that is cut");
            assert_eq!(error.kind(), kind);
            let collected: Result<Vec<Site>, _> = list().items().try_collect().await;
            assert_eq!(collected.expect_err("no list that is cut").kind(), kind);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_page_that_fails_for_a_moment_is_asked_for_again() {
    let script = Script::new(|number_of_request, request| {
        match (number_of_request, number(request, "offset")) {
            (_, 0) => Ok(script::json(200, &sites(0..2, Some("?offset=2")))),
            (1, _) => Err(Turn::Broken),
            (2, _) => Err(Turn::Status(503)),
            _ => Ok(script::json(200, &sites(2..3, None))),
        }
    });
    let all = clients::on(script.clone())
        .sites()
        .list()
        .all(10)
        .await
        .expect("all");
    assert_eq!((all.len(), script.count()), (3, 4));
}

#[tokio::test]
async fn a_page_that_stands_still_ends_the_listing_with_an_error() {
    for next in [
        "?offset=2",
        "?offset=0",
        "https://x.example/v1/sites?limit=2&offset=1",
    ] {
        let script = Script::new(move |_, request| {
            Ok(script::json(
                200,
                &match number(request, "offset") {
                    0 => sites(0..2, Some("?offset=2")),
                    _ => sites(2..4, Some(next)),
                },
            ))
        });
        let items = clients::on(script.clone()).sites().list().limit(2).items();
        assert_eq!(
            read(items).await,
            (ids(0..4), Some(ErrorKind::Paging)),
            "{next}"
        );
        assert_eq!(script.count(), 2);
    }
    // An address without an offset goes on after the items; where there are none, nothing advances.
    let script = Script::answering(sites(0..0, Some("https://x.example/v1/sites")));
    let items = clients::on(script.clone()).sites().list().items();
    assert_eq!(read(items).await, (ids(0..0), Some(ErrorKind::Paging)));
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_list_answer_without_its_list_is_an_error_and_never_empty() {
    for body in [
        "{}",
        r#"{"results":null}"#,
        r#"{"count":0,"next":null,"previous":null}"#,
        "null",
        "[]",
        "",
        "\"\"",
    ] {
        let script = Script::answering(body);
        let client = clients::on(script.clone());
        let mut lists = 0;
        for operation in wpengine::operations() {
            if !operation.id.starts_with("list_") && operation.paging == Paging::None {
                continue;
            }
            lists += 1;
            let error = calls::call(&client, operation.id).await;
            let error = error.expect_err(&format!("{} of `{body}`", operation.id));
            assert_eq!(error.kind(), ErrorKind::Decode, "{}: {error}", operation.id);
        }
        assert!(lists > 10, "{lists}");
        // What is no JSON object or array was broken on its way, and is asked for again.
        let attempts = if body.starts_with(['{', '[']) { 1 } else { 4 };
        assert_eq!(script.count(), lists * attempts);
    }
}

#[tokio::test]
async fn a_page_size_that_the_api_does_not_take_is_refused_before_anything_is_sent() {
    let script = Script::answering(sites(0..0, None));
    let client = clients::on(script.clone());
    for limit in [0, 101, 1_000, u32::MAX] {
        let error = client
            .sites()
            .list()
            .limit(limit)
            .all(1)
            .await
            .expect_err("no size");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.operation(), Some("list_sites"));
        assert!(
            error.to_string().contains("a page holds 1 to 100 items"),
            "{error}"
        );
        let certificates = client.install(INSTALL).certificates();
        certificates
            .list()
            .limit(limit)
            .all(1)
            .await
            .expect_err("no size");
    }
    for limit in [0, 1_001] {
        let error = client
            .account(ACCOUNT)
            .usage()
            .list()
            .limit(limit)
            .all(1)
            .await;
        assert!(
            error
                .expect_err("no size")
                .to_string()
                .contains("1 to 1000 items")
        );
    }
    assert_eq!(script.count(), 0);
    for limit in [1, 100] {
        client
            .sites()
            .list()
            .limit(limit)
            .all(1)
            .await
            .expect("a size");
    }
    assert_eq!(script.count(), 2);
}

#[tokio::test]
async fn a_rule_of_the_listing_is_checked_before_anything_is_sent() {
    let script = Script::answering("{}");
    let client = clients::on(script.clone());
    for error in [
        client
            .sites()
            .list()
            .account("a/b")
            .all(1)
            .await
            .expect_err("no id"),
        client
            .install("..")
            .backups()
            .list()
            .all(1)
            .await
            .map(drop)
            .expect_err("no id"),
        client
            .account(ACCOUNT)
            .usage()
            .list()
            .between(date(2026, 2, 2), date(2026, 2, 1))
            .all(1)
            .await
            .map(drop)
            .expect_err("no range"),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.operation().is_some());
    }
    assert_eq!(script.count(), 0);
}
