//! Reads a description from a file or a URL.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, http::Uri};

/// The size limit of a description (16 MiB).
const LARGEST: u64 = 16 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Reads a file or a URL. The error is one line.
pub(crate) fn read(source: &str) -> Result<String, String> {
    if source.contains("://") {
        from_address(source)
    } else {
        from_file(source)
    }
}

fn from_file(path: &str) -> Result<String, String> {
    let mut text = String::new();
    let size = File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
        .map_err(|error| error.to_string())?;
    if size as u64 > LARGEST {
        return Err("it is larger than 16 MiB".to_owned());
    }
    Ok(text)
}

fn from_address(address: &str) -> Result<String, String> {
    const WHICH: &str = "only files and https addresses can be read";
    let uri: Uri = address
        .parse()
        .map_err(|error| format!("{WHICH} ({error})"))?;
    let loopback = is_loopback(uri.host().unwrap_or_default());
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if loopback => {}
        Some("http") => {
            return Err("over plain http anybody on the way could change it; use https".to_owned());
        }
        _ => return Err(WHICH.to_owned()),
    }
    let mut answer = agent(loopback)
        .get(address)
        .call()
        .map_err(|error| error.to_string())?;
    if !answer.status().is_success() {
        return Err(format!("the answer was {}", answer.status()));
    }
    answer
        .body_mut()
        .with_config()
        .limit(LARGEST)
        .read_to_string()
        .map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => "it is larger than 16 MiB".to_owned(),
            error => error.to_string(),
        })
}

fn agent(loopback: bool) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .user_agent("wpengine-xtask")
        // A redirect must not lead from https to http, or from loopback to another machine.
        .https_only(!loopback)
        .max_redirects(if loopback { 0 } else { 5 });
    // Loopback needs no proxy.
    let config = if loopback { config.proxy(None) } else { config };
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    config.tls_config(tls).build().into()
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::read;

    /// Answers one request with the given bytes and returns the URL.
    fn serve(answer: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        });
        format!("http://{address}/swagger")
    }

    #[test]
    fn an_address_on_loopback_is_read() {
        let address = serve("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntext".to_owned());
        assert_eq!(read(&address), Ok("text".to_owned()));
    }

    #[test]
    fn a_failure_of_the_server_is_an_error() {
        let address =
            serve("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_owned());
        let error = read(&address).expect_err("no description");
        assert!(error.contains("503"), "{error}");
    }

    #[test]
    fn a_redirect_away_from_loopback_is_not_followed() {
        let address = serve(
            "HTTP/1.1 302 Found\r\nlocation: http://example.com/\r\ncontent-length: 0\r\n\r\n"
                .to_owned(),
        );
        let error = read(&address).expect_err("no description");
        assert!(error.contains("302"), "{error}");
    }

    #[test]
    fn more_than_the_limit_is_refused() {
        let body = "x".repeat(17 * 1024 * 1024);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(
            read(&serve(answer)),
            Err("it is larger than 16 MiB".to_owned())
        );
    }

    #[test]
    fn only_https_and_loopback_are_asked() {
        for address in [
            "http://example.com/swagger",
            "ftp://example.com/x",
            "file:///etc/passwd",
        ] {
            let error = read(address).expect_err("refused");
            assert!(error.contains("https"), "{address}: {error}");
        }
        let error = read("http://127.0.0.1.example.com/").expect_err("refused");
        assert!(error.contains("https"), "{error}");
    }
}
