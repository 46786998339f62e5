//! Services that repeat the secrets they received, in every form and place that an error could quote.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Value, json};
use wpengine::{Client, Credentials, Error, RetryPolicy, types::PrivateKey};

use super::{PASSWORD, PRIVATE_KEY, TOKEN, USER, credentials, nowhere_in, told};
use crate::support::{
    calls::{self, INSTALL},
    clients::{self, BASE_URL},
    script::{Script, Turn},
};

/// Returns the header and the body of a request, and the secrets that a service can decode from them.
fn repeated(request: &Request<Bytes>) -> String {
    let header = request
        .headers()
        .get(header::AUTHORIZATION)
        .map_or("", |value| value.to_str().expect("text"));
    let content = header.split(' ').nth(1).unwrap_or_default();
    let decoded = match header.starts_with("Basic ") {
        true => String::from_utf8(STANDARD.decode(content).expect("base64")).expect("text"),
        false => String::new(),
    };
    format!("{header} {decoded}")
}

/// The bodies of a service that repeats a text.
fn bodies(text: &str) -> Vec<(&'static str, String)> {
    // The text is placed so far to the right that the quotation is cut inside it.
    let far = |width: usize| format!("{}{text}", "x".repeat(width));
    let mut bodies = vec![
        ("text", text.to_owned()),
        ("html", format!("<html><body><h1>500</h1><p>{text}</p></body></html>")),
        ("message", json!({"message": text}).to_string()),
        ("error text", json!({"error": text}).to_string()),
        ("overview", json!({"error": {"code": text, "message": text, "details": {"field": text, "reason": text}}}).to_string()),
        ("fields", json!({"message": "no", "documentation_url": text, "errors": [{"resource": text, "field": text, "type": text, "code": text, "message": text}, text]}).to_string()),
        ("other JSON", json!({"headers": {"authorization": text}, text: [text]}).to_string()),
        ("a list", json!([text]).to_string()),
        ("a string", json!(text).to_string()),
        ("broken JSON", format!("{{\"message\": {}", json!(text))),
    ];
    for width in [90, 100, 105, 110, 115, 118, 380, 390, 395, 399] {
        bodies.push(("far text", far(width)));
        bodies.push(("far message", json!({"message": far(width)}).to_string()));
        bodies.push(("far JSON", json!({"a": far(width)}).to_string()));
    }
    bodies
}

fn client(credentials: Credentials, wire: Arc<Script>) -> Client {
    clients::builder()
        .base_url(BASE_URL)
        .credentials(credentials)
        .retry(RetryPolicy::none())
        .http_client(wire)
        .build()
        .expect("a client")
}

fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .expect("an answer")
}

#[tokio::test]
async fn an_error_body_that_repeats_the_credentials_is_quoted_without_them() {
    for status in [302, 400, 401, 403, 404, 429, 500, 502] {
        for number in 0..bodies("").len() {
            for credentials in credentials() {
                let script = Script::new(move |_, request| {
                    let (_, body) = bodies(&repeated(request)).swap_remove(number);
                    Ok(answer(status, &body))
                });
                let client = client(credentials, script.clone());
                let name = bodies("")[number].0;
                for error in [
                    client.current_user().await.map(drop),
                    client.sites().create("A site", "a1").await.map(drop),
                    client.sites().list().collect_at_most(1).await.map(drop),
                    client
                        .request(Method::GET, "/brand/new")
                        .send()
                        .await
                        .map(drop),
                ] {
                    let error = error.expect_err("a failure");
                    nowhere_in(&format!("{status} with {name}"), &told(&error));
                }
            }
        }
    }
}

