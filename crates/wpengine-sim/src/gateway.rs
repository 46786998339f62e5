//! What the gateway and the CDN in front of the API add: headers on every answer, and their own errors.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use jiff::Timestamp;
use jiff::tz::Offset;

use crate::random::Random;

/// The approximate number of headers of an answer.
const HEADERS: usize = 16;

/// The size limit of a body.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// The gateway's message when a rate limit is exceeded.
pub(crate) const TOO_MANY_REQUESTS: &str = "Too Many Requests";

/// An error of the gateway itself, sent before the API is reached.
pub(crate) fn error(status: StatusCode, message: &str) -> Response<Bytes> {
    let body = serde_json::json!({ "message": message }).to_string();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
}

/// The path exists, but not with this method.
pub(crate) fn method_not_allowed(methods: &[Method]) -> Response<Bytes> {
    let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    allow(response.headers_mut(), methods);
    response
}

/// The answer to OPTIONS.
pub(crate) fn options(methods: &[Method]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    allow(response.headers_mut(), methods);
    response
}

fn allow(headers: &mut HeaderMap, methods: &[Method]) {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if methods.contains(&Method::GET) {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    if let Ok(value) = HeaderValue::try_from(names.join(", ")) {
        headers.insert(header::ALLOW, value);
    }
}

/// Adds the headers that recorded answers have. They are computed from the seed and the number of the request, so that
/// two runs give the same bytes.
pub(crate) fn finish(response: &mut Response<Bytes>, seed: u64, request: u64, now: Timestamp) {
    let mut random = Random::for_text(seed ^ request.rotate_left(32), "gateway");
    let length = response.body().len();
    let has_body = response.status() != StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    if has_body {
        // An HTML page of the gateway already has its type.
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token",
        ),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET,POST,PATCH,DELETE,OPTIONS"),
    );
    headers.insert("x-cache", HeaderValue::from_static("Miss from cloudfront"));
    headers.insert("x-amz-cf-pop", HeaderValue::from_static("DFW56-P1"));
    put(headers, header::DATE, http_date(now));
    put(
        headers,
        HeaderName::from_static("x-amzn-requestid"),
        random.uuid(),
    );
    put(
        headers,
        HeaderName::from_static("x-amz-apigw-id"),
        format!("{}=", random.token(15)),
    );
    let trace = format!("Root=1-{:08x}-{}", now.as_second(), random.hex(24));
    put(headers, HeaderName::from_static("x-amzn-trace-id"), trace);
    put(
        headers,
        header::VIA,
        format!("1.1 {}.cloudfront.net (CloudFront)", random.hex(32)),
    );
    put(
        headers,
        HeaderName::from_static("x-amz-cf-id"),
        format!("{}==", random.token(54)),
    );
}

/// A time in HTTP format: `Mon, 01 Jun 2026 12:00:00 GMT`.
pub(crate) fn http_date(instant: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    // Formatted by hand because every answer has it and format patterns are slow.
    let at = Offset::UTC.to_datetime(instant);
    let day = DAYS[at.weekday().to_monday_zero_offset() as usize];
    let month = MONTHS[at.month() as usize - 1];
    format!(
        "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
        at.day(),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
