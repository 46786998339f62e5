//! The requests of calls, before they are sent.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use crate::{
    error::Error,
    transport::{Core, Options, Parsed},
};

/// How much of a path errors contain.
const PATH: usize = 300;

/// Returns the name of a request in errors, such as `GET /sites/28c7...`. It never contains the query.
pub(crate) fn name_of(core: &Core, method: &http::Method, path: &str) -> String {
    let path = below_base(core, path);
    match path.split_at_checked(PATH) {
        Some((start, rest)) if !rest.is_empty() => format!("{method} {start}…"),
        _ => format!("{method} {path}"),
    }
}

/// Returns the part of a path below the base URL.
pub(crate) fn below_base<'a>(core: &Core, path: &'a str) -> &'a str {
    let base = core.base.path().trim_end_matches('/');
    path.strip_prefix(base).unwrap_or(path)
}

/// Whether a path is below the base URL: `/v1x` is not below `/v1`.
pub(crate) fn is_below_base(core: &Core, path: &str) -> bool {
    let base = core.base.path().trim_end_matches('/');
    path.strip_prefix(base)
        .is_some_and(|rest| rest.starts_with('/'))
}

/// Converts the request of the generated client, and adds the headers that every request has.
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

/// Adds the headers of this call and those that every request has.
pub(crate) fn decorate(core: &Core, options: &Options, headers: &mut HeaderMap) {
    for (name, value) in &options.headers {
        headers.insert(name, value.clone());
    }
    headers.insert(header::USER_AGENT, core.user_agent.clone());
    // The transport adds its own `Authorization` if the operation needs one.
    headers.remove(header::AUTHORIZATION);
    // For an operation without a documented body, the generated client sends no `Accept`. Errors have a JSON body even
    // then.
    headers
        .entry(header::ACCEPT)
        .or_insert(HeaderValue::from_static("application/json"));
}
