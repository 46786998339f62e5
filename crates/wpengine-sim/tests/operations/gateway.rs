//! The checks before an operation: routes, credentials and headers. Also the operations that describe the API.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::json;

use crate::api::{Api, answer};

#[tokio::test]
async fn get_status_and_get_swagger_are_open() {
    let api = Api::start().await;
    let (status, body) = answer(api.anonymous(Method::GET, "/status")).await;
    assert_eq!(
        (status, body),
        (
            200,
            json!({ "success": true, "created_on": "2026-06-01T12:00:00+00:00" })
        )
    );
    let (status, body) = answer(api.anonymous(Method::GET, "/swagger")).await;
    assert_eq!(status, 200);
    assert_eq!(
        body["paths"]["/user"]["get"]["operationId"],
        "get_current_user"
    );
}

#[tokio::test]
async fn wrong_and_missing_credentials_are_refused() {
    let api = Api::start().await;
    let user = api.simulator.user().to_owned();
    let refused = [
        api.anonymous(Method::GET, "/user"),
        api.anonymous(Method::GET, "/user")
            .basic_auth(&user, Some("wrong")),
        api.anonymous(Method::GET, "/user")
            .basic_auth("wrong", Some(api.simulator.password())),
        api.anonymous(Method::GET, "/user")
            .bearer_auth(api.simulator.password()),
        api.anonymous(Method::GET, "/user")
            .header("authorization", "Basic !"),
    ];
    for request in refused {
        assert_eq!(
            answer(request).await,
            (401, json!({ "message": "Bad Credentials" }))
        );
    }
}

#[tokio::test]
async fn an_unknown_path_is_the_gateways_403() {
    let api = Api::start().await;
    let expected = (403, json!({ "message": "Missing Authentication Token" }));
    assert_eq!(api.get("/installs/x/logs").await, expected);
    assert_eq!(api.get("/../elsewhere").await, expected);
}

#[tokio::test]
async fn another_method_is_405_and_options_names_them() {
    let api = Api::start().await;
    for (method, expected) in [(Method::PUT, 405), (Method::OPTIONS, 200)] {
        let response = api.request(method, "/sites").send().await.unwrap();
        assert_eq!(response.status(), expected);
        assert_eq!(response.headers()["allow"], "GET, POST, HEAD, OPTIONS");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let api = Api::start().await;
    let length = api
        .request(Method::GET, "/sites")
        .send()
        .await
        .unwrap()
        .headers()["content-length"]
        .clone();
    let head = api.request(Method::HEAD, "/sites").send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"]),
        (200, &length)
    );
    assert_eq!(head.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_double_slash_in_a_path_works() {
    let api = Api::start().await;
    let url = api.simulator.base_url().replace("/v1", "//v1//sites/");
    let request = reqwest::Client::new()
        .get(url)
        .basic_auth(api.simulator.user(), Some(api.simulator.password()));
    assert_eq!(answer(request).await.0, 200);
}

#[tokio::test]
async fn answers_have_the_headers_of_the_service() {
    let api = Api::start().await;
    let mut ids = HashSet::new();
    for _ in 0..3 {
        let response = api.request(Method::GET, "/user").send().await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["date"], "Mon, 01 Jun 2026 12:00:00 GMT");
        assert!(
            headers["x-amzn-trace-id"]
                .to_str()
                .unwrap()
                .starts_with("Root=1-")
        );
        for name in [
            "x-amz-apigw-id",
            "x-cache",
            "via",
            "x-amz-cf-pop",
            "x-amz-cf-id",
        ] {
            assert!(headers.contains_key(name), "{name}");
        }
        assert!(ids.insert(headers["x-amzn-requestid"].clone()));
    }
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_refused() {
    let api = Api::start().await;
    let body = json!({ "name": "x".repeat(1024 * 1024), "account_id": "a" });
    assert_eq!(
        api.post("/sites", body).await,
        (413, json!({ "message": "Request Too Long" }))
    );
}

/// Sends raw bytes and returns the response.
async fn answer_to(bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let api = Api::start().await;
    let address = api.simulator.address().unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_body_in_chunks_of_no_size_is_refused_as_a_bad_request() {
    let answer = answer_to(
        b"POST /v1/sites HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn bodies_must_be_json_and_say_so() {
    let api = Api::start().await;
    let request = api
        .request(Method::POST, "/sites")
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(answer(request).await.0, 400);
    let request = api
        .request(Method::POST, "/sites")
        .header("content-type", "application/json; charset=utf-8");
    let (status, body) = answer(request.body("{")).await;
    assert_eq!(status, 400);
    assert!(
        body["message"]
            .as_str()
            .unwrap()
            .starts_with("Problems parsing JSON"),
        "{body}"
    );
}

#[tokio::test]
async fn paging_parameters_are_checked() {
    let api = Api::start().await;
    for query in [
        "limit=101",
        "limit=-1",
        "offset=-1",
        "limit=ten",
        "limit=1.5",
    ] {
        let (status, body) = api.get(&format!("/sites?{query}")).await;
        assert_eq!(status, 400, "{query}: {body}");
    }
    // Unknown query parameters are ignored.
    assert_eq!(api.get("/sites?colour=red").await.0, 200);
}

#[tokio::test]
async fn one_seed_gives_the_same_bytes() {
    let mut answers = Vec::new();
    for _ in 0..2 {
        let simulator = wpengine_sim::Simulator::builder()
            .clock(wpengine_sim::ClockMode::Manual)
            .seed(5);
        let simulator = simulator.credentials("u", "p").build();
        let mut seen = String::new();
        for path in ["/v1/installs", "/v1/user", "/v1/nothing"] {
            let request = http::Request::get(path).header("authorization", "Basic dTpw");
            let response = simulator
                .handle(request.body(Default::default()).unwrap())
                .await;
            seen += &format!("{response:?}");
        }
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn an_offset_past_every_number_finds_nothing() {
    let api = Api::start().await;
    let list = api.found("/sites?offset=20377550334597601591033856").await;
    assert_eq!(
        (&list["count"], &list["results"], &list["next"]),
        (&json!(3), &json!([]), &json!(null))
    );
}

#[test]
fn debug_output_shows_no_password() {
    let builder = wpengine_sim::Simulator::builder().credentials("user", "canary-password");
    let builder = builder.bearer_token("canary-token").user(
        "other",
        "canary-other",
        "a",
        wpengine_sim::Role::Full,
    );
    let text = format!("{builder:?} {:?}", builder.clone().build());
    assert!(!text.contains("canary"), "{text}");
}
