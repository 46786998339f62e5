//! Ways around the modelled methods: requests by path, the generated client, and responses with status and headers.

use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use wpengine::ErrorKind;
use wpengine_sim::Simulator;

use crate::support::{
    calls::{INSTALL, SITE},
    clients,
    script::{self, Script, Turn, with_header},
};

#[derive(Debug, Deserialize)]
struct Narrow {
    results: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[tokio::test]
async fn a_request_by_path_reaches_the_service_as_any_other() {
    let simulator = Simulator::builder().start().await.expect("a simulator");
    let client = clients::of(&simulator);
    let sites: Narrow = client
        .request(Method::GET, "/sites")
        .query("limit", 1)
        .query("offset", 0)
        .json()
        .await
        .expect("a page");
    assert_eq!(sites.results.len(), 1);
    assert!(!sites.results[0].name.is_empty());

    let renamed: Named = client
        .request(Method::PATCH, &format!("/sites/{SITE}"))
        .body(&json!({"name": "By path"}))
        .json()
        .await
        .expect("a site");
    assert_eq!(renamed.name, "By path");
    assert_eq!(
        client.site(SITE).get().await.expect("a site").name,
        "By path"
    );

    let error = client
        .request(Method::GET, "/sites/none")
        .send()
        .await
        .expect_err("no site");
    assert!(error.is_not_found());
    assert_eq!(error.operation(), Some("get_site"));
    assert!(
        error
            .to_string()
            .starts_with("GET /sites/none: 404 Not Found"),
        "{error}"
    );
    assert!(error.request_id().is_some());

    let error = client
        .request(Method::GET, "/no/such/thing")
        .send()
        .await
        .expect_err("no path");
    assert!(error.is_forbidden(), "{error}");
    assert_eq!(error.operation(), Some("request"));
    assert_eq!(simulator.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_sent_by_path_is_what_was_said() {
    let script = Script::answering("{}");
    let client = clients::on(script.clone());
    client
        .request(Method::POST, "/brand/new?a=1")
        .query("b", "x y&z=ü")
        .header(
            HeaderName::from_static("x-mine"),
            HeaderValue::from_static("yes"),
        )
        .body(&json!({"k": [1, null]}))
        .send()
        .await
        .expect("an answer");
    let request = &script.requests()[0];
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri().path(), "/v1/brand/new");
    assert_eq!(request.uri().query(), Some("a=1&b=x+y%26z%3D%C3%BC"));
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.headers()["x-mine"], "yes");
    assert!(request.headers().contains_key("authorization"));
    assert_eq!(request.body().as_ref(), br#"{"k":[1,null]}"#);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_an_error_with_its_place() {
    let script = Script::answering(r#"{"results":[{"name":"a"},{"name":7}]}"#);
    let client = clients::on(script.clone());
    let error = client
        .request(Method::GET, "/sites")
        .json::<Narrow>()
        .await
        .expect_err("a number");
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Decode, Some("list_sites"))
    );
    assert!(error.to_string().starts_with("GET /sites: 200"), "{error}");
    assert!(error.to_string().contains("`results[1].name`"), "{error}");
    assert_eq!(
        (
            error.status().map(|status| status.as_u16()),
            error.attempts()
        ),
        (Some(200), 1)
    );
    assert!(!error.may_have_happened());

    let error = client
        .request(Method::POST, "/sites")
        .json::<Narrow>()
        .await
        .expect_err("a number");
    assert!(error.may_have_happened(), "{error}");
    let error = client
        .request(Method::GET, "/brand/new")
        .json::<Narrow>()
        .await
        .expect_err("a number");
    assert!(!error.may_have_happened(), "{error}");
}

#[tokio::test]
async fn the_errors_of_a_path_are_one_line_and_without_its_query() {
    let script = Script::always(Turn::Status(400));
    let client = clients::on(script.clone());
    for path in ["/a\nb", "/a?secret=canary", "/\u{7}", "/ü"] {
        let error = client
            .request(Method::GET, path)
            .send()
            .await
            .expect_err("400");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
        let error = client
            .request(Method::GET, path)
            .json::<Value>()
            .await
            .expect_err("400");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
    for path in ["no-slash\n", "/a\n/../b"] {
        let error = client
            .request(Method::GET, path)
            .send()
            .await
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
    }
}

#[tokio::test]
async fn the_generated_client_goes_the_same_way() {
    let script = Script::then(
        &[Turn::Connect],
        r#"{"id":"s1","name":"A site","account":{"id":"a1"}}"#,
    );
    let client = clients::on(script.clone());
    let site = client
        .raw()
        .get_site(&SITE.into())
        .await
        .expect("the second attempt");
    assert_eq!(site.name, "A site");
    assert_eq!(script.count(), 2);
    for request in script.requests() {
        assert!(request.headers().contains_key("authorization"));
        assert!(!request.headers().contains_key("api-version"));
    }
}

#[tokio::test]
async fn an_answer_can_be_had_with_everything_that_came_with_it() {
    let script = Script::new(|_, _| {
        let answer = script::json(200, r#"{"id":"u1","email":"jane@example.com"}"#);
        let answer = with_header(answer, "x-amzn-requestid", "c0ffee");
        let answer = with_header(answer, "x-ratelimit-limit", "1000");
        let answer = with_header(answer, "x-ratelimit-remaining", "998");
        Ok(with_header(answer, "x-ratelimit-reset", "1617278400"))
    });
    let answer = clients::on(script)
        .current_user()
        .send()
        .await
        .expect("a user");
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.request_id(), Some("c0ffee"));
    assert_eq!(answer.headers()["content-type"], "application/json");
    let limit = answer.rate_limit().expect("the headers say it");
    assert_eq!((limit.limit, limit.remaining), (Some(1_000), Some(998)));
    assert_eq!(answer.attempts(), 1);
    assert_eq!(answer.into_value().email, "jane@example.com");

    let refused = Script::new(|_, _| {
        let answer = script::json(429, r#"{"message":"Too Many Requests"}"#);
        let answer = with_header(answer, "retry-after", "9000");
        let answer = with_header(answer, "x-ratelimit-remaining", "0");
        Ok(with_header(answer, "x-amzn-requestid", "c0ffee"))
    });
    let error = clients::on(refused)
        .install(INSTALL)
        .get()
        .await
        .expect_err("429");
    assert_eq!(
        error.rate_limit().and_then(|limit| limit.remaining),
        Some(0)
    );
    assert_eq!(error.request_id(), Some("c0ffee"));
    assert!(error.to_string().contains("request id c0ffee"), "{error}");
}

#[tokio::test]
async fn a_path_with_white_space_and_a_header_of_the_connection_are_refused() {
    let script = Script::answering("{}");
    let client = clients::on(script.clone());
    for path in [
        "/us\ner",
        "/user\n",
        "/a b",
        "/a\tb",
        "/a\0b",
        "/user?x=a\nb",
    ] {
        let error = client.request(Method::GET, path).send().await;
        let error = error.expect_err(path);
        assert!(error.is_invalid_request(), "{path:?}: {error}");
    }
    for name in ["host", "content-length", "transfer-encoding", "connection"] {
        let name = http::HeaderName::from_static(name);
        let value = http::HeaderValue::from_static("5");
        let request = client.request(Method::GET, "/user");
        let error = request.header(name.clone(), value.clone()).send().await;
        assert!(
            error
                .expect_err("no header")
                .to_string()
                .contains(name.as_str())
        );
        let error = client.current_user().header(name, value).await;
        assert!(error.expect_err("no header").is_invalid_request());
    }
    assert_eq!(script.count(), 0);
}
