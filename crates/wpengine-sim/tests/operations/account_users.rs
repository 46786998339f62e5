use serde_json::json;

use crate::api::{ACCOUNT, Api, INSTALL, MAIN_USER, PARTIAL_USER, column, refused};

fn users() -> String {
    format!("/accounts/{ACCOUNT}/account_users")
}

fn joe() -> serde_json::Value {
    json!({ "user": {
        "account_id": ACCOUNT, "first_name": "Joe", "last_name": "Smith", "email": "joe@gmail.com",
        "roles": "partial,billing", "install_ids": [INSTALL],
    } })
}

#[tokio::test]
async fn list_account_users_has_owner_and_partial() {
    let api = Api::start().await;
    let list = api.found(&users()).await;
    assert_eq!(column(&list, "roles"), ["owner", "partial,billing"]);
    assert_eq!(list["results"][0]["last_owner"], true);
    assert_eq!(list["results"][1]["installs"][0]["name"], "torquemag");
}

#[tokio::test]
async fn create_account_user_is_found_and_taken_once() {
    let api = Api::start().await;
    let (status, change) = api.post(&users(), joe()).await;
    assert_eq!(
        (status, &change["message"]),
        (201, &json!("Your change was successful."))
    );
    let id = change["account_user"]["user_id"].as_str().unwrap();
    assert_eq!(
        api.found(&format!("{}/{id}", users())).await,
        change["account_user"]
    );
    let (status, body) = api.post(&users(), joe()).await;
    assert_eq!((status, refused(&body)), (400, vec!["email"]));
}

#[tokio::test]
async fn create_account_user_refuses_what_is_no_role_or_no_install() {
    let api = Api::start().await;
    for (field, value) in [
        ("roles", json!("boss")),
        ("install_ids", json!(["x"])),
        ("email", json!("joe")),
    ] {
        let mut body = joe();
        body["user"][field] = value;
        let (status, body) = api.post(&users(), body).await;
        assert_eq!((status, refused(&body)), (400, vec![field]));
    }
    let (status, body) = api.post(&users(), json!({ "user": { "email": 1 } })).await;
    assert_eq!(status, 400);
    for field in [
        "user.account_id",
        "user.first_name",
        "user.last_name",
        "user.roles",
        "user.email",
    ] {
        assert!(refused(&body).contains(&field), "{field} of {body}");
    }
    assert_eq!(column(&api.found(&users()).await, "email").len(), 2);
}

#[tokio::test]
async fn update_account_user_changes_the_roles() {
    let api = Api::start().await;
    let path = format!("{}/{PARTIAL_USER}", users());
    let (status, change) = api.patch(&path, json!({ "roles": "billing, full" })).await;
    assert_eq!(
        (status, &change["account_user"]["roles"]),
        (200, &json!("full,billing"))
    );
    let user = api.found(&path).await;
    assert_eq!(
        (&user["roles"], &user["installs"]),
        (&json!("full,billing"), &json!(null))
    );
}

#[tokio::test]
async fn delete_account_user_removes_it() {
    let api = Api::start().await;
    let path = format!("{}/{PARTIAL_USER}", users());
    assert_eq!(api.delete(&path).await.0, 204);
    assert_eq!(api.get(&path).await.0, 404);
    assert_eq!(api.delete(&path).await.0, 404);
}

#[tokio::test]
async fn the_last_owner_stays_owner_until_there_is_another() {
    let api = Api::start().await;
    let owner = format!("{}/{MAIN_USER}", users());
    assert_eq!(api.delete(&owner).await.0, 400);
    assert_eq!(api.patch(&owner, json!({ "roles": "full" })).await.0, 400);
    assert_eq!(api.found(&owner).await["roles"], "owner");
    api.patch(
        &format!("{}/{PARTIAL_USER}", users()),
        json!({ "roles": "owner" }),
    )
    .await;
    assert_eq!(api.found(&owner).await["last_owner"], false);
    assert_eq!(api.patch(&owner, json!({ "roles": "full" })).await.0, 200);
}

#[tokio::test]
async fn somebody_has_the_same_id_in_every_account() {
    let api = Api::start().await;
    let other = api.found("/accounts").await["results"][1]["id"].clone();
    let mut body = joe();
    body["user"]["account_id"] = other.clone();
    body["user"]["email"] = json!("JOESMITH@test.com");
    body["user"]["roles"] = json!("full");
    let path = format!("/accounts/{}/account_users", other.as_str().unwrap());
    let (status, change) = api.post(&path, body).await;
    assert_eq!(
        (status, &change["account_user"]["user_id"]),
        (201, &json!(PARTIAL_USER))
    );
}
