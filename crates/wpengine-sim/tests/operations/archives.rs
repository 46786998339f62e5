use serde_json::json;

use crate::api::{Api, INSTALL, column};

const BACKUP: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";

#[tokio::test]
async fn list_archives_shows_an_archive_come_into_being() {
    let api = Api::start().await;
    let path = format!("/installs/{INSTALL}/archives");
    let list = api.found(&path).await;
    assert_eq!(
        column(&list, "id"),
        ["a6d86d4b-0860-4e2c-870b-0aae34ecf085"]
    );
    assert_eq!(
        list["results"][0]["complete_time"],
        "2026-04-20T15:12:10.000Z"
    );
    let id = api.simulator.create_archive(INSTALL, BACKUP).unwrap();
    let mut states = Vec::new();
    for seconds in [0, 10, 720] {
        api.advance(seconds);
        let list = api.found(&path).await;
        assert_eq!(list["results"][1]["id"], json!(id));
        states.push(list["results"][1]["state"].as_str().unwrap().to_owned());
    }
    assert_eq!(states, ["requested", "in_progress", "completed"]);
}

#[tokio::test]
async fn an_archive_can_be_made_to_abort() {
    let api = Api::start().await;
    let id = api.simulator.create_archive(INSTALL, BACKUP).unwrap();
    assert!(api.simulator.abort_archive(INSTALL, &id));
    api.advance(730);
    let archive = api.found(&format!("/installs/{INSTALL}/archives")).await["results"][1].clone();
    assert_eq!(
        (&archive["state"], &archive["download_uri"]),
        (&json!("aborted"), &json!(null))
    );
    assert_eq!(archive["abort_time"], "2026-06-01T12:12:10.000Z");
    assert_eq!(api.simulator.create_archive(INSTALL, "other"), None);
}
