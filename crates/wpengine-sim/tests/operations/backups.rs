use serde_json::json;

use crate::api::{Api, INSTALL, column, refused};

fn backups() -> String {
    format!("/installs/{INSTALL}/backups")
}

#[tokio::test]
async fn create_backup_is_followed_until_it_is_completed() {
    let api = Api::start().await;
    let body = json!({ "description": "before", "notification_emails": ["me@example.com"] });
    let (status, backup) = api.post(&backups(), body).await;
    assert_eq!((status, &backup["status"]), (202, &json!("requested")));
    let path = format!("{}/{}", backups(), backup["id"].as_str().unwrap());
    api.advance(5);
    assert_eq!(api.found(&path).await["status"], "in_progress");
    api.advance(175);
    let backup = api.found(&path).await;
    assert_eq!(
        (&backup["status"], &backup["description"]),
        (&json!("completed"), &json!("before"))
    );
    assert_eq!(backup["complete_time"], "2026-06-01T12:03:00.000Z");
    assert_eq!(api.simulator.side_effects(), 1);
}

#[tokio::test]
async fn create_backup_needs_somebody_to_tell() {
    let api = Api::start().await;
    for emails in [json!([]), json!(null), json!([1])] {
        let body = json!({ "description": "before", "notification_emails": emails });
        let (status, body) = api.post(&backups(), body).await;
        assert_eq!(status, 400);
        assert!(
            refused(&body)[0].starts_with("notification_emails"),
            "{body}"
        );
    }
    assert_eq!(api.post("/installs/other/backups", json!({})).await.0, 400);
    let body = json!({ "description": "before", "notification_emails": ["me@example.com"] });
    assert_eq!(api.post("/installs/other/backups", body).await.0, 404);
    assert_eq!(api.simulator.side_effects(), 0);
}

#[tokio::test]
async fn list_backups_has_the_backups_of_this_install() {
    let api = Api::start().await;
    let list = api.found(&backups()).await;
    assert_eq!(
        column(&list, "id"),
        [
            "e41fa98f-ea80-4654-b229-a9b765d0863a",
            "ac237e1c-3182-4c15-9a3f-6d58a57cbb44"
        ]
    );
    assert_eq!(
        list["results"][0]["complete_time"],
        "2024-01-15T10:30:00.000Z"
    );
    assert_eq!(
        api.found("/installs/8f14e45f-ceea-4b5b-9f6d-8f14e45fceea/backups")
            .await["count"],
        0
    );
}

#[tokio::test]
async fn get_backup_does_not_find_the_backups_of_another_install() {
    let api = Api::start().await;
    let path = "/backups/e41fa98f-ea80-4654-b229-a9b765d0863a";
    assert_eq!(
        api.found(&format!("/installs/{INSTALL}{path}")).await["wordpress_version"],
        "6.4.2"
    );
    assert_eq!(
        api.get(&format!(
            "/installs/8f14e45f-ceea-4b5b-9f6d-8f14e45fceea{path}"
        ))
        .await
        .0,
        404
    );
}

#[tokio::test]
async fn restore_backup_brings_the_old_content_back_and_takes_a_checkpoint() {
    let api = Api::start().await;
    let before = api.simulator.install_content(INSTALL).unwrap();
    let path = format!("{}/e41fa98f-ea80-4654-b229-a9b765d0863a/restore", backups());
    let body = json!({ "notification_emails": ["me@example.com"], "restore_database": false });
    assert_eq!(api.post(&path, body).await, (202, json!(null)));
    let list = api.found(&backups()).await;
    assert_eq!(
        (&list["count"], &list["results"][2]["description"]),
        (&json!(3), &json!("Checkpoint before restore"))
    );
    assert_eq!(
        api.simulator.install_content(INSTALL).unwrap().wp_version,
        before.wp_version
    );
    api.advance(300);
    let after = api.simulator.install_content(INSTALL).unwrap();
    assert_eq!(
        (after.wp_version.as_str(), &after.database),
        ("6.4.2", &before.database)
    );
    assert_eq!(after.events[0].kind, "restore");
}

#[tokio::test]
async fn restore_backup_refuses_one_that_is_not_completed() {
    let api = Api::start().await;
    let body = json!({ "description": "before", "notification_emails": ["me@example.com"] });
    let (_, backup) = api.post(&backups(), body).await;
    let path = format!("{}/{}/restore", backups(), backup["id"].as_str().unwrap());
    let body = json!({ "notification_emails": ["me@example.com"], "create_checkpoint": false });
    assert_eq!(api.post(&path, body.clone()).await.0, 400);
    api.advance(180);
    assert_eq!(api.post(&path, body.clone()).await.0, 202);
    assert_eq!(api.found(&backups()).await["count"], 3);
    assert_eq!(
        api.post(&format!("{}/other/restore", backups()), body)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_backup_can_be_made_to_abort() {
    let api = Api::start().await;
    let body = json!({ "description": "before", "notification_emails": ["me@example.com"] });
    let (_, backup) = api.post(&backups(), body).await;
    let id = backup["id"].as_str().unwrap();
    assert!(api.simulator.abort_backup(INSTALL, id));
    api.advance(180);
    let backup = api.found(&format!("{}/{id}", backups())).await;
    assert_eq!(
        (&backup["status"], &backup["complete_time"]),
        (&json!("aborted"), &json!(null))
    );
}
