//! Permissions: roles, API access, bearer tokens.

use reqwest::Method;
use serde_json::{Value, json};
use wpengine_sim::Role;

use crate::api::{ACCOUNT, Api, INSTALL, SITE, answer, column};

async fn partial() -> Api {
    Api::with(|builder| {
        builder.user(
            "partial",
            "p",
            ACCOUNT,
            Role::Partial(vec![INSTALL.to_owned()]),
        )
    })
    .await
}

async fn as_partial(api: &Api, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = api.anonymous(method, path).basic_auth("partial", Some("p"));
    answer(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[tokio::test]
async fn a_partial_user_sees_its_installs_only() {
    let api = partial().await;
    let (_, installs) = as_partial(&api, Method::GET, "/installs", None).await;
    assert_eq!(column(&installs, "id"), [INSTALL]);
    let (_, sites) = as_partial(&api, Method::GET, "/sites", None).await;
    assert_eq!(column(&sites, "id"), [SITE]);
    let other = "/installs/8f14e45f-ceea-4b5b-9f6d-8f14e45fceea";
    assert_eq!(as_partial(&api, Method::GET, other, None).await.0, 404);
    let path = format!("/accounts/{ACCOUNT}/usage");
    let (_, usage) = as_partial(&api, Method::GET, &path, None).await;
    assert_eq!(
        (&usage["total_size"], &usage["all_environments_included"]),
        (&json!(1), &json!(false))
    );
}

#[tokio::test]
async fn a_partial_user_works_with_an_install_but_manages_nothing() {
    let api = partial().await;
    let backup = json!({ "description": "b", "notification_emails": ["me@example.com"] });
    let path = format!("/installs/{INSTALL}/backups");
    assert_eq!(
        as_partial(&api, Method::POST, &path, Some(backup)).await.0,
        202
    );
    let site = json!({ "name": "New", "account_id": ACCOUNT });
    assert_eq!(
        as_partial(&api, Method::POST, "/sites", Some(site)).await.0,
        403
    );
    assert_eq!(
        as_partial(&api, Method::DELETE, &format!("/sites/{SITE}"), None)
            .await
            .0,
        403
    );
    assert_eq!(
        as_partial(&api, Method::DELETE, &format!("/installs/{INSTALL}"), None)
            .await
            .0,
        403
    );
    assert_eq!(api.found("/sites").await["count"], 3);
}

#[tokio::test]
async fn only_owners_make_owners() {
    let api = Api::with(|builder| builder.user("full", "f", ACCOUNT, Role::Full)).await;
    let user = |roles: &str| json!({ "user": { "account_id": ACCOUNT, "first_name": "A", "last_name": "B", "email": "a@b.c", "roles": roles } });
    let path = format!("/accounts/{ACCOUNT}/account_users");
    for (roles, expected) in [("owner", 403), ("full", 201)] {
        let request = api
            .anonymous(Method::POST, &path)
            .basic_auth("full", Some("f"))
            .json(&user(roles));
        assert_eq!(answer(request).await.0, expected);
    }
}

#[tokio::test]
async fn without_api_access_lists_are_empty() {
    let api = Api::with(|builder| builder.without_api_access(ACCOUNT)).await;
    assert_eq!(api.found("/installs").await["count"], 0);
    assert_eq!(api.found("/sites").await["results"], json!([]));
    assert_eq!(api.get(&format!("/installs/{INSTALL}")).await.0, 404);
    assert_eq!(api.get(&format!("/accounts/{ACCOUNT}")).await.0, 404);
}

#[tokio::test]
async fn a_bearer_token_is_refused_for_backups_alone() {
    let api = Api::with(|builder| builder.bearer_token("token")).await;
    let path = format!("/installs/{INSTALL}/backups");
    assert_eq!(
        answer(api.anonymous(Method::GET, &path).bearer_auth("token"))
            .await
            .0,
        200
    );
    assert_eq!(
        answer(api.anonymous(Method::GET, &path).bearer_auth("other"))
            .await
            .0,
        401
    );
    let backup = json!({ "description": "b", "notification_emails": ["me@example.com"] });
    let request = api
        .anonymous(Method::POST, &path)
        .bearer_auth("token")
        .json(&backup);
    assert_eq!(
        answer(request).await,
        (401, json!({ "message": "Bad Credentials" }))
    );
}
