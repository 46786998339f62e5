use serde_json::{Value, json};

use crate::api::{Api, INSTALL, refused};

fn files() -> String {
    format!("/installs/{INSTALL}/offload_settings/files")
}

async fn settings(api: &Api) -> Value {
    api.found(&files()).await["largefs_settings"].clone()
}

#[tokio::test]
async fn get_largefs_validation_file_is_the_installs_own() {
    let api = Api::start().await;
    let file = |id| format!("/installs/{id}/offload_settings/largefs_validation_file");
    let own = api.found(&file(INSTALL)).await;
    assert_eq!(
        own,
        json!({ "name": "64f1250c.largefs", "content": "e4ccd0696cff6f94" })
    );
    assert_ne!(
        api.found(&file("8f14e45f-ceea-4b5b-9f6d-8f14e45fceea"))
            .await,
        own
    );
}

#[tokio::test]
async fn update_offload_settings_replaces_them_after_a_while() {
    let api = Api::start().await;
    let body = json!({ "largefs_settings": { "cloud": "s3", "bucket": "new" } });
    assert_eq!(api.post(&files(), body).await, (202, json!(null)));
    assert_eq!(settings(&api).await["bucket"], "torquemag-media");
    api.advance(60);
    assert_eq!(
        settings(&api).await,
        json!({ "cloud": "s3", "bucket": "new" })
    );
}

#[tokio::test]
async fn patch_offload_settings_changes_what_is_named() {
    let api = Api::start().await;
    let before = settings(&api).await;
    let body = json!({ "largefs_settings": { "bucket_region": "eu-west-1" } });
    assert_eq!(api.patch(&files(), body).await.0, 202);
    api.advance(60);
    let after = settings(&api).await;
    assert_eq!(after["bucket_region"], "eu-west-1");
    assert_eq!(
        (&after["bucket"], &after["path_settings"]),
        (&before["bucket"], &before["path_settings"])
    );
}

#[tokio::test]
async fn offload_settings_are_checked() {
    let api = Api::start().await;
    let (status, body) = api
        .patch(&files(), json!({ "largefs_settings": { "cloud": "gcs" } }))
        .await;
    assert_eq!(
        (status, refused(&body)),
        (400, vec!["largefs_settings.cloud"])
    );
    assert_eq!(
        api.post("/installs/other/offload_settings/files", json!({}))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn get_offload_settings_that_were_never_set_up_are_not_found() {
    let api = Api::start().await;
    let path = "/installs/8f14e45f-ceea-4b5b-9f6d-8f14e45fceea/offload_settings/files";
    let (status, body) = api.get(path).await;
    assert_eq!(
        (status, body),
        (404, json!({ "message": "LargeFS settings not found" }))
    );
    let settings = json!({ "largefs_settings": { "cloud": "s3", "bucket": "new" } });
    assert_eq!(api.post(path, settings).await.0, 202);
    api.advance(60);
    assert_eq!(api.found(path).await["largefs_settings"]["bucket"], "new");
}
