//! Responses of a gateway whose backend fails.

use serde_json::json;
use wpengine_sim::{Fault, FaultKind, RetryAfter};

use super::{add, post_backup, taken};
use crate::api::Api;

#[tokio::test]
async fn the_gateways_own_answers() {
    let api = Api::start().await;
    for (kind, status, content_type, body) in [
        (
            FaultKind::HtmlBadGateway,
            502,
            "text/html",
            "<h1>502 Bad Gateway</h1>",
        ),
        (
            FaultKind::HtmlServiceUnavailable,
            503,
            "text/html",
            "<h1>503 Service Unavailable</h1>",
        ),
        (
            FaultKind::EmptyServiceUnavailable,
            503,
            "application/json",
            "",
        ),
        (
            FaultKind::InternalServerError,
            500,
            "application/json",
            "An unexpected error occurred",
        ),
        (
            FaultKind::GatewayTimeout,
            504,
            "application/json",
            "Endpoint request timed out",
        ),
    ] {
        for (fault, done) in [
            (Fault::new(kind.clone()), 0),
            (Fault::new(kind.clone()).after(), 1),
        ] {
            let before = api.simulator.side_effects();
            add(&api, fault.on("create_backup"));
            let response = post_backup(&api).send().await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["content-type"], content_type);
            assert!(response.headers().contains_key("x-amzn-requestid"));
            let text = response.text().await.unwrap();
            assert!(
                text.contains(body) && text.is_empty() == body.is_empty(),
                "{text}"
            );
            assert_eq!(api.simulator.side_effects() - before, done, "{kind:?}");
        }
    }
    assert_eq!(taken(&api).await, 5);
}

#[tokio::test]
async fn a_429_says_when_to_come_back_or_does_not() {
    let api = Api::start().await;
    for (retry_after, expected) in [
        (None, None),
        (Some(RetryAfter::Seconds(7)), Some("7")),
        (
            Some(RetryAfter::Date {
                date_in_seconds: 90,
            }),
            Some("Mon, 01 Jun 2026 12:01:30 GMT"),
        ),
        (Some(RetryAfter::absurd()), Some("99999999999999999999999")),
        (Some(RetryAfter::Text("soon".to_owned())), Some("soon")),
    ] {
        add(&api, Fault::new(FaultKind::TooManyRequests(retry_after)));
        let response = post_backup(&api).send().await.unwrap();
        assert_eq!(response.status(), 429);
        let header = response.headers().get("retry-after");
        assert_eq!(header.map(|value| value.to_str().unwrap()), expected);
        let body: serde_json::Value = response.json().await.unwrap();
        assert_eq!(body, json!({ "message": "Too Many Requests" }));
    }
    assert_eq!(taken(&api).await, 0);
}
