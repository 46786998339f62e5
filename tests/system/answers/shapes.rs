//! Answers that have more than one shape: all shapes are read.

use wpengine::{Client, ErrorKind, types::Domain};

use crate::support::{
    calls::INSTALL,
    clients,
    script::{self, Script},
};

fn answered(status: u16, body: &str) -> Client {
    let body = body.to_owned();
    clients::on(Script::new(move |_, _| Ok(script::json(status, &body))))
}

/// The page of sites in the API's quick start.
const QUICK_START: &str = r#"{
  "previous": "https://api.wpengineapi.com/v1/sites?limit=100&offset=0",
  "next": "https://api.wpengineapi.com/v1/sites?limit=100&offset=200",
  "count": 225,
  "results": [
    {
      "id": "28c78b6d-c2da-4f09-85f5-1ad588089b2d",
      "name": "Torque Magazine",
      "account": {
        "id": "eeda3227-9a39-46ae-9e14-20958bb4e6c9"
      },
      "tags": [
        "production"
      ],
      "installs": []
    }
  ]
}"#;

/// The page in the API's older overview. Its site has no account, but every site that the API returns today has one.
const OVERVIEW: &str = r#"{
  "results": [
    {
      "id": "site_12345",
      "name": "My WordPress Site",
      "environment": "production",
      "created_at": "2023-01-15T12:00:00Z",
      "url": "https://mysite.wpengine.com",
      "status": "active"
    }
  ],
  "pagination": {
    "total": 1,
    "count": 1,
    "per_page": 10,
    "current_page": 1,
    "total_pages": 1
  }
}"#;

