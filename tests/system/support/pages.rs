//! Pages of listings as the service writes them.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

/// A site with that number.
pub(crate) fn site(number: u64) -> Value {
    json!({"id": format!("site-{number}"), "name": format!("Site {number}"), "account": {"id": "a1"}})
}

/// The page that a request asks for, of a list of so many sites: what the service answers with.
pub(crate) fn page(request: &Request<Bytes>, total: u64) -> String {
    let begin = number(request, "offset").min(total);
    let end = (begin + number(request, "limit")).min(total);
    let next = (end < total).then(|| format!("?offset={end}"));
    body(begin..end, next.as_deref(), Some(total))
}

/// A page of the sites with these numbers, and what it says of the list.
pub(crate) fn body(
    numbers: std::ops::Range<u64>,
    next: Option<&str>,
    count: Option<u64>,
) -> String {
    let mut page = json!({
        "results": numbers.map(site).collect::<Vec<_>>(),
        "previous": null,
        "next": next,
    });
    if let Some(count) = count {
        page["count"] = count.into();
    }
    page.to_string()
}

/// A page of the sites with these numbers, of a thousand.
pub(crate) fn sites(numbers: std::ops::Range<u64>, next: Option<&str>) -> String {
    body(numbers, next, Some(1_000))
}

/// A parameter of the query of a request.
pub(crate) fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    let url = url::Url::parse(&request.uri().to_string()).expect("a URL");
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A parameter that is a number, 0 where it is absent.
pub(crate) fn number(request: &Request<Bytes>, name: &str) -> u64 {
    parameter(request, name).map_or(0, |text| text.parse().expect("a number"))
}
