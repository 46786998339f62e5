use serde_json::{Value, json};

use crate::api::{Api, INSTALL, refused};

/// A domain of the example install, on the legacy network, without a certificate.
const DOMAIN: &str = "6977805b-1f65-4a5d-8d36-6fe609a4d9f3";
const EVENTS: &str = "8f14e45f-ceea-4b5b-9f6d-8f14e45fceea";
const STAGING: &str = "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98";

fn order() -> Value {
    json!({ "email_address": "jane@example.com", "given_name": "Jane", "family_name": "Doe", "region_code": "US" })
}

#[tokio::test]
async fn list_certificates_is_404_for_none() {
    let api = Api::start().await;
    let (status, body) = api
        .get(&format!("/installs/{STAGING}/ssl_certificates"))
        .await;
    assert_eq!(
        (status, body),
        (
            404,
            json!({ "message": "No SSL certs found for environment 'torqueeventstg'" })
        )
    );
    let (status, body) = api.get("/installs/other/ssl_certificates").await;
    assert_eq!((status, body), (404, json!({ "message": "Not Found" })));
}

#[tokio::test]
async fn list_certificates_goes_on_by_token() {
    let api = Api::start().await;
    let import = json!({ "certificate": "aGVsbG8K", "private_key": "d29ybGQK" });
    for _ in 0..2 {
        let path = format!("/installs/{EVENTS}/ssl_certificates/third_party");
        assert_eq!(api.post(&path, import.clone()).await.0, 200);
    }
    let (mut ids, mut query) = (Vec::new(), String::new());
    loop {
        let page = api
            .found(&format!(
                "/installs/{EVENTS}/ssl_certificates?limit=2{query}"
            ))
            .await;
        ids.extend(
            page["certificates"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_u64().unwrap()),
        );
        let Some(token) = page["next_page_token"].as_str() else {
            break;
        };
        query = format!("&offset={token}");
    }
    assert_eq!(ids.len(), 3);
    assert!(ids.is_sorted());
    assert_eq!(
        api.get(&format!("/installs/{EVENTS}/ssl_certificates?offset=x"))
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn import_third_party_certificate_is_listed_and_answers_with_the_key() {
    let api = Api::start().await;
    let import = json!({ "certificate": "aGVsbG8K", "private_key": "d29ybGQK" });
    let path = format!("/installs/{STAGING}/ssl_certificates");
    assert_eq!(
        api.post(&format!("{path}/third_party"), import.clone())
            .await,
        (200, import)
    );
    let list = api.found(&path).await;
    assert_eq!(list["certificates"][0]["cert_source"], "THIRD_PARTY");
    assert_eq!(list["certificates"][0]["status"], "ENABLED");
    assert_eq!(list.get("next_page_token"), None);
    let bad = json!({ "certificate": "-----BEGIN CERTIFICATE-----", "private_key": "d29ybGQK" });
    let (status, body) = api.post(&format!("{path}/third_party"), bad).await;
    assert_eq!((status, refused(&body)), (400, vec!["certificate"]));
}

#[tokio::test]
async fn a_certificate_expires() {
    let api = Api::start().await;
    let path = format!("/installs/{EVENTS}/ssl_certificates");
    let certificate = api.found(&path).await["certificates"][0].clone();
    assert_eq!(certificate["expires_time"], "2026-06-21T12:00:00.000Z");
    api.advance(20 * 86_400);
    assert_eq!(
        api.found(&path).await["certificates"][0]["status"],
        "EXPIRED"
    );
}

#[tokio::test]
async fn order_domain_certificate_is_followed_until_it_is_enabled() {
    let api = Api::start().await;
    let path = format!("/installs/{INSTALL}/domains/{DOMAIN}/ssl_certificate");
    assert_eq!(api.get(&path).await.0, 404);
    assert_eq!(api.post(&path, order()).await, (202, json!(null)));
    let pending = api.found(&path).await;
    assert_eq!(
        (&pending["certificate"]["status"], pending.get("cert_info")),
        (&json!("SUBMITTED"), None)
    );
    api.advance(300);
    let certificate = api.found(&path).await;
    assert_eq!(certificate["certificate"]["status"], "ENABLED");
    assert_eq!(
        certificate["certificate"]["expires_time"],
        "2026-08-30T12:05:00.000Z"
    );
    assert!(certificate["cert_info"]["key"].is_string());
}

#[tokio::test]
async fn order_domain_certificate_is_rejected_for_a_domain_that_is_not_verified() {
    let api = Api::start().await;
    let (_, domain) = api
        .post(
            &format!("/installs/{INSTALL}/domains"),
            json!({ "name": "new.example" }),
        )
        .await;
    let path = format!(
        "/installs/{INSTALL}/domains/{}/ssl_certificate",
        domain["id"].as_str().unwrap()
    );
    assert_eq!(api.post(&path, order()).await.0, 202);
    api.advance(300);
    assert_eq!(api.found(&path).await["certificate"]["status"], "REJECTED");
}

#[tokio::test]
async fn order_domain_certificate_is_for_the_legacy_network_only() {
    let api = Api::start().await;
    let (_, domain) = api
        .post(
            &format!("/installs/{EVENTS}/domains"),
            json!({ "name": "new.example" }),
        )
        .await;
    let path = format!(
        "/installs/{EVENTS}/domains/{}/ssl_certificate",
        domain["id"].as_str().unwrap()
    );
    // The operation does not document a 400.
    assert_eq!(api.post(&path, order()).await.0, 403);
    assert_eq!(api.post(&path, json!({})).await.0, 403);
    assert_eq!(api.get(&path).await.0, 404);
}

#[tokio::test]
async fn get_domain_certificate_covers_the_domain() {
    let api = Api::start().await;
    let primary = "e41fa98f-ea80-4006-b229-a9b765d0863a";
    let certificate = api
        .found(&format!(
            "/installs/{INSTALL}/domains/{primary}/ssl_certificate"
        ))
        .await;
    assert_eq!(
        certificate["certificate"]["domains"],
        json!(["torquemag.com"])
    );
    assert_eq!(certificate["certificate"]["status"], "ENABLED");
}
