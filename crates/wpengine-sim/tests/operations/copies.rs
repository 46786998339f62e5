use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api, INSTALL, refused};

const SOURCE: &str = "8f14e45f-ceea-4b5b-9f6d-8f14e45fceea";
const DESTINATION: &str = "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98";

fn copy(options: Value) -> Value {
    json!({
        "source_environment_id": SOURCE,
        "destination_environment_id": DESTINATION,
        "notification_emails": ["me@example.com"],
        "custom_options": options,
    })
}

#[tokio::test]
async fn copy_install_overwrites_the_destination_after_a_while() {
    let api = Api::start().await;
    let content = |id| api.simulator.install_content(id).unwrap();
    let (source, old) = (content(SOURCE), content(DESTINATION));
    let body =
        json!({ "source_environment_id": SOURCE, "destination_environment_id": DESTINATION });
    assert_eq!(api.post("/install_copy", body).await, (202, json!(null)));
    api.advance(299);
    assert_eq!(content(DESTINATION).files, old.files);
    api.advance(1);
    assert_eq!(
        (content(DESTINATION).files, content(DESTINATION).database),
        (source.files, source.database)
    );
    assert_eq!(content(DESTINATION).events[0].kind, "copy");
}

#[tokio::test]
async fn copy_install_copies_only_the_parts_that_are_asked_for() {
    let api = Api::start().await;
    let content = |id| api.simulator.install_content(id).unwrap();
    let (source, old) = (content(SOURCE), content(DESTINATION));
    let options = json!({ "include_files": false, "include_db": true, "db_tables": ["wp_posts"] });
    assert_eq!(api.post("/install_copy", copy(options)).await.0, 202);
    api.advance(300);
    let new = content(DESTINATION);
    assert_eq!(new.files, old.files);
    assert!(new.database != old.database && new.database != source.database);
}

#[tokio::test]
async fn copy_install_refuses_what_cannot_be_copied() {
    let api = Api::start().await;
    let (_, site) = api
        .post("/sites", json!({ "name": "New", "account_id": ACCOUNT }))
        .await;
    assert!(site["id"].is_string());
    let (status, body) = api
        .post(
            "/install_copy",
            copy(json!({ "include_db": false, "db_tables": ["wp_posts"] })),
        )
        .await;
    assert_eq!(
        (status, refused(&body)),
        (400, vec!["custom_options.db_tables"])
    );
    let same = json!({ "source_environment_id": INSTALL, "destination_environment_id": INSTALL });
    assert_eq!(api.post("/install_copy", same).await.0, 400);
    let unknown =
        json!({ "source_environment_id": INSTALL, "destination_environment_id": "other" });
    assert_eq!(api.post("/install_copy", unknown).await.0, 404);
    let other = api.found("/accounts").await["results"][1]["id"].clone();
    let (_, foreign) = api
        .post(
            "/installs",
            json!({ "name": "foreign", "account_id": other }),
        )
        .await;
    let across =
        json!({ "source_environment_id": INSTALL, "destination_environment_id": foreign["id"] });
    assert_eq!(api.post("/install_copy", across).await.0, 400);
}
