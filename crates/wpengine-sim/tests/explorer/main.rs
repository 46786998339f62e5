//! The headers of the explorer's pages, who may request them, and that they load nothing from other hosts.
//!
//! The package `wpengine-tests` tests the pages in a browser.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![cfg(feature = "explorer")]

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use wpengine_sim::{ClockMode, Simulator};

const PAGES: [&str; 3] = ["/explorer", "/explorer/controls", "/explorer/state"];

fn simulator() -> Simulator {
    let builder = Simulator::builder().credentials("me", "secret");
    builder.clock(ClockMode::Manual).build()
}

async fn get(simulator: &Simulator, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    simulator.handle(request.body(Bytes::new()).unwrap()).await
}

async fn json(simulator: &Simulator, path: &str) -> Value {
    let response = get(simulator, path, &[]).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn pages_may_load_from_their_own_origin_only_and_run_no_inline_script() {
    for path in PAGES {
        let response = get(&simulator(), path, &[]).await;
        let header = |name: &str| response.headers()[name].to_str().unwrap();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; "),
            "{path}: {policy}"
        );
        assert!(policy.contains("connect-src 'self'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("http") && !policy.contains("unsafe-eval"),
            "{path}: {policy}"
        );
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("content-type"), "text/html; charset=utf-8");
        let page = std::str::from_utf8(response.body()).unwrap();
        assert!(!page.contains("//"), "{path} names another host");
    }
    // Only the pages of Swagger UI need inline styles.
    let response = get(&simulator(), "/explorer/state", &[]).await;
    assert!(
        !response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("unsafe")
    );
}

#[tokio::test]
async fn whatever_a_page_refers_to_is_there() {
    let simulator = simulator();
    let mut found = 0;
    for path in PAGES {
        let response = get(&simulator, path, &[]).await;
        let page = String::from_utf8(response.body().to_vec()).unwrap();
        for attribute in ["href=\"", "src=\""] {
            for rest in page.split(attribute).skip(1) {
                let (address, _) = rest.split_once('"').unwrap();
                if address.starts_with('/') {
                    let response = get(&simulator, address, &[]).await;
                    assert_eq!(response.status(), StatusCode::OK, "{path}: {address}");
                    found += 1;
                }
            }
        }
    }
    assert!(found > 20, "{found}");
}

#[tokio::test]
async fn operations_are_tried_on_the_simulator_and_not_on_the_service() {
    let document = json(&simulator(), "/explorer/openapi.json").await;
    assert_eq!(document["servers"].as_array().unwrap().len(), 1);
    assert_eq!(document["servers"][0]["url"], "/v1");
}

#[tokio::test]
async fn other_pages_and_other_hosts_get_neither_credentials_nor_state() {
    let simulator = simulator();
    for path in ["/explorer/credentials.json", "/explorer/state.json"] {
        for headers in [
            &[("host", "evil.example")][..],
            &[("host", "localhost:1"), ("origin", "http://evil.example")],
            &[("host", "localhost:1"), ("sec-fetch-site", "same-site")],
            &[("host", "localhost:1"), ("sec-fetch-site", "cross-site")],
        ] {
            let response = get(&simulator, path, headers).await;
            assert_eq!(
                response.status(),
                StatusCode::FORBIDDEN,
                "{path} {headers:?}"
            );
            assert!(!String::from_utf8_lossy(response.body()).contains("secret"));
        }
        let own = [("host", "localhost:1"), ("sec-fetch-site", "same-origin")];
        assert_eq!(get(&simulator, path, &own).await.status(), StatusCode::OK);
    }
    // A link on another site may lead to a page.
    let linked = [("host", "localhost:1"), ("sec-fetch-site", "cross-site")];
    assert_eq!(
        get(&simulator, "/explorer", &linked).await.status(),
        StatusCode::OK
    );
    let foreign = [("host", "evil.example")];
    assert_eq!(
        get(&simulator, "/explorer", &foreign).await.status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_simulator_that_others_can_reach_tells_no_credentials() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let builder = Simulator::builder().credentials("me", "secret");
    let simulator = builder.clone().listen(everywhere).start().await.unwrap();
    let credentials = json(&simulator, "/explorer/credentials.json").await;
    assert_eq!(
        credentials,
        serde_json::json!({ "user": null, "password": null })
    );
    let simulator = builder.start().await.unwrap();
    let credentials = json(&simulator, "/explorer/credentials.json").await;
    assert_eq!(credentials["password"], "secret");
}

#[tokio::test]
async fn the_pages_are_read_only() {
    for path in PAGES {
        let request = Request::post(path).body(Bytes::new()).unwrap();
        let response = simulator().handle(request).await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn every_kind_of_thing_is_counted_and_listed_as_its_columns_say() {
    let simulator = simulator();
    let counts = json(&simulator, "/explorer/state.json").await["counts"].clone();
    for count in counts.as_array().unwrap() {
        let kind = count["kind"].as_str().unwrap();
        let state = json(&simulator, &format!("/explorer/state.json?list={kind}")).await;
        let list = &state["list"];
        assert_eq!(list["kind"], kind);
        let (columns, rows) = (
            list["columns"].as_array().unwrap(),
            list["rows"].as_array().unwrap(),
        );
        assert_eq!(
            rows.len(),
            count["count"].as_u64().unwrap() as usize,
            "{kind}"
        );
        for row in rows {
            assert_eq!(
                row.as_array().unwrap().len(),
                columns.len(),
                "{kind}: {row}"
            );
        }
    }
    assert_eq!(counts.as_array().unwrap().len(), 11);
}

#[tokio::test]
async fn a_long_list_is_cut_and_searched() {
    let simulator = Simulator::builder().fleet(2, 100, 120).build();
    let state = json(&simulator, "/explorer/state.json?list=installs").await;
    assert_eq!(state["list"]["rows"].as_array().unwrap().len(), 50);
    assert_eq!(state["list"]["more"], true);
    let oldest = simulator.handle(
        Request::get("/explorer/state.json?list=sites&find=NOBODY")
            .body(Bytes::new())
            .unwrap(),
    );
    let none: Value = serde_json::from_slice(oldest.await.body()).unwrap();
    assert_eq!(none["list"]["rows"], serde_json::json!([]));
    let state = json(
        &simulator,
        "/explorer/state.json?list=installs&find=Staging",
    )
    .await;
    let rows = state["list"]["rows"].as_array().unwrap();
    assert_eq!(
        (rows.len(), &state["list"]["more"]),
        (20, &Value::Bool(false))
    );
}
