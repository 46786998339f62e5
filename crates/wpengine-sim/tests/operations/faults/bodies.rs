//! Response bodies that differ from the document.

use reqwest::Method;
use serde_json::{Value, json};
use wpengine_sim::{Fault, FaultKind};

use super::{add, post_backup, taken};
use crate::api::{Api, INSTALL, SITE};

#[tokio::test]
async fn truncated_json_is_a_whole_answer_with_half_of_the_text() {
    let api = Api::start().await;
    add(
        &api,
        Fault::new(FaultKind::TruncatedJson).on("create_backup"),
    );
    let response = post_backup(&api).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let text = response.text().await.unwrap();
    assert!(text.starts_with('{'), "{text}");
    serde_json::from_str::<Value>(&text).unwrap_err();
    assert_eq!(taken(&api).await, 1);
}

#[tokio::test]
async fn wrong_json_is_json() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::WrongJson));
    assert_eq!(
        api.get("/sites").await,
        (200, json!(["not what the document promises"]))
    );
}

#[tokio::test]
async fn unknown_values_stand_where_the_document_has_an_enumeration() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::UnknownEnum).on("get_install"));
    let before = api.found(&format!("/installs/{INSTALL}")).await;
    let after = api.found(&format!("/installs/{INSTALL}")).await;
    assert_eq!(before["environment"], "value_of_a_later_release");
    assert_eq!(before["status"], "value_of_a_later_release");
    assert_eq!(before["name"], after["name"]);
}

#[tokio::test]
async fn every_object_has_a_field_more() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::ExtraField));
    let sites = api.found("/sites").await;
    let name = "field_of_a_later_release";
    for object in [
        &sites,
        &sites["results"][0],
        &sites["results"][0]["account"],
    ] {
        assert!(object[name].is_object(), "{object}");
    }
}

#[tokio::test]
async fn nulls_spare_what_is_always_there() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::Nulls).times(2));
    let site = api.found(&format!("/sites/{SITE}")).await;
    assert_eq!(site["name"], "Torque Magazine");
    // In the document, the id of a reference is an optional field.
    assert_eq!(site["account"], json!({ "id": null }));
    for field in ["group_name", "tags", "created_at", "sandbox", "installs"] {
        assert_eq!(site.get(field), Some(&Value::Null), "{field}");
    }
    let page = api.found("/sites?limit=1").await;
    assert!(
        page["next"].is_string() && page["count"].is_null(),
        "{page}"
    );
}

#[tokio::test]
async fn next_names_another_host() {
    let api = Api::start().await;
    let origin = "http://127.0.0.1:9".to_owned();
    add(&api, Fault::new(FaultKind::foreign_next()));
    add(&api, Fault::new(FaultKind::ForeignNext { origin }));
    let expected = "/v1/sites?limit=1&offset=1";
    for origin in ["https://elsewhere.example", "http://127.0.0.1:9"] {
        let page = api.found("/sites?limit=1").await;
        assert_eq!(page["next"], format!("{origin}{expected}"));
    }
}

#[tokio::test]
async fn an_answer_with_nothing_to_alter_does_not_count() {
    let api = Api::start().await;
    add(&api, Fault::new(FaultKind::foreign_next()));
    api.found("/user").await;
    let head = api.request(Method::HEAD, "/user").send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(api.simulator.faults().list()[0].seen, 0);
}
