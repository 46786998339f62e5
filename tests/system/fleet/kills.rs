//! Processes that are killed at random points of a sync and of plans. Everything is counted at the simulator.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use tokio::process::Command;
use wpengine_sim::{ClockMode, OperationCount, Simulator};

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

async fn started(installs: usize) -> Simulator {
    let builder = Simulator::builder()
        .fleet(3, 20, installs)
        .clock(ClockMode::Accelerated(2_000.0));
    builder.start().await.expect("a simulator")
}

#[tokio::test]
async fn a_sync_that_is_killed_goes_on() {
    let simulator = started(60).await;
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

/// One kind of plan: what the worker is told, and which changes it takes.
struct Case {
    arguments: Vec<String>,
    /// The changes, each with how often it is done.
    changes: &'static [(&'static str, u64)],
    /// The change of which nobody can look up whether it was done.
    blind: Option<&'static str>,
}

const KINDS: [&str; 8] = [
    "promote",
    "guard",
    "restore",
    "delete",
    "set-up",
    "add",
    "set-roles",
    "remove",
];

/// A site with a production and no staging environment, or one that has both.
async fn installs(client: &wpengine::Client, with_staging: bool) -> (String, String) {
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
    let found = installs.iter().find_map(|install| {
        let production = of("production", &install.site)?;
        let staging = of("staging", &install.site);
        (staging.is_some() == with_staging).then(|| (production, staging.unwrap_or_default()))
    });
    found.expect("such a site")
}

async fn case(kind: &str, simulator: &Simulator) -> Case {
    let client = wpengine::Client::at(simulator.url()).expect("a client");
    let email = "new.person@example.com";
    let accounts = ["account1", "account2", "account3"];
    if let "add" | "set-roles" | "remove" = kind {
        let listed = client.accounts().list().collect().await.expect("accounts");
        if kind != "add" {
            for account in &listed {
                let users = client.account(&account.id).users();
                let user = users.create(email, wpengine::types::Roles::full());
                user.name("New", "Person").await.expect("a user");
            }
        }
        let names = [kind, email].into_iter().chain(accounts);
        return Case {
            arguments: names.map(str::to_owned).collect(),
            changes: match kind {
                "add" => &[("create_account_user", 3)],
                "set-roles" => &[("update_account_user", 3)],
                _ => &[("delete_account_user", 3)],
            },
            blind: None,
        };
    }
    let (production, staging) = installs(&client, kind != "set-up").await;
    let (changes, blind): (&'static [_], _) = match kind {
        "promote" => (
            &[("create_backup", 1), ("copy_install", 1)],
            Some("copy_install"),
        ),
        "guard" => (&[("create_backup", 1), ("purge_cache", 1)], None),
        "restore" => (&[("restore_backup", 1)], Some("restore_backup")),
        "delete" => (&[("create_backup", 1), ("delete_install", 1)], None),
        _ => (
            &[("create_install", 1), ("copy_install", 1)],
            Some("copy_install"),
        ),
    };
    let mut arguments = vec![kind.to_owned()];
    match kind {
        "promote" => arguments.extend([staging, production]),
        "delete" => arguments.push(staging),
        "set-up" => arguments.extend([production, "newstaging".to_owned()]),
        "restore" => {
            let install = client
                .installs()
                .by_name(&production)
                .await
                .expect("an install");
            let backups = client.install(&install.id).backups();
            let backup = backups.create("before", ["ops@example.com"]).wait();
            let backup = backup.await.expect("a backup");
            arguments.extend([production, backup.id.to_string()]);
        }
        _ => arguments.push(production),
    }
    Case {
        arguments,
        changes,
        blind,
    }
}

/// No step is done twice and none is forgotten, wherever the process is killed. Of a copy and a restore, the journal may not know
/// whether it was done: then the plan stops.
#[tokio::test]
async fn a_plan_that_is_killed_goes_on_and_does_nothing_twice() {
    let mut killed = 0;
    let mut rounds = 0;
    // Each kind is begun at least once.
    while killed < kills() || rounds < KINDS.len() {
        let kind = KINDS[rounds % KINDS.len()];
        rounds += 1;
        // A site that has no staging environment yet has one install.
        let simulator = started(if kind == "set-up" { 20 } else { 60 }).await;
        let case = case(kind, &simulator).await;
        simulator.clear_requests();
        let before = simulator.operation_counts();
        let folder = tempfile::tempdir().expect("a folder");
        let arguments: Vec<&str> = case.arguments.iter().map(String::as_str).collect();
        let longest = if kind == "add" || kind == "remove" {
            120
        } else {
            600
        };
        let state = loop {
            match work(&simulator, folder.path(), &arguments, random(5..longest)).await {
                None => killed += 1,
                Some(state) => break state,
            }
        };
        let counts = simulator.operation_counts();
        let done = |operation: &str| {
            let of = |counts: &BTreeMap<String, OperationCount>| {
                counts
                    .get(operation)
                    .map_or(0, |counts| counts.side_effects)
            };
            of(&counts) - of(&before)
        };
        let log = || {
            let requests = simulator.requests().into_iter();
            let lines = requests
                .map(|one| format!("{} {} {} {}", one.number, one.method, one.path, one.status));
            lines.collect::<Vec<_>>().join("\n")
        };
        let is_unknown = state.contains("\"unknown\"");
        assert!(
            state.contains("\"done\"") || is_unknown && case.blind.is_some(),
            "{kind}: {state}"
        );
        for (operation, times) in case.changes {
            let count = done(operation);
            let is_blind = is_unknown && case.blind == Some(operation);
            // A purge that was begun is done again: that costs nothing, and one that is missing does.
            let count = if *operation == "purge_cache" {
                count.min(1)
            } else {
                count
            };
            assert!(
                count == *times || is_blind && count < *times,
                "{kind}: {operation} was done {count} times: {state}\n{}",
                log()
            );
        }
    }
}
