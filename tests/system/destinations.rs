//! Requests with credentials go only to the configured origin.

use http::Method;
use proptest::prelude::*;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, query_param, query_param_is_missing},
};
use wpengine::{Client, Credentials, Error, ErrorKind};
use wpengine_sim::Simulator;

use crate::support::{
    clients,
    pages::{self, body},
    program::{quickstart, stderr, stdout},
    script::{Script, json},
    trap::Trap,
};

#[tokio::test]
async fn a_foreign_next_is_read_for_its_offset_and_never_followed() {
    let trap = Trap::set().await;
    let foreign = [
        format!("{}/v1/sites?limit=2&offset=2", trap.url()),
        format!("//{}/v1/sites?limit=2&offset=2", trap.address()),
        format!("http://user:password@{}/v1/sites?offset=2", trap.address()),
        format!("https://{}/v1/sites?offset=2", trap.address()),
        "/elsewhere?offset=2".to_owned(),
    ];
    for next in foreign {
        let service = MockServer::start().await;
        Mock::given(query_param_is_missing("offset"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body(
                0..2,
                Some(&next),
                Some(3),
            )))
            .mount(&service)
            .await;
        Mock::given(query_param("offset", "1"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body(1..3, None, Some(3))))
            .mount(&service)
            .await;
        // The first page may also be requested with offset 0.
        Mock::given(query_param("offset", "0"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body(
                0..2,
                Some(&next),
                Some(3),
            )))
            .mount(&service)
            .await;
        let client = clients::at(&format!("{}/v1", service.uri()))
            .build()
            .expect("a client");
        let all = client.sites().list().page_size(2).collect_at_most(10).await;
        assert_eq!(all.expect("two pages").len(), 3, "{next}");
        let paths: Vec<_> = service.received_requests().await.expect("requests");
        assert_eq!(paths.len(), 2, "{next}");
        assert!(
            paths
                .iter()
                .all(|request| request.url.path() == "/v1/sites"),
            "{next}"
        );
    }
    assert_eq!(trap.heard().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_redirect_is_an_error_and_never_followed() {
    let trap = Trap::set().await;
    for status in [301, 302, 303, 307, 308] {
        for location in [
            format!("{}/v1/user", trap.url()),
            format!("//{}/v1/user", trap.address()),
            "/v1/accounts".to_owned(),
        ] {
            let service = MockServer::start().await;
            Mock::given(any())
                .respond_with(
                    ResponseTemplate::new(status).insert_header("location", location.as_str()),
                )
                .mount(&service)
                .await;
            let client = clients::at(&format!("{}/v1", service.uri()))
                .build()
                .expect("a client");
            let errors = [
                client.current_user().await.map(drop),
                client.sites().create("A site", "a1").await.map(drop),
                client.site("s1").delete().await,
                client.sites().list().collect_at_most(9).await.map(drop),
                client.request(Method::PUT, "/new").send().await.map(drop),
                client.status().await.map(drop),
            ]
            .map(Result::unwrap_err);
            for error in &errors {
                assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
                assert!(
                    error.to_string().contains("redirects are not followed"),
                    "{error}"
                );
            }
            let asked = service.received_requests().await.expect("requests").len();
            assert_eq!(asked, errors.len(), "{status} {location}");
        }
    }
    assert_eq!(trap.heard().await, Vec::<String>::new());
}

#[test]
fn plain_http_is_refused_for_every_other_host() {
    for url in [
        "http://api.wpengineapi.com/v1",
        "HTTP://api.wpengineapi.com/v1",
        "http://10.0.0.1/v1",
        "http://0.0.0.0/v1",
        "http://127.0.0.1.example.com/v1",
        "http://localhost.example.com/v1",
        "http://localhost@example.com/v1",
        "http://[::2]/v1",
        "http://128.0.0.1/v1",
    ] {
        let error = clients::at(url).build().expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
        assert!(!error.to_string().contains('\n'));
    }
}

/// Returns all environment variables that set a proxy, with the same value.
fn proxies(url: &str) -> Vec<(&'static str, &str)> {
    [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ]
    .map(|name| (name, url))
    .to_vec()
}

#[tokio::test]
async fn proxy_variables_do_not_count_for_this_machine() {
    let trap = Trap::set().await;
    let proxy = trap.url();
    let simulator = Simulator::builder().start().await.expect("a simulator");
    for base_url in [
        simulator.base_url(),
        simulator.base_url().replace("127.0.0.1", "localhost"),
    ] {
        let mut variables = proxies(&proxy);
        variables.extend([
            ("WPE_API_BASE_URL", base_url.as_str()),
            ("WPE_API_USER_ID", simulator.user()),
            ("WPE_API_PASSWORD", simulator.password()),
        ]);
        let output = quickstart(&variables, &[]).await;
        assert!(output.status.success(), "{base_url}: {}", stderr(&output));
    }
    assert!(simulator.requests().len() >= 6);
    let output = quickstart(&proxies(&proxy), &[]).await;
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("completed"));
    assert_eq!(trap.heard().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_proxy_on_the_way_to_https_sees_no_credentials() {
    let trap = Trap::set().await;
    let client = Client::builder()
        .base_url("https://api.wpengineapi.com/v1")
        .credentials(Credentials::basic("canary-user", "canary-password"))
        .proxy(trap.url())
        .retry(wpengine::RetryPolicy::none())
        .build();
    let client = match client {
        Ok(client) => client,
        // TLS needs the root certificates of the machine, and this machine has none.
        Err(error) if error.to_string().contains("TLS cannot be set up") => return,
        Err(error) => panic!("{error}"),
    };
    let error = client
        .current_user()
        .await
        .expect_err("what answers is no TLS");
    assert!(error.is_connect(), "{error:?}");
    let heard = trap.heard().await;
    assert_eq!(heard.len(), 1);
    assert!(
        heard[0].starts_with("CONNECT api.wpengineapi.com:443 HTTP/1.1\r\n"),
        "{heard:?}"
    );
    assert!(
        !heard[0].to_ascii_lowercase().contains("authorization"),
        "{heard:?}"
    );
}

/// Sends a request to a path. Returns the result and the URIs that were requested.
async fn ask(base_url: &str, path: &str) -> (Result<(), Error>, Vec<http::Uri>) {
    let script = Script::new(|_, _| Ok(json(200, "{}")));
    let client = clients::builder_on(script.clone())
        .base_url(base_url)
        .build()
        .expect("a client");
    let answer = client.request(Method::GET, path).send().await.map(drop);
    let sent = script
        .requests()
        .iter()
        .map(|request| request.uri().clone())
        .collect();
    (answer, sent)
}

async fn stays_below_the_base_url(path: &str) {
    for (base_url, origin, prefix) in [
        ("http://127.0.0.1:1/v1", "127.0.0.1:1", "/v1/"),
        ("http://[::1]:1/a/b", "[::1]:1", "/a/b/"),
        ("http://localhost:1", "localhost:1", "/"),
    ] {
        let (answer, sent) = ask(base_url, path).await;
        match answer {
            Ok(()) => {
                let uri = &sent[0];
                assert_eq!(
                    uri.authority().map(|host| host.as_str()),
                    Some(origin),
                    "{path:?}"
                );
                assert!(uri.path().starts_with(prefix), "{path:?} led to {uri}");
            }
            Err(error) => {
                assert!(error.is_invalid_request(), "{path:?}: {error}");
                assert_eq!(sent, Vec::<http::Uri>::new(), "{path:?}");
                assert!(!error.to_string().contains('\n'), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_path_never_leads_away_from_the_base_url() {
    for path in [
        "//evil.example/x",
        "///evil.example/x",
        "/\\evil.example/x",
        "\\\\evil.example\\x",
        "@evil.example/x",
        ":1@evil.example/x",
        ".evil.example/x",
        ":80/x",
        "http://evil.example/x",
        "https:evil.example",
        "/../x",
        "/..",
        "/a/../../x",
        "/%2e%2e/x",
        "/%2E./x",
        "/a/.%2e/%2e%2e/x",
        "/..\\x",
        "/a\\..\\..\\x",
        "/.\t./x",
        "/.\n./x",
        "\t/x",
        " /x",
        "?x",
        "#x",
        "/x#y",
        "",
        "/",
        "/a?redirect=../../x",
        "/a b/ü/%zz",
    ] {
        stays_below_the_base_url(path).await;
    }
}

#[tokio::test]
async fn a_path_is_classed_by_what_is_sent_and_not_by_how_it_is_written() {
    // The path begins like an idempotent POST operation but leads to another operation, which is not idempotent.
    let script = Script::always(crate::support::script::Turn::Status(503));
    let client = clients::on(script.clone());
    for path in [
        "/installs/%2e%2e/purge_cache",
        "/installs/x/purge_cache/%2e%2e/backups",
    ] {
        let before = script.count();
        client
            .request(Method::POST, path)
            .send()
            .await
            .expect_err("503, or refused");
        assert!(script.count() - before <= 1, "{path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_path_whatever_leads_away_from_the_base_url(path in "[/\\\\.%2eE@:?#a-c \t\n]{0,12}|.{0,20}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(stays_below_the_base_url(&path));
    }
}

#[tokio::test]
async fn whatever_it_names_a_list_is_asked_for_at_the_base_url() {
    let script = Script::new(|number, _| {
        Ok(json(
            200,
            &match number {
                0 => body(0..2, Some("https://evil.example/?offset=1"), Some(3)),
                _ => body(1..3, None, Some(3)),
            },
        ))
    });
    clients::on(script.clone())
        .sites()
        .list()
        .collect_at_most(9)
        .await
        .expect("two pages");
    for request in script.requests() {
        assert_eq!(
            request.uri().authority().map(|host| host.as_str()),
            Some("127.0.0.1:1")
        );
        assert!(request.headers()["authorization"].is_sensitive());
    }
    assert_eq!(pages::number(&script.requests()[1], "offset"), 1);
}

#[tokio::test]
async fn the_quick_start_sends_nothing_to_the_real_service_without_credentials() {
    let trap = Trap::set().await;
    // Any request to another host than the simulator would go through this proxy.
    let output = quickstart(&[("ALL_PROXY", &trap.url())], &["--write"]).await;
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(trap.heard().await, Vec::<String>::new());
}
