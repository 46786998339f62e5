//! The program: what it prints, and how it ends.
#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

fn simulator(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wpengine-sim"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts it and reads its one line.
fn start(arguments: &[&str]) -> (Child, Value) {
    let mut child = simulator(arguments).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

fn stop(child: Child, signal: &str) -> std::process::Output {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    child.wait_with_output().unwrap()
}

#[tokio::test]
async fn one_line_says_where_it_listens_and_how_to_sign_in() {
    let (child, line) = start(&[
        "--manual-clock",
        "--accounts",
        "2",
        "--sites",
        "5",
        "--installs",
        "7",
    ]);
    let url = format!("{}/installs", line["base_url"].as_str().unwrap());
    let request = reqwest::Client::new().get(url);
    let request = request.basic_auth(line["user"].as_str().unwrap(), line["password"].as_str());
    let list: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(list["count"], 7);
    let output = stop(child, "-TERM");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        (output.stdout.len(), output.stderr.len()),
        (0, 0),
        "nothing but the line"
    );
}

#[test]
fn it_ends_cleanly_when_it_is_interrupted() {
    let (child, line) = start(&["--user", "me", "--password", "secret"]);
    assert_eq!(
        (line["user"].as_str(), line["password"].as_str()),
        (Some("me"), Some("secret"))
    );
    assert!(stop(child, "-INT").status.success());
}

#[test]
fn a_port_that_is_taken_is_one_line_that_says_what_to_do() {
    let (child, line) = start(&[]);
    let port = line["base_url"]
        .as_str()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap()
        .trim_end_matches("/v1")
        .to_owned();
    let output = simulator(&["--port", &port]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        message.contains("try another --port") && message.lines().count() == 1,
        "{message}"
    );
    stop(child, "-TERM");
}

#[test]
fn half_of_the_credentials_or_no_speed_are_refused() {
    for arguments in [
        &["--user", "me"][..],
        &["--speed", "0"],
        &["--speed", "2", "--manual-clock"],
    ] {
        assert_eq!(
            simulator(arguments).output().unwrap().status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn an_address_that_others_reach_is_warned_of() {
    let (child, _) = start(&["--listen", "0.0.0.0"]);
    let message = String::from_utf8(stop(child, "-TERM").stderr).unwrap();
    assert!(
        message.contains("0.0.0.0 is not a loopback address"),
        "{message}"
    );
}
