//! The program `wpengine-sim`: its output and its exit.
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

/// Starts the program and reads its line of output.
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

#[tokio::test]
async fn a_fleet_in_trouble_is_one_flag() {
    let (child, line) = start(&["--manual-clock", "--troubled"]);
    let url = format!("{}/installs?limit=100", line["base_url"].as_str().unwrap());
    let request = reqwest::Client::new().get(url);
    let request = request.basic_auth(line["user"].as_str().unwrap(), line["password"].as_str());
    let list: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(list["count"], 170);
    let installs = list["results"].as_array().unwrap();
    let pending = installs
        .iter()
        .filter(|install| install["status"] == "pending");
    assert_eq!(pending.count(), 1);
    assert!(stop(child, "-TERM").status.success());
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

#[tokio::test]
async fn the_state_is_kept_from_one_run_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let arguments = [
        "--user",
        "me",
        "--password",
        "secret",
        "--state",
        path.to_str().unwrap(),
    ];
    let (child, line) = start(&arguments);
    let sites = format!("{}/sites", line["base_url"].as_str().unwrap());
    let client = reqwest::Client::new();
    let site =
        serde_json::json!({ "name": "Kept", "account_id": "eeda3227-9a39-46ae-9e14-20958bb4e6c9" });
    let made = client
        .post(sites)
        .basic_auth("me", Some("secret"))
        .json(&site);
    assert_eq!(made.send().await.unwrap().status(), 201);
    assert!(stop(child, "-TERM").status.success());
    let (child, line) = start(&arguments);
    let sites = format!("{}/sites", line["base_url"].as_str().unwrap());
    let list = client
        .get(sites)
        .basic_auth("me", Some("secret"))
        .send()
        .await
        .unwrap();
    assert!(list.text().await.unwrap().contains("\"Kept\""));
    stop(child, "-INT");
}

#[tokio::test]
async fn a_change_is_in_the_file_without_waiting_for_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let (mut child, line) = start(&["--manual-clock", "--state", path.to_str().unwrap()]);
    let advance = line["base_url"]
        .as_str()
        .unwrap()
        .replace("/v1", "/_sim/clock/advance");
    let request = reqwest::Client::new()
        .post(advance)
        .body(r#"{"seconds":5}"#);
    assert_eq!(request.send().await.unwrap().status(), 200);
    // The process is killed, so it cannot write the file at the end. The file is written within about a second.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !std::fs::read_to_string(&path).is_ok_and(|text| text.contains("2026-06-01T12:00:05Z")) {
        assert!(
            std::time::Instant::now() < deadline,
            "the file was not written"
        );
        tokio::task::yield_now().await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_damaged_state_is_one_line_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    std::fs::write(&path, "{ \"format\": 1").unwrap();
    let output = simulator(&["--state", path.to_str().unwrap()])
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(
        message.contains("state.json") && message.contains("stays as it is"),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1, "{message}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{ \"format\": 1");
}

#[tokio::test]
async fn limits_are_switched_on_and_scaled() {
    let (child, line) = start(&[
        "--rate-limits",
        "--requests-per-minute",
        "2",
        "--rate-limit-headers",
    ]);
    let url = format!("{}/status", line["base_url"].as_str().unwrap());
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let response = reqwest::get(&url).await.unwrap();
        assert_eq!(response.headers()["x-ratelimit-limit"], "2");
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 429]);
    stop(child, "-TERM");
    let alone = simulator(&["--requests-per-minute", "2"]).output().unwrap();
    assert_eq!(alone.status.code(), Some(2));
}

#[tokio::test]
async fn a_state_file_that_cannot_be_written_is_said_at_once_and_after_the_change_that_is_lost() {
    let folder = std::env::temp_dir().join(format!("wpengine-sim-state-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    let nowhere = folder.join("none").join("state.json");
    let output = simulator(&["--state", nowhere.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("state.json"), "{said}");

    // A killed process can leave a temporary file. The next start removes it.
    let file = folder.join("state.json");
    std::fs::write(folder.join(".state.json.new"), "half").unwrap();
    let (mut child, line) = start(&["--state", file.to_str().unwrap()]);
    assert!(file.exists() && !folder.join(".state.json.new").exists());
    // A directory in the place of the temporary file makes every write fail, also for root.
    std::fs::create_dir(folder.join(".state.json.new")).unwrap();
    let url = format!("{}/sites", line["base_url"].as_str().unwrap());
    let site = serde_json::json!({
        "name": "x",
        "account_id": "eeda3227-9a39-46ae-9e14-20958bb4e6c9",
    });
    let request = reqwest::Client::new().post(url).json(&site);
    let request = request.basic_auth(line["user"].as_str().unwrap(), line["password"].as_str());
    let created = request.send().await.unwrap();
    assert_eq!(created.status(), 201);
    let mut said = String::new();
    BufReader::new(child.stderr.as_mut().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(said.contains("the state cannot be written"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
