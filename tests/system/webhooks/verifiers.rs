//! The official packages of Standard Webhooks accept every delivery: in Rust, Python and JavaScript.
//!
//! `WPENGINE_VERIFIERS` is a folder with the packages: a virtual environment of Python in `venv`, and the one of npm in `node`. `.ci/run` makes it.

use std::io::Write as _;
use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use wpengine_events::{Endpoint, Events, Secret, Sender};

use super::{add, secret};

/// How many deliveries each package checks.
const DELIVERIES: u64 = 1_000;

/// A receiver in another language. It ends with its standard input.
struct Official {
    child: Child,
    url: String,
}

impl Drop for Official {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The folder of the packages. Without it the test says that it was skipped.
fn packages() -> Option<PathBuf> {
    let folder = std::env::var_os("WPENGINE_VERIFIERS").map(PathBuf::from);
    if folder.is_none() {
        let is_required = std::env::var_os("WPENGINE_REQUIRE_VERIFIERS").is_some();
        assert!(
            !is_required,
            "WPENGINE_VERIFIERS names no folder with the packages of Standard Webhooks"
        );
        let _ = writeln!(
            std::io::stderr(),
            "skipped: WPENGINE_VERIFIERS names no folder with the packages of Standard Webhooks"
        );
    }
    folder
}

fn start(language: &str, folder: &PathBuf, secrets: &[&Secret]) -> Official {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("system/webhooks");
    let mut command = match language {
        "python" => {
            let mut command = Command::new(folder.join("venv/bin/python"));
            command.arg(here.join("receiver.py"));
            command
        }
        _ => {
            let mut command = Command::new("node");
            command.arg(here.join("receiver.mjs"));
            command
        }
    };
    let mut child = command
        .args(secrets.iter().map(|secret| secret.expose()))
        .env("WPENGINE_VERIFIERS", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let port = line
        .trim()
        .strip_prefix("port ")
        .expect("it listens")
        .to_owned();
    Official {
        child,
        url: format!("http://127.0.0.1:{port}"),
    }
}

async fn counts(official: &Official) -> Value {
    reqwest::get(format!("{}/counts", official.url))
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// Delivers until nothing is pending.
async fn deliver(events: &Events, sender: &Sender) {
    let done = async {
        while events
            .endpoints()
            .await
            .unwrap()
            .iter()
            .any(|endpoint| endpoint.configured && endpoint.pending > 0)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), sender.run(done))
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_packages_accept_a_thousand_deliveries_while_the_secret_changes() {
    let Some(folder) = packages() else { return };
    for language in ["python", "javascript"] {
        let [old, new] = [secret(), secret()];
        let official = start(language, &folder, &[&old, &new]);
        let to = |secrets: Vec<Secret>| {
            Endpoint::private_webhook("ops", &official.url, secrets, ["127.0.0.1"]).unwrap()
        };
        let events = Events::in_memory().unwrap();
        let sender = Sender::new(&events);
        // The old one, both, the new one: nothing is refused at any time.
        for (part, secrets) in [
            vec![old.clone()],
            vec![old.clone(), new.clone()],
            vec![new.clone()],
        ]
        .into_iter()
        .enumerate()
        {
            sender.endpoints([to(secrets)]).await.unwrap();
            for number in 0..DELIVERIES.div_ceil(3) {
                add(
                    &events,
                    &format!("installs/{number}"),
                    &format!("{part} {number}"),
                )
                .await;
            }
            deliver(&events, &sender).await;
        }
        let third = DELIVERIES.div_ceil(3);
        let got = counts(&official).await;
        assert_eq!(got["refused"], 0, "{language}: {got}");
        // With the ping of the beginning.
        assert_eq!(got["ids"], 3 * third + 1, "{language}: {got}");
        assert_eq!(
            got["by_secret"],
            serde_json::json!([2 * third + 1, 2 * third]),
            "{language}: {got}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_packages_refuse_what_was_changed_and_what_is_old() {
    let Some(folder) = packages() else { return };
    for language in ["python", "javascript"] {
        let secret = secret();
        let official = start(language, &folder, &[&secret]);
        let now = wpengine::jiff::Timestamp::now();
        let body = br#"{"type":"ping","timestamp":"2026-06-01T12:00:00Z","data":{}}"#;
        let mut changed = body.to_vec();
        changed[9] = b'P';
        let old = now - wpengine::jiff::SignedDuration::from_mins(6);
        for (at, signed, sent, code) in [
            (now, &body[..], &body[..], 204),
            (now, &body[..], &changed[..], 401),
            (old, &body[..], &body[..], 401),
        ] {
            let response = reqwest::Client::new()
                .post(&official.url)
                .header("webhook-id", "evt_1")
                .header("webhook-timestamp", at.as_second())
                .header("webhook-signature", secret.sign("evt_1", at, signed))
                .body(sent.to_vec())
                .send();
            assert_eq!(response.await.unwrap().status(), code, "{language}");
        }
    }
}

#[test]
fn the_official_crate_accepts_and_refuses_the_same() {
    let secret = secret();
    let official = standardwebhooks::Webhook::new(secret.expose()).unwrap();
    let now = wpengine::jiff::Timestamp::now();
    let old = now - wpengine::jiff::SignedDuration::from_mins(6);
    for number in 0..DELIVERIES {
        let body = format!("{{\"number\":{number}}}");
        let id = format!("evt_{number}");
        let headers = |at: wpengine::jiff::Timestamp| {
            let mut headers = http::HeaderMap::new();
            headers.insert("webhook-id", id.parse().unwrap());
            headers.insert(
                "webhook-timestamp",
                at.as_second().to_string().parse().unwrap(),
            );
            let signature = format!(
                "{} {}",
                super::secret().sign(&id, at, body.as_bytes()),
                secret.sign(&id, at, body.as_bytes())
            );
            headers.insert("webhook-signature", signature.parse().unwrap());
            headers
        };
        official.verify(body.as_bytes(), &headers(now)).unwrap();
        assert!(official.verify(b"{}", &headers(now)).is_err());
        assert!(official.verify(body.as_bytes(), &headers(old)).is_err());
    }
    let signed = official.sign("evt_1", now.as_second(), b"body").unwrap();
    assert_eq!(signed, secret.sign("evt_1", now, b"body"));
}
