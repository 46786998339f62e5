use crate::api::{Api, MAIN_USER};

#[tokio::test]
async fn get_current_user_is_the_owner_of_the_credentials() {
    let api = Api::start().await;
    let user = api.found("/user").await;
    assert_eq!(
        (user["id"].as_str(), user["first_name"].as_str()),
        (Some(MAIN_USER), Some("Joe"))
    );
}
