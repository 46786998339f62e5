use serde_json::json;

use crate::api::{Api, INSTALL, refused};

#[tokio::test]
async fn purge_cache_is_accepted_without_a_body_and_recorded() {
    let api = Api::start().await;
    let path = format!("/installs/{INSTALL}/purge_cache");
    for kind in ["object", "page", "cdn", "all"] {
        assert_eq!(
            api.post(&path, json!({ "type": kind })).await,
            (202, json!(null))
        );
    }
    let events = api.simulator.install_content(INSTALL).unwrap().events;
    let kinds: Vec<_> = events
        .iter()
        .filter_map(|event| event.details["type"].as_str())
        .collect();
    assert_eq!(kinds, ["object", "page", "cdn", "all"]);
}

#[tokio::test]
async fn purge_cache_refuses_other_types() {
    let api = Api::start().await;
    let (status, body) = api
        .post(
            &format!("/installs/{INSTALL}/purge_cache"),
            json!({ "type": "dns" }),
        )
        .await;
    assert_eq!((status, refused(&body)), (400, vec!["type"]));
    assert_eq!(body["errors"][0]["code"], "inclusion");
    assert_eq!(
        api.simulator.install_content(INSTALL).unwrap().events.len(),
        0
    );
}

#[tokio::test]
async fn the_object_cache_is_purged_once_a_minute_when_limits_are_on() {
    let api = Api::with(|builder| builder.install_limits(true)).await;
    let path = format!("/installs/{INSTALL}/purge_cache");
    assert_eq!(api.post(&path, json!({ "type": "object" })).await.0, 202);
    let (status, body) = api.post(&path, json!({ "type": "all" })).await;
    assert_eq!(status, 429);
    assert_eq!(
        body["message"],
        "Object cache purges are rate-limited to one request every 60 seconds for each install"
    );
    assert_eq!(api.post(&path, json!({ "type": "page" })).await.0, 202);
    api.advance(60);
    assert_eq!(api.post(&path, json!({ "type": "object" })).await.0, 202);
}
