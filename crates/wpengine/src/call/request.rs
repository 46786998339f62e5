//! The requests of calls, as they are sent.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use crate::{
    error::Error,
    transport::{Core, Options, Parsed},
};

/// `GET /sites/28c7...`: what errors call a request. Never with its query.
pub(crate) fn name_of(core: &Core, method: &http::Method, path: &str) -> String {
    format!("{method} {}", below_base(core, path))
}

/// The part of a path that stands below the base URL.
pub(crate) fn below_base<'a>(core: &Core, path: &'a str) -> &'a str {
    let base = core.base.path().trim_end_matches('/');
    path.strip_prefix(base).unwrap_or(path)
}

/// Whether a path is below the base URL at all: `/v1x` is not below `/v1`.
pub(crate) fn is_below_base(core: &Core, path: &str) -> bool {
    let base = core.base.path().trim_end_matches('/');
    path.strip_prefix(base)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Makes an owned request of the generated one, with the headers that every request has.
pub(super) fn prepare(
    core: &Core,
    options: &Options,
    request: reqwest::Request,
) -> Result<http::Request<Bytes>, Error> {
    let (method, url) = (request.method().clone(), Arc::new(request.url().clone()));
    let request = http::Request::<reqwest::Body>::try_from(request).map_err(|error| {
        let name = name_of(core, &method, url.path());
        Error::invalid("the request has no valid URL")
            .caused_by(error)
            .with(|inner| inner.request = Some(name))
    })?;
    let (parts, body) = request.into_parts();
    let body = body
        .as_bytes()
        .map(Bytes::copy_from_slice)
        .unwrap_or_default();
    let mut request = http::Request::from_parts(parts, body);
    request.extensions_mut().insert(Parsed(url));
    decorate(core, options, request.headers_mut());
    Ok(request)
}

/// The headers that every request has, and those of this call.
pub(crate) fn decorate(core: &Core, options: &Options, headers: &mut HeaderMap) {
    for (name, value) in &options.headers {
        headers.insert(name, value.clone());
    }
    headers.insert(header::USER_AGENT, core.user_agent.clone());
    // The transport puts its own where one is wanted.
    headers.remove(header::AUTHORIZATION);
    // Where no body is documented the generated client asks for none, but failures have one all the same.
    headers
        .entry(header::ACCEPT)
        .or_insert(HeaderValue::from_static("application/json"));
}
