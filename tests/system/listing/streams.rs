//! The results of a listing: a list, a number or a stream; and dropping a stream early.

use std::{pin::pin, time::Duration};

use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt};
use wpengine::{
    ErrorKind, RetryPolicy,
    paging::{Items, Pages},
    types::Site,
};

use crate::support::{
    clients,
    pages::{body, number, page, sites},
    script::{self, Script, Turn},
};

#[tokio::test]
async fn collecting_all_never_cuts_a_list() {
    let script = Script::answering(body(0..3, None, Some(3)));
    let client = clients::on(script.clone());
    assert_eq!(
        client
            .sites()
            .list()
            .collect_at_most(3)
            .await
            .expect("three")
            .len(),
        3
    );
    for most in [0, 1, 2] {
        let error = client
            .sites()
            .list()
            .collect_at_most(most)
            .await
            .expect_err("there are three");
        assert_eq!(error.kind(), ErrorKind::Paging);
        assert!(
            error
                .to_string()
                .contains(&format!("more than the {most} items")),
            "{error}"
        );
    }
    let none = clients::on(Script::answering(body(0..0, None, Some(0))));
    assert_eq!(
        none.sites()
            .list()
            .collect_at_most(0)
            .await
            .expect("none")
            .len(),
        0
    );
}

#[tokio::test]
async fn counting_asks_for_one_item() {
    let script = Script::answering(sites(0..1, Some("?offset=1")));
    let client = clients::on(script.clone());
    assert_eq!(
        client
            .sites()
            .list()
            .page_size(50)
            .offset(7)
            .count()
            .await
            .expect("a number"),
        1_000
    );
    assert_eq!(script.count(), 1);
    assert_eq!(number(&script.requests()[0], "limit"), 1);
    assert_eq!(number(&script.requests()[0], "offset"), 0);

    let silent = clients::on(Script::answering(r#"{"results":[]}"#));
    let error = silent
        .sites()
        .list()
        .count()
        .await
        .expect_err("it does not say");
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Paging, Some("list_sites"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_asks_no_more() {
    let script = Script::new(|_, request| Ok(script::json(200, &page(request, 1_000))));
    let client = clients::on(script.clone());
    drop(client.sites().list().items());
    assert_eq!(script.count(), 0);
    let mut items = client.sites().list().page_size(2).items();
    for _ in 0..3 {
        items.try_next().await.expect("a site");
    }
    assert_eq!(script.count(), 2);
    drop(items);
    let five: Vec<_> = client
        .sites()
        .list()
        .page_size(2)
        .items()
        .take(5)
        .try_collect()
        .await
        .expect("five");
    assert_eq!((five.len(), script.count()), (5, 2 + 4));
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(script.count(), 6);

    // A request that has been sent is cancelled with the stream.
    let failing = Script::always(Turn::Status(503));
    let policy = RetryPolicy::default()
        .max_attempts(50)
        .first_wait(Duration::from_secs(9));
    let mut items = clients::on(failing.clone())
        .sites()
        .list()
        .retry(policy)
        .items();
    tokio::time::timeout(Duration::from_millis(1), items.next())
        .await
        .expect_err("waiting");
    drop(items);
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(failing.count(), 1);
}

#[tokio::test]
async fn the_streams_work_with_what_everybody_uses() {
    fn is_stream<S: Stream<Item = Result<T, wpengine::Error>> + Unpin + Send + 'static, T>(
        stream: S,
    ) -> S {
        stream
    }
    let script = Script::new(|_, request| Ok(script::json(200, &page(request, 4))));
    let client = clients::on(script);
    let items: Items<Site> = is_stream(client.sites().list().page_size(3).items());
    let names: Vec<String> = items
        .map_ok(|site| site.name)
        .try_filter(|name| std::future::ready(name != "Site 1"))
        .try_collect()
        .await
        .expect("three");
    assert_eq!(names, ["Site 0", "Site 2", "Site 3"]);
    let pages: Pages<Site> = is_stream(client.sites().list().page_size(3).pages());
    let sizes: Vec<_> = pages
        .map_ok(|page| page.items.len())
        .try_collect()
        .await
        .expect("two");
    assert_eq!(sizes, [3, 1]);
    let mut pinned = pin!(client.sites().list().items().chunks(3));
    assert_eq!(pinned.next().await.map(|chunk| chunk.len()), Some(3));
}
