//! What a client shows while it works: its spans, its counters, its rate-limit windows and their keys, and the
//! progress of waits and of `for_each`. The service repeats the secrets in its headers and errors.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, header};
use wpengine::{
    Client, Credentials,
    limits::{LimitKey, Observation, PermitFuture, RateLimiter, Window, WindowState, Windows},
};

use super::{
    PASSWORD, PRIVATE_KEY, USER, Vault, credentials,
    logs::{Page, traced},
    nowhere_in, shown, told,
};
use crate::support::{
    calls::{ACCOUNT, INSTALL},
    clients::BASE_URL,
    script::{Script, json, with_header},
};

/// A rate limiter that records all its inputs and outputs.
#[derive(Debug)]
struct Watched {
    windows: Windows,
    seen: Mutex<Vec<String>>,
}

impl Watched {
    fn new() -> Arc<Self> {
        let second = Duration::from_secs(1);
        Arc::new(Self {
            windows: Windows::new([Window::new(2, second)], [Window::new(3, 2 * second)]),
            seen: Mutex::default(),
        })
    }

    fn see(&self, what: &impl Debug) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(shown(what));
    }

    fn seen(&self) -> String {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.join("\n")
    }
}

impl RateLimiter for Watched {
    fn acquire<'a>(&'a self, key: &'a LimitKey, within: Duration) -> PermitFuture<'a> {
        self.see(key);
        Box::pin(async move {
            let permit = self.windows.acquire(key, within).await?;
            self.see(&permit);
            Ok(permit)
        })
    }

    fn observe(&self, key: &LimitKey, answer: &Observation<'_>) {
        self.see(answer);
        self.windows.observe(key, answer);
    }

    fn state(&self, key: &LimitKey) -> Vec<WindowState> {
        self.see(key);
        let state = self.windows.state(key);
        self.see(&state);
        state
    }
}

/// Every third answer is a failure, of a different kind each time. All answers repeat the credentials in every header
/// that can hold them.
fn answer(number: usize, request: &Request<Bytes>) -> Response<Bytes> {
    let sent = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let failure = serde_json::json!({ "message": sent }).to_string();
    let answer = match number % 6 {
        2 => json(503, &failure),
        5 => with_header(json(429, &failure), "retry-after", "1"),
        _ if request.uri().path().ends_with("/ssl_certificate") => {
            let status = if number > 20 {
                "ENABLED"
            } else {
                "PENDING_VETTING"
            };
            let body = serde_json::json!({
                "cert_name": "a",
                "certificate": {"status": status},
                "cert_info": {"cert": "a certificate", "key": PRIVATE_KEY},
            });
            json(200, &body.to_string())
        }
        _ => json(200, r#"{"id":"u","email":"joe@example.com"}"#),
    };
    let answer = with_header(answer, "x-echo", &sent);
    let answer = with_header(answer, "x-ratelimit-remaining", "1");
    with_header(answer, "set-cookie", &sent)
}

/// Makes calls with a client and returns everything that it prints.
async fn work(client: &Client) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for _ in 0..6 {
        match client.current_user().await {
            Ok(user) => all.push(("a user", shown(&user))),
            Err(error) => all.push(("an error", told(&error))),
        }
    }
    let certificate = client.install(INSTALL).domain("d1").certificate();
    let mut progress = certificate.wait().progress();
    while let Some(seen) = progress.next().await {
        all.push(("the stream of a wait", shown(&progress)));
        match seen {
            Ok(seen) => all.push(("the progress of a wait", shown(&seen))),
            Err(error) => all.push(("the end of a wait", told(&error))),
        }
    }
    let told_on_the_way = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told_on_the_way);
    let many = wpengine::for_each_of(["d1", "d2", "d3", "d4"])
        .concurrency(2)
        .on_progress(move |progressed| {
            ear.lock().expect("nobody panics").push(shown(&progressed));
        });
    all.push(("work on many things", shown(&many)));
    let outcome = many
        .run(|id| {
            let certificate = client.install(INSTALL).domain(id).certificate();
            // Some of these calls fail, because they are not retried.
            let asked = certificate.get().retry(wpengine::RetryPolicy::none());
            asked.into_future()
        })
        .await;
    assert!(
        !outcome.done.is_empty() && !outcome.failed.is_empty(),
        "{outcome:?}"
    );
    all.push(("the outcome of many things", shown(&outcome)));
    let on_the_way = told_on_the_way.lock().expect("nobody panics").join("\n");
    assert!(on_the_way.contains("Progressed"), "{on_the_way}");
    all.push(("the progress of many things", on_the_way));
    all.push(("counters", shown(&client.counters())));
    let account = ACCOUNT.into();
    for account in [None, Some(&account)] {
        all.push(("windows", shown(&client.rate_limit_state(account))));
    }
    all.push(("a client", shown(client)));
    all
}

#[tokio::test(start_paused = true)]
async fn a_client_at_work_shows_none() {
    for credentials in credentials() {
        let trace = Page::default();
        let guard = traced(&trace);
        let limiter = Watched::new();
        let builder = Client::builder()
            .base_url(BASE_URL)
            .credentials(credentials)
            .http_client(Script::new(|number, request| Ok(answer(number, request))))
            .rate_limiter(limiter.clone());
        nowhere_in("the settings of a builder", &shown(builder.config()));
        nowhere_in("a builder", &shown(&builder));
        let client = builder.build().expect("a client");
        for (what, text) in work(&client).await {
            nowhere_in(what, &text);
        }
        drop(guard);

        let counters = client.counters();
        assert!(
            counters.throttled > 0 && counters.limited > 0 && counters.failures > 0,
            "everything happens once: {counters:?}"
        );
        let seen = limiter.seen();
        for what in ["LimitKey", "Observation", "Permit", "WindowState"] {
            assert!(seen.contains(what), "{what}: {seen}");
        }
        nowhere_in("the keys, permits and states of the windows", &seen);
        nowhere_in("the windows", &shown(&limiter));
        let trace = trace.text();
        for what in [
            "wpengine.operation",
            "wpengine.attempt",
            "waiting for the rate limit",
            "waiting before the next attempt",
        ] {
            assert!(trace.contains(what), "{what}: {trace}");
        }
        nowhere_in("spans and events", &trace);
    }
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_window_is_none_of_the_credentials() {
    // A token source counts as one user whatever tokens it returns. The password is not part of the key, so it can
    // change without a new window.
    for credentials in [
        Credentials::basic(USER, PASSWORD),
        Credentials::bearer("kanarienvogel"),
        Credentials::token_source(Vault),
    ] {
        let limiter = Watched::new();
        let client = Client::builder()
            .base_url(BASE_URL)
            .credentials(credentials)
            .http_client(Script::answering("{}"))
            .rate_limiter(limiter.clone())
            .build()
            .expect("a client");
        let _ = client.current_user().await;
        let _ = client.rate_limit_state(None);
        let seen = limiter.seen();
        nowhere_in("a key", &seen);
        assert!(seen.contains("LimitKey"), "{seen}");
        // The id of the user is not secret, but it does not belong in a log.
        assert!(!seen.contains(USER), "{seen}");
    }
}
