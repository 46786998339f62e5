//! The control endpoints under `/_sim`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, INSTALL, SITE, answer};

pub(crate) async fn control(api: &Api, method: Method, path: &str, body: Value) -> (u16, Value) {
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
    // These tests use a manual clock, so the time does not change.
    assert_eq!(
        log["requests"][0],
        json!({
            "number": 1, "at": "2026-06-01T12:00:00Z", "method": "GET", "path": "/v1/sites", "query": "limit=1", "operation": "list_sites",
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
    let order = json!({ "backup_id": backup, "notification_emails": ["ops@example.com"] });
    assert_eq!(api.post(&path, order).await.0, 202);
    let archive = api.found(&path).await["results"][1].clone();
    let abort = format!("{path}/{}/abort", archive["id"].as_str().unwrap());
    assert_eq!(
        control(&api, Method::POST, &abort, json!(null)).await.0,
        204
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
    assert_eq!(
        limits,
        json!({ "address_per_minute": null, "account_per_hour": null, "install": true, "headers": false })
    );
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
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
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

#[tokio::test]
async fn a_page_whose_name_was_pointed_here_reads_nothing() {
    let api = Api::start().await;
    let base = api.simulator.base_url().replace("/v1", "/_sim");
    for path in [
        "/snapshot",
        "/requests",
        "/users",
        "/clock",
        "/openapi.json",
    ] {
        let request = reqwest::Client::new().get(format!("{base}{path}"));
        let response = request.header("host", "rebound.example:80").send().await;
        assert_eq!(response.unwrap().status(), 403, "{path}");
    }
    let own = base.trim_end_matches("/_sim").to_owned();
    let request = reqwest::Client::new().get(format!("{base}/clock"));
    let response = request.header("origin", own).send().await.unwrap();
    assert_eq!(response.status(), 200, "its own pages may");
}

#[tokio::test]
async fn the_clock_changes_its_mode() {
    let api = Api::start().await;
    let body = json!({ "mode": "accelerated", "factor": 60.0 });
    let (status, clock) = control(&api, Method::PUT, "/clock/mode", body).await;
    assert_eq!(
        (status, &clock["mode"], &clock["factor"]),
        (200, &json!("accelerated"), &json!(60.0))
    );
    for body in [
        json!({ "mode": "accelerated" }),
        json!({ "mode": "accelerated", "factor": 0 }),
        json!({ "mode": "backwards" }),
    ] {
        let (status, _) = control(&api, Method::PUT, "/clock/mode", body.clone()).await;
        assert_eq!(status, 400, "{body}");
    }
    let (_, clock) = control(
        &api,
        Method::PUT,
        "/clock/mode",
        json!({ "mode": "manual" }),
    )
    .await;
    assert_eq!(clock["now"], now(&api));
}

fn now(api: &Api) -> String {
    format!("{:.3}", api.simulator.clock().now())
}

#[tokio::test]
async fn another_seed_is_another_world_and_stays_at_resets() {
    let api = Api::start().await;
    let fleet = json!({ "seed": 7, "world": "fleet", "accounts": 2, "sites": 4, "installs": 5 });
    let (status, _) = control(&api, Method::POST, "/seed", fleet).await;
    assert_eq!(status, 204);
    let before = api.found("/installs").await;
    assert_eq!(before["count"], 5);
    control(&api, Method::POST, "/reset", json!(null)).await;
    assert_eq!(api.found("/installs").await, before);
    for body in [
        json!({ "seed": 7, "world": "moon" }),
        json!({ "seed": 7, "sites": 4 }),
        json!({ "seed": 7, "troubled": true }),
        json!({ "seed": 7, "world": "fleet", "sites": 1_000_000_000 }),
        json!({}),
    ] {
        let (status, _) = control(&api, Method::POST, "/seed", body.clone()).await;
        assert_eq!(status, 400, "{body}");
    }
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_forgotten_on_demand() {
    let api = Api::start().await;
    api.get("/sites").await;
    api.delete("/sites/other").await;
    api.delete(&format!("/sites/{SITE}")).await;
    let (_, log) = control(&api, Method::GET, "/requests", json!(null)).await;
    assert_eq!(
        log["operations"],
        json!({
            "delete_site": { "requests": 2, "side_effects": 1 },
            "list_sites": { "requests": 1, "side_effects": 0 },
        })
    );
    let (status, _) = control(&api, Method::DELETE, "/requests", json!(null)).await;
    assert_eq!((status, api.simulator.requests().len()), (204, 0));
    assert_eq!(api.simulator.side_effects(), 0);
    assert!(api.simulator.operation_counts().is_empty());
}

#[tokio::test]
async fn the_controls_describe_themselves_and_know_their_methods() {
    let api = Api::start().await;
    let (status, document) = control(&api, Method::GET, "/openapi.json", json!(null)).await;
    assert_eq!((status, &document["openapi"]), (200, &json!("3.0.3")));
    assert_eq!(
        control(&api, Method::GET, "/moon", json!(null)).await.0,
        404
    );
    let url = api.simulator.base_url().replace("/v1", "/_sim/clock");
    let response = reqwest::Client::new().delete(url).send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["allow"].to_str().unwrap()
        ),
        (405, "GET")
    );
}
