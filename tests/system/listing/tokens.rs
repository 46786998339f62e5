//! Paging by token.

use serde_json::json;
use wpengine::ErrorKind;

use crate::support::{
    calls::{self, ACCOUNT, INSTALL},
    clients,
    pages::parameter,
    script::{self, Script},
};

/// Returns pages of certificates. Each page contains the token of the next page.
fn by_token(tokens: &'static [&'static str]) -> std::sync::Arc<Script> {
    Script::new(move |turn, _| {
        let body = json!({
            "certificates": [{"id": turn}],
            "next_page_token": tokens.get(turn),
        });
        Ok(script::json(200, &body.to_string()))
    })
}

#[tokio::test]
async fn a_listing_by_token_hands_each_token_back() {
    let script = by_token(&["a", "b/+ &=", "c"]);
    let certificates = clients::on(script.clone()).install(INSTALL).certificates();
    let all = certificates
        .list()
        .page_size(7)
        .collect_at_most(10)
        .await
        .expect("four pages");
    let ids: Vec<_> = all.iter().map(|certificate| certificate.id).collect();
    assert_eq!(ids, [0, 1, 2, 3].map(|id| Some(id.into())));
    let requests = script.requests();
    let sent: Vec<_> = requests
        .iter()
        .map(|request| parameter(request, "offset"))
        .collect();
    assert_eq!(
        sent,
        [
            None,
            Some("a".to_owned()),
            Some("b/+ &=".to_owned()),
            Some("c".to_owned())
        ]
    );
    assert!(requests.iter().all(|request| {
        request
            .uri()
            .query()
            .is_some_and(|query| query.contains("=7"))
    }));
}

#[tokio::test]
async fn a_token_that_comes_back_ends_the_listing_with_an_error() {
    for (tokens, pages) in [
        (&["a", "a", "a", "a", "a", "a"][..], 2),
        (&["a", "b", "a", "b", "a", "b"], 3),
        (&["a", "b", "c", "b", "c", "b"], 4),
    ] {
        let script = by_token(tokens);
        let client = clients::on(script.clone());
        let mut items = client.install(INSTALL).certificates().list().items();
        let mut seen = 0;
        let error = loop {
            match items.try_next().await {
                Ok(Some(_)) => seen += 1,
                Ok(None) => panic!("{tokens:?}: an end without an error"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        assert_eq!((seen, script.count()), (pages, pages), "{tokens:?}");
    }
}

#[tokio::test]
async fn the_usage_of_an_account_keeps_its_days_from_page_to_page() {
    let script = Script::new(|turn, _| {
        let body = json!({
            "environment_metrics": [{"environment_name": format!("e{turn}")}],
            "next_page_token": (turn == 0).then_some("more"),
            "total_size": 2,
        });
        Ok(script::json(200, &body.to_string()))
    });
    let (first, last) = calls::days();
    let usage = clients::on(script.clone()).account(ACCOUNT).usage();
    let mut items = usage.list().between(first, last).items();
    assert_eq!(items.total(), None);
    while items.try_next().await.expect("two pages").is_some() {}
    assert_eq!(items.total(), Some(2));
    for request in script.requests() {
        assert_eq!(parameter(&request, "first_date"), Some(first.to_string()));
        assert_eq!(parameter(&request, "last_date"), Some(last.to_string()));
    }
}
