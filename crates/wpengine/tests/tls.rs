//! A server with TLS on loopback. With the feature `rustls` the client uses that, and with `native-tls` alone the library of
//! the platform: `cargo test -p wpengine --no-default-features --features native-tls --test tls`.
#![cfg(any(feature = "rustls", feature = "native-tls"))]

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        version::{TLS12, TLS13},
    },
};
use wpengine::{Client, ClientBuilder, Credentials, RetryPolicy};

// They are for this test alone: nobody else trusts them.
const AUTHORITY: &[u8] = include_bytes!("tls/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");

/// Answers every connection once, over TLS.
async fn server() -> String {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let config = ServerConfig::builder_with_protocol_versions(&[&TLS12, &TLS13])
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust the certificate closes the connection here.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let body = r#"{"id":"u","email":"joe@example.com"}"#;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("https://{address}/v1")
}

fn builder(url: &str) -> ClientBuilder {
    Client::builder()
        .base_url(url)
        .credentials(Credentials::basic("user", "password"))
        .retry(RetryPolicy::none())
}

#[tokio::test]
async fn a_certificate_is_trusted_when_it_is_given_and_not_before() {
    let url = server().await;
    let trusting = builder(&url).root_certificates_pem(AUTHORITY).build();
    let user = trusting.expect("a client").current_user().await;
    assert_eq!(user.expect("an answer").email, "joe@example.com");

    let client = builder(&url).build().expect("a client");
    let error = client.current_user().await.expect_err("nobody signed it");
    assert!(error.is_connect(), "{error:?}");
}
