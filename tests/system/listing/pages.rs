//! Paging by offset, in both documented forms.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ids, read};
use crate::support::{
    calls::ACCOUNT,
    clients,
    pages::{number, page, parameter, site},
    script::{self, Script},
};

#[tokio::test]
async fn the_envelope_of_the_overview_is_paged_by_its_numbers() {
    let script = Script::new(|_, request| {
        let offset = number(request, "offset");
        let (current, numbers) = (offset / 19 + 1, offset..(offset + 20).min(45));
        let body = json!({
            "results": numbers.map(site).collect::<Vec<Value>>(),
            "pagination": {"total": 45, "count": 20, "per_page": 20, "current_page": current, "total_pages": 3},
        });
        Ok(script::json(200, &body.to_string()))
    });
    let mut items = clients::on(script.clone())
        .sites()
        .list()
        .page_size(20)
        .items();
    items.try_next().await.expect("the first");
    assert_eq!(items.total(), Some(45));
    let all = clients::on(script.clone())
        .sites()
        .list()
        .page_size(20)
        .items();
    let before = script.count();
    assert_eq!(read(all).await, (ids(0..45), None));
    assert_eq!(script.count() - before, 3);
}

#[tokio::test]
async fn a_listing_can_begin_later_and_keeps_its_filter_and_headers() {
    let script = Script::new(|_, request| {
        assert_eq!(parameter(request, "account_id").as_deref(), Some(ACCOUNT));
        assert_eq!(request.headers()["x-mine"], "yes");
        assert_eq!(number(request, "limit"), 5);
        Ok(script::json(200, &page(request, 38)))
    });
    let list = clients::on(script.clone()).sites().list();
    let list = list.account(ACCOUNT).offset(30).page_size(5);
    let name = http::HeaderName::from_static("x-mine");
    let list = list.header(name, http::HeaderValue::from_static("yes"));
    let mut pages = list.pages();
    let read = pages.try_next().await.expect("a page").expect("the first");
    assert_eq!(
        (read.offset(), read.items.len(), read.total()),
        (30, 5, Some(38))
    );
    assert_eq!(read.response().status().as_u16(), 200);
    let read = pages.try_next().await.expect("a page").expect("the second");
    assert_eq!((read.offset(), read.items.len()), (35, 3));
    assert!(pages.try_next().await.expect("the end").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_item_comes_once_and_in_order_with_as_few_requests_as_there_are_pages(
        total in 0_u64..350,
        limit in 2_u32..=100,
        cap in 2_u64..=100,
        offset in 0_u64..50,
        concurrency in 1_usize..6,
    ) {
        let script = Script::new(move |_, request| {
            let begin = number(request, "offset").min(total);
            let end = (begin + number(request, "limit").min(cap)).min(total);
            let next = format!("https://elsewhere.example/v1/sites?offset={end}&limit={cap}");
            let body = json!({
                "results": (begin..end).map(site).collect::<Vec<Value>>(),
                "next": (end < total).then_some(next),
                "count": total,
            });
            Ok(script::json(200, &body.to_string()))
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let list = clients::on(script.clone()).sites().list().page_size(limit).offset(offset).concurrency(concurrency);
        let (seen, failed) = runtime.block_on(read(list.items()));
        prop_assert_eq!(failed, None);
        let left = total.saturating_sub(offset);
        prop_assert_eq!(seen, ids(total - left..total));
        let pages = left.saturating_sub(1).div_ceil(u64::from(limit).min(cap) - 1).max(1);
        prop_assert_eq!(script.count() as u64, pages);
    }
}
