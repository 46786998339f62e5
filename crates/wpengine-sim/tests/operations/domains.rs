use serde_json::{Value, json};

use crate::api::{Api, INSTALL, column, refused};

const EXAMPLE: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";
const PRIMARY: &str = "e41fa98f-ea80-4006-b229-a9b765d0863a";
const TARGET: &str = "6977805b-1f65-4a5d-8d36-6fe609a4d9f3";
const OTHER_INSTALL: &str = "8f14e45f-ceea-4b5b-9f6d-8f14e45fceea";

fn domains() -> String {
    format!("/installs/{INSTALL}/domains")
}

fn domain(id: &str) -> String {
    format!("{}/{id}", domains())
}

fn id(domain: &Value) -> &str {
    domain["id"].as_str().unwrap()
}

#[tokio::test]
async fn list_domains_has_the_platforms_name_and_the_users() {
    let api = Api::start().await;
    let list = api.found(&format!("{}?limit=3", domains())).await;
    assert_eq!(list["count"], 5);
    assert_eq!(
        column(&list, "name"),
        ["torquemag.wpengine.com", "torquemag.com", "torquemag.io"]
    );
    // The operation does not document a 400.
    assert_eq!(api.get(&format!("{}?limit=999", domains())).await.0, 403);
}

#[tokio::test]
async fn get_domain_shows_its_redirect_in_both_forms() {
    let api = Api::start().await;
    let list = api.found(&domains()).await;
    let redirect = api.found(&domain(id(&list["results"][4]))).await;
    let target = json!({ "id": PRIMARY, "name": "torquemag.com" });
    assert_eq!(
        (&redirect["redirect_to"], &redirect["redirects_to"]),
        (&target, &json!([target]))
    );
    let plain = api.found(&domain(EXAMPLE)).await;
    assert_eq!(
        (&plain["redirect_to"], &plain["redirects_to"]),
        (&json!({}), &json!([]))
    );
    assert_eq!(api.get(&domain("other")).await.0, 404);
}

#[tokio::test]
async fn create_domain_is_found_and_can_be_primary() {
    let api = Api::start().await;
    let (status, new) = api
        .post(
            &domains(),
            json!({ "name": "Example.com", "primary": true }),
        )
        .await;
    assert_eq!(
        (status, &new["name"], &new["primary"]),
        (201, &json!("example.com"), &json!(true))
    );
    assert_eq!(new["ownership_status"], "TXT_VERIFICATION_PENDING");
    assert_eq!(api.found(&domain(id(&new))).await, new);
    assert_eq!(api.found(&domain(PRIMARY)).await["primary"], false);
    assert_eq!(
        api.found(&format!("/installs/{INSTALL}")).await["primary_domain"],
        "example.com"
    );
}

#[tokio::test]
async fn create_domain_refuses_names_targets_and_primaries_that_cannot_be() {
    let api = Api::start().await;
    let cases = [
        (json!({ "name": "no domain" }), "name"),
        (json!({ "name": "torquemag.io" }), "name"),
        (
            json!({ "name": "a.example", "redirect_to": "other" }),
            "redirect_to",
        ),
        (
            json!({ "name": "a.example", "redirect_to": EXAMPLE, "primary": true }),
            "primary",
        ),
        (
            json!({ "name": "*.example.com", "primary": true }),
            "primary",
        ),
    ];
    for (body, field) in cases {
        let (status, answer) = api.post(&domains(), body).await;
        assert_eq!((status, refused(&answer)), (400, vec![field]), "{answer}");
    }
    assert_eq!(
        api.post("/installs/other/domains", json!({ "name": "a.example" }))
            .await
            .0,
        403
    );
    assert_eq!(api.found(&domains()).await["count"], 5);
}

