//! Listings with any pages: every item once and in order, or an error; and no unnecessary request.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;
use wpengine::{
    Client, Error, ErrorKind,
    paging::{ByOffset, List, Pages},
};

use super::{
    calls::ID,
    desk::{self, Caller, Desk},
    line,
    tape::Tape,
};

/// Inputs with more pages find nothing new.
const PAGES: usize = 8;

/// How the listing is read, and how the desk answers.
#[derive(Clone, Copy, Debug)]
struct Reading {
    limit: u32,
    concurrency: usize,
    /// The number of items by which the offset grows from one page to the next.
    stride: u64,
    /// Whether a request beyond the last page fails; otherwise it gets an empty page.
    fails_after: bool,
}

/// The result of a listing: the items of each page, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    pages: Vec<Vec<Option<String>>>,
    error: Option<ErrorKind>,
    /// The path and query of each request.
    sent: Vec<String>,
}

/// Pages. The input is the listing, the page size, the concurrency, the stride of the pages, the answer after the last
/// page, and the pages, separated by lines of `%%`. The answer to a request depends only on its offset or token.
pub fn page(input: &[u8]) {
    let mut tape = Tape::new(input);
    let listing = tape.pick(&LISTINGS);
    let limit = tape.pick(&[2, 1, 3, 5, 10, 100]);
    let concurrency = tape.pick(&[1, 2, 4, 8]);
    let stride = tape.pick(&[u64::from(limit), 1, 2]).min(10);
    let fails_after = tape.choice(2) == 1;
    let bodies: Arc<[Bytes]> = tape
        .parts(PAGES)
        .into_iter()
        .map(Bytes::copy_from_slice)
        .collect();
    let reading = Reading {
        limit,
        concurrency,
        stride,
        fails_after,
    };
    let read = (listing.read)(listing, reading, &bodies);
    if listing.by_token {
        assert_faithful(listing, reading, &bodies, &read);
    } else {
        assert_each_once(&read);
    }
}

/// Compares the pages that a listing returned, one page at a time, with the answers.
fn assert_faithful(listing: Listing, reading: Reading, bodies: &[Bytes], read: &Read) {
    let answers: Vec<Option<&Bytes>> = read
        .sent
        .iter()
        .map(|asked| {
            listing
                .index(asked, reading, bodies.len())
                .map(|index| &bodies[index])
        })
        .collect();
    // One request for each page, and one more if it failed.
    let extra = answers.len() - read.pages.len();
    assert!(
        extra == 0 || extra == 1 && read.error.is_some(),
        "{} requests for {} pages",
        answers.len(),
        read.pages.len()
    );
    let mut ends = false;
    for (page, body) in read.pages.iter().zip(&answers) {
        assert!(!ends, "a page after the last");
        let Some(body) = body else {
            assert!(!reading.fails_after, "a page where there was a failure");
            assert!(page.is_empty());
            ends = true;
            continue;
        };
        // Serde also reads an object from an array, by the order of its fields. The shape does not model that.
        if body.trim_ascii_start().starts_with(b"[") {
            return;
        }
        let shape = (listing.shape)(body).expect("a page that was read");
        ends = shape.is_last();
        let expected = shape.keys.expect("a page with its array");
        assert_eq!(page, &expected, "each item, in order");
    }
    match read.error {
        None => assert!(ends, "the listing ends before its last page"),
        Some(_) => assert!(!ends, "the listing fails although it was all there"),
    }
}

/// Checks that no item of an earlier page is returned again. Two items with one id on the same page are allowed.
fn assert_each_once(read: &Read) {
    let mut seen = HashSet::new();
    for page in &read.pages {
        for key in page.iter().flatten() {
            assert!(!seen.contains(key), "{key} came twice");
        }
        seen.extend(page.iter().flatten());
    }
}

/// The relevant parts of a page, parsed without the SDK.
struct Shape {
    /// The key of each item; `None` if the page has no array.
    keys: Option<Vec<Option<String>>>,
    next: Option<String>,
    place: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    current_page: Option<u64>,
    total_pages: Option<u64>,
}

impl Shape {
    /// Whether the page says that it is the last one.
    fn is_last(&self) -> bool {
        let named = self.next.as_ref().is_some_and(|next| !next.is_empty());
        let counted = self.place.as_ref().is_some_and(|place| {
            matches!((place.current_page, place.total_pages), (Some(current), Some(pages)) if current < pages)
        });
        !named && !counted
    }
}

impl Listing {
    /// The page that answers a request; `None` beyond the last page.
    fn index(&self, asked: &str, reading: Reading, pages: usize) -> Option<usize> {
        let base = url::Url::parse("http://127.0.0.1").expect("a URL");
        let url = base.join(asked).expect("a path and query");
        let start = url.query_pairs().find(|(name, _)| name == "offset");
        let index = match (start, self.by_token) {
            (None, _) => 0,
            (Some((_, offset)), false) => {
                offset.parse::<u64>().expect("an offset") / reading.stride
            }
            (Some((_, token)), true) => {
                let first = token.bytes().next().unwrap_or_default();
                u64::from(first.wrapping_sub(b'0')) % pages as u64
            }
        };
        usize::try_from(index).ok().filter(|index| *index < pages)
    }
}

