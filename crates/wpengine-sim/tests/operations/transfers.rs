use serde_json::{Value, json};

use crate::api::{ACCOUNT, Api, INSTALL, PARTIAL_USER, SITE, column, refused};

fn transfers() -> String {
    format!("/sites/{SITE}/site_transfers")
}

async fn destination(api: &Api) -> String {
    api.found("/accounts").await["results"][1]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn create(api: &Api, scheduled_time: Value) -> (u16, Value) {
    let body = json!({ "destination_account_id": destination(api).await, "scheduled_time": scheduled_time });
    api.post(&transfers(), body).await
}

#[tokio::test]
async fn create_site_transfer_moves_the_site_with_its_installs() {
    let api = Api::start().await;
    let (status, transfer) = create(&api, json!(null)).await;
    assert_eq!((status, &transfer["status"]), (202, &json!("pending")));
    assert_eq!(
        (&transfer["site"], &transfer["installs"]),
        (&json!("Torque Magazine"), &json!(["torquemag"]))
    );
    let path = format!("{}/{}", transfers(), transfer["id"].as_str().unwrap());
    let mut states = Vec::new();
    for seconds in [30, 299, 1] {
        api.advance(seconds);
        states.push(
            api.found(&path).await["status"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(states, ["in_progress", "in_progress", "completed"]);
    let other = destination(&api).await;
    assert_eq!(
        api.found(&format!("/sites/{SITE}")).await["account"]["id"],
        json!(other)
    );
    assert_eq!(
        api.found(&format!("/installs/{INSTALL}")).await["account"]["id"],
        json!(other)
    );
    let user = api
        .found(&format!("/accounts/{ACCOUNT}/account_users/{PARTIAL_USER}"))
        .await;
    assert_eq!(user["installs"], json!([]));
}

#[tokio::test]
async fn create_site_transfer_is_scheduled_one_hour_to_seven_days_ahead() {
    let api = Api::start().await;
    for time in [
        "2026-06-01T12:59:59Z",
        "2026-06-08T12:00:01Z",
        "2020-01-01T00:00:00Z",
    ] {
        let (status, body) = create(&api, json!(time)).await;
        assert_eq!((status, refused(&body)), (422, vec!["scheduled_time"]));
    }
    assert_eq!(create(&api, json!("tomorrow")).await.0, 400);
    let (status, transfer) = create(&api, json!("2026-06-01T13:00:00Z")).await;
    assert_eq!((status, &transfer["status"]), (202, &json!("scheduled")));
    api.advance(3600);
    let path = format!("{}/{}", transfers(), transfer["id"].as_str().unwrap());
    assert_eq!(api.found(&path).await["status"], "in_progress");
}

#[tokio::test]
async fn create_site_transfer_refuses_the_same_account_and_a_second_transfer() {
    let api = Api::start().await;
    let (status, body) = api
        .post(&transfers(), json!({ "destination_account_id": ACCOUNT }))
        .await;
    assert_eq!(
        (status, refused(&body)),
        (422, vec!["destination_account_id"])
    );
    assert_eq!(body["message"], "Validation failed on transfer parameters");
    assert_eq!(
        api.post(&transfers(), json!({ "destination_account_id": "other" }))
            .await
            .0,
        403
    );
    assert_eq!(create(&api, json!(null)).await.0, 202);
    assert_eq!(create(&api, json!(null)).await.0, 409);
}

#[tokio::test]
async fn create_site_transfer_waits_for_installs_that_are_being_created() {
    let api = Api::start().await;
    let body = json!({ "name": "fresh", "account_id": ACCOUNT, "site_id": SITE });
    assert_eq!(api.post("/installs", body).await.0, 201);
    assert_eq!(create(&api, json!(null)).await.0, 409);
    api.advance(240);
    assert_eq!(create(&api, json!(null)).await.0, 202);
}

#[tokio::test]
async fn cancel_site_transfer_works_until_it_has_started() {
    let api = Api::start().await;
    let (_, transfer) = create(&api, json!("2026-06-02T12:00:00Z")).await;
    let path = format!("{}/{}", transfers(), transfer["id"].as_str().unwrap());
    assert_eq!(api.delete(&path).await.0, 204);
    assert_eq!(api.found(&path).await["status"], "cancelled");
    api.advance(2 * 86_400);
    assert_eq!(
        api.found(&format!("/sites/{SITE}")).await["account"]["id"],
        ACCOUNT
    );
    let (_, transfer) = create(&api, json!(null)).await;
    let path = format!("{}/{}", transfers(), transfer["id"].as_str().unwrap());
    api.advance(30);
    let (status, body) = api.delete(&path).await;
    let message = "Transfer has already started and cannot be cancelled";
    assert_eq!((status, body), (409, json!({ "message": message })));
}

#[tokio::test]
async fn lists_of_transfers_are_by_site_and_by_either_account() {
    let api = Api::start().await;
    let (_, transfer) = create(&api, json!(null)).await;
    let example = "7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4";
    let expected = vec![example, transfer["id"].as_str().unwrap()];
    assert_eq!(column(&api.found(&transfers()).await, "id"), expected);
    let of_account = |id: &str| format!("/accounts/{id}/site_transfers");
    assert_eq!(
        column(&api.found(&of_account(ACCOUNT)).await, "id"),
        expected
    );
    assert_eq!(
        column(
            &api.found(&of_account(&destination(&api).await)).await,
            "id"
        ),
        expected[1..]
    );
    assert_eq!(
        api.found(&format!("{}/{example}", transfers())).await["status"],
        "completed"
    );
    let elsewhere = format!("/sites/d0a5b3f4-3c1e-4f57-8a55-6b1f0c9e7a12/site_transfers/{example}");
    assert_eq!(api.get(&elsewhere).await.0, 404);
}

#[tokio::test]
async fn a_transfer_of_a_site_that_is_gone_fails() {
    let api = Api::start().await;
    let (_, transfer) = create(&api, json!(null)).await;
    api.delete(&format!("/sites/{SITE}")).await;
    api.advance(330);
    let list = api
        .found(&format!("/accounts/{ACCOUNT}/site_transfers"))
        .await;
    assert_eq!(
        (&list["results"][1]["id"], &list["results"][1]["status"]),
        (&transfer["id"], &json!("failed"))
    );
}
