//! Servers whose paging differs from the documentation: every item, or an error; never fewer items without an error.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};
use wpengine::ErrorKind;

use super::{ids, read};
use crate::support::{
    clients,
    pages::{body, number, page, site},
    script::{self, Script},
};

type Listed = (Vec<String>, Option<ErrorKind>, usize);

/// Reads the list of a server with pages of 10, once page by page and once with 8 pages ahead. Returns the items, the
/// error and the number of requests of both listings.
async fn listed(
    answer: impl Fn(&Request<Bytes>) -> String + Clone + Send + Sync + 'static,
) -> [Listed; 2] {
    let one = |concurrency| {
        let answer = answer.clone();
        async move {
            let script = Script::new(move |_, request| Ok(script::json(200, &answer(request))));
            let sites = clients::on(script.clone()).sites().list();
            let items = sites.page_size(10).concurrency(concurrency).items();
            let (seen, failed) = read(items).await;
            (seen, failed, script.count())
        }
    };
    [one(1).await, one(8).await]
}

#[tokio::test]
async fn a_list_that_ends_before_its_count_is_an_error_with_both_numbers() {
    for (seen, failed, requests) in
        listed(|request| body(number(request, "offset").min(10)..10, None, Some(25))).await
    {
        assert_eq!((seen, failed), (ids(0..10), Some(ErrorKind::Paging)));
        assert!(requests <= 9, "{requests}");
    }
    let script = Script::new(|_, request| {
        let begin = number(request, "offset").min(10);
        Ok(script::json(200, &body(begin..10, None, Some(25))))
    });
    let list = clients::on(script).sites().list().page_size(10);
    let error = list.collect().await.expect_err("15 are missing");
    let text = error.to_string();
    assert!(text.contains("ends after 10 items"), "{text}");
    assert!(text.contains("there are 25"), "{text}");
}

#[tokio::test]
async fn a_next_of_null_before_the_count_is_not_the_end_if_there_is_more() {
    for (seen, failed, _) in listed(|request| {
        let begin = number(request, "offset").min(35);
        body(begin..(begin + 10).min(35), None, Some(35))
    })
    .await
    {
        assert_eq!((seen, failed), (ids(0..35), None));
    }
}

#[tokio::test]
async fn a_page_size_that_the_server_does_not_keep_loses_nothing() {
    for with_next in [true, false] {
        for (seen, failed, _) in listed(move |request| {
            let begin = number(request, "offset").min(35);
            let end = (begin + 4).min(35);
            let next = format!("?offset={end}");
            body(
                begin..end,
                Some(next.as_str()).filter(|_| with_next && end < 35),
                Some(35),
            )
        })
        .await
        {
            assert_eq!((seen, failed), (ids(0..35), None), "{with_next}");
        }
    }
}

#[tokio::test]
async fn a_server_that_sends_more_than_was_asked_for_loses_nothing() {
    for with_next in [true, false] {
        for (seen, failed, requests) in listed(move |request| {
            let begin = number(request, "offset").min(950);
            let end = (begin + 100).min(950);
            let next = format!("?offset={end}");
            let next = Some(next.as_str()).filter(|_| with_next && end < 950);
            body(begin..end, next, Some(950))
        })
        .await
        {
            assert_eq!((seen, failed), (ids(0..950), None), "{with_next}");
            assert!(requests <= 20, "{requests}");
        }
    }
}

#[tokio::test]
async fn an_offset_that_cannot_be_sent_is_the_fault_of_the_answer() {
    // Only an empty page has its offset followed.
    let next = Some("?offset=9223372036854775808");
    let script = Script::new(move |_, _| Ok(script::json(200, &body(0..0, next, None))));
    let list = clients::on(script).sites().list();
    let error = list.collect().await.expect_err("2^63");
    assert_eq!(error.kind(), ErrorKind::Paging);
    let text = error.to_string();
    assert!(text.contains("a page names 9223372036854775808"), "{text}");
}

