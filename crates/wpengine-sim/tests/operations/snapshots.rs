//! Saves the state of a simulator in a snapshot and restores it.

use reqwest::Method;
use serde_json::{Value, json};
use wpengine_sim::{ClockMode, Role, Simulator, Snapshot};

use crate::api::{ACCOUNT, Api, INSTALL, SITE, answer};
use crate::controls::control;

fn backups() -> String {
    format!("/installs/{INSTALL}/backups")
}

/// Starts work of every kind that takes some time.
async fn do_much(api: &Api) {
    let backup = json!({ "description": "b", "notification_emails": ["me@example.com"] });
    assert_eq!(api.post(&backups(), backup).await.0, 202);
    let install = json!({ "name": "another1", "account_id": ACCOUNT });
    assert_eq!(api.post("/installs", install).await.0, 201);
    let domain = json!({ "name": "saved.example" });
    let (status, domain) = api
        .post(&format!("/installs/{INSTALL}/domains"), domain)
        .await;
    assert_eq!(status, 201);
    let order = format!(
        "/installs/{INSTALL}/domains/{}",
        domain["id"].as_str().unwrap()
    );
    assert_eq!(
        api.post(&format!("{order}/check_status"), json!({}))
            .await
            .0,
        202
    );
    let refresh = format!("/installs/{INSTALL}/usage/refresh_disk_usage");
    assert_eq!(api.post(&refresh, json!({})).await.0, 200);
    let copy = json!({ "source_environment_id": INSTALL, "destination_environment_id": "8f14e45f-ceea-4b5b-9f6d-8f14e45fceea", "notification_emails": ["me@example.com"] });
    api.post("/install_copy", copy).await;
}

async fn everything(api: &Api) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/accounts",
        "/sites",
        "/installs",
        "/user",
        "/ssh_keys",
        &backups(),
        &format!("/installs/{INSTALL}"),
        &format!("/installs/{INSTALL}/domains"),
        &format!("/installs/{INSTALL}/usage"),
        &format!("/accounts/{ACCOUNT}/account_users"),
        &format!("/accounts/{ACCOUNT}/site_transfers"),
    ] {
        all.push(api.found(path).await);
    }
    all
}

#[tokio::test]
async fn a_restored_world_goes_on_as_the_saved_one_did() {
    let api = Api::start().await;
    do_much(&api).await;
    let snapshot = api.simulator.snapshot();
    api.advance(400);
    let expected = everything(&api).await;
    api.delete(&format!("/sites/{SITE}")).await;
    api.advance(90_000);
    api.simulator.restore(&snapshot).unwrap();
    api.advance(400);
    assert_eq!(everything(&api).await, expected);
}

#[tokio::test]
async fn a_snapshot_is_taken_to_another_simulator_through_the_controls() {
    let api = Api::with(|builder| {
        builder
            .fleet(2, 30, 80)
            .user("second", "s", ACCOUNT, Role::Full)
    })
    .await;
    let (status, snapshot) = control(&api, Method::GET, "/snapshot", json!(null)).await;
    assert_eq!(status, 200);
    assert!(snapshot.to_string().len() < 1024 * 1024);
    let other = Api::with(|builder| builder.seed(9).fleet(1, 700, 1500)).await;
    assert_eq!(
        control(&other, Method::PUT, "/snapshot", snapshot.clone())
            .await
            .0,
        204
    );
    let (one, two) = (api.found("/installs").await, other.found("/installs").await);
    assert_eq!(one["results"], two["results"]);
    let request = other
        .anonymous(Method::GET, "/user")
        .basic_auth("second", Some("s"));
    assert_eq!(answer(request).await.0, 200, "further users come along");
    // The credentials of the second simulator have not changed, and the snapshot does not contain those of the first.
    assert!(!snapshot.to_string().contains(api.simulator.password()));
    assert_ne!(api.simulator.password(), other.simulator.password());
    let install = &two["results"][0]["name"];
    let taken = json!({ "name": install, "account_id": ACCOUNT });
    assert_eq!(
        other.post("/installs", taken).await.0,
        400,
        "names are known to be taken"
    );
}

