//! Faults: each kind acts as documented, and the log contains what it did.

mod bodies;
mod connections;
mod delays;
mod pages;
mod statuses;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use wpengine_sim::{Fault, FaultKind};

use crate::api::{Api, INSTALL};
use crate::controls::control;

fn backups() -> String {
    format!("/installs/{INSTALL}/backups")
}

fn backup() -> Value {
    json!({ "description": "before the update", "notification_emails": ["me@example.com"] })
}

fn post_backup(api: &Api) -> RequestBuilder {
    api.request(Method::POST, &backups()).json(&backup())
}

fn add(api: &Api, fault: Fault) -> u64 {
    api.simulator.faults().add(fault).unwrap()
}

/// Returns how many backups were created since the start.
async fn taken(api: &Api) -> u64 {
    let count = api.found(&backups()).await["count"].as_u64().unwrap();
    let at_first = Api::start().await.found(&backups()).await["count"].clone();
    count - at_first.as_u64().unwrap()
}

#[tokio::test]
async fn faults_are_added_listed_and_taken_away_over_http() {
    let api = Api::start().await;
    let fault =
        json!({ "operation": "create_backup", "kind": "reset", "phase": "after", "skip": 1 });
    let (status, added) = control(&api, Method::POST, "/faults", fault).await;
    assert_eq!(
        (status, added),
        (
            201,
            json!({
                "id": 1, "operation": "create_backup", "kind": "reset", "phase": "after", "skip": 1, "count": 1,
                "probability": 1.0, "seen": 0, "acted": 0,
            })
        )
    );
    let other = json!({ "kind": "429", "retry_after": { "date_in_seconds": 30 }, "count": null });
    control(&api, Method::POST, "/faults", other).await;
    let (_, list) = control(&api, Method::GET, "/faults", json!(null)).await;
    let kinds: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| &fault["kind"])
        .collect();
    assert_eq!(kinds, ["reset", "429"]);
    let remove = |id: u64| format!("/faults/{id}");
    assert_eq!(
        control(&api, Method::DELETE, &remove(1), json!(null))
            .await
            .0,
        204
    );
    assert_eq!(
        control(&api, Method::DELETE, &remove(1), json!(null))
            .await
            .0,
        404
    );
    assert_eq!(api.simulator.faults().list().len(), 1);
    assert_eq!(
        control(&api, Method::DELETE, "/faults", json!(null))
            .await
            .0,
        204
    );
    assert!(api.simulator.faults().list().is_empty());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_says_why() {
    let api = Api::start().await;
    for (fault, why) in [
        (
            json!({ "kind": "429", "phase": "after" }),
            "before the operation only",
        ),
        (
            json!({ "kind": "reset", "operation": "make_backup" }),
            "make_backup",
        ),
        (json!({ "kind": "reset", "probability": 2 }), "probability"),
        (json!({ "kind": "earthquake" }), "earthquake"),
        (json!({ "kind": "nulls", "phase": "before" }), "phase body"),
        (
            json!({ "kind": "remove_between_pages", "operation": "get_site" }),
            "no listing",
        ),
    ] {
        let (status, body) = control(&api, Method::POST, "/faults", fault.clone()).await;
        assert_eq!(status, 400, "{fault}");
        assert!(
            body["message"].as_str().unwrap().contains(why),
            "{fault}: {body}"
        );
    }
    assert!(api.simulator.faults().list().is_empty());
}

#[tokio::test]
async fn neither_faults_nor_limits_act_on_the_controls_and_a_reset_ends_them() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::Reset).always());
    let limits = json!({ "address_per_minute": 0 });
    assert_eq!(control(&api, Method::PATCH, "/limits", limits).await.0, 200);
    assert_eq!(
        control(&api, Method::GET, "/clock", json!(null)).await.0,
        200
    );
    assert_eq!(api.get("/sites").await.0, 429, "limits come first");
    assert_eq!(
        control(&api, Method::POST, "/reset", json!(null)).await.0,
        204
    );
    assert_eq!(api.get("/sites").await.0, 200);
}

#[tokio::test]
async fn it_skips_and_counts_only_the_operation_that_is_meant() {
    let api = Api::start().await;
    add(
        &api,
        Fault::new(FaultKind::InternalServerError)
            .on("list_sites")
            .skip(1)
            .times(2),
    );
    let mut statuses = Vec::new();
    for path in ["/sites", "/installs", "/sites", "/sites", "/sites"] {
        statuses.push(api.get(path).await.0);
    }
    assert_eq!(statuses, [200, 200, 500, 500, 200]);
    let status = &api.simulator.faults().list()[0];
    assert_eq!((status.seen, status.acted), (3, 2));
}

#[tokio::test]
async fn the_same_seed_draws_the_same_requests() {
    let draws = |seed| async move {
        let api = Api::with(|builder| builder.seed(seed)).await;
        let fault = Fault::new(FaultKind::GatewayTimeout)
            .always()
            .with_probability(0.5);
        add(&api, fault);
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(api.get("/user").await.0);
        }
        statuses
    };
    let first = draws(3).await;
    assert!(first.contains(&200) && first.contains(&504));
    assert_eq!(first, draws(3).await);
    assert_ne!(first, draws(4).await);
}