#[tokio::test]
async fn a_next_that_leads_too_far_nowhere_or_back_is_not_followed() {
    for next in [
        "?offset=900",
        "?offset=0",
        "?offset=18446744073709551615",
        "elsewhere",
    ] {
        for (seen, failed, requests) in listed(move |request| {
            let begin = number(request, "offset").min(95);
            let end = (begin + 10).min(95);
            body(begin..end, Some(next).filter(|_| end < 95), Some(95))
        })
        .await
        {
            assert_eq!((seen, failed), (ids(0..95), None), "{next}");
            assert_eq!(requests, 11);
        }
    }
}

#[tokio::test]
async fn a_short_or_empty_page_in_the_middle_is_asked_for_again() {
    for items in [0, 1, 3] {
        let turn = std::sync::Arc::new(AtomicU64::new(0));
        for (seen, failed, _) in listed(move |request| {
            let offset = number(request, "offset");
            // Each of the two listings gets this page once.
            if offset == 18 && turn.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                return body(18..18 + items, Some("?offset=27"), Some(95));
            }
            page(request, 95)
        })
        .await
        {
            assert_eq!((seen, failed), (ids(0..95), None), "{items} items");
        }
    }
}

#[tokio::test]
async fn an_empty_page_in_the_middle_that_stays_is_an_error() {
    for (seen, failed, requests) in listed(|request| match number(request, "offset") {
        18 => body(0..0, Some("?offset=28"), Some(95)),
        _ => page(request, 95),
    })
    .await
    {
        assert_eq!((seen, failed), (ids(0..19), Some(ErrorKind::Paging)));
        assert!(requests < 100, "{requests}");
    }
}

#[tokio::test]
async fn endless_pages_that_bring_nothing_end_with_an_error() {
    for count in [None, Some(95), Some(u64::MAX)] {
        for (seen, failed, requests) in listed(move |request| {
            let next = format!("?offset={}", number(request, "offset") + 10);
            body(0..0, Some(&next), count)
        })
        .await
        {
            assert_eq!((seen, failed), (ids(0..0), Some(ErrorKind::Paging)));
            assert!(requests < 40, "{requests}");
        }
        // A server that always returns the same page.
        for (seen, failed, requests) in
            listed(move |_| body(0..10, Some("?offset=10"), count)).await
        {
            assert_eq!(
                (seen, failed),
                (ids(0..10), Some(ErrorKind::Paging)),
                "{count:?}"
            );
            assert!(requests < 100, "{requests}");
        }
    }
}

#[tokio::test]
async fn an_empty_first_page_with_a_next_is_not_the_end() {
    for (seen, failed, _) in listed(|request| match number(request, "offset") {
        0 => body(0..0, Some("?offset=10"), None),
        _ => body(10..15, None, None),
    })
    .await
    {
        assert_eq!((seen, failed), (ids(10..15), None));
    }
}

#[tokio::test]
async fn a_server_that_rounds_the_offset_to_its_pages_loses_nothing() {
    for (seen, failed, _) in listed(|request| {
        let begin = (number(request, "offset") / 10 * 10).min(95);
        let end = (begin + 10).min(95);
        let next = format!("?offset={end}");
        body(
            begin..end,
            Some(next.as_str()).filter(|_| end < 95),
            Some(95),
        )
    })
    .await
    {
        assert_eq!((seen, failed), (ids(0..95), None));
    }
}

#[tokio::test]
async fn no_memory_is_reserved_on_the_word_of_a_server() {
    let script = Script::new(|_, request| {
        let begin = number(request, "offset");
        let answer = body(begin..begin + 10, Some("?offset=10"), Some(u64::MAX));
        Ok(script::json(200, &answer))
    });
    let sites = clients::on(script.clone()).sites().list().page_size(10);
    let taken = sites.concurrency(usize::MAX).take(1_000).collect().await;
    assert_eq!(taken.expect("a thousand").len(), 1_000);
    assert!(script.count() < 1_000);
}

