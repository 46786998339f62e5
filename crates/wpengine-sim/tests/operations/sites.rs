use serde_json::json;

use crate::api::{ACCOUNT, Api, INSTALL, SITE, column, refused};

#[tokio::test]
async fn list_sites_pages_at_its_own_origin() {
    let api = Api::start().await;
    let first = api.found("/sites?limit=2").await;
    assert_eq!(
        (&first["count"], &first["previous"]),
        (&json!(3), &json!(null))
    );
    let next = first["next"].as_str().unwrap();
    let rest = next.strip_prefix(&api.simulator.base_url()).unwrap();
    let second = api.found(rest).await;
    assert_eq!(second["next"], json!(null));
    let names = [column(&first, "name"), column(&second, "name")].concat();
    assert_eq!(
        names,
        ["Torque Magazine", "Torque Events", "my-wordpress-site"]
    );
}

#[tokio::test]
async fn list_sites_filters_by_account() {
    let api = Api::start().await;
    let filtered = api
        .found(&format!("/sites?account_id={ACCOUNT}&limit=1"))
        .await;
    assert!(
        filtered["next"]
            .as_str()
            .unwrap()
            .ends_with(&format!("&account_id={ACCOUNT}"))
    );
    assert_eq!(api.found("/sites?account_id=other").await["count"], 0);
}

#[tokio::test]
async fn get_site_shows_its_installs() {
    let api = Api::start().await;
    let site = api.found(&format!("/sites/{SITE}")).await;
    assert_eq!(
        (&site["name"], &site["installs"][0]["id"]),
        (&json!("Torque Magazine"), &json!(INSTALL))
    );
    assert_eq!(api.get("/sites/other").await.0, 404);
}

#[tokio::test]
async fn create_site_is_found() {
    let api = Api::start().await;
    let (status, site) = api
        .post("/sites", json!({ "name": "New", "account_id": ACCOUNT }))
        .await;
    assert_eq!(status, 201);
    assert_eq!(
        api.found(&format!("/sites/{}", site["id"].as_str().unwrap()))
            .await,
        site
    );
    assert_eq!(site["created_at"], "2026-06-01T12:00:00.000Z");
}

#[tokio::test]
async fn create_site_refuses_bad_names_and_strange_accounts() {
    let api = Api::start().await;
    let (status, body) = api
        .post(
            "/sites",
            json!({ "name": "x".repeat(41), "account_id": ACCOUNT }),
        )
        .await;
    assert_eq!((status, refused(&body)), (400, vec!["name"]));
    assert_eq!(body["errors"][0]["code"], "too_long");
    assert_eq!(
        body["errors"][0]["message"],
        "Name is too long (maximum is 40 characters)"
    );
    for name in ["", "  "] {
        let (status, body) = api
            .post("/sites", json!({ "name": name, "account_id": ACCOUNT }))
            .await;
        assert_eq!(
            (status, &body["message"]),
            (400, &json!("Invalid Site: Name cannot be empty."))
        );
    }
    assert_eq!(
        api.post("/sites", json!({ "name": "New", "account_id": "other" }))
            .await
            .0,
        403
    );
    assert_eq!(api.found("/sites").await["count"], 3);
}

#[tokio::test]
async fn update_site_renames_it() {
    let api = Api::start().await;
    let path = format!("/sites/{SITE}");
    assert_eq!(
        api.patch(&path, json!({ "name": "My New Name" })).await.0,
        200
    );
    assert_eq!(api.found(&path).await["name"], "My New Name");
    assert_eq!(api.patch(&path, json!({})).await.1["name"], "My New Name");
}

#[tokio::test]
async fn delete_site_takes_its_installs() {
    let api = Api::start().await;
    assert_eq!(api.delete(&format!("/sites/{SITE}")).await.0, 204);
    assert_eq!(api.get(&format!("/sites/{SITE}")).await.0, 404);
    assert_eq!(api.get(&format!("/installs/{INSTALL}")).await.0, 404);
    assert!(!column(&api.found("/installs").await, "name").contains(&"torquemag"));
    assert_eq!(api.delete(&format!("/sites/{SITE}")).await.0, 404);
}

#[tokio::test]
async fn list_sites_of_a_fleet_has_every_site_once() {
    let api = Api::with(|builder| builder.fleet(3, 250, 400)).await;
    for query in ["", "&account_id=eeda3227-9a39-46ae-9e14-20958bb4e6c9"] {
        let (mut ids, mut offset) = (std::collections::HashSet::new(), 0);
        loop {
            let page = api.found(&format!("/sites?offset={offset}{query}")).await;
            ids.extend(column(&page, "id").into_iter().map(str::to_owned));
            offset += 100;
            if page["next"].is_null() {
                assert_eq!(page["count"], ids.len());
                break;
            }
        }
        assert_eq!(ids.len(), if query.is_empty() { 250 } else { 84 });
    }
}
