//! The settings of a client, and the one-line errors for invalid settings.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use wpengine::{Client, ClientBuilder, Credentials, Error, ErrorKind, RetryPolicy};
use wpengine_sim::Simulator;

use crate::support::{clients, trap::Trap};

fn refused(builder: ClientBuilder, rule: &str) -> Error {
    let error = builder.build().expect_err(rule);
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{text}");
    assert!(text.contains(rule), "should say `{rule}`: {text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    error
}

fn builder() -> ClientBuilder {
    clients::at("http://127.0.0.1:1/v1")
}

#[test]
fn a_client_needs_credentials_that_can_be_sent() {
    refused(Client::builder(), "the client has no credentials");
    for (credentials, rule) in [
        (Credentials::basic("", "p"), "is empty"),
        (Credentials::basic("u", ""), "is empty"),
        (Credentials::basic("u:x", "p"), "cannot contain a colon"),
        (Credentials::bearer(""), "token"),
        (Credentials::bearer("a b"), "token"),
        (Credentials::bearer("a\r\nb"), "token"),
    ] {
        refused(builder().credentials(credentials), rule);
    }
}

#[test]
fn a_base_url_that_is_none_is_refused_with_what_to_do() {
    for (url, rule) in [
        ("", "the base URL is not a URL"),
        ("api.wpengineapi.com/v1", "the base URL is not a URL"),
        ("https://", "the base URL is not a URL"),
        ("http://10.1.2.3/v1", "use `https://`"),
        ("ftp://127.0.0.1/v1", "the scheme `ftp`"),
        ("file:///etc/passwd", "the scheme `file`"),
        ("https://user:canary@example.com/v1", "holds credentials"),
        ("https://example.com/v1?key=canary", "a query or a fragment"),
        ("https://example.com/v1#canary", "a query or a fragment"),
        ("https://exa mple.com/canary", "the base URL is not a URL"),
    ] {
        let error = refused(clients::at(url), rule);
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
}

#[test]
fn a_base_url_may_end_with_a_slash_and_have_any_path() {
    for (url, expected) in [
        ("http://127.0.0.1:1/v1/", "http://127.0.0.1:1/v1"),
        ("http://127.0.0.1:1/v1//", "http://127.0.0.1:1/v1"),
        (
            "http://LOCALHOST:1/gateway/wpe/v1",
            "http://localhost:1/gateway/wpe/v1",
        ),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
    ] {
        let client = clients::at(url).build().expect(url);
        assert_eq!(client.base_url(), expected);
    }
}

#[tokio::test]
async fn a_slash_too_many_in_the_base_url_does_no_harm() {
    let simulator = Simulator::builder().start().await.expect("a simulator");
    let client = clients::at(&format!("{}//", simulator.base_url()))
        .credentials(Credentials::basic(simulator.user(), simulator.password()))
        .build()
        .expect("a client");
    client.current_user().await.expect("a user");
    assert_eq!(simulator.requests()[0].path, "/v1/user");
}

#[test]
fn a_proxy_that_is_none_is_refused_without_its_password() {
    for proxy in [
        "",
        "::",
        "http://user:canary@[x",
        "ftp://canary@x:1",
        "http://user:canary@x:99999",
    ] {
        let error = refused(
            builder()
                .base_url("https://api.example.com/v1")
                .proxy(proxy),
            "the proxy",
        );
        let mut told = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(deeper) = cause {
            told.push_str(&format!("{deeper} {deeper:?}"));
            cause = deeper.source();
        }
        assert!(!told.contains("canary"), "{proxy}: {told}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_given_is_used() {
    let proxy = Trap::set().await;
    let client = builder()
        .base_url("https://api.example.com/v1")
        .proxy(proxy.url())
        .build()
        .expect("a client");
    // The trap does not support tunnels.
    let error = client
        .sites()
        .list()
        .retry(RetryPolicy::none())
        .collect_at_most(1)
        .await;
    assert!(error.expect_err("no tunnel").is_connect());
    let heard = proxy.heard().await;
    assert_eq!(heard.len(), 1);
    assert!(
        heard[0].starts_with("CONNECT api.example.com:443"),
        "{heard:?}"
    );
    assert!(
        !heard[0].to_lowercase().contains("\nauthorization"),
        "{heard:?}"
    );
}

#[test]
fn a_proxy_is_refused_for_plain_http_which_it_could_read() {
    let error = builder().proxy("http://proxy.example.com:3128").build();
    let error = error.expect_err("it would see the credentials").to_string();
    assert!(error.contains("it would see the credentials"), "{error}");
}

#[test]
fn root_certificates_that_are_none_are_refused() {
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n";
    for (pem, rule) in [
        ("", "hold no certificate"),
        ("certificates", "hold no certificate"),
        (KEY, "hold no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
            "are not PEM",
        ),
    ] {
        let error = refused(builder().root_certificates_pem(pem), rule);
        assert!(!format!("{error:?}").contains("Y2FuYXJ5"), "{error:?}");
    }
}

#[test]
fn limits_of_nothing_are_refused_by_their_names() {
    let zero = Duration::ZERO;
    refused(builder().connect_timeout(zero), "`connect_timeout`");
    refused(builder().attempt_timeout(zero), "`attempt_timeout`");
    refused(builder().timeout(zero), "`timeout`");
}

#[test]
fn a_suffix_that_is_no_header_is_refused() {
    for suffix in ["a\nb", "a\r\nx-evil: 1", "\u{0}"] {
        refused(
            builder().user_agent_suffix(suffix),
            "the suffix of the user agent",
        );
    }
}

#[tokio::test]
async fn loopback_needs_no_tls_and_no_certificates() {
    let simulator = Simulator::builder().start().await.expect("a simulator");
    for host in ["127.0.0.1", "localhost"] {
        let url = simulator.base_url().replace("127.0.0.1", host);
        let client = clients::at(&url)
            .credentials(Credentials::basic(simulator.user(), simulator.password()))
            .pool_max_idle(0)
            .pool_idle_timeout(Duration::from_secs(1))
            .build()
            .expect("a client");
        client.current_user().await.expect("a user");
    }
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_is_one_line_that_says_what_to_check() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    for url in [
        format!("http://127.0.0.1:{port}/v1"),
        format!("http://localhost:{port}/v1"),
    ] {
        let client = clients::at(&url)
            .retry(RetryPolicy::none())
            .build()
            .expect("a client");
        let error = client.current_user().await.expect_err("nobody is there");
        let text = error.to_string();
        assert!(error.is_connect(), "{error:?}");
        assert!(text.starts_with("GET /user: cannot connect to "), "{text}");
        assert!(text.contains(&port.to_string()), "{text}");
        assert!(
            text.contains("check the base URL, the network and the proxy"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_one_line_that_names_the_limit() {
    let silent = Trap::silent().await;
    let client = clients::at(&format!("{}/v1", silent.url()))
        .attempt_timeout(Duration::from_millis(200))
        .retry(RetryPolicy::none())
        .build()
        .expect("a client");
    let started = Instant::now();
    let error = client.current_user().await.expect_err("silence");
    assert!(started.elapsed() < Duration::from_secs(5));
    let text = error.to_string();
    assert!(error.is_timeout(), "{error:?}");
    assert!(
        text.starts_with("GET /user: no answer within 0.2 s"),
        "{text}"
    );
    assert!(text.contains("`attempt_timeout`"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");

    let error = client
        .sites()
        .create("A site", "a1")
        .await
        .expect_err("silence");
    assert!(error.may_have_happened(), "{error}");

    let client = clients::at(&format!("{}/v1", silent.url()))
        .attempt_timeout(Duration::from_millis(50))
        .timeout(Duration::from_millis(300))
        .retry(RetryPolicy::default().first_wait(Duration::from_millis(1)))
        .build()
        .expect("a client");
    let error = client.current_user().await.expect_err("silence");
    assert!(error.is_timeout());
    assert!(error.attempts() > 1, "{error}");
}

#[tokio::test]
async fn connections_may_stay_open_without_end() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    // The connections of a client have tasks of their own, whose panics nobody else sees.
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.to_string();
        PANICS.fetch_add(usize::from(text.contains("overflow")), Ordering::Relaxed);
        before(panic);
    }));
    let simulator = Simulator::builder().start().await.expect("it starts");
    let client = Client::builder()
        .base_url(simulator.url())
        .pool_idle_timeout(Duration::MAX)
        .connect_timeout(Duration::MAX)
        .build()
        .expect("a client");
    for _ in 0..3 {
        client.current_user().await.expect("an answer");
    }
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
}