#[tokio::test]
async fn a_concurrency_without_end_is_one_of_128_pages() {
    let script = Script::new(|_, request| {
        let begin = number(request, "offset");
        let answer = body(begin..begin + 10, Some("?offset=10"), Some(u64::MAX));
        Ok(script::json(200, &answer))
    });
    let sites = clients::on(script.clone()).sites().list().page_size(10);
    let mut pages = sites.concurrency(usize::MAX).pages();
    for _ in 0..2 {
        pages
            .try_next()
            .await
            .expect("a page")
            .expect("there are more");
    }
    assert_eq!(script.count(), 129);
}

#[tokio::test]
async fn items_of_one_id_on_one_page_are_several_and_on_two_pages_one() {
    let three = json!({"results": [site(1), site(1), site(1)], "next": null, "count": 3});
    let list = clients::on(Script::answering(three.to_string()))
        .sites()
        .list();
    assert_eq!(list.collect().await.expect("three").len(), 3);

    let script = Script::new(|_, request| {
        let numbers: &[u64] = match number(request, "offset") {
            0 => &[0, 1, 2],
            _ => &[2, 0, 3],
        };
        let results: Vec<Value> = numbers.iter().map(|number| site(*number)).collect();
        Ok(script::json(
            200,
            &json!({"results": results, "next": null, "count": 5}).to_string(),
        ))
    });
    let (seen, failed) = read(clients::on(script).sites().list().page_size(3).items()).await;
    assert_eq!((seen, failed), (ids(0..4), Some(ErrorKind::Paging)));
}

#[tokio::test]
async fn a_part_of_an_answer_is_none() {
    let script = Script::new(|_, request| {
        let mut answer = script::json(200, &page(request, 5));
        *answer.status_mut() = http::StatusCode::PARTIAL_CONTENT;
        Ok(answer)
    });
    let error = clients::on(script).sites().list().collect().await;
    let error = error.expect_err("a part");
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("only a part"), "{error}");
}

#[tokio::test]
async fn a_path_that_is_not_modelled_is_listed_by_the_same_plan() {
    let list = |items: Vec<Value>| {
        let script = Script::new(move |_, request| {
            let total = items.len() as u64;
            let begin = number(request, "offset").min(total);
            let end = (begin + number(request, "limit")).min(total);
            let results = &items[begin as usize..end as usize];
            let next = (end < total).then(|| format!("?offset={end}"));
            Ok(script::json(
                200,
                &json!({"results": results, "next": next, "count": total}).to_string(),
            ))
        });
        let request = clients::on(script.clone()).request(Method::GET, "/brand/new");
        (script, request.query("kind", "x").list::<Value>())
    };
    let with_ids: Vec<Value> = (0..250)
        .map(|id| json!({"id": id, "brand": "new"}))
        .collect();
    let (script, listing) = list(with_ids.clone());
    assert_eq!(listing.collect().await.expect("all"), with_ids);
    assert_eq!(script.count(), 3);
    assert_eq!(
        script.requests()[1].uri().query(),
        Some("kind=x&limit=100&offset=99")
    );

    let without = vec![json!({"name": "same"}); 250];
    let (_, listing) = list(without.clone());
    assert_eq!(listing.collect().await.expect("all"), without);

    let (_, listing) = list(with_ids);
    let typed = clients::on(Script::answering(r#"{"results":[{"id":5}],"count":1}"#));
    let typed = typed
        .request(Method::GET, "/sites")
        .list::<wpengine::types::Site>();
    let error = typed.collect().await.expect_err("no site");
    assert!(error.to_string().contains("results[0]"), "{error}");
    drop(listing);
    let client = clients::on(Script::answering("{}"));
    let error = client
        .request(Method::POST, "/sites")
        .list::<Value>()
        .collect()
        .await;
    assert!(error.expect_err("no GET").is_invalid_request());
}
