//! The base URL of a client.

use std::net::IpAddr;

use url::{Host, Url};

use crate::{Credentials, error::Error};

/// The production URL of the API.
pub(super) const BASE_URL: &str = "https://api.wpengineapi.com/v1";

/// Parses a base URL and the credentials in it. Only a URL of this machine may contain credentials: such a URL is a
/// simulator's.
///
/// No error quotes the URL, because it may contain a password.
pub(crate) fn read(text: &str) -> Result<(Url, Option<Credentials>), Error> {
    let mut url = Url::parse(text).map_err(|error| {
        Error::configuration("the base URL is not a URL")
            .with_hint(format!("it should look like `{BASE_URL}`"))
            .caused_by(error)
    })?;
    check(&url)?;
    let credentials = take_credentials(&mut url)?;
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok((url, credentials))
}

fn check(url: &Url) -> Result<(), Error> {
    let (text, hint) = match url.scheme() {
        _ if url.query().is_some() || url.fragment().is_some() => {
            let text = "the base URL has a query or a fragment".to_owned();
            (text, "it ends with the version, like `/v1`")
        }
        "https" => return Ok(()),
        "http" if is_loopback(url) => return Ok(()),
        "http" => {
            let host = url.host_str().unwrap_or_default();
            let text = format!(
                "the base URL is plain `http://`, which would send the credentials to {host} in clear text"
            );
            let hint =
                "use `https://`; `http://` is accepted for `localhost` and loopback addresses only";
            (text, hint)
        }
        other => (
            format!("the base URL has the scheme `{other}`"),
            "use `https://`",
        ),
    };
    Err(Error::configuration(text).with_hint(hint))
}

fn take_credentials(url: &mut Url) -> Result<Option<Credentials>, Error> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    if !is_loopback(url) {
        return Err(Error::configuration("the base URL holds credentials").with_hint(
            "remove them from the URL and set them with `credentials`; only a URL of this machine may contain credentials",
        ));
    }
    let decoded = |text: &str| {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
        decoded.map(String::from).map_err(|error| {
            Error::configuration("the credentials in the base URL are not UTF-8").caused_by(error)
        })
    };
    let user = decoded(url.username())?;
    let password = decoded(url.password().unwrap_or_default())?;
    // Neither can fail: the URL has a host.
    let _ = (url.set_username(""), url.set_password(None));
    Ok(Some(Credentials::basic(user, password)))
}

/// Whether a URL names this machine: `localhost` or a loopback address. Other names that end in `.localhost` do not
/// count, because DNS may resolve them to any address.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

/// Returns a URL without the parts that may contain a password.
pub(super) fn shown(text: &str) -> String {
    match Url::parse(text) {
        Ok(url) if url.has_host() => format!(
            "{}://{}",
            url.scheme(),
            &url[url::Position::BeforeHost..url::Position::AfterPath]
        ),
        _ => "(no URL)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_accepted_for_this_machine_only() {
        for good in [
            "https://api.wpengineapi.com/v1",
            "https://api.wpengineapi.com/v1/",
            "http://127.0.0.1:8080/v1",
            "http://127.8.9.1/v1",
            "http://[::1]:8080/v1",
            "http://localhost:8080/v1",
        ] {
            let (url, credentials) = read(good).unwrap();
            assert!(!url.as_str().ends_with("v1/"), "{good}");
            assert!(credentials.is_none());
        }
        for bad in [
            "http://api.wpengineapi.com/v1",
            "http://127.0.0.1.example.com/v1",
            "http://10.0.0.1/v1",
            "http://localhost.example.com/v1",
            "http://evil.localhost/v1",
            "http://0.0.0.0/v1",
            "ftp://127.0.0.1/v1",
            "https://user:pw@example.com/v1",
            "https://example.com/v1?x=1",
            "https://example.com/v1#x",
            "api.wpengineapi.com/v1",
            "",
        ] {
            let error = read(bad).unwrap_err();
            assert!(!error.to_string().contains("pw"), "{error}");
        }
    }

    #[test]
    fn a_url_of_this_machine_may_hold_credentials_and_loses_them() {
        let (url, credentials) = read("http://user%40x:p%C3%A4ss@127.0.0.1:80/v1").unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1/v1");
        let expected = Credentials::basic("user@x", "päss");
        assert_eq!(credentials.unwrap().basic_pair(), expected.basic_pair());
    }
}