#[tokio::test]
async fn a_domain_on_two_installs_is_a_duplicate_and_no_primary() {
    let api = Api::start().await;
    let other = format!("/installs/{OTHER_INSTALL}/domains");
    let body = json!({ "name": "torquemag.io", "primary": true });
    let (status, answer) = api.post(&other, body).await;
    assert_eq!((status, refused(&answer)), (400, vec!["primary"]));
    let (status, new) = api.post(&other, json!({ "name": "torquemag.io" })).await;
    assert_eq!((status, &new["duplicate"]), (201, &json!(true)));
    assert_eq!(api.found(&domain(EXAMPLE)).await["duplicate"], true);
    assert_eq!(
        api.patch(&domain(EXAMPLE), json!({ "primary": true }))
            .await
            .0,
        400
    );
    api.delete(&format!("/installs/{OTHER_INSTALL}")).await;
    assert_eq!(api.found(&domain(EXAMPLE)).await["duplicate"], false);
    assert_eq!(
        api.patch(&domain(EXAMPLE), json!({ "primary": true }))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn create_bulk_domains_redirects_by_name_within_the_body() {
    let api = Api::start().await;
    let body = json!({ "domains": [
        { "name": "www.example.com", "redirect_to": "example.com" },
        { "name": "example.com" },
        { "name": "example.net", "redirect_to": "torquemag.com" },
    ] });
    let (status, first) = api.post(&format!("{}/bulk", domains()), body).await;
    assert_eq!((status, &first["name"]), (201, &json!("www.example.com")));
    let list = api.found(&domains()).await;
    let targets: Vec<_> = (5..8)
        .map(|index| list["results"][index]["redirect_to"]["name"].clone())
        .collect();
    assert_eq!(
        targets,
        [json!("example.com"), json!(null), json!("torquemag.com")]
    );
}

#[tokio::test]
async fn create_bulk_domains_is_all_or_nothing_and_takes_one_to_twenty() {
    let api = Api::start().await;
    let bulk = format!("{}/bulk", domains());
    let many = |count: usize| {
        let domains: Vec<_> = (0..count)
            .map(|index| json!({ "name": format!("d{index}.example") }))
            .collect();
        json!({ "domains": domains })
    };
    for count in [0, 21] {
        let (status, body) = api.post(&bulk, many(count)).await;
        assert_eq!((status, refused(&body)), (400, vec!["domains"]));
    }
    let refusals = [
        (
            json!([{ "name": "a.example" }, { "name": "a.example" }]),
            "domains.1.name",
        ),
        (
            json!([{ "name": "a.example" }, { "name": "torquemag.io" }]),
            "domains.1.name",
        ),
        (
            json!([{ "name": "a.example", "redirect_to": EXAMPLE }]),
            "domains.0.redirect_to",
        ),
        (
            json!([{ "name": "a.example", "redirect_to": "www.torquemag.com" }]),
            "domains.0.redirect_to",
        ),
    ];
    for (domains, field) in refusals {
        let (status, body) = api.post(&bulk, json!({ "domains": domains })).await;
        assert_eq!((status, refused(&body)), (400, vec![field]), "{body}");
    }
    assert_eq!(api.found(&domains()).await["count"], 5);
    assert_eq!(api.post(&bulk, many(20)).await.0, 201);
    assert_eq!(api.found(&domains()).await["count"], 25);
}

#[tokio::test]
async fn update_domain_sets_and_removes_a_redirect() {
    let api = Api::start().await;
    let (status, updated) = api
        .patch(
            &domain(EXAMPLE),
            json!({ "redirect_to": TARGET, "secure_all_urls": true }),
        )
        .await;
    assert_eq!(
        (status, &updated["redirect_to"]["name"]),
        (200, &json!("redirect.com"))
    );
    assert_eq!(api.found(&domain(EXAMPLE)).await, updated);
    let (_, updated) = api
        .patch(&domain(EXAMPLE), json!({ "redirect_to": "nil" }))
        .await;
    assert_eq!(
        (&updated["redirect_to"], &updated["secure_all_urls"]),
        (&json!({}), &json!(true))
    );
}

#[tokio::test]
async fn update_domain_refuses_chains_loops_and_redirected_primaries() {
    let api = Api::start().await;
    let cases = [
        (
            EXAMPLE,
            json!({ "redirect_to": "torquemag.com" }),
            "redirect_to",
        ),
        (EXAMPLE, json!({ "redirect_to": EXAMPLE }), "redirect_to"),
        (
            EXAMPLE,
            json!({ "redirect_to": TARGET, "primary": true }),
            "primary",
        ),
        (PRIMARY, json!({ "primary": false }), "primary"),
        (PRIMARY, json!({ "redirect_to": TARGET }), "redirect_to"),
    ];
    for (id, body, field) in cases {
        let (status, answer) = api.patch(&domain(id), body).await;
        assert_eq!((status, refused(&answer)), (400, vec![field]), "{answer}");
    }
    api.patch(&domain(EXAMPLE), json!({ "redirect_to": TARGET }))
        .await;
    let (status, _) = api
        .patch(&domain(TARGET), json!({ "redirect_to": PRIMARY }))
        .await;
    assert_eq!(status, 400, "others redirect to it");
}

#[tokio::test]
async fn update_domain_makes_one_primary_in_place_of_the_other() {
    let api = Api::start().await;
    assert_eq!(
        api.patch(&domain(EXAMPLE), json!({ "primary": true }))
            .await
            .1["primary"],
        true
    );
    assert_eq!(api.found(&domain(PRIMARY)).await["primary"], false);
}

#[tokio::test]
async fn delete_domain_takes_redirects_to_it_away() {
    let api = Api::start().await;
    api.patch(&domain(EXAMPLE), json!({ "redirect_to": TARGET }))
        .await;
    assert_eq!(api.delete(&domain(TARGET)).await.0, 204);
    assert_eq!(api.get(&domain(TARGET)).await.0, 404);
    assert_eq!(api.found(&domain(EXAMPLE)).await["redirect_to"], json!({}));
    assert_eq!(api.delete(&domain(PRIMARY)).await.0, 400);
    let platform = api.found(&domains()).await["results"][0].clone();
    assert_eq!(api.delete(&domain(id(&platform))).await.0, 400);
}

#[tokio::test]
async fn verify_domain_goes_on_until_the_record_is_in_the_dns() {
    let api = Api::start().await;
    let (_, new) = api.post(&domains(), json!({ "name": "example.com" })).await;
    api.advance(60);
    let (status, early) = api
        .post(&format!("{}/verification", domain(id(&new))), json!({}))
        .await;
    assert_eq!((status, &early["txt_verified_time"]), (200, &json!(null)));
    assert_eq!(
        early["txt_verification_value"],
        new["txt_verification_value"]
    );
    api.advance(60);
    let verified = api.found(&domain(id(&new))).await;
    assert_eq!(verified["ownership_status"], "TXT_VERIFIED");
    assert_eq!(verified["txt_verified_time"], "2026-06-01T12:02:00.000Z");
}

#[tokio::test]
async fn check_domain_status_makes_a_report_that_is_completed() {
    let api = Api::start().await;
    let (status, report) = api
        .post(&format!("{}/check_status", domain(EXAMPLE)), json!({}))
        .await;
    assert_eq!(status, 202);
    let path = format!(
        "{}/check_status/{}",
        domains(),
        report["report_id"].as_str().unwrap()
    );
    assert_eq!(api.found(&path).await["report"]["complete"], false);
    api.advance(15);
    let report = api.found(&path).await["report"].clone();
    assert_eq!(
        (&report["complete"], &report["domains"][0]["name"]),
        (&json!(true), &json!("torquemag.io"))
    );
    assert_eq!(report["domains"][0]["dns_error"], false);
    assert_eq!(
        api.get(&format!("{}/check_status/other", domains()))
            .await
            .0,
        404
    );
    let example = api
        .found(&format!(
            "{}/check_status/6a6d5dbd-5cac-41d5-8f3f-14a3e8ae6f76",
            domains()
        ))
        .await;
    assert_eq!(example["report"]["install_name"], "torquemag");
}

#[tokio::test]
async fn get_domain_report_tells_a_domain_that_points_nowhere() {
    let api = Api::start().await;
    let (_, new) = api.post(&domains(), json!({ "name": "example.com" })).await;
    let (_, report) = api
        .post(&format!("{}/check_status", domain(id(&new))), json!({}))
        .await;
    api.advance(15);
    let path = format!(
        "{}/check_status/{}",
        domains(),
        report["report_id"].as_str().unwrap()
    );
    assert_eq!(
        api.found(&path).await["report"]["domains"][0]["dns_error"],
        true
    );
}

#[tokio::test]
async fn check_domain_status_waits_five_seconds_when_limits_are_on() {
    let api = Api::with(|builder| builder.install_limits(true)).await;
    let path = format!("{}/check_status", domain(EXAMPLE));
    assert_eq!(api.post(&path, json!({})).await.0, 202);
    assert_eq!(api.post(&path, json!({})).await.0, 429);
    api.advance(5);
    assert_eq!(api.post(&path, json!({})).await.0, 202);
    api.simulator.set_install_limits(false);
    assert_eq!(api.post(&path, json!({})).await.0, 202);
}

#[tokio::test]
async fn create_domain_sharing_link_makes_one_for_an_advanced_domain_only() {
    let api = Api::start().await;
    let link =
        |install: &str, domain: &str| format!("/installs/{install}/domains/{domain}/sharing_link");
    let install = "8f14e45f-ceea-4b5b-9f6d-8f14e45fceea";
    let list = api.found(&format!("/installs/{install}/domains")).await;
    let domain = &list["results"][0];
    assert_eq!(domain["network_type"], "AN");
    let path = link(install, domain["id"].as_str().unwrap());
    let mut links = Vec::new();
    for _ in 0..2 {
        let (status, body) = api.post(&path, json!(null)).await;
        assert_eq!(status, 200, "{body}");
        links.push(body["url"].as_str().unwrap().to_owned());
    }
    assert!(links[0].starts_with("https://app.goentri.com/share/"));
    assert_ne!(links[0], links[1], "each call makes another one");
    let events = api.simulator.install_content(install).unwrap().events;
    assert_eq!(events[1].kind, "sharing_link");

    let legacy = link(INSTALL, "e41fa98f-ea80-4654-b229-a9b765d0863a");
    let (status, body) = api.post(&legacy, json!(null)).await;
    assert_eq!(status, 400);
    assert!(
        body["message"].as_str().unwrap().contains("LEGACY"),
        "{body}"
    );
    assert_eq!(api.post(&link(INSTALL, "other"), json!(null)).await.0, 404);
}
