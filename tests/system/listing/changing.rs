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

/// How many listings the property is tried on; the suite's number keeps it short.
fn listings() -> u32 {
    std::env::var("WPENGINE_LISTINGS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(500)
}

/// A list that is changed after every page, by a script of inserts and removals at places given in thousandths.
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

/// A service whose list of `length` items goes through the changes, one step after each page, and then stays.
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

async fn read(mut items: Items<Site>) -> Result<(Vec<String>, bool), wpengine::Error> {
    let mut seen = Vec::new();
    while let Some(site) = items.try_next().await? {
        seen.push(site.id.to_string());
    }
    Ok((seen, items.shrank()))
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
    fn a_verified_listing_loses_and_doubles_nothing_that_stays(
        length in 0..120_u64,
        limit in 2..30_u32,
        steps in prop::collection::vec(changes(), 0..20),
    ) {
        let (script, list) = changing(length, steps);
        let client = clients::on(script.clone());
        let (seen, _) = run(read(client.sites().list().limit(limit).verified().items())).unwrap();
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

    #[test]
    fn an_ordinary_listing_doubles_nothing_and_says_when_it_may_have_missed_something(
        length in 0..120_u64,
        limit in 1..30_u32,
        concurrency in 1..5_usize,
        steps in prop::collection::vec(changes(), 0..10),
    ) {
        let only_inserts: Vec<Changes> = steps
            .iter()
            .map(|step| Changes { inserts: step.inserts.clone(), removals: Vec::new() })
            .collect();
        let (script, list) = changing(length, only_inserts);
        let items = clients::on(script).sites().list().limit(limit).concurrency(concurrency).items();
        let (seen, shrank) = run(read(items)).unwrap();
        let mut distinct = seen.clone();
        distinct.sort();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), seen.len(), "something came twice");
        prop_assert!(!shrank);
        let list = list.lock().unwrap();
        for stayed in list.numbers.iter().filter(|number| **number < length) {
            let id = format!("site-{stayed}");
            prop_assert!(seen.contains(&id), "{id} is missing, and nothing was removed");
        }
    }
}

#[tokio::test]
async fn a_list_that_shrinks_says_so() {
    let (script, _) = changing(
        30,
        vec![Changes {
            inserts: Vec::new(),
            removals: vec![0, 0, 0],
        }],
    );
    let client = clients::on(script);
    let (seen, shrank) = read(client.sites().list().limit(10).items()).await.unwrap();
    assert!(shrank);
    assert_eq!(seen.len(), 27, "three moved up over the end of a page");
}

#[tokio::test]
async fn verifying_a_list_that_stays_costs_one_item_a_page() {
    let (script, _) = changing(991, Vec::new());
    let client = clients::on(script.clone());
    let (seen, shrank) = read(client.sites().list().verified().items())
        .await
        .unwrap();
    assert_eq!((seen.len(), shrank), (991, false));
    assert_eq!(script.count(), 10);
}

#[tokio::test]
async fn a_page_of_one_item_cannot_be_verified_and_is_refused_before_anything_is_sent() {
    let (script, _) = changing(3, Vec::new());
    let client = clients::on(script.clone());
    let error = read(client.sites().list().limit(1).verified().items())
        .await
        .unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(script.count(), 0);
}
