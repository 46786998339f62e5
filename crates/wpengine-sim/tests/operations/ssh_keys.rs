use serde_json::json;

use crate::api::{Api, column, refused};

const KEY: &str = "ssh-rsa AAAAbcdefg+567te/4i9ASKGHtw9euaskl+Iksldfjw== joe@gmail.com";

#[tokio::test]
async fn create_ssh_key_is_listed_once() {
    let api = Api::start().await;
    let (status, key) = api.post("/ssh_keys", json!({ "public_key": KEY })).await;
    assert_eq!((status, &key["comment"]), (201, &json!("joe@gmail.com")));
    let list = api.found("/ssh_keys").await;
    assert_eq!((&list["count"], &list["results"][1]), (&json!(2), &key));
    let (status, body) = api.post("/ssh_keys", json!({ "public_key": KEY })).await;
    assert_eq!((status, refused(&body)), (400, vec!["public_key"]));
    assert_eq!(
        api.post("/ssh_keys", json!({ "public_key": "no key" }))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn delete_ssh_key_removes_it() {
    let api = Api::start().await;
    let uuid = column(&api.found("/ssh_keys").await, "uuid")[0].to_owned();
    assert_eq!(api.delete(&format!("/ssh_keys/{uuid}")).await.0, 204);
    assert_eq!(api.found("/ssh_keys").await["count"], 0);
    // The operation does not document a 404.
    assert_eq!(api.delete(&format!("/ssh_keys/{uuid}")).await.0, 403);
}

#[tokio::test]
async fn list_ssh_keys_pages() {
    let api = Api::start().await;
    api.post("/ssh_keys", json!({ "public_key": KEY })).await;
    let page = api.found("/ssh_keys?limit=1&offset=1").await;
    assert_eq!(
        (column(&page, "comment"), &page["next"]),
        (vec!["joe@gmail.com"], &json!(null))
    );
    assert!(
        page["previous"]
            .as_str()
            .unwrap()
            .ends_with("/ssh_keys?limit=1&offset=0")
    );
}
