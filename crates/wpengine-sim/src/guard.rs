//! Protects the controls: only programs and the simulator's own pages may use them.
//!
//! A web page in a browser must not be able to reset the simulator or read its state. A browser marks a request from a
//! page of another origin with `Origin` or `Sec-Fetch-Site`. With DNS rebinding, the request has a foreign name in
//! `Host`. There are no CORS headers.

use std::net::IpAddr;

use http::{HeaderMap, StatusCode, header};

/// Why a request was refused, as status and message.
pub(crate) type Refused = (StatusCode, String);

/// Refuses requests from other web pages.
pub(crate) fn check_caller(headers: &HeaderMap) -> Result<(), Refused> {
    check_host(headers)?;
    let host = text(headers, header::HOST.as_str());
    let is_own = |origin: &str| origin.strip_prefix("http://") == host;
    if headers.contains_key(header::ORIGIN)
        && !text(headers, header::ORIGIN.as_str()).is_some_and(is_own)
    {
        return Err(forbidden("the controls are not for other web pages"));
    }
    // Another port of this machine is another origin but the same site, so `same-site` is refused too.
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(forbidden("the controls are not for other web pages")),
    }
}

/// Refuses requests whose `Host` is not a name of this machine.
pub(crate) fn check_host(headers: &HeaderMap) -> Result<(), Refused> {
    // Requests of HTTP/1.0 and in memory have no `Host`.
    if !headers.contains_key(header::HOST)
        || text(headers, header::HOST.as_str()).is_some_and(is_loopback)
    {
        return Ok(());
    }
    Err(forbidden("the controls answer at a loopback address only"))
}

fn forbidden(message: &str) -> Refused {
    (StatusCode::FORBIDDEN, message.to_owned())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a `Host` header names this machine: `localhost`, `127.0.0.1:4010`, `[::1]:4010`.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    name == "localhost"
        || name
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_loopback_hosts_are_answered() {
        for host in [
            "localhost",
            "localhost:80",
            "127.0.0.1:4010",
            "127.1.2.3",
            "[::1]:4010",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "192.168.0.1",
            "[::2]",
            "evil@example.com",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn programs_and_the_simulators_own_pages_are_let_through() {
        for request in [
            &[][..],
            &[("host", "localhost:4010")],
            &[("host", "localhost:4010"), ("sec-fetch-site", "none")],
            &[
                ("host", "127.0.0.1:4010"),
                ("origin", "http://127.0.0.1:4010"),
                ("sec-fetch-site", "same-origin"),
            ],
        ] {
            assert_eq!(check_caller(&headers(request)), Ok(()), "{request:?}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        for request in [
            &[("host", "evil.example")][..],
            &[("host", "evil.example"), ("origin", "http://evil.example")],
            &[
                ("host", "localhost:4010"),
                ("origin", "http://evil.example"),
            ],
            &[("host", "localhost:4010"), ("origin", "null")],
            &[
                ("host", "localhost:4010"),
                ("origin", "http://localhost:8080"),
            ],
            &[
                ("host", "localhost:4010"),
                ("origin", "https://localhost:4010"),
            ],
            &[("origin", "http://localhost")],
            &[("host", "localhost:4010"), ("sec-fetch-site", "cross-site")],
            &[("host", "localhost:4010"), ("sec-fetch-site", "same-site")],
        ] {
            assert!(check_caller(&headers(request)).is_err(), "{request:?}");
        }
    }
}
