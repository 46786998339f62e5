//! The way in: host keys, keys of users, connections, and words that arrive as they were typed.

use std::time::Duration;

use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use wpengine_ssh::ErrorKind;

use crate::rig::Rig;

#[tokio::test]
async fn a_host_key_is_accepted_once_and_then_silent() {
    let Some(rig) = Rig::start().await else {
        return;
    };
    let user = rig.stranger();
    let refused = user.connect("acme").await.expect_err("unknown");
    assert_eq!(refused.kind(), ErrorKind::HostKeyUnknown);
    let shown = user.shown("acme").await.expect("a key");
    assert_eq!(shown.fingerprint, rig.server.fingerprint());
    assert!(!shown.is_reported());
    user.accept(&shown).expect("a file");
    let connection = user.connect("acme").await.expect("a connection");
    let done = connection
        .wp(&["core", "version"])
        .await
        .expect("an answer");
    assert_eq!(String::from_utf8_lossy(&done.stdout), "6.9.1\n");
    assert_eq!(done.code, 0);
}

#[tokio::test]
async fn nothing_but_a_handshake_reaches_a_host_with_another_key() {
    let Some(mut rig) = Rig::start().await else {
        return;
    };
    let user = rig.user().await;
    let before = rig.server.fingerprint();
    rig.server.change_host_key().await.expect("a key");
    let (log, (sent, _)) = (rig.server.log(), rig.server.bytes());
    let error = user.connect("acme").await.expect_err("another key");
    assert_eq!(error.kind(), ErrorKind::HostKeyChanged, "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&before) && text.contains(&rig.server.fingerprint()),
        "{text}"
    );
    let new = &rig.server.log()[log.len()..];
    assert!(
        !new.contains("Accepted") && !new.contains("publickey") && !new.contains(" user "),
        "{new}"
    );
    let bytes = rig.server.bytes().0 - sent;
    assert!((1..6_000).contains(&bytes), "{bytes} bytes");
}

#[tokio::test]
async fn a_key_that_is_refused_says_what_to_do() {
    let Some(rig) = Rig::start().await else {
        return;
    };
    let user = rig.user().await;
    let config = std::fs::read_to_string(rig.server.config_file()).expect("a file");
    let key = rig.folder.path().join("other");
    std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .expect("ssh-keygen");
    let other = rig.folder.path().join("config");
    let ours = rig.server.user_key().display().to_string();
    std::fs::write(&other, config.replace(&ours, &key.display().to_string())).expect("a file");
    let user = user.config_file(&other).expect("a file");
    let error = user.connect("acme").await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::KeyRefused, "{error}");
    assert!(
        error.to_string().contains("wpengine ssh-key add"),
        "{error}"
    );
}

#[tokio::test]
async fn arguments_arrive_as_they_were_typed() {
    let Some(rig) = Rig::start().await else {
        return;
    };
    let connection = rig.connect().await;
    let words = vec(vec(1_u8.., 0..20), 0..6);
    let mut runner = TestRunner::new(Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    });
    let mut typed = Vec::new();
    for _ in 0..cases(60) {
        typed.push(words.new_tree(&mut runner).expect("words").current());
    }
    for words in &typed {
        connection.wp(words).await.expect("an answer");
    }
    assert_eq!(rig.server.wp_calls(), typed);
}

#[tokio::test]
async fn one_user_has_four_connections_and_a_fifth_waits() {
    let Some(rig) = Rig::start().await else {
        return;
    };
    let user = rig.user().await.connect_within(Duration::from_secs(20));
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(user.connect("acme").await.expect("a connection"));
    }
    assert_eq!(rig.server.open(), 4);
    // With four open the fifth has no time to wait in, and says why.
    let hurried = user.clone().connect_within(Duration::from_millis(300));
    let error = hurried.connect("acme").await.expect_err("four are open");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().contains("4 connections"), "{error}");
    let waits = tokio::spawn(async move { user.connect("acme").await });
    open.pop().expect("a connection").close().await;
    let fifth = waits.await.expect("no panic").expect("a connection");
    fifth.wp(&["core", "version"]).await.expect("an answer");
    assert_eq!(rig.server.connections().1, 4);
}

/// How many cases of a random test: few in the suite, more on request.
pub(crate) fn cases(few: usize) -> usize {
    let asked = std::env::var("WPENGINE_SSH_CASES").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(few)
}
