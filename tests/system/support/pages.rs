//! Pages of listings, as the service would write them.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

/// A site with that number.
pub(crate) fn site(number: u64) -> Value {
    json!({"id": format!("site-{number}"), "name": format!("Site {number}"), "account": {"id": "a1"}})
}

/// A page of the sites with these numbers.
pub(crate) fn sites(numbers: std::ops::Range<u64>, next: Option<&str>) -> String {
    json!({
        "results": numbers.map(site).collect::<Vec<_>>(),
        "previous": null,
        "next": next,
        "count": 1000,
    })
    .to_string()
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
