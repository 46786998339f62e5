use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api, INSTALL, PARTIAL_USER, SITE, refused};

fn staging() -> Value {
    json!({ "name": "torquestg", "account_id": ACCOUNT, "site_id": SITE, "environment": "staging" })
}

#[tokio::test]
async fn list_installs_leaves_out_what_only_one_shows() {
    let api = Api::start().await;
    let list = api.found(&format!("/installs?account_id={ACCOUNT}")).await;
    assert_eq!(list["count"], 5);
    assert_eq!(list["results"][0]["id"], INSTALL);
    assert_eq!(list["results"][0].get("wp_version"), None);
    assert!(
        api.found(&format!("/installs/{INSTALL}"))
            .await
            .get("wp_version")
            .is_some()
    );
}

#[tokio::test]
async fn create_install_is_pending_then_active() {
    let api = Api::start().await;
    let (status, install) = api.post("/installs", staging()).await;
    assert_eq!((status, &install["status"]), (201, &json!("pending")));
    let path = format!("/installs/{}", install["id"].as_str().unwrap());
    api.advance(239);
    assert_eq!(api.found(&path).await["status"], "pending");
    api.advance(1);
    assert_eq!(api.found(&path).await["status"], "active");
    assert_eq!(
        api.found(&format!("/sites/{SITE}")).await["installs"][1]["name"],
        "torquestg"
    );
}

#[tokio::test]
async fn create_install_refuses_bad_and_taken_names_and_slots() {
    let api = Api::start().await;
    let cases = [
        ("name", json!("1st")),
        ("name", json!("ab")),
        ("name", json!("abcdefghijklmno")),
        ("name", json!("torquemag")),
        ("environment", json!("production")),
        ("environment", json!("live")),
        ("site_id", json!("other")),
    ];
    for (field, value) in cases {
        let mut body = staging();
        body[field] = value;
        let (status, body) = api.post("/installs", body).await;
        assert_eq!((status, refused(&body)), (400, vec![field]), "{body}");
    }
    let mut body = staging();
    body["account_id"] = json!("other");
    assert_eq!(api.post("/installs", body).await.0, 403);
    assert_eq!(api.found("/installs").await["count"], 5);
}

#[tokio::test]
async fn update_install_moves_it_and_empties_its_slot() {
    let api = Api::start().await;
    let (_, site) = api
        .post("/sites", json!({ "name": "New", "account_id": ACCOUNT }))
        .await;
    let path = format!("/installs/{INSTALL}");
    let body = json!({ "site_id": site["id"], "environment": "development" });
    let (status, install) = api.patch(&path, body).await;
    assert_eq!(
        (status, &install["environment"]),
        (200, &json!("development"))
    );
    assert_eq!(
        api.found(&format!("/sites/{SITE}")).await["installs"],
        json!([])
    );
    let site = api
        .found(&format!("/sites/{}", site["id"].as_str().unwrap()))
        .await;
    assert_eq!(site["installs"][0]["id"], INSTALL);
    assert_eq!(
        api.patch(&path, json!({ "environment": null })).await.1["environment"],
        json!(null)
    );
    assert_eq!(
        api.patch(&path, json!({})).await.1["environment"],
        json!(null)
    );
    assert_eq!(api.patch("/installs/other", json!({})).await.0, 403);
}

#[tokio::test]
async fn delete_install_frees_its_name_and_its_slot() {
    let api = Api::start().await;
    let path = format!("/installs/{INSTALL}");
    assert_eq!(api.delete(&path).await.0, 204);
    assert_eq!(api.get(&path).await.0, 404);
    assert_eq!(api.delete(&path).await.0, 404);
    let user = api
        .found(&format!("/accounts/{ACCOUNT}/account_users/{PARTIAL_USER}"))
        .await;
    assert_eq!(user["installs"], json!([]));
    let body = json!({ "name": "torquemag", "account_id": ACCOUNT, "site_id": SITE });
    let (status, install) = api.post("/installs", body).await;
    assert_eq!(
        (status, &install["environment"]),
        (201, &json!("production"))
    );
}
