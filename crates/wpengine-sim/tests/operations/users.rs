//! Users, tokens and API access, set through the control endpoints.

use reqwest::Method;
use serde_json::{Value, json};
use wpengine_sim::{Role, UserError};

use crate::api::{ACCOUNT, Api, INSTALL, MAIN_USER, answer, column};
use crate::controls::control;

#[tokio::test]
async fn a_partial_user_is_added_sees_its_install_and_goes() {
    let api = Api::start().await;
    let user = json!({ "user": "part", "password": "secret", "account_id": ACCOUNT, "role": "partial", "installs": [INSTALL] });
    let (status, added) = control(&api, Method::POST, "/users", user.clone()).await;
    assert_eq!(status, 201);
    assert_eq!(
        added["memberships"],
        json!([{ "account_id": ACCOUNT, "api_access": true, "role": "partial", "installs": [INSTALL] }])
    );
    let installs = || {
        api.anonymous(Method::GET, "/installs")
            .basic_auth("part", Some("secret"))
    };
    let (_, list) = answer(installs()).await;
    assert_eq!(column(&list, "id"), [INSTALL]);
    let (_, users) = control(&api, Method::GET, "/users", json!(null)).await;
    assert_eq!(users[0]["user_id"], MAIN_USER);
    assert_eq!(users[1], added);
    assert!(!users.to_string().contains("secret"), "{users}");
    assert_eq!(
        control(&api, Method::POST, "/users", user).await.0,
        400,
        "the name is taken"
    );
    assert_eq!(
        control(&api, Method::DELETE, "/users/part", json!(null))
            .await
            .0,
        204
    );
    assert_eq!(answer(installs()).await.0, 401);
    assert_eq!(
        control(&api, Method::DELETE, "/users/part", json!(null))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn each_role_is_the_one_that_was_asked_for() {
    let api = Api::start().await;
    for role in [
        "owner",
        "full",
        "full,billing",
        "partial",
        "partial,billing",
    ] {
        let user = json!({ "user": role, "password": "p", "account_id": ACCOUNT, "role": role });
        let (status, added) = control(&api, Method::POST, "/users", user).await;
        assert_eq!(
            (status, &added["memberships"][0]["role"]),
            (201, &json!(role))
        );
    }
}

#[tokio::test]
async fn users_that_cannot_be_are_refused() {
    let api = Api::start().await;
    let user = |name: &str, account: &str, role: &str, installs: Value| json!({ "user": name, "password": "p", "account_id": account, "role": role, "installs": installs });
    for body in [
        user("", ACCOUNT, "full", json!([])),
        user("a:b", ACCOUNT, "full", json!([])),
        user(api.simulator.user(), ACCOUNT, "full", json!([])),
        user("a", "other", "full", json!([])),
        user("a", ACCOUNT, "king", json!([])),
        user("a", ACCOUNT, "full", json!([INSTALL])),
        user("a", ACCOUNT, "partial", json!(["other"])),
        json!({ "user": "a" }),
    ] {
        assert_eq!(
            control(&api, Method::POST, "/users", body.clone()).await.0,
            400,
            "{body}"
        );
    }
    let error = api.simulator.add_user("a", "p", "other", Role::Full);
    assert_eq!(error, Err(UserError::NoAccount));
    assert!(
        !api.simulator.remove_user(api.simulator.user()),
        "the main user stays"
    );
    assert_eq!(api.simulator.users().len(), 1);
}

#[tokio::test]
async fn api_access_is_switched_off_and_on() {
    let api = Api::start().await;
    let before = api.found("/installs").await["count"].clone();
    let path = format!("/accounts/{ACCOUNT}");
    assert_eq!(
        control(&api, Method::PATCH, &path, json!({ "api_access": false }))
            .await
            .0,
        204
    );
    assert_eq!(api.found("/installs").await["count"], 0);
    assert_eq!(
        control(&api, Method::PATCH, &path, json!({ "api_access": true }))
            .await
            .0,
        204
    );
    assert_eq!(api.found("/installs").await["count"], before);
    let other = control(
        &api,
        Method::PATCH,
        "/accounts/other",
        json!({ "api_access": true }),
    );
    assert_eq!(other.await.0, 404);
}

#[tokio::test]
async fn one_bearer_token_at_a_time_is_accepted() {
    let api = Api::start().await;
    let ask = async |token: &str| {
        answer(api.anonymous(Method::GET, "/user").bearer_auth(token))
            .await
            .0
    };
    assert_eq!(ask("one").await, 401);
    for token in ["one", "two"] {
        let body = json!({ "token": token });
        assert_eq!(
            control(&api, Method::PUT, "/bearer_token", body).await.0,
            204
        );
    }
    assert_eq!((ask("one").await, ask("two").await), (401, 200));
    assert_eq!(
        control(&api, Method::DELETE, "/bearer_token", json!(null))
            .await
            .0,
        204
    );
    assert_eq!(ask("two").await, 401);
    assert_eq!(
        api.get("/user").await.0,
        200,
        "the password goes on working"
    );
    assert_eq!(
        control(&api, Method::PUT, "/bearer_token", json!({ "token": "" }))
            .await
            .0,
        400
    );
}
