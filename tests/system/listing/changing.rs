//! Lists that change while they are read.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::json;
use wpengine::{paging::Items, types::Site};

use crate::support::{
    clients,
    pages::{number, site},
    script::{self, Script},
};

/// The number of listings that the property test reads. The default is small, so that the test is fast.
fn listings() -> u32 {
    std::env::var("WPENGINE_LISTINGS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(500)
}

/// The changes of a list after one page: inserts and removals, at positions in thousandths of the list's length.
#[derive(Clone, Debug)]
struct Changes {
    inserts: Vec<u64>,
    removals: Vec<u64>,
}

fn changes() -> impl Strategy<Value = Changes> {
    let places = || prop::collection::vec(0..1000_u64, 0..6);
    (places(), places()).prop_map(|(inserts, removals)| Changes { inserts, removals })
}

struct List {
    numbers: Vec<u64>,
    next_number: u64,
}

impl List {
    fn change(&mut self, changes: &Changes) {
        for place in &changes.removals {
            if !self.numbers.is_empty() {
                let at = *place as usize * self.numbers.len() / 1000;
                self.numbers.remove(at);
            }
        }
        for place in &changes.inserts {
            let at = *place as usize * (self.numbers.len() + 1) / 1000;
            self.numbers.insert(at, self.next_number);
            self.next_number += 1;
        }
    }

    fn page(&self, offset: u64, limit: u64) -> String {
        let count = self.numbers.len() as u64;
        let (from, to) = (offset.min(count), (offset + limit).min(count));
        let results: Vec<_> = self.numbers[from as usize..to as usize]
            .iter()
            .map(|number| site(*number))
            .collect();
        let next = (to < count).then(|| format!("/v1/sites?limit={limit}&offset={to}"));
        json!({"results": results, "previous": null, "next": next, "count": count}).to_string()
    }
}

/// A service whose list of `length` items changes after each page: one step for each page, and then no more changes.
fn changing(length: u64, steps: Vec<Changes>) -> (Arc<Script>, Arc<Mutex<List>>) {
    let list = Arc::new(Mutex::new(List {
        numbers: (0..length).collect(),
        next_number: length,
    }));
    let shared = Arc::clone(&list);
    let script = Script::new(move |turn, request| {
        let mut list = shared.lock().unwrap();
        let page = list.page(number(request, "offset"), number(request, "limit"));
        if let Some(step) = steps.get(turn) {
            list.change(step);
        }
        Ok(script::json(200, &page))
    });
    (script, list)
}

async fn read(mut items: Items<Site>) -> Result<Vec<String>, wpengine::Error> {
    let mut seen = Vec::new();
    while let Some(site) = items.try_next().await? {
        seen.push(site.id.to_string());
    }
    Ok(seen)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: listings(), ..ProptestConfig::default() })]

    #[test]
    fn a_listing_loses_nothing_that_stays_and_gives_nothing_twice(
        length in 0..120_u64,
        page_size in 2..30_u32,
        concurrency in prop::sample::select(vec![1_usize, 8]),
        steps in prop::collection::vec(changes(), 0..20),
    ) {
        let (script, list) = changing(length, steps);
        let sites = clients::on(script.clone()).sites().list();
        let items = sites.page_size(page_size).concurrency(concurrency).items();
        let seen = run(read(items)).unwrap();
        let mut distinct = seen.clone();
        distinct.sort();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), seen.len(), "something came twice");
        let list = list.lock().unwrap();
        for stayed in list.numbers.iter().filter(|number| **number < length) {
            let id = format!("site-{stayed}");
            prop_assert!(seen.contains(&id), "{id} is missing from {seen:?}");
        }
    }
}

#[tokio::test]
async fn a_list_that_moves_up_over_the_end_of_a_page_loses_nothing() {
    let moved = vec![Changes {
        inserts: Vec::new(),
        removals: vec![0, 0, 0],
    }];
    for concurrency in [1, 8] {
        let (script, _) = changing(30, moved.clone());
        let sites = clients::on(script).sites().list();
        let items = sites.page_size(10).concurrency(concurrency).items();
        let seen = read(items).await.unwrap();
        assert_eq!(
            seen.len(),
            30,
            "three were there at first, and all others stay"
        );
    }
}

#[tokio::test]
async fn a_list_that_stays_takes_as_few_pages_as_overlap() {
    for (length, pages) in [
        (0, 1),
        (1, 1),
        (2, 1),
        (100, 1),
        (101, 2),
        (991, 10),
        (992, 11),
    ] {
        for concurrency in [1, 8] {
            let (script, _) = changing(length, Vec::new());
            let sites = clients::on(script.clone()).sites().list();
            let seen = read(sites.concurrency(concurrency).items()).await.unwrap();
            assert_eq!(seen.len() as u64, length);
            assert_eq!(script.count(), pages, "{length} items");
        }
    }
}

#[tokio::test]
async fn no_more_is_asked_for_than_is_taken() {
    for (wanted, pages, first) in [
        (0, 0, None),
        (1, 1, Some(1)),
        (7, 1, Some(7)),
        (100, 1, Some(100)),
        (150, 2, Some(100)),
    ] {
        let (script, _) = changing(1_000, Vec::new());
        let sites = clients::on(script.clone()).sites().list();
        let seen = read(sites.concurrency(8).take(wanted).items())
            .await
            .unwrap();
        assert_eq!(seen.len(), wanted);
        assert_eq!(script.count(), pages, "{wanted} items");
        let limit = script
            .requests()
            .first()
            .map(|request| number(request, "limit"));
        assert_eq!(limit, first);
    }
}
