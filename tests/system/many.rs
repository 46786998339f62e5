//! `for_each`: every success and every failure is returned.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use wpengine::{Error, for_each, for_each_of};

use crate::support::{
    clients,
    pages::{number, page},
    script::{self, Script},
};

/// A service with 28 sites in three pages. The last page can be set to fail. The request for a single site is refused
/// if its number is a multiple of seven.
fn script(last_page_fails: bool) -> Arc<Script> {
    Script::new(move |_, request| {
        if let Some(id) = request.uri().path().strip_prefix("/v1/sites/site-") {
            let id: u64 = id.parse().expect("a number");
            return Ok(if id.is_multiple_of(7) {
                script::json(403, r#"{"message":"not this one"}"#)
            } else {
                script::json(200, &crate::support::pages::site(id).to_string())
            });
        }
        if number(request, "offset") == 18 && last_page_fails {
            return Ok(script::json(403, r#"{"message":"not this page"}"#));
        }
        Ok(script::json(200, &page(request, 28)))
    })
}

#[tokio::test]
async fn every_success_and_every_failure_is_listed_in_order() {
    let client = clients::on(script(false));
    let outcome = for_each(client.sites().list().page_size(10).items())
        .concurrency(5)
        .run(|site| client.site(site.id).get().into_future())
        .await;
    let failed: Vec<_> = outcome
        .failed
        .iter()
        .map(|(site, _)| site.name.as_str())
        .collect();
    assert_eq!(failed, ["Site 0", "Site 7", "Site 14", "Site 21"]);
    assert!(outcome.failed.iter().all(|(_, error)| error.is_forbidden()));
    assert_eq!(outcome.done.len(), 24);
    assert!(
        outcome
            .done
            .iter()
            .all(|(asked, found)| asked.id == found.id)
    );
    assert!(outcome.done.is_sorted_by_key(|(site, _)| {
        site.name
            .trim_start_matches("Site ")
            .parse::<u64>()
            .unwrap()
    }));
    assert!(!outcome.is_complete());
}

#[tokio::test]
async fn a_listing_that_fails_is_part_of_the_outcome_and_what_was_listed_is_done() {
    let client = clients::on(script(true));
    let outcome = for_each(client.sites().list().page_size(10).items())
        .run(|_| async { Ok::<_, Error>(()) })
        .await;
    assert_eq!(outcome.done.len(), 19);
    assert!(outcome.listing.as_ref().is_some_and(Error::is_forbidden));
    assert!(!outcome.is_complete());
}

#[tokio::test(start_paused = true)]
async fn no_more_are_worked_on_at_once_than_allowed() {
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let outcome = for_each_of(0..100)
        .concurrency(7)
        .run(|number| {
            let (now, most) = (&now, &most);
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(number % 13)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(number)
            }
        })
        .await;
    assert!(outcome.is_complete());
    assert_eq!(most.load(Ordering::SeqCst), 7);
    assert!(outcome.done.iter().map(|(_, number)| *number).eq(0..100));
}

#[tokio::test(start_paused = true)]
async fn it_stops_early_only_if_asked_and_finishes_what_is_under_way() {
    let client = clients::on(script(false));
    let begun = AtomicUsize::new(0);
    let outcome = for_each_of(0..100_u64)
        .concurrency(4)
        .stop_on_failure()
        .run(|number| {
            begun.fetch_add(1, Ordering::SeqCst);
            let site = client.site(format!("site-{}", number + 1)).get();
            async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                site.await
            }
        })
        .await;
    assert!(outcome.stopped);
    assert_eq!(outcome.failed.len(), 1);
    assert_eq!(
        outcome.done.len() + outcome.failed.len(),
        begun.load(Ordering::SeqCst),
        "what was begun was finished"
    );
    assert!(begun.load(Ordering::SeqCst) < 20);
}

#[tokio::test]
async fn progress_is_told_after_each_item() {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    for_each_of(0..5)
        .concurrency(1)
        .on_progress(move |progress| heard.lock().unwrap().push((progress.done, progress.failed)))
        .run(|number| async move {
            if number == 2 {
                return Err(clients::builder().build().unwrap_err());
            }
            Ok(())
        })
        .await;
    assert_eq!(
        *told.lock().unwrap(),
        [(1, 0), (2, 0), (2, 1), (3, 1), (4, 1)]
    );
}