fn play(desk: &Desk, listing: Listing, reading: Reading, bodies: &Arc<[Bytes]>) {
    let pages = bodies.len() as u64 * reading.stride + 2;
    // A listing may go back sixteen times from every page, and then continues from there.
    let most = pages * pages * 20 + 10 * reading.concurrency as u64;
    let empty = format!(r#"{{"{}":[],"next":null}}"#, listing.array);
    let bodies = Arc::clone(bodies);
    let answer = move |_: usize, request: &Request<Bytes>| -> Response<Bytes> {
        assert_eq!(request.method(), Method::GET);
        let asked = request.uri().to_string();
        match listing.index(&asked, reading, bodies.len()) {
            Some(index) => desk::answer(200, bodies[index].clone()),
            None if reading.fails_after => desk::answer(500, Bytes::from_static(b"{}")),
            None => desk::answer(200, Bytes::from(empty.clone())),
        }
    };
    desk.play(usize::try_from(most).expect("a few"), answer);
}

async fn drain<T: Send + 'static>(
    mut pages: Pages<T>,
    key: fn(&T) -> Option<String>,
) -> (Vec<Vec<Option<String>>>, Option<Error>) {
    let mut read = Vec::new();
    loop {
        match pages.try_next().await {
            Ok(Some(page)) => read.push(page.items.iter().map(key).collect()),
            Ok(None) => return (read, None),
            Err(error) => {
                let after = pages.try_next().await.expect("nothing after an error");
                assert!(after.is_none(), "a page after an error");
                return (read, Some(error));
            }
        }
    }
}

fn read<T: Send + 'static>(
    listing: Listing,
    reading: Reading,
    bodies: &Arc<[Bytes]>,
    pages: impl FnOnce(&Client) -> Pages<T>,
    key: fn(&T) -> Option<String>,
) -> Read {
    let (client, desk) = desk::client(Caller::Plain);
    play(&desk, listing, reading, bodies);
    let (pages, error) = desk::run(drain(pages(&client), key));
    if let Some(error) = &error {
        line::assert_readable(error);
        let kinds = [ErrorKind::Decode, ErrorKind::Paging, ErrorKind::Api];
        assert!(
            kinds.contains(&error.kind()) || error.is_invalid_request(),
            "{error}"
        );
    }
    Read {
        pages,
        error: error.map(|error| error.kind()),
        sent: desk.sent(),
    }
}

/// Reads a listing by offset.
fn by_offset<T: Send + 'static>(list: List<T, ByOffset>, reading: Reading) -> Pages<T> {
    list.page_size(reading.limit)
        .concurrency(reading.concurrency)
        .pages()
}

/// A listing: the name of its array, and how to read it with and without the SDK.
#[derive(Clone, Copy)]
struct Listing {
    by_token: bool,
    array: &'static str,
    read: fn(Listing, Reading, &Arc<[Bytes]>) -> Read,
    shape: fn(&[u8]) -> serde_json::Result<Shape>,
}

/// Parses a page without the SDK. It must ignore what the listing ignores.
macro_rules! shape {
    ($array:literal of $key:ident: $of:ty, $($field:ident = $name:literal: $type:ty),*; $page:ident => ($next:expr, $place:expr)) => {
        |body| {
            #[derive(Deserialize)]
            struct Page {
                #[serde(rename = $array)]
                items: Option<Vec<Item>>,
                $(#[serde(rename = $name)] $field: Option<$type>,)*
            }
            #[derive(Deserialize)]
            struct Item {
                $key: Option<$of>,
            }
            let $page: Page = serde_json::from_slice(body)?;
            let key = |item: Item| item.$key.map(|key| key.to_string());
            Ok(Shape {
                next: $next,
                place: $place,
                keys: $page.items.map(|items| items.into_iter().map(key).collect()),
            })
        }
    };
}

macro_rules! by_offset {
    ($key:ident, |$client:ident| $list:expr) => {
        Listing {
            by_token: false,
            array: "results",
            read: |listing, reading, bodies| {
                let pages = |$client: &Client| by_offset($list, reading);
                read(listing, reading, bodies, pages, |item| Some(item.$key.to_string()))
            },
            shape: shape!("results" of $key: String, next = "next": String, place = "pagination": Place;
                page => (page.next, page.place)),
        }
    };
}

macro_rules! by_token {
    ($array:literal, $key:ident: $of:ty, |$client:ident| $list:expr) => {
        Listing {
            by_token: true,
            array: $array,
            read: |listing, reading, bodies| {
                let pages = |$client: &Client| $list.page_size(reading.limit).pages();
                read(listing, reading, bodies, pages, |item| {
                    item.$key.as_ref().map(ToString::to_string)
                })
            },
            shape: shape!($array of $key: $of, next = "next_page_token": String; page => (page.next, None)),
        }
    };
}

macro_rules! whole {
    ($array:literal, $key:ident, |$client:ident| $list:expr) => {
        Listing {
            by_token: false,
            array: $array,
            read: |listing, reading, bodies| {
                let pages = |$client: &Client| $list.pages();
                read(listing, reading, bodies, pages, |item| Some(item.$key.to_string()))
            },
            shape: shape!($array of $key: String,; page => (None, None)),
        }
    };
}

/// The listings. Only append: fuzz inputs refer to them by position.
const LISTINGS: [Listing; 13] = [
    by_offset!(id, |client| client.sites().list()),
    by_offset!(id, |client| client.installs().list()),
    by_offset!(id, |client| client.accounts().list()),
    by_offset!(id, |client| client.install(ID).domains().list()),
    by_offset!(id, |client| client.install(ID).backups().list()),
    by_offset!(id, |client| client.install(ID).archives().list()),
    by_offset!(id, |client| client.account(ID).list_site_transfers()),
    by_offset!(uuid, |client| client.ssh_keys().list()),
    by_token!("certificates", id: wpengine::types::CertificateId, |client| client.install(ID).certificates().list()),
    by_token!("environment_metrics", environment_name: String, |client| client.account(ID).usage().list()),
    whole!("results", user_id, |client| client
        .account(ID)
        .users()
        .list()),
    whole!("templates", template_uuid, |client| client
        .account(ID)
        .list_site_report_templates()),
    by_offset!(id, |client| client.site(ID).site_transfers().list()),
];
