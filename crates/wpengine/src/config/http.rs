//! The reqwest client behind a client: proxy, TLS and connection pool.

use std::time::Duration;

use url::Url;

use super::{Config, is_loopback};
use crate::error::Error;

/// Settings that are only needed to create the reqwest client.
#[derive(Default)]
pub(super) struct Connections {
    pub(super) proxy: Option<String>,
    pub(super) root_certificates: Vec<Vec<u8>>,
}

/// hyper adds the idle time to an `Instant`, which overflows for longer times.
const LONGEST_IDLE: Duration = Duration::from_secs(365 * 24 * 3_600);

pub(super) fn client(
    config: &Config,
    connections: &Connections,
    base: &Url,
) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(config.connect_timeout.min(LONGEST_IDLE))
        .pool_idle_timeout(config.pool_idle_timeout.min(LONGEST_IDLE))
        // The transport decides about retries. Redirects would send the credentials to another host.
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false);
    if let Some(most) = config.pool_max_idle {
        builder = builder.pool_max_idle_per_host(most);
    }
    builder = match &connections.proxy {
        Some(_) if base.scheme() == "http" => {
            return Err(Error::configuration(
                "a proxy cannot be used with a plain `http://` base URL: it would see the credentials",
            )
            .with_hint("leave `proxy` out: the base URL is on this machine"));
        }
        Some(proxy) => builder.proxy(checked_proxy(proxy)?),
        None if is_loopback(base) => builder.no_proxy(),
        None => {
            check_proxy_variables()?;
            builder
        }
    };
    tls(builder, connections, base)?.build().map_err(|error| {
        Error::configuration("TLS cannot be set up")
            .with_hint("it needs the certificates that this machine trusts: install them (Debian, Ubuntu and Alpine: the package `ca-certificates`)")
            .caused_by(error)
    })
}

/// Creates a reqwest client that only builds requests: the generated client needs one even if another HTTP client sends
/// the requests. It needs neither certificates nor a proxy.
pub(super) fn only_for_requests() -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder().no_proxy();
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    let builder = builder.tls_certs_only([]);
    builder
        .build()
        .map_err(|error| Error::configuration("TLS cannot be set up").caused_by(error))
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn tls(
    builder: reqwest::ClientBuilder,
    connections: &Connections,
    base: &Url,
) -> Result<reqwest::ClientBuilder, Error> {
    let builder = builder.tls_version_min(reqwest::tls::Version::TLS_1_2);
    #[cfg(feature = "rustls")]
    let builder = builder.tls_backend_rustls();
    let mut certificates = Vec::new();
    for pem in &connections.root_certificates {
        let read = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| {
            Error::configuration("the root certificates are not PEM").caused_by(error)
        })?;
        if read.is_empty() {
            return Err(
                Error::configuration("the root certificates hold no certificate")
                    .with_hint("PEM begins with `-----BEGIN CERTIFICATE-----`"),
            );
        }
        certificates.extend(read);
    }
    if base.scheme() == "http" {
        // Plain HTTP needs no certificates, and this machine may have none.
        return Ok(builder.tls_certs_only(certificates));
    }
    Ok(builder.tls_certs_merge(certificates))
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
fn tls(
    builder: reqwest::ClientBuilder,
    _: &Connections,
    base: &Url,
) -> Result<reqwest::ClientBuilder, Error> {
    if base.scheme() == "https" {
        return Err(Error::configuration(
            "this build of `wpengine` has no TLS, and the base URL is `https://`",
        )
        .with_hint("enable its feature `rustls` or `native-tls`"));
    }
    Ok(builder)
}

/// Checks a proxy URL. reqwest ignores a proxy that it cannot use, and would send requests without it. No error quotes
/// the URL, because it may contain a password.
fn checked_proxy(text: &str) -> Result<reqwest::Proxy, Error> {
    let url = proxy_url("the proxy", text)?;
    reqwest::Proxy::all(url).map_err(|error| {
        Error::configuration("the proxy cannot be used")
            .with_hint(PROXY_HINT)
            .caused_by(error.without_url())
    })
}

const PROXY_HINT: &str = "write it as `http://host:port`";

fn proxy_url(what: &str, text: &str) -> Result<Url, Error> {
    let refuse =
        |message: &str| Error::configuration(format!("{what} {message}")).with_hint(PROXY_HINT);
    let url = Url::parse(text).map_err(|error| refuse("is not a URL").caused_by(error))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("is neither `http://` nor `https://`"));
    }
    Ok(url)
}

/// Checks the variables that reqwest reads for an `https://` URL, in the same order. It accepts `host:port` as well.
fn check_proxy_variables() -> Result<(), Error> {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let mut text = value.to_string_lossy().into_owned();
        if !text.contains("://") {
            text.insert_str(0, "http://");
        }
        let what = format!("the proxy in the environment variable {name}");
        proxy_url(&what, &text)?;
    }
    Ok(())
}
