//! Pages that fail, repeat or are not pages. The listing returns the items before them and then an error, never a
//! shorter list.

use futures_util::TryStreamExt;
use jiff::civil::date;
use wpengine::{ErrorKind, operation::Paging, types::Site};

use super::{ids, read};
use crate::support::{
    calls::{self, ACCOUNT, INSTALL},
    clients,
    pages::{body, number, page},
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
            0 | 4 => Ok(script::json(200, &page(request, 20))),
            _ => Err(turn),
        });
        let client = clients::on(script.clone());
        for concurrency in [1, 4] {
            let list = || client.sites().list().page_size(5).concurrency(concurrency);
            let read = read(list().items()).await;
            assert_eq!(read, (ids(0..9), Some(kind)), "{turn:?} {concurrency}");
            let error = list()
                .collect_at_most(1_000)
                .await
                .expect_err("no list that is cut");
            assert_eq!(error.kind(), kind);
            let collected: Result<Vec<Site>, _> = list().items().try_collect().await;
            assert_eq!(collected.expect_err("no list that is cut").kind(), kind);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_later_page_that_fails_for_a_moment_is_asked_for_again() {
    let script = Script::new(
        |number_of_request, request| match (number_of_request, request) {
            (1, _) => Err(Turn::Broken),
            (2, _) => Err(Turn::Status(503)),
            _ => Ok(script::json(200, &page(request, 103))),
        },
    );
    let all = clients::on(script.clone())
        .sites()
        .list()
        .collect()
        .await
        .expect("all");
    assert_eq!((all.len(), script.count()), (103, 4));
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
        // A body that is not a JSON object or array was damaged on the way, so the page is requested again.
        let attempts = if body.starts_with(['{', '[']) { 1 } else { 4 };
        assert_eq!(script.count(), lists * attempts);
    }
}

#[tokio::test]
async fn a_page_size_that_the_api_does_not_take_is_refused_before_anything_is_sent() {
    let script = Script::answering(body(0..0, None, Some(0)));
    let client = clients::on(script.clone());
    for limit in [0, 1, 101, 1_000, u32::MAX] {
        let error = client
            .sites()
            .list()
            .page_size(limit)
            .collect_at_most(1)
            .await
            .expect_err("no size");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.operation(), Some("list_sites"));
        assert!(
            error.to_string().contains("a page holds 2 to 100 items"),
            "{error}"
        );
        if limit == 1 {
            continue;
        }
        let certificates = client.install(INSTALL).certificates();
        certificates
            .list()
            .page_size(limit)
            .collect_at_most(1)
            .await
            .expect_err("no size");
    }
    for limit in [0, 1_001] {
        let error = client
            .account(ACCOUNT)
            .usage()
            .list()
            .page_size(limit)
            .collect_at_most(1)
            .await;
        assert!(
            error
                .expect_err("no size")
                .to_string()
                .contains("1 to 1000 items")
        );
    }
    assert_eq!(script.count(), 0);
    for limit in [2, 100] {
        client
            .sites()
            .list()
            .page_size(limit)
            .collect_at_most(1)
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
            .collect_at_most(1)
            .await
            .expect_err("no id"),
        client
            .install("..")
            .backups()
            .list()
            .collect_at_most(1)
            .await
            .map(drop)
            .expect_err("no id"),
        client
            .account(ACCOUNT)
            .usage()
            .list()
            .between(date(2026, 2, 2), date(2026, 2, 1))
            .collect_at_most(1)
            .await
            .map(drop)
            .expect_err("no range"),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(error.operation().is_some());
    }
    assert_eq!(script.count(), 0);
}