#[tokio::test]
async fn a_snapshot_may_be_larger_than_other_bodies() {
    let api = Api::with(|builder| builder.fleet(1, 700, 1500)).await;
    let snapshot = api.simulator.snapshot();
    assert!(snapshot.as_json().len() > 1024 * 1024);
    let value: Value = serde_json::from_str(snapshot.as_json()).unwrap();
    let other = Api::start().await;
    assert_eq!(
        control(&other, Method::PUT, "/snapshot", value).await.0,
        204
    );
    assert_eq!(other.found("/installs?limit=1").await["count"], 1500);
}

#[tokio::test]
async fn what_is_damaged_changes_nothing() {
    let api = Api::start().await;
    let whole: Value = serde_json::from_str(api.simulator.snapshot().as_json()).unwrap();
    let before = everything(&api).await;
    let damage = |pointer: &str, value: Value| {
        let mut damaged = whole.clone();
        *damaged.pointer_mut(pointer).unwrap() = value;
        damaged
    };
    for (snapshot, why) in [
        (json!({}), "no snapshot"),
        (json!([]), "no snapshot"),
        (damage("/format", json!("other")), "format"),
        (damage("/version", json!(2)), "version 2"),
        (damage("/now", json!("yesterday")), "damaged"),
        (damage("/world/random", json!("x")), "damaged"),
        (damage("/world/accounts", json!({})), "missing account"),
        (damage("/world/users", json!({})), "main user"),
        (
            damage(&format!("/world/sites/{SITE}/installs/0"), json!("other")),
            "do not agree",
        ),
        (
            damage(
                &format!(
                    "/world/sites/{SITE}/schedules/123e4567-e89b-12d3-a456-426614174000/frequency/value"
                ),
                json!(0),
            ),
            "no frequency",
        ),
        (
            damage(&format!("/world/sites/{SITE}/id"), json!("other")),
            "has the id",
        ),
        (
            damage(&format!("/world/installs/{INSTALL}/site_id"), json!(null)),
            "do not agree",
        ),
    ] {
        let text = snapshot.to_string();
        let (status, body) = control(&api, Method::PUT, "/snapshot", snapshot).await;
        assert_eq!(status, 400, "{why}");
        assert!(
            body["message"].as_str().unwrap().contains(why),
            "{why}: {body}"
        );
        Snapshot::from_json(text).unwrap_err();
    }
    assert_eq!(everything(&api).await, before);
}

#[tokio::test]
async fn nothing_of_a_snapshot_is_lost_on_the_way() {
    let api = Api::start().await;
    do_much(&api).await;
    let snapshot = api.simulator.snapshot();
    let other = Simulator::builder().clock(ClockMode::Manual).build();
    other.restore(&snapshot).unwrap();
    assert_eq!(other.snapshot().as_json(), snapshot.as_json());
    assert!(
        snapshot.as_json().lines().count() > 300,
        "for people to read"
    );
    assert!(!format!("{snapshot:?}").contains("world"));
}

mod files {
    use super::*;

    async fn kept(path: &std::path::Path) -> std::io::Result<Simulator> {
        let builder = Simulator::builder().clock(ClockMode::Manual);
        builder.credentials("u", "p").state_file(path).start().await
    }

    #[tokio::test]
    async fn the_state_is_there_again_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let first = kept(&path).await.unwrap();
        first.advance(std::time::Duration::from_secs(60));
        assert!(first.set_api_access(ACCOUNT, false));
        first.save_state().unwrap();
        let saved = first.snapshot();
        drop(first);
        let second = kept(&path).await.unwrap();
        assert_eq!(second.snapshot().as_json(), saved.as_json());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), saved.as_json());
        let others: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(others.len(), 1, "nothing is left beside it: {others:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "there are passwords in it");
        }
    }

    #[tokio::test]
    async fn a_damaged_file_stops_the_start_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let simulator = kept(&path).await.unwrap();
        simulator.save_state().unwrap();
        drop(simulator);
        let whole = std::fs::read_to_string(&path).unwrap();
        for damaged in ["", "{", "[]", &whole[..whole.len() / 2]] {
            std::fs::write(&path, damaged).unwrap();
            let error = kept(&path).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("state.json"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_is_told_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let started = kept(&folder.path().join("missing/state.json")).await;
        let error = started.map(drop).unwrap_err();
        assert!(error.to_string().contains("missing"), "{error}");
    }
}
