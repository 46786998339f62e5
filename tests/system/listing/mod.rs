//! Listings: every item once and in order, or an error; never fewer items without an error.

mod ahead;
mod changing;
mod failures;
mod odd;
mod pages;
mod streams;
mod tokens;

use wpengine::{ErrorKind, paging::Items, types::Site};

/// Reads a stream to its end. Returns the ids of its sites, and the error if it failed.
async fn read(mut items: Items<Site>) -> (Vec<String>, Option<ErrorKind>) {
    let mut ids = Vec::new();
    let mut failed = None;
    while let Some(item) = items.next().await {
        assert!(failed.is_none(), "nothing comes after an error");
        match item {
            Ok(site) => ids.push(site.id.to_string()),
            Err(error) => {
                assert_eq!(error.operation(), Some("list_sites"));
                failed = Some(error.kind());
            }
        }
    }
    assert!(items.next().await.is_none(), "an end is an end");
    (ids, failed)
}

fn ids(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| format!("site-{number}")).collect()
}
