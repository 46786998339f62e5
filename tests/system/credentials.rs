//! Credentials: what is sent, how often a token source is called, and what is read from the environment.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use wpengine::{Client, Credentials, ErrorKind, SecretString, TokenFuture, TokenSource};
use wpengine_sim::Simulator;

use crate::support::{
    clients::{self, BASE_URL},
    program::{quickstart, stderr, stdout},
    script::{Script, Turn, json},
};

const USER: &str = r#"{"id":"u1","email":"jane@example.com"}"#;

fn client(script: &Arc<Script>, credentials: Credentials) -> Client {
    clients::builder()
        .base_url(BASE_URL)
        .credentials(credentials)
        .http_client(script.clone())
        .build()
        .expect("a client")
}

fn authorization(request: &Request<Bytes>) -> String {
    let header = &request.headers()[header::AUTHORIZATION];
    header.to_str().expect("text").to_owned()
}

#[tokio::test]
async fn basic_credentials_are_sent_as_base64_of_utf_8() {
    for (user, password, expected) in [
        // The two examples of RFC 7617. The second contains a pound sign.
        (
            "Aladdin",
            "open sesame",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        ("test", "123£", "Basic dGVzdDoxMjPCow=="),
        ("jürgen", "pä:ss:€", ""),
    ] {
        let script = Script::answering(USER);
        let client = client(&script, Credentials::basic(user, password));
        client.current_user().await.expect("a user");
        let request = &script.requests()[0];
        let sent = authorization(request);
        if !expected.is_empty() {
            assert_eq!(sent, expected);
        }
        let decoded = STANDARD.decode(sent.strip_prefix("Basic ").expect("Basic"));
        assert_eq!(
            decoded.expect("base64"),
            format!("{user}:{password}").into_bytes()
        );
        assert!(request.headers()[header::AUTHORIZATION].is_sensitive());
        assert_eq!(
            request
                .headers()
                .get_all(header::AUTHORIZATION)
                .iter()
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_bearer_token_is_sent_as_it_is() {
    let script = Script::answering(USER);
    client(&script, Credentials::bearer("abc.def-ghi_jkl~+/="))
        .current_user()
        .await
        .expect("a user");
    assert_eq!(
        authorization(&script.requests()[0]),
        "Bearer abc.def-ghi_jkl~+/="
    );
    assert!(script.requests()[0].headers()[header::AUTHORIZATION].is_sensitive());
}

#[tokio::test]
async fn what_needs_no_credentials_gets_none() {
    let script = Script::answering(r#"{"success":true,"created_on":"2018-05-17T16:20:40+00:00"}"#);
    let client = clients::on(script.clone());
    client.status().await.expect("a status");
    client.swagger().await.expect("a description");
    client
        .request(http::Method::GET, "/status")
        .send()
        .await
        .expect("a status");
    client
        .status()
        .header(
            header::AUTHORIZATION,
            HeaderValue::from_static("Basic mine"),
        )
        .await
        .expect("a status");
    assert_eq!(script.count(), 4);
    for request in script.requests() {
        assert!(
            !request.headers().contains_key(header::AUTHORIZATION),
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn the_clients_own_headers_stay_as_they_are() {
    let script = Script::answering(USER);
    let client = clients::builder_on(script.clone())
        .user_agent_suffix("fleet-report/2.1")
        .build()
        .expect("a client");
    let other = HeaderValue::from_static("something else");
    client
        .current_user()
        .header(header::AUTHORIZATION, other.clone())
        .header(header::USER_AGENT, other.clone())
        .header(http::HeaderName::from_static("x-mine"), other.clone())
        .await
        .expect("a user");
    let request = &script.requests()[0];
    assert!(authorization(request).starts_with("Basic "));
    let agent = request.headers()[header::USER_AGENT]
        .to_str()
        .expect("text");
    assert!(
        agent.starts_with("wpengine-rust/") && agent.ends_with(" fleet-report/2.1"),
        "{agent}"
    );
    assert_eq!(request.headers()["x-mine"], other);
}

/// A token source that returns `token-0`, `token-1` and so on, each after a delay.
#[derive(Clone, Default)]
struct Tokens {
    asked: Arc<AtomicUsize>,
}

impl TokenSource for Tokens {
    fn token(&self) -> TokenFuture<'_> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(SecretString::from(format!("token-{number}")))
        })
    }
}

impl Tokens {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Makes fifty calls at once and returns how many succeeded.
async fn fifty(client: &Client) -> usize {
    let tasks: Vec<_> = (0..50)
        .map(|_| tokio::spawn(client.clone().current_user().into_future()))
        .collect();
    let mut good = 0;
    for task in tasks {
        good += usize::from(task.await.expect("no panic").is_ok());
    }
    good
}

#[tokio::test(start_paused = true)]
async fn a_token_source_is_asked_once_for_all_who_wait() {
    let tokens = Tokens::default();
    let script = Script::answering(USER);
    let client = client(&script, Credentials::token_source(tokens.clone()));
    assert_eq!(tokens.asked(), 0);
    assert_eq!(fifty(&client).await, 50);
    assert_eq!((tokens.asked(), script.count()), (1, 50));
    client.current_user().await.expect("a user");
    assert_eq!(tokens.asked(), 1);
    let sent: HashSet<_> = script.requests().iter().map(authorization).collect();
    assert_eq!(sent, HashSet::from(["Bearer token-0".to_owned()]));
}

/// A service that answers 401 to every token except this one.
fn accepts_only(token: &'static str) -> Arc<Script> {
    Script::new(move |_, request| {
        Ok(if authorization(request) == format!("Bearer {token}") {
            json(200, USER)
        } else {
            json(401, r#"{"message":"Bad Credentials"}"#)
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_for_all_who_had_it() {
    let tokens = Tokens::default();
    let script = accepts_only("token-1");
    let client = client(&script, Credentials::token_source(tokens.clone()));
    assert_eq!(fifty(&client).await, 50);
    assert_eq!((tokens.asked(), script.count()), (2, 100));
    client.current_user().await.expect("a user");
    assert_eq!((tokens.asked(), script.count()), (2, 101));
}

#[tokio::test(start_paused = true)]
async fn a_source_is_asked_again_after_a_401_and_only_once() {
    let tokens = Tokens::default();
    let script = accepts_only("another");
    let client = client(&script, Credentials::token_source(tokens.clone()));
    let error = client.current_user().await.expect_err("refused");
    assert!(error.is_unauthorized());
    assert_eq!(
        (tokens.asked(), script.count(), error.attempts()),
        (2, 2, 2)
    );
    // The write was refused before it had an effect, so it is retried with a new token as well.
    let error = client
        .sites()
        .create("A site", "a1")
        .await
        .expect_err("refused");
    assert!(error.is_unauthorized() && !error.may_have_happened());
    assert_eq!((tokens.asked(), script.count()), (3, 4));
}

#[tokio::test(start_paused = true)]
async fn a_new_token_does_not_use_up_the_attempts() {
    let tokens = Tokens::default();
    let script = Script::new(|number, _| match number {
        0 => Err(Turn::Status(503)),
        1 => Ok(json(401, "{}")),
        2 | 3 => Err(Turn::Status(503)),
        _ => Ok(json(200, USER)),
    });
    let client = client(&script, Credentials::token_source(tokens.clone()));
    client.current_user().await.expect("the fourth that counts");
    let sent: Vec<_> = script.requests().iter().map(authorization).collect();
    let expected = ["token-0", "token-0", "token-1", "token-1", "token-1"];
    assert_eq!(sent, expected.map(|token| format!("Bearer {token}")));
}

#[tokio::test(start_paused = true)]
async fn a_401_to_a_password_is_not_repeated() {
    for credentials in [Credentials::basic("u", "p"), Credentials::bearer("t")] {
        let script = Script::always(Turn::Status(401));
        let error = client(&script, credentials)
            .current_user()
            .await
            .expect_err("refused");
        assert_eq!((script.count(), error.attempts()), (1, 1));
    }
}

struct Broken;

impl TokenSource for Broken {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Err("the vault is sealed".into()) })
    }
}

struct Hanging;

impl TokenSource for Hanging {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::pending())
    }
}

struct Unsendable;

impl TokenSource for Unsendable {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok(SecretString::from("canary\ntoken")) })
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gives_no_token_lets_nothing_out() {
    let script = Script::answering(USER);
    let broken = client(&script, Credentials::token_source(Broken));
    let error = broken
        .sites()
        .create("A site", "a1")
        .await
        .expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::Credentials);
    let cause = std::error::Error::source(&error).expect("a cause");
    assert_eq!(cause.to_string(), "the vault is sealed");
    assert!(
        !error.to_string().contains("sealed"),
        "the cause is said once: {error}"
    );
    assert!(!error.may_have_happened());

    let hanging = client(&script, Credentials::token_source(Hanging));
    let error = hanging.current_user().await.expect_err("no token");
    assert!(error.is_timeout(), "{error}");
    assert!(!error.may_have_happened());

    let error = client(&script, Credentials::token_source(Unsendable))
        .current_user()
        .await;
    let error = error.expect_err("no token");
    assert!(
        !format!("{error} {error:?}").contains("canary"),
        "{error:?}"
    );
    assert_eq!(script.count(), 0);
}

#[tokio::test]
async fn new_credentials_count_for_all_clones() {
    let script = Script::answering(USER);
    let client = client(&script, Credentials::basic("u", "old"));
    let clone = client.clone();
    client
        .set_credentials(Credentials::bearer("new"))
        .expect("good credentials");
    clone.current_user().await.expect("a user");
    assert_eq!(authorization(&script.requests()[0]), "Bearer new");

    let error = clone
        .set_credentials(Credentials::basic("u", ""))
        .expect_err("no password");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    client.current_user().await.expect("a user");
    assert_eq!(authorization(&script.requests()[1]), "Bearer new");
}

#[tokio::test]
async fn a_refused_password_that_was_given_gets_no_hint_to_the_environment() {
    let script = Script::always(Turn::Status(401));
    let error = clients::on(script)
        .current_user()
        .await
        .expect_err("refused");
    let text = error.to_string();
    assert!(
        text.contains("check the API user id and the password"),
        "{text}"
    );
    assert!(!text.contains("WPE_"), "{text}");
}

const PAIRS: [(&str, &str); 4] = [
    ("WPE_API_USER_ID", "WPE_API_PASSWORD"),
    ("WPE_USERNAME", "WPE_PASSWORD"),
    ("WP_ENGINE_API_USERNAME", "WP_ENGINE_API_PASSWORD"),
    ("WPENGINE_USER_ID", "WPENGINE_PASSWORD"),
];

#[tokio::test]
async fn every_pair_of_variables_signs_in_and_is_named_when_it_is_refused() {
    let simulator = Simulator::builder().start().await.expect("a simulator");
    let url = simulator.base_url();
    for (user, password) in PAIRS {
        let good = [
            ("WPE_API_BASE_URL", url.as_str()),
            (user, simulator.user()),
            (password, simulator.password()),
        ];
        let output = quickstart(&good, &[]).await;
        assert!(output.status.success(), "{user}: {}", stderr(&output));

        let bad = [
            ("WPE_API_BASE_URL", url.as_str()),
            (user, simulator.user()),
            (password, "wrong-one"),
        ];
        let output = quickstart(&bad, &[]).await;
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("401 Unauthorized"), "{text}");
        assert!(
            text.contains(&format!("check {user} and {password}")),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[tokio::test]
async fn a_pair_that_is_set_by_half_is_an_error_that_names_the_other_half() {
    for (user, password) in PAIRS {
        for (set, missing) in [(user, password), (password, user)] {
            // An empty variable counts as unset. Variables of another pair are not used instead.
            let (other_user, other_password) = PAIRS[3];
            let mut variables = vec![(set, "canary-value"), (missing, "")];
            if set != other_user && set != other_password {
                variables.extend([(other_user, "someone"), (other_password, "else")]);
            }
            let output = quickstart(&variables, &[]).await;
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(1), "{set}: {text}");
            assert!(
                text.contains(&format!("has {set} but not {missing}")),
                "{text}"
            );
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(
                !text.contains("canary") && !stdout(&output).contains("canary"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn empty_variables_are_unset_ones() {
    let empty: Vec<_> = PAIRS
        .iter()
        .flat_map(|(user, password)| [(*user, ""), (*password, "")])
        .chain([("WPE_API_BASE_URL", "")])
        .collect();
    let output = quickstart(&empty, &[]).await;
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("simulator"));
}

#[tokio::test]
async fn the_base_url_of_the_environment_needs_credentials_and_must_be_good() {
    let output = quickstart(&[("WPE_API_BASE_URL", "http://127.0.0.1:1/v1")], &[]).await;
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("WPE_API_USER_ID and WPE_API_PASSWORD"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");

    let plain = [
        ("WPE_API_BASE_URL", "http://api.wpengineapi.com/v1"),
        ("WPE_API_USER_ID", "u"),
        ("WPE_API_PASSWORD", "p"),
    ];
    let output = quickstart(&plain, &[]).await;
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("plain `http://`") && text.contains("use `https://`"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
}
