//! Errors from answers: every documented status, and every form of a body.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::Response;
use wpengine::{Client, Credentials, ErrorKind, SecretString, TokenFuture, TokenSource};
use wpengine_sim::Simulator;

use super::{Sheet, check, once, three_times};
use crate::support::{
    calls::{INSTALL, SITE},
    clients, document,
    program::{quickstart, stderr},
    script::{self, Script},
};

/// A response with a request id, as WP Engine's support needs it.
fn answer(status: u16, body: &str) -> Response<Bytes> {
    script::with_header(script::json(status, body), "x-amzn-requestid", "6f1c-42")
}

fn answering(status: u16, body: &str) -> Client {
    let answer = answer(status, body);
    once(Script::new(move |_, _| Ok(answer.clone())))
}

/// Returns every documented failure, with its example.
fn documented() -> BTreeMap<u16, String> {
    let operations = document::operations();
    let failures = operations.iter().flat_map(|operation| operation.failures());
    failures
        .filter_map(|(status, body)| Some((status, body?.example.to_string())))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn every_documented_status_says_what_it_means() {
    let mut sheet = Sheet::default();
    let documented = documented();
    let statuses: Vec<_> = documented.keys().copied().collect();
    assert_eq!(statuses, [400, 401, 403, 404, 409, 422, 429, 500, 502, 503]);
    for (status, body) in documented {
        let client = answering(status, &body);
        sheet.note(&format!("{status}, reading"), client.site(SITE).get().await);
        sheet.note(
            &format!("{status}, writing"),
            client.site(SITE).update().name("x").await,
        );
    }
    for status in [301, 405, 418, 504, 520] {
        let client = answering(status, "");
        sheet.note(
            &format!("{status}, not documented"),
            client.site(SITE).get().await,
        );
    }
    sheet.check("statuses", &[ErrorKind::Api]);
}

#[tokio::test]
async fn every_form_of_a_body_is_said_in_a_line() {
    let mut sheet = Sheet::default();
    for (form, status, body) in [
        (
            "today's",
            400,
            r#"{"message":"Invalid Site: Name cannot be empty.","documentation_url":"https://developer.wpengine.com/v1","errors":[{"resource":"Site","field":"name","type":"invalid_value","code":"too_long","message":"Name is too long (maximum is 40 characters)"},{"resource":"Site","field":"account_id","type":"access_error","code":"forbidden","message":"No access"}]}"#,
        ),
        (
            "the overview's",
            400,
            r#"{"error":{"code":"invalid_request","message":"The site ID is invalid","details":{"field":"site_id","reason":"must be a valid UUID"}}}"#,
        ),
        (
            "the gateway's",
            403,
            r#"{"message":"Missing Authentication Token"}"#,
        ),
        ("other JSON", 400, r#"{"detail":["something else"]}"#),
        (
            "text",
            503,
            "upstream connect error\nor disconnect/reset before headers",
        ),
        (
            "HTML",
            502,
            "<html>\n<head><title>502 Bad Gateway</title></head>\n<body><center><h1>502 Bad Gateway</h1></center><hr>cloudfront</body>\n</html>",
        ),
        ("the status again", 502, r#"{"message":"Bad Gateway"}"#),
        ("nothing", 503, ""),
        ("null", 500, "null"),
    ] {
        sheet.note(form, answering(status, body).site(SITE).get().await);
    }
    let long = format!("<p>{}</p>", "many words ".repeat(5_000));
    sheet.note("a long text", answering(502, &long).site(SITE).get().await);
    sheet.check("forms", &[ErrorKind::Api]);
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_says_how_long_to_wait() {
    let limited = |after: &str| {
        let answer = script::with_header(
            answer(429, r#"{"message":"Too Many Requests"}"#),
            "retry-after",
            after,
        );
        three_times(Script::new(move |_, _| Ok(answer.clone())))
    };
    let mut sheet = Sheet::default();
    let five = Duration::from_secs(5);
    let in_vain = limited("0").site(SITE).get().timeout(five).await;
    sheet.note("waited for in vain", in_vain);
    sheet.note("not waited for", limited("86400").site(SITE).get().await);
    sheet.check("rate_limits", &[ErrorKind::Api]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_server_says_whether_it_may_have_been_done() {
    let body = r#"{"message":"An unexpected error occurred, please try again in a few minutes"}"#;
    let answer = answer(500, body);
    let client = three_times(Script::new(move |_, _| Ok(answer.clone())));
    let mut sheet = Sheet::default();
    sheet.note("reading", client.site(SITE).get().await);
    let backup = client
        .install(INSTALL)
        .backups()
        .create("before deploy", ["ops@example.com"]);
    sheet.note("creating", backup.await);
    sheet.note("deleting", client.site(SITE).delete().await);
    sheet.check("server_errors", &[ErrorKind::Api]);
}

struct Vault;

impl TokenSource for Vault {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok(SecretString::from("a-token")) })
    }
}

#[tokio::test]
async fn refused_credentials_say_which_ones_to_check() {
    let mut sheet = Sheet::default();
    for (what, credentials) in [
        ("given", Credentials::basic("user", "password")),
        ("a token", Credentials::bearer("a-token")),
        ("a source", Credentials::token_source(Vault)),
    ] {
        let wire = Script::new(|_, _| Ok(answer(401, r#"{"message":"Bad Credentials"}"#)));
        let client = clients::builder_on(wire)
            .credentials(credentials)
            .build()
            .expect("a client");
        sheet.note(what, client.current_user().await);
    }
    sheet.check("unauthorized", &[ErrorKind::Api]);
}

#[tokio::test]
async fn refused_credentials_from_the_environment_name_their_variables() {
    let simulator = Simulator::builder().start().await.expect("a simulator");
    let output = quickstart(
        &[
            ("WPE_API_BASE_URL", &simulator.base_url()),
            ("WPE_USERNAME", simulator.user()),
            ("WPE_PASSWORD", "not-the-password"),
        ],
        &[],
    )
    .await;
    assert!(!output.status.success());
    let said = stderr(&output);
    let (before, id) = said.trim_end().split_once("(request id ").expect("an id");
    let (_, after) = id.split_once(')').expect("the end of the id");
    check(
        "unauthorized_environment",
        &format!("{before}(request id [id]){after}"),
    );
}

#[tokio::test]
async fn a_path_without_end_is_shortened() {
    let client = clients::on(Script::new(|_, _| Ok(script::json(404, "{}"))));
    // A URL of 65,536 bytes and more cannot be sent.
    for (length, said) in [(10_000, "404 Not Found"), (100_000, "no valid URL")] {
        let id = "a".repeat(length);
        let error = client.site(id.as_str()).get().await.expect_err(said);
        let text = error.to_string();
        assert!(
            text.starts_with("GET /sites/aaa") && text.contains(said),
            "{text}"
        );
        assert!(text.len() < 500, "{}", text.len());
        let path = format!("/sites/{id}");
        let error = client.request(http::Method::GET, &path).send().await;
        let text = error.expect_err(said).to_string();
        assert!(text.len() < 500, "{}", text.len());
    }
}
