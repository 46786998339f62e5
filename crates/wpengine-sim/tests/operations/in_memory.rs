//! Requests to a simulator without a socket.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use wpengine_sim::{Simulator, SimulatorBuilder};

use crate::api::INSTALL;

async fn ask(simulator: &Simulator, method: &str, path: &str, body: &str) -> Value {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", "Basic dTpw");
    let request = request
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_owned()));
    let response: Response<Bytes> = simulator.handle(request.unwrap()).await;
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_real_clock_follows_the_paused_time_of_tokio() {
    let simulator = Simulator::builder().credentials("u", "p").build();
    let backups = format!("/v1/installs/{INSTALL}/backups");
    let body = json!({ "description": "b", "notification_emails": ["me@example.com"] }).to_string();
    let backup = ask(&simulator, "POST", &backups, &body).await;
    let path = format!("{backups}/{}", backup["id"].as_str().unwrap());
    assert_eq!(
        ask(&simulator, "GET", &path, "").await["status"],
        "requested"
    );
    tokio::time::sleep(Duration::from_secs(180)).await;
    assert_eq!(
        ask(&simulator, "GET", &path, "").await["status"],
        "completed"
    );
}

#[tokio::test]
async fn a_world_that_starts_in_the_past_has_a_past_of_its_own() {
    let start = "2020-01-01T00:00:00Z".parse().unwrap();
    let simulator = Simulator::builder()
        .credentials("u", "p")
        .clock_start(start)
        .build();
    let install = ask(&simulator, "GET", &format!("/v1/installs/{INSTALL}"), "").await;
    assert_eq!(
        (&install["status"], &install["created_at"]),
        (&json!("active"), &json!("2019-12-02T00:00:00.000Z"))
    );
    let domains = ask(
        &simulator,
        "GET",
        &format!("/v1/installs/{INSTALL}/domains"),
        "",
    )
    .await;
    for domain in domains["results"].as_array().unwrap() {
        assert_eq!(domain["ownership_status"], "TXT_VERIFIED", "{domain}");
    }
}

#[tokio::test]
async fn an_empty_world_has_an_account_and_nothing_in_it() {
    let simulator = Simulator::builder().credentials("u", "p").empty().build();
    for (path, count) in [
        ("/v1/accounts", 1),
        ("/v1/sites", 0),
        ("/v1/installs", 0),
        ("/v1/ssh_keys", 0),
    ] {
        assert_eq!(
            ask(&simulator, "GET", path, "").await["count"],
            count,
            "{path}"
        );
    }
}

#[test]
fn handles_go_from_thread_to_thread() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<Simulator>();
    check::<SimulatorBuilder>();
    fn send<T: Send>(_: T) {}
    let simulator = Simulator::builder().build();
    send(simulator.handle(Request::new(Bytes::new())));
    send(Simulator::builder().start());
}