#[tokio::test]
async fn credentials_that_were_replaced_meanwhile_are_not_quoted_either() {
    let script = Script::new(|_, request| {
        Ok(answer(
            400,
            &json!({"message": repeated(request)}).to_string(),
        ))
    });
    let slow = client(Credentials::basic(USER, PASSWORD), script);
    let call = slow.current_user().into_future();
    // A call that is first polled after the change may use the new credentials. The error must contain neither the old
    // nor the new ones.
    slow.set_credentials(Credentials::bearer("another"))
        .expect("good credentials");
    nowhere_in("an error", &told(&call.await.expect_err("400")));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_quoted_without_them() {
    for credentials in credentials() {
        // Values of a wrong type that contain the credentials: a text where another type is expected, and a list or an
        // object where a text is expected.
        let script = Script::new(|_, request| {
            let text = repeated(request);
            let body = json!({
                "success": text, "results": text, "id": 7, "name": [text], "email": {"a": text}, "certificates": text,
                "environment_metrics": text, "templates": text, "status": [text], "metrics": text, "report": text,
                "count": text, "account": text, "largefs_settings": text, "domains": text, "uuid": [text],
            });
            Ok(answer(200, &body.to_string()))
        });
        let client = client(credentials, script);
        let mut unreadable = 0;
        for (id, call) in calls::each(&client) {
            if let Err(error) = call.await {
                unreadable += 1;
                nowhere_in(id, &told(&error));
            }
        }
        assert!(unreadable > 25, "{unreadable}");
        let error = client
            .request(Method::GET, "/brand/new")
            .json::<Vec<String>>()
            .await;
        nowhere_in("a request by path", &told(&error.expect_err("an object")));
        let error = client.request(Method::GET, "/user").json::<Number>().await;
        nowhere_in("a request by path", &told(&error.expect_err("a text")));
    }
}

#[derive(Debug, serde::Deserialize)]
struct Number {
    #[serde(rename = "results")]
    _results: u8,
}

/// Calls the two operations whose bodies contain a private key, in every way that the SDK offers.
async fn about_keys(client: &Client) -> Vec<Result<(), Error>> {
    let install = client.install(INSTALL);
    let body = json!({"certificate": "YQ==", "private_key": PRIVATE_KEY});
    let import = format!("/installs/{INSTALL}/ssl_certificates/third_party");
    let domain = format!("/installs/{INSTALL}/domains/d1/ssl_certificate");
    vec![
        install
            .certificates()
            .import_third_party(
                clients::pem("CERTIFICATE", "a"),
                PrivateKey::new(clients::pem("PRIVATE KEY", PRIVATE_KEY)),
            )
            .await
            .map(drop),
        install.domain("d1").certificate().get().await.map(drop),
        client
            .request(Method::POST, &import)
            .body(&body)
            .send()
            .await
            .map(drop),
        client
            .request(Method::POST, &import)
            .body(&body)
            .json::<Number>()
            .await
            .map(drop),
        client
            .request(Method::GET, &domain)
            .json::<Number>()
            .await
            .map(drop),
    ]
}

#[tokio::test]
async fn an_error_that_repeats_a_private_key_is_not_quoted() {
    for status in [400, 404, 422, 500] {
        for number in 0..bodies("").len() {
            let script = Script::new(move |_, _| {
                Ok(answer(status, &bodies(PRIVATE_KEY).swap_remove(number).1))
            });
            let client = client(Credentials::basic(USER, PASSWORD), script);
            for error in about_keys(&client).await {
                nowhere_in(
                    &format!("{status} with {}", bodies("")[number].0),
                    &told(&error.expect_err("a failure")),
                );
            }
        }
    }
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_not_quoted() {
    let key = Value::from(PRIVATE_KEY);
    for body in [
        json!(key),
        json!([key]),
        json!({"certificate": {"key": [key]}, "private_key": [key], "results": key}),
        json!({"certificate": [key], "private_key": {"a": key}, "results": key}),
        json!({"certificate": 7, "cert_info": key, "results": [key]}),
        json!({"cert_info": {"key": [key]}, "results": key}),
        json!({"cert_info": {"key": {"a": key}, "cert": [key]}, "results": key}),
        json!({"certificate": key, "private_key": 7, "results": key}),
    ] {
        let script = Script::new(move |_, _| Ok(answer(200, &body.to_string())));
        let client = client(Credentials::basic(USER, PASSWORD), script);
        for error in about_keys(&client)
            .await
            .into_iter()
            .filter_map(Result::err)
        {
            nowhere_in("an error", &told(&error));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_other_kind_of_error_shows_none() {
    for turn in [
        Turn::Connect,
        Turn::ConnectTimeout,
        Turn::Broken,
        Turn::Silence,
        Turn::Status(401),
        Turn::Status(599),
    ] {
        for credentials in credentials() {
            let client = client(credentials, Script::always(turn));
            for (id, call) in calls::each(&client) {
                nowhere_in(id, &told(&call.await.expect_err("a failure")));
            }
        }
    }
    let text = format!("{TOKEN}\n");
    for credentials in [
        Credentials::basic(format!("{PASSWORD}:x"), PASSWORD),
        Credentials::basic("", PASSWORD),
        Credentials::bearer(text),
    ] {
        let error = Client::builder()
            .credentials(credentials)
            .build()
            .expect_err("no credentials");
        nowhere_in("a configuration error", &told(&error));
    }
}
