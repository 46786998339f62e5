use crate::api::{ACCOUNT, Api};

#[tokio::test]
async fn list_site_report_templates_needs_an_account_of_the_user() {
    let api = Api::start().await;
    let list = api
        .found(&format!("/site_reports/templates?account_id={ACCOUNT}"))
        .await;
    assert_eq!(
        list["templates"][0]["template_uuid"],
        "123e4567-e89b-12d3-a456-426614174000"
    );
    assert_eq!(api.get("/site_reports/templates").await.0, 400);
    assert_eq!(
        api.get("/site_reports/templates?account_id=other").await.0,
        404
    );
}
