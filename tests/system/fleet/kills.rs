//! Processes that are killed at random points of a sync and of plans. Everything is counted at the simulator.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::process::Command;
use wpengine_sim::{ClockMode, Simulator};

/// How many processes are killed: twenty in the suite, and as many as `WPENGINE_KILLS` says.
fn kills() -> usize {
    let kills = std::env::var("WPENGINE_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok());
    kills.unwrap_or(20)
}

/// Runs the worker, and kills it after a random time. Its output, if it ended before.
async fn work(
    simulator: &Simulator,
    folder: &Path,
    arguments: &[&str],
    within: Duration,
) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wpengine-fleet-worker"));
    command.arg(simulator.url()).arg(folder).args(arguments);
    command.stdout(Stdio::piped()).kill_on_drop(true);
    command.stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    if tokio::time::timeout(within, child.wait()).await.is_err() {
        // Until it is dead: its lock ends with it, and what it had sent has arrived.
        child.kill().await.expect("it is killed");
        return None;
    }
    let output = child.wait_with_output().await.expect("an output");
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).expect("a text"))
}

fn random(milliseconds: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(fastrand::u64(milliseconds))
}

async fn started() -> Simulator {
    let builder = Simulator::builder()
        .fleet(3, 20, 60)
        .clock(ClockMode::Accelerated(2_000.0));
    builder.start().await.expect("a simulator")
}

#[tokio::test]
async fn a_sync_that_is_killed_goes_on() {
    let simulator = started().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut killed = 0;
    while killed < kills() {
        match work(&simulator, folder.path(), &["sync"], random(5..120)).await {
            None => killed += 1,
            // It was whole: begin again with an empty mirror.
            Some(text) => {
                assert!(text.contains("\"remaining\":0"), "{text}");
                for name in ["mirror.db", "mirror.db-wal", "mirror.db-shm"] {
                    let _ = std::fs::remove_file(folder.path().join(name));
                }
            }
        }
    }
    let text = work(
        &simulator,
        folder.path(),
        &["sync"],
        Duration::from_secs(60),
    )
    .await
    .expect("it ends");
    assert!(text.contains("\"remaining\":0"), "{text}");
    assert_eq!(simulator.side_effects(), 0);
}

/// No step is done twice and none is forgotten, wherever the process is killed. Of a copy, the journal may not know whether it was
/// done: then the plan stops.
#[tokio::test]
async fn a_plan_that_is_killed_goes_on_and_does_nothing_twice() {
    let mut killed = 0;
    while killed < kills() {
        let simulator = started().await;
        let client = wpengine::Client::at(simulator.url()).expect("a client");
        let installs = client.installs().list().collect().await.expect("installs");
        let of = |environment: &str, site: &Option<wpengine::types::SiteReference>| {
            let found = installs.iter().find(|install| {
                install.site == *site
                    && install
                        .environment
                        .as_ref()
                        .is_some_and(|of| of.as_str() == environment)
            });
            found.map(|install| install.name.clone())
        };
        let production = installs
            .iter()
            .find(|install| of("staging", &install.site).is_some())
            .expect("a site");
        let (from, to) = (
            of("staging", &production.site).expect("one"),
            of("production", &production.site).expect("one"),
        );
        let folder = tempfile::tempdir().expect("a folder");
        let arguments = ["promote", from.as_str(), to.as_str()];
        let state = loop {
            match work(&simulator, folder.path(), &arguments, random(5..1_500)).await {
                None => killed += 1,
                Some(state) => break state,
            }
        };
        let counts = simulator.operation_counts();
        // A request whose process was killed while it sent the body is refused, and has no effect.
        let done = |operation: &str| {
            counts
                .get(operation)
                .map_or(0, |counts| counts.side_effects)
        };
        let log = || {
            let requests = simulator.requests().into_iter();
            let lines = requests
                .map(|one| format!("{} {} {} {}", one.number, one.method, one.path, one.status));
            lines.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(done("create_backup"), 1, "{state}\n{}", log());
        if state.contains("\"done\"") {
            assert_eq!(done("copy_install"), 1, "{state}");
        } else {
            assert!(
                state.contains("\"unknown\"") && done("copy_install") <= 1,
                "{state}"
            );
        }
    }
}
