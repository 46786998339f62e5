//! The example `otlp`: the spans that a collector receives.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};
use wpengine_sim::Simulator;

use super::run;

// The numbers of OTLP. OTLP leaves out unset values and writes the integers of attributes as text.
const INTERNAL: i32 = 1;
const CLIENT: i32 = 3;
const ERROR: u64 = 2;

const PROGRAM: &str = env!("CARGO_BIN_EXE_wpengine-otlp");

#[tokio::test]
async fn without_a_collector_it_prints_what_arrives_at_its_own_receiver() {
    let text = run(PROGRAM, &[]).await;
    assert!(text.contains("7 spans arrived:"), "{text}");
    for line in [
        "GET /installs (client) ERROR",
        "http.request.method = GET",
        "url.template = /sites/{site_id}",
        "http.response.status_code = 503",
        "http.request.resend_count = 1",
        "server.address = 127.0.0.1",
        "wpengine.operation = list_installs",
    ] {
        assert!(text.contains(line), "`{line}`: {text}");
    }
}

/// Returns an attribute of a span.
fn attribute(span: &Value, name: &str) -> Value {
    span["attributes"]
        .as_array()
        .and_then(|attributes| attributes.iter().find(|attribute| attribute["key"] == name))
        .and_then(|attribute| attribute["value"].as_object()?.values().next().cloned())
        .unwrap_or_default()
}

/// Returns the status code of a span; 0 if it is unset.
fn status(span: &Value) -> u64 {
    span["status"]["code"].as_u64().unwrap_or_default()
}

#[tokio::test]
async fn a_collector_gets_every_span_with_its_parent_and_the_names_of_opentelemetry() {
    let collector = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/traces"))
        .respond_with(ResponseTemplate::new(200).set_body_json(serde_json::json!({})))
        .mount(&collector)
        .await;
    let text = run(
        PROGRAM,
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.uri())],
    )
    .await;
    assert!(text.contains("The spans are with the collector"), "{text}");

    let mut spans = Vec::new();
    for request in collector.received_requests().await.expect("requests") {
        let body: Value = request.body_json().expect("OTLP as JSON");
        for resource in body["resourceSpans"].as_array().expect("resources") {
            let service = &resource["resource"];
            assert_eq!(attribute(service, "service.name"), "wpengine-otlp-example");
            for scope in resource["scopeSpans"].as_array().expect("scopes") {
                spans.extend(scope["spans"].as_array().expect("spans").clone());
            }
        }
    }
    let of = |operation: &str, is_attempt: bool| -> Vec<&Value> {
        spans
            .iter()
            .filter(|span| attribute(span, "wpengine.operation") == operation)
            .filter(|span| {
                span["parentSpanId"]
                    .as_str()
                    .is_some_and(|id| !id.is_empty())
                    == is_attempt
            })
            .collect()
    };
    assert_eq!(spans.len(), 7, "{spans:#?}");
    let [operation] = of("list_installs", false)[..] else {
        panic!("one operation: {spans:#?}")
    };
    let [failed, repeated] = of("list_installs", true)[..] else {
        panic!("two attempts: {spans:#?}")
    };
    for attempt in [failed, repeated] {
        assert_eq!(attempt["traceId"], operation["traceId"]);
        assert_eq!(attempt["parentSpanId"], operation["spanId"]);
    }
    assert_eq!(operation["kind"], INTERNAL);
    assert_eq!(operation["name"], "list_installs");
    assert_eq!(attribute(operation, "http.response.status_code"), "200");
    assert_eq!(attribute(operation, "http.request.resend_count"), "1");
    assert_eq!(status(operation), 0, "it succeeded in the end");
    for attempt in [failed, repeated] {
        assert_eq!(attempt["kind"], CLIENT);
        assert_eq!(attempt["name"], "GET /installs");
        assert_eq!(attribute(attempt, "http.request.method"), "GET");
        assert_eq!(attribute(attempt, "url.template"), "/installs");
        assert_eq!(attribute(attempt, "server.address"), "127.0.0.1");
        let url = attribute(attempt, "url.full").as_str().map(str::to_owned);
        let port = attribute(attempt, "server.port")
            .as_str()
            .map(str::to_owned);
        assert_eq!(
            url.expect("a URL"),
            format!("http://127.0.0.1:{}/v1/installs", port.expect("a port"))
        );
    }
    assert_eq!(attribute(failed, "http.response.status_code"), "503");
    assert_eq!(attribute(failed, "error.type"), "503");
    assert_eq!(status(failed), ERROR);
    assert_eq!(attribute(failed, "http.request.resend_count"), Value::Null);
    assert_eq!(attribute(repeated, "http.response.status_code"), "200");
    assert_eq!(attribute(repeated, "error.type"), Value::Null);
    assert_eq!(status(repeated), 0);
    assert_eq!(attribute(repeated, "http.request.resend_count"), "1");

    // A response with an error status is an error of both spans. The name of the span does not contain an id.
    for span in [of("get_site", false)[0], of("get_site", true)[0]] {
        assert_eq!(attribute(span, "error.type"), "404");
        assert_eq!(status(span), ERROR);
        assert_eq!(attribute(span, "url.template"), "/sites/{site_id}");
    }
    assert_eq!(of("get_site", true)[0]["name"], "GET /sites/{site_id}");

    for request in collector.received_requests().await.expect("requests") {
        let simulator = Simulator::builder().build();
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let basic = format!("{}:{}", simulator.user(), simulator.password());
        for secret in [simulator.password().to_owned(), STANDARD.encode(basic)] {
            assert!(!text.contains(&secret), "`{secret}`: {text}");
        }
    }
}
