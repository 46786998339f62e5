use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Api, INSTALL, column};

const BACKUP: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";

fn path() -> String {
    format!("/installs/{INSTALL}/archives")
}

async fn create(api: &Api, backup: &str) -> (u16, Value) {
    let body = json!({ "backup_id": backup, "notification_emails": ["ops@example.com"] });
    api.post(&path(), body).await
}

/// Returns the archive that was created in addition to the one of the documentation.
async fn second(api: &Api) -> Value {
    api.found(&path()).await["results"][1].clone()
}

#[tokio::test]
async fn list_archives_shows_an_archive_come_into_being() {
    let api = Api::start().await;
    let list = api.found(&path()).await;
    assert_eq!(
        column(&list, "id"),
        ["a6d86d4b-0860-4e2c-870b-0aae34ecf085"]
    );
    assert_eq!(
        list["results"][0]["complete_time"],
        "2026-04-20T15:12:10.000Z"
    );
    assert_eq!(create(&api, BACKUP).await, (202, json!(null)));
    let mut states = Vec::new();
    for seconds in [0, 10, 720] {
        api.advance(seconds);
        let archive = second(&api).await;
        assert_eq!(archive["backup"]["id"], BACKUP);
        states.push(archive["state"].as_str().unwrap().to_owned());
    }
    assert_eq!(states, ["requested", "in_progress", "completed"]);
}

#[tokio::test]
async fn create_archive_wants_a_completed_backup_and_somebody_to_tell() {
    let api = Api::start().await;
    assert_eq!(create(&api, "other").await.0, 404);
    let body = json!({ "description": "now", "notification_emails": ["ops@example.com"] });
    let (_, backup) = api
        .post(&format!("/installs/{INSTALL}/backups"), body)
        .await;
    let backup = backup["id"].as_str().unwrap();
    assert_eq!(create(&api, backup).await.0, 400);
    api.advance(180);
    assert_eq!(create(&api, backup).await.0, 202);
    // Each call creates another archive.
    assert_eq!(create(&api, backup).await.0, 202);
    assert_eq!(api.found(&path()).await["count"], 3);
    let body = json!({ "backup_id": backup, "notification_emails": [] });
    assert_eq!(api.post(&path(), body).await.0, 400);
}

#[tokio::test]
async fn an_archive_can_be_made_to_abort() {
    let api = Api::start().await;
    create(&api, BACKUP).await;
    let id = second(&api).await["id"].as_str().unwrap().to_owned();
    assert!(api.simulator.abort_archive(INSTALL, &id));
    api.advance(730);
    let archive = second(&api).await;
    assert_eq!(
        (&archive["state"], &archive["download_uri"]),
        (&json!("aborted"), &json!(null))
    );
    assert_eq!(archive["abort_time"], "2026-06-01T12:12:10.000Z");
}

#[tokio::test]
async fn the_link_of_an_archive_gives_a_zip_file_to_whoever_has_it() {
    let api = Api::start().await;
    create(&api, BACKUP).await;
    assert_eq!(second(&api).await["download_uri"], json!(null));
    api.advance(730);
    let link = second(&api).await["download_uri"].clone();
    let link = link.as_str().unwrap();
    assert!(link.starts_with(&format!("http://{}/", api.simulator.address().unwrap())));
    let answer = api.anonymous_at(Method::GET, link).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/zip");
    let bytes = answer.bytes().await.unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&bytes[..])).unwrap();
    assert!(zip.by_name("wp-content/mysql.sql").is_ok());
    let version = std::io::read_to_string(zip.by_name("wp-includes/version.txt").unwrap());
    assert_eq!(version.unwrap(), "6.4.2", "it holds what the backup holds");

    for (method, wrong) in [
        (Method::GET, format!("{}x.zip", &link[..link.len() - 5])),
        (Method::GET, link.replace("archives", "reports")),
    ] {
        let answer = api.anonymous_at(method, &wrong).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{wrong}");
    }
    let answer = api.anonymous_at(Method::DELETE, link).send().await.unwrap();
    assert_eq!(answer.status(), 405);
}
