//! Pages of listings as the service writes them.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

/// Returns a site with this number.
pub(crate) fn site(number: u64) -> Value {
    json!({"id": format!("site-{number}"), "name": format!("Site {number}"), "account": {"id": "a1"}})
}

/// Returns the page that the service would send for a request, of a list with this number of sites.
pub(crate) fn page(request: &Request<Bytes>, total: u64) -> String {
    let begin = number(request, "offset").min(total);
    let end = (begin + number(request, "limit")).min(total);
    let next = (end < total).then(|| format!("?offset={end}"));
    body(begin..end, next.as_deref(), Some(total))
}

/// Returns a page of the sites with these numbers, with `next` and `count`.
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

/// Returns a page of the sites with these numbers, of a list of a thousand sites.
pub(crate) fn sites(numbers: std::ops::Range<u64>, next: Option<&str>) -> String {
    body(numbers, next, Some(1_000))
}

/// Returns a query parameter of a request.
pub(crate) fn parameter(request: &Request<Bytes>, name: &str) -> Option<String> {
    let url = url::Url::parse(&request.uri().to_string()).expect("a URL");
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Returns a query parameter that is a number; 0 if it is missing.
pub(crate) fn number(request: &Request<Bytes>, name: &str) -> u64 {
    parameter(request, name).map_or(0, |text| text.parse().expect("a number"))
}
