//! Two simulators with the same seed, a manual clock, the same address and the same requests return identical
//! responses, including headers, ids and times.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use wpengine_sim::{ClockMode, Fault, FaultKind, Simulator, SimulatorBuilder};

fn simulator(seed: u64, world: fn(SimulatorBuilder) -> SimulatorBuilder) -> Simulator {
    let builder = Simulator::builder().credentials("u", "p").seed(seed);
    let simulator = world(builder.clock(ClockMode::Manual)).build();
    let faults = simulator.faults();
    let fault = Fault::new(FaultKind::InternalServerError)
        .always()
        .with_probability(0.1);
    faults.add(fault).unwrap();
    let fault = Fault::new(FaultKind::UnknownEnum)
        .always()
        .with_probability(0.1);
    faults.add(fault).unwrap();
    simulator
}

/// Sends a request and returns the whole response as text.
async fn ask(simulator: &Simulator, method: &str, path: &str, body: &Value) -> String {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = Request::builder()
        .method(method)
        .uri(format!("/v1{path}"))
        .header("host", "sim.test")
        .header("authorization", format!("Basic {}", STANDARD.encode("u:p")))
        .header("content-type", "application/json")
        .body(Bytes::from(body));
    let response = simulator.handle(request.unwrap()).await;
    let body = String::from_utf8_lossy(response.body()).into_owned();
    format!(
        "{method} {path}\n{:?}\n{:?}\n{body}",
        response.status(),
        response.headers()
    )
}

/// Sends requests that read everything and change many resources. Some requests use ids from earlier responses.
async fn sequence(simulator: &Simulator) -> Vec<String> {
    let mut answers = Vec::new();
    let snapshot: Value = serde_json::from_str(simulator.snapshot().as_json()).unwrap();
    let first = |kind: &str| {
        snapshot["world"][kind]
            .as_object()
            .unwrap()
            .keys()
            .next()
            .unwrap()
            .clone()
    };
    let (account, site, install) = (first("accounts"), first("sites"), first("installs"));
    let lists = [
        "/accounts",
        "/sites?limit=3",
        "/installs?limit=5&offset=2",
        "/user",
        "/ssh_keys",
        "/status",
    ];
    for round in 0..3 {
        for path in lists {
            answers.push(ask(simulator, "GET", path, &Value::Null).await);
        }
        for thing in [
            "",
            "/backups",
            "/domains",
            "/ssl_certificates",
            "/archives",
            "/usage",
            "/offload_settings/files",
        ] {
            let path = format!("/installs/{install}{thing}");
            answers.push(ask(simulator, "GET", &path, &Value::Null).await);
        }
        for thing in [
            "",
            "/limits",
            "/usage",
            "/usage/summary",
            "/usage/insights",
            "/account_users",
            "/site_transfers",
        ] {
            let path = format!("/accounts/{account}{thing}");
            answers.push(ask(simulator, "GET", &path, &Value::Null).await);
        }
        let emails = json!(["me@example.com"]);
        for (method, path, body) in [
            (
                "POST",
                "/sites".to_owned(),
                json!({ "name": format!("Round {round}"), "account_id": account }),
            ),
            (
                "POST",
                "/installs".to_owned(),
                json!({ "name": format!("round{round}"), "account_id": account, "site_id": site }),
            ),
            (
                "POST",
                format!("/installs/{install}/backups"),
                json!({ "description": "b", "notification_emails": emails }),
            ),
            (
                "POST",
                format!("/installs/{install}/domains"),
                json!({ "name": format!("round{round}.example") }),
            ),
            (
                "POST",
                format!("/installs/{install}/purge_cache"),
                json!({ "type": "all" }),
            ),
            (
                "PATCH",
                format!("/sites/{site}"),
                json!({ "name": format!("Now {round}") }),
            ),
            (
                "POST",
                format!("/accounts/{account}/account_users"),
                json!({ "user": { "account_id": account, "first_name": "A", "last_name": "B", "email": format!("{round}@b.example"), "roles": "full" } }),
            ),
            ("DELETE", format!("/sites/{account}"), Value::Null),
            ("POST", "/sites".to_owned(), json!({ "name": 7 })),
            ("GET", "/no/such/path".to_owned(), Value::Null),
        ] {
            answers.push(ask(simulator, method, &path, &body).await);
        }
        simulator.advance(Duration::from_millis(3_601_234));
    }
    answers
}

async fn check(world: fn(SimulatorBuilder) -> SimulatorBuilder) {
    let one = sequence(&simulator(5, world)).await;
    let two = sequence(&simulator(5, world)).await;
    assert!(one.len() > 80);
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
    assert!(
        one.iter().any(|answer| answer.contains("\n201\n")),
        "something was made"
    );
    let other = sequence(&simulator(6, world)).await;
    assert_ne!(one, other, "another seed gives other bytes");
    // After a reset, the same requests get the same responses again. Faults that were added by hand are removed.
    let again = simulator(5, world);
    sequence(&again).await;
    again.reset();
    let fresh = simulator(5, world);
    fresh.reset();
    assert_eq!(sequence(&again).await, sequence(&fresh).await);
}

#[tokio::test]
async fn in_the_world_of_the_documentation() {
    check(|builder| builder).await;
}

#[tokio::test]
async fn in_a_fleet() {
    check(|builder| builder.fleet(3, 12, 30)).await;
}

#[tokio::test]
async fn thirteen_months_of_usage_are_computed_and_not_stored() {
    let simulator = simulator(5, |builder| builder.fleet(1, 1, 1));
    simulator.faults().clear();
    let before = simulator.snapshot();
    let snapshot: Value = serde_json::from_str(before.as_json()).unwrap();
    let install = snapshot["world"]["installs"]
        .as_object()
        .unwrap()
        .keys()
        .next()
        .unwrap();
    let path = format!("/installs/{install}/usage?first_date=2025-05-02&last_date=2026-05-31");
    let answer = ask(&simulator, "GET", &path, &Value::Null).await;
    let (_, body) = answer.rsplit_once('\n').unwrap();
    let usage: Value = serde_json::from_str(body).unwrap();
    assert!(
        usage.to_string().matches("\"date\"").count() > 28,
        "{usage}"
    );
    let after = simulator.snapshot();
    let strip = |text: &str| {
        text.replace("\"requests\": 0", "")
            .replace("\"requests\": 1", "")
    };
    assert_eq!(strip(before.as_json()), strip(after.as_json()));
    assert_eq!(
        ask(&simulator, "GET", &path, &Value::Null)
            .await
            .rsplit_once('\n')
            .unwrap()
            .1,
        body
    );
}

#[tokio::test]
async fn a_fleet_has_certificates_that_end_soon_and_others_that_do_not() {
    let simulator = simulator(5, |builder| builder.fleet(1, 200, 200));
    let snapshot: Value = serde_json::from_str(simulator.snapshot().as_json()).unwrap();
    let now = simulator.clock().now();
    let mut days: Vec<i64> = Vec::new();
    for install in snapshot["world"]["installs"].as_object().unwrap().values() {
        for certificate in install["certificates"].as_array().unwrap() {
            let end = certificate
                .pointer("/source/third_party/expires_at")
                .unwrap();
            let end: jiff::Timestamp = end.as_str().unwrap().parse().unwrap();
            days.push(end.duration_since(now).as_hours() / 24);
        }
    }
    assert!(days.len() >= 200);
    let soon = days.iter().filter(|days| **days < 14).count();
    assert!(
        soon > 5 && soon < days.len() / 2,
        "{soon} of {}",
        days.len()
    );
    assert!(days.iter().all(|days| (0..=90).contains(days)));
}
