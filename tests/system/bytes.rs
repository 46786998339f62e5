//! Bodies as bytes: compressed bodies and bodies that are too large.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};
use wpengine::{Client, ErrorKind};

use crate::support::clients;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A server that answers every request with these bytes, marked as gzip.
async fn compressed(bytes: Vec<u8>) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(matchers::any())
        .respond_with(
            ResponseTemplate::new(200)
                .insert_header("content-encoding", "gzip")
                .set_body_raw(bytes, "application/json"),
        )
        .mount(&server)
        .await;
    server
}

fn client(server: &MockServer) -> Client {
    clients::at(&format!("{}/v1", server.uri()))
        .max_response_size(100_000)
        .retry(wpengine::RetryPolicy::none())
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_compressed_answer_is_asked_for_and_read() {
    let server = compressed(gzip(br#"{"id":"u","email":"joe@example.com"}"#)).await;
    let user = client(&server).current_user().await.unwrap();
    assert_eq!(user.email, "joe@example.com");
    let asked = &server.received_requests().await.unwrap()[0];
    let encodings = asked.headers["accept-encoding"].to_str().unwrap();
    assert!(encodings.contains("gzip"), "{encodings}");
}

#[tokio::test]
async fn the_cap_counts_what_an_answer_expands_to() {
    let bomb = gzip(&vec![b' '; 10_000_000]);
    assert!(bomb.len() < 50_000, "small on the way: {}", bomb.len());
    let server = compressed(bomb).await;
    let error = client(&server).current_user().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert!(error.to_string().contains("100000 bytes"), "{error}");
}

#[tokio::test]
async fn what_is_said_to_be_compressed_and_is_not_is_an_error() {
    let server = compressed(b"{\"id\":\"u\"}".to_vec()).await;
    let error = client(&server).current_user().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
}
