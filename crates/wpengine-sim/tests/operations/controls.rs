//! The controls under `/_sim`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, INSTALL, SITE, answer};

async fn control(api: &Api, method: Method, path: &str, body: Value) -> (u16, Value) {
    let url = api.simulator.base_url().replace("/v1", "/_sim") + path;
    answer(
        reqwest::Client::new()
            .request(method, url)
            .body(body.to_string()),
    )
    .await
}

#[tokio::test]
async fn the_clock_is_read_and_advanced() {
    let api = Api::start().await;
    let (status, clock) = control(&api, Method::GET, "/clock", json!(null)).await;
    assert_eq!(
        (status, clock),
        (
            200,
            json!({ "now": "2026-06-01T12:00:00.000Z", "mode": "manual" })
        )
    );
    let (_, clock) = control(
        &api,
        Method::POST,
        "/clock/advance",
        json!({ "seconds": 90 }),
    )
    .await;
    assert_eq!(clock["now"], "2026-06-01T12:01:30.000Z");
    for seconds in [json!(-1), json!("x"), json!(1e300)] {
        assert_eq!(
            control(
                &api,
                Method::POST,
                "/clock/advance",
                json!({ "seconds": seconds })
            )
            .await
            .0,
            400
        );
    }
}

#[tokio::test]
async fn reset_brings_everything_back() {
    let api = Api::start().await;
    api.delete(&format!("/sites/{SITE}")).await;
    api.advance(1000);
    assert_eq!(
        control(&api, Method::POST, "/reset", json!(null)).await.0,
        204
    );
    assert_eq!(
        api.simulator.clock().now().to_string(),
        "2026-06-01T12:00:00Z"
    );
    assert_eq!(api.simulator.requests().len(), 0);
    assert_eq!(
        api.found(&format!("/sites/{SITE}")).await["name"],
        "Torque Magazine"
    );
}

#[tokio::test]
async fn requests_tell_what_was_asked_and_what_was_done() {
    let api = Api::start().await;
    api.get("/sites?limit=1").await;
    api.delete("/sites/other").await;
    api.delete(&format!("/sites/{SITE}")).await;
    let (_, log) = control(&api, Method::GET, "/requests", json!(null)).await;
    assert_eq!(
        (&log["total"], &log["side_effects"]),
        (&json!(3), &json!(1))
    );
    assert_eq!(
        log["requests"][0],
        json!({
            "number": 1, "method": "GET", "path": "/v1/sites", "query": "limit=1", "operation": "list_sites",
            "status": 200, "side_effect": false,
        })
    );
    assert_eq!(
        (
            &log["requests"][1]["status"],
            &log["requests"][1]["side_effect"]
        ),
        (&json!(404), &json!(false))
    );
    assert_eq!(
        (
            &log["requests"][2]["status"],
            &log["requests"][2]["side_effect"]
        ),
        (&json!(204), &json!(true))
    );
}

#[tokio::test]
async fn what_happens_in_the_portal_is_done_here() {
    let api = Api::start().await;
    let backup = "e41fa98f-ea80-4654-b229-a9b765d0863a";
    let path = format!("/installs/{INSTALL}/archives");
    let (status, archive) =
        control(&api, Method::POST, &path, json!({ "backup_id": backup })).await;
    assert_eq!(status, 201);
    assert_eq!(api.found(&path).await["results"][1]["id"], archive["id"]);
    let abort = format!("{path}/{}/abort", archive["id"].as_str().unwrap());
    assert_eq!(
        control(&api, Method::POST, &abort, json!(null)).await.0,
        204
    );
    assert_eq!(
        control(&api, Method::POST, &path, json!({ "backup_id": "other" }))
            .await
            .0,
        404
    );
    let abort = format!("/installs/{INSTALL}/backups/{backup}/abort");
    assert_eq!(
        control(&api, Method::POST, &abort, json!(null)).await.0,
        404,
        "it is completed"
    );
    let (_, content) = control(
        &api,
        Method::GET,
        &format!("/installs/{INSTALL}"),
        json!(null),
    )
    .await;
    assert_eq!(
        (&content["wp_version"], &content["events"]),
        (&json!("6.8.1"), &json!([]))
    );
    let (_, limits) = control(&api, Method::PATCH, "/limits", json!({ "install": true })).await;
    assert_eq!(limits, json!({ "install": true }));
    let purge = format!("/installs/{INSTALL}/purge_cache");
    let statuses = [
        api.post(&purge, json!({ "type": "all" })).await.0,
        api.post(&purge, json!({ "type": "all" })).await.0,
    ];
    assert_eq!(statuses, [202, 429]);
}

#[tokio::test]
async fn web_pages_are_refused() {
    let api = Api::start().await;
    let url = api.simulator.base_url().replace("/v1", "/_sim/reset");
    for (name, value) in [
        ("origin", "http://127.0.0.1"),
        ("host", "evil.example"),
        ("origin", "null"),
    ] {
        let request = reqwest::Client::new().post(&url).header(name, value);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}: {value}");
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-origin")
        );
    }
}
