//! Pages fetched ahead.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use tokio::time::Instant;
use wpengine::transport::{HttpClient, ResponseFuture};

use super::{ids, read};
use crate::support::{
    clients,
    pages::{number, sites},
    script,
};

const LATENCY: Duration = Duration::from_millis(50);

/// A slow service with a thousand sites that counts concurrent requests.
#[derive(Debug, Default)]
struct Slow {
    requests: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
    /// The offset of the page that fails.
    fails_at: Option<u64>,
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl HttpClient for Slow {
    fn send(&self, request: Request<Bytes>, _most: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            self.requests.fetch_add(1, Ordering::SeqCst);
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            let _under_way = UnderWay(&self.under_way);
            tokio::time::sleep(LATENCY).await;
            let (offset, limit) = (number(&request, "offset"), number(&request, "limit"));
            if self.fails_at == Some(offset) {
                return Ok(script::json(403, r#"{"message":"no"}"#));
            }
            let end = (offset + limit).min(1000);
            let next = (end < 1000).then(|| format!("?offset={end}"));
            Ok(script::json(200, &sites(offset..end, next.as_deref())))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_pages_are_under_way_at_once_and_the_items_keep_their_order() {
    for (concurrency, rounds) in [(1, 53), (2, 27), (8, 8), (100, 2)] {
        let slow = Arc::new(Slow::default());
        let start = Instant::now();
        let client = clients::on(slow.clone());
        let items = client
            .sites()
            .list()
            .page_size(20)
            .concurrency(concurrency)
            .items();
        assert_eq!(read(items).await, (ids(0..1000), None));
        assert_eq!(slow.requests.load(Ordering::SeqCst), 53, "one a page");
        assert_eq!(slow.most.load(Ordering::SeqCst), concurrency.min(52));
        let took = start.elapsed();
        assert!(
            took <= LATENCY * rounds + Duration::from_millis(20),
            "{concurrency} at once took {took:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_ends_the_listing_after_the_pages_before_it() {
    let slow = Arc::new(Slow {
        fails_at: Some(57),
        ..Slow::default()
    });
    let client = clients::on(slow.clone());
    let items = client.sites().list().page_size(20).concurrency(8).items();
    let (seen, failed) = read(items).await;
    assert_eq!((seen, failed), (ids(0..58), Some(wpengine::ErrorKind::Api)));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_stops_all_its_requests() {
    let slow = Arc::new(Slow::default());
    let client = clients::on(slow.clone());
    let mut items = client.sites().list().page_size(20).concurrency(8).items();
    for _ in 0..20 {
        items.try_next().await.unwrap();
    }
    let next = tokio::time::timeout(LATENCY / 2, items.try_next());
    assert!(
        next.await.is_err(),
        "the pages after the first are under way"
    );
    assert_eq!(slow.under_way.load(Ordering::SeqCst), 8);
    let sent = slow.requests.load(Ordering::SeqCst);
    drop(items);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(slow.under_way.load(Ordering::SeqCst), 0);
    assert_eq!(slow.requests.load(Ordering::SeqCst), sent);
}