#[tokio::test]
async fn the_page_of_the_quick_start_is_read() {
    let mut pages = answered(200, QUICK_START)
        .sites()
        .list()
        .offset(100)
        .pages();
    let page = pages.try_next().await.unwrap().expect("a page");
    assert_eq!(page.total(), Some(225));
    assert_eq!(page.items[0].name, "Torque Magazine");
    assert_eq!(
        page.items[0].tags.as_deref(),
        Some(&["production".to_owned()][..])
    );
    // The `next` of the page contains the offset 200. The next request begins there and gets the same page again.
    let error = loop {
        match pages.try_next().await {
            Ok(Some(page)) => assert_eq!(page.offset(), 200),
            Ok(None) => panic!("the listing stands still and must not end as if it were complete"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Paging);
}

#[tokio::test]
async fn the_page_of_the_overview_is_read_and_is_the_only_one() {
    // The page is read as a list of accounts, because its item has all fields that an account needs.
    let mut pages = answered(200, OVERVIEW).accounts().list().pages();
    let page = pages.try_next().await.unwrap().expect("a page");
    assert_eq!(page.total(), Some(1));
    assert_eq!(page.items[0].name, "My WordPress Site");
    assert_eq!(page.items[0].id.as_str(), "site_12345");
    assert!(pages.try_next().await.unwrap().is_none());

    let account = r#""account": {"id": "eeda3227-9a39-46ae-9e14-20958bb4e6c9"}, "environment""#;
    let sites = answered(200, &OVERVIEW.replace(r#""environment""#, account));
    let sites = sites.sites().list().collect_at_most(1).await.unwrap();
    assert_eq!(sites[0].name, "My WordPress Site");
}

const TARGET: &str = r#"{"id":"t","name":"target.com"}"#;

#[tokio::test]
async fn every_shape_of_a_redirect_is_read() {
    let shapes = [
        (TARGET.to_owned(), true),
        (format!("[{TARGET}]"), true),
        ("{}".to_owned(), false),
        ("[]".to_owned(), false),
        ("null".to_owned(), false),
    ];
    for field in ["redirect_to", "redirects_to"] {
        for (shape, redirects) in &shapes {
            let fields = format!(r#""{field}":{shape}"#);
            assert_eq!(
                redirect_of(&fields).await,
                redirects.then(target),
                "{fields}"
            );
        }
    }
    for (both, redirects) in [
        (
            format!(r#""redirect_to":{{}},"redirects_to":[{TARGET}]"#),
            true,
        ),
        (format!(r#""redirect_to":{TARGET},"redirects_to":[]"#), true),
        (
            format!(r#""redirect_to":{TARGET},"redirects_to":{TARGET}"#),
            true,
        ),
        (r#""redirect_to":{},"redirects_to":[]"#.to_owned(), false),
    ] {
        assert_eq!(redirect_of(&both).await, redirects.then(target), "{both}");
    }
}

fn target() -> String {
    "target.com".to_owned()
}

/// Returns the redirect target of a domain with these fields. The domain is read alone, in a list and in the response
/// to adding several domains.
async fn redirect_of(fields: &str) -> Option<String> {
    let body = format!(r#"{{"id":"d","name":"example.com",{fields}}}"#);
    let install = answered(200, &body).install(INSTALL);
    let alone: Domain = install.domain("d").get().await.expect("a domain");
    let added = install
        .domains()
        .create_bulk([wpengine::requests::NewDomain::new("example.com")])
        .await
        .expect("domains");
    let list = answered(200, &format!(r#"{{"results":[{body}],"next":null}}"#));
    let listed = list
        .install(INSTALL)
        .domains()
        .list()
        .collect_at_most(1)
        .await
        .expect("a list");
    let name = alone.redirect().and_then(|target| target.name.clone());
    for other in [listed[0].redirect(), added.domains()[0].redirect()] {
        assert_eq!(
            other.and_then(|target| target.name.clone()),
            name,
            "{fields}"
        );
    }
    name
}

#[tokio::test]
async fn all_four_shapes_of_added_domains_are_read() {
    let one = r#"{"id":"a","name":"example.com"}"#;
    let two = r#"{"id":"b","name":"www.example.com"}"#;
    for (body, names) in [
        (one.to_owned(), vec!["example.com"]),
        (
            format!("[{one},{two}]"),
            vec!["example.com", "www.example.com"],
        ),
        (
            format!(r#"{{"domains":[{one},{two}]}}"#),
            vec!["example.com", "www.example.com"],
        ),
        (
            format!(r#"{{"message":"done","results":[{one},{two}]}}"#),
            vec!["example.com", "www.example.com"],
        ),
    ] {
        let added = answered(201, &body)
            .install(INSTALL)
            .domains()
            .create_bulk([wpengine::requests::NewDomain::new("example.com")])
            .await
            .unwrap_or_else(|error| panic!("{body}: {error}"));
        let found: Vec<_> = added.into_iter().map(|domain| domain.name).collect();
        assert_eq!(found, names, "{body}");
    }
}

#[tokio::test]
async fn the_404_that_means_no_certificates_is_an_empty_list() {
    let none = answered(
        404,
        r#"{"message":"No SSL certs found for environment 'torquemag'"}"#,
    );
    let list = || none.install(INSTALL).certificates().list();
    assert!(list().collect_at_most(10).await.unwrap().is_empty());
    let page = list().pages().try_next().await.unwrap().expect("a page");
    assert!(page.items.is_empty());
    assert_eq!(page.response().status(), 404, "what came is not hidden");
}

#[tokio::test]
async fn any_other_404_is_one() {
    for body in [
        r#"{"message":"Not Found"}"#,
        r#"{"message":"Install not found: No SSL certs found"}"#,
        r#"{"errors":[{"message":"No SSL certs found for environment 'x'"}]}"#,
        "No SSL certs found for environment 'x'",
        "<html>404</html>",
        "",
    ] {
        let list = answered(404, body).install(INSTALL).certificates().list();
        let error = list.collect_at_most(10).await.expect_err(body);
        assert!(error.is_not_found(), "{body}: {error}");
    }
    // For another operation, this text has no special meaning.
    let body = r#"{"message":"No SSL certs found for environment 'x'"}"#;
    let error = answered(404, body)
        .install(INSTALL)
        .archives()
        .list()
        .collect_at_most(10)
        .await
        .expect_err("a 404");
    assert!(error.is_not_found());
}

#[tokio::test]
async fn limits_and_averages_are_read_from_text_and_with_decimals() {
    for body in [
        r#"{"visitors":25000,"storage":150,"bandwidth":null}"#,
        r#"{"visitors":"25000","storage":"150.0","bandwidth":0.5}"#,
    ] {
        let limits = answered(200, body).account("a").plan_limits().await;
        let limits = limits.unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(limits.visitors.map(|visitors| visitors.get()), Some(25_000));
        assert_eq!(limits.storage.map(|storage| storage.get()), Some(150));
    }
    let body = r#"{"metrics_rollup":{"visit_count":{"sum":"120","average":"54.5"}}}"#;
    let usage = answered(200, body).install(INSTALL).usage().get().await;
    let rollup = usage.expect("an answer").metrics_rollup.expect("figures");
    let visits = rollup.visit_count.expect("a figure");
    assert_eq!(visits.average.map(|average| average.as_f64()), Some(54.5));
    assert_eq!(visits.sum.map(|sum| sum.get()), Some(120));
}
