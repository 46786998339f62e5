//! Lists that change while they are read.

use serde_json::{Value, json};
use wpengine_sim::{Fault, FaultKind};

use super::add;
use crate::api::{Api, INSTALL, column};

/// Returns the ids on all pages, with two items per page.
async fn listed(api: &Api, path: &str, id: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut offset = 0;
    loop {
        let page = api.found(&format!("{path}?limit=2&offset={offset}")).await;
        ids.extend(column(&page, id).into_iter().map(str::to_owned));
        if page["next"].is_null() {
            return ids;
        }
        offset += 2;
    }
}

async fn fleet() -> Api {
    let api = Api::with(|builder| builder.fleet(4, 5, 6)).await;
    let key = |comment: &str| {
        let comment = format!("{comment:_<4}");
        let blob =
            format!("AAAAC3NzaC1lZDI1NTE5AAAAIKHEChLjUAsxsgvDVi9P8HNO1Zn2mTONbtE+11OO{comment}");
        json!({ "public_key": format!("ssh-ed25519 {blob} me") })
    };
    for name in ["a", "b", "c", "d"] {
        assert_eq!(
            api.post("/ssh_keys", key(&format!("{name}AAA"))).await.0,
            201
        );
    }
    api
}

#[tokio::test]
async fn something_put_in_between_lets_an_item_come_twice() {
    for (path, operation, id) in [
        ("/accounts", "list_accounts", "id"),
        ("/sites", "list_sites", "id"),
        ("/installs", "list_installs", "id"),
        ("/ssh_keys", "list_ssh_keys", "uuid"),
    ] {
        let api = fleet().await;
        let before = listed(&api, path, id).await;
        add(
            &api,
            Fault::new(FaultKind::InsertBetweenPages).on(operation),
        );
        let during = listed(&api, path, id).await;
        let mut expected = before.clone();
        expected.insert(2, before[1].clone());
        assert_eq!(during, expected, "{path}");
        // The list itself has changed.
        let after = listed(&api, path, id).await;
        assert_eq!(
            (&after[1..], after.len()),
            (&before[..], before.len() + 1),
            "{path}"
        );
    }
}

#[tokio::test]
async fn something_taken_away_in_between_lets_an_item_be_skipped() {
    for (path, operation, id) in [
        ("/accounts", "list_accounts", "id"),
        ("/sites", "list_sites", "id"),
        ("/installs", "list_installs", "id"),
        ("/ssh_keys", "list_ssh_keys", "uuid"),
    ] {
        let api = fleet().await;
        let before = listed(&api, path, id).await;
        add(
            &api,
            Fault::new(FaultKind::RemoveBetweenPages).on(operation),
        );
        let during = listed(&api, path, id).await;
        let mut expected = before.clone();
        expected.remove(2);
        assert_eq!(during, expected, "{path}");
        assert_eq!(listed(&api, path, id).await, before[1..], "{path}");
    }
}

#[tokio::test]
async fn what_belongs_to_an_install_comes_and_goes_too() {
    let api = Api::start().await;
    let body = json!({ "description": "b", "notification_emails": ["me@example.com"] });
    for _ in 0..3 {
        api.post(&format!("/installs/{INSTALL}/backups"), body.clone())
            .await;
    }
    let numbers = |page: &Value| page["count"].as_u64().unwrap();
    for thing in ["domains", "backups", "archives"] {
        let path = format!("/installs/{INSTALL}/{thing}");
        let before = api.found(&path).await;
        add(&api, Fault::new(FaultKind::InsertBetweenPages));
        let page = api.found(&format!("{path}?limit=1&offset=1")).await;
        assert_eq!(
            page["results"][0]["id"], before["results"][0]["id"],
            "{thing}"
        );
        assert_eq!(numbers(&page), numbers(&before) + 1, "{thing}");
        add(&api, Fault::new(FaultKind::RemoveBetweenPages));
        api.found(&format!("{path}?limit=1&offset=1")).await;
        assert_eq!(
            api.found(&path).await["results"],
            before["results"],
            "{thing}"
        );
    }
}

#[tokio::test]
async fn the_first_page_is_not_between_pages() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::RemoveBetweenPages));
    assert_eq!(api.found("/sites").await["count"], 3);
    assert_eq!(api.found("/sites?limit=2&offset=0").await["count"], 3);
    assert_eq!(api.simulator.faults().list()[0].seen, 0);
    assert_eq!(api.found("/sites?limit=2&offset=2").await["count"], 2);
}
