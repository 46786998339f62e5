use crate::api::{ACCOUNT, Api, column};

#[tokio::test]
async fn list_accounts_shows_what_the_user_belongs_to() {
    let api = Api::start().await;
    let list = api.found("/accounts").await;
    assert_eq!(list["count"], 2);
    assert_eq!(column(&list, "id")[0], ACCOUNT);
}

#[tokio::test]
async fn get_account_finds_one_and_only_its_own_id() {
    let api = Api::start().await;
    assert_eq!(
        api.found(&format!("/accounts/{ACCOUNT}")).await["name"],
        "joesaccount"
    );
    assert_eq!(api.get("/accounts/other").await.0, 404);
}

#[tokio::test]
async fn get_account_limits_are_the_plan() {
    let api = Api::start().await;
    let limits = api.found(&format!("/accounts/{ACCOUNT}/limits")).await;
    assert_eq!(
        limits,
        serde_json::json!({ "visitors": 25000, "storage": 150, "bandwidth": 1000 })
    );
}
