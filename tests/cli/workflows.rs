//! Work of several steps: shown, confirmed, interrupted, and gone on with.

use std::{process::Stdio, time::Duration};

use wpengine_sim::{Fault, FaultKind, Simulator};

use crate::harness::{Cli, words};

fn side_effects(cli: &Cli, operation: &str) -> u64 {
    cli.simulator
        .operation_counts()
        .get(operation)
        .map_or(0, |count| count.side_effects)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_copies_after_the_backup_is_completed() {
    let cli = Cli::fast().await;
    let line = "install promote --from torqueeventstg --to torqueevents --notify a@example.com";
    cli.run(line).await.ends(5);
    cli.run(&format!("{line} --confirm torqueeventstg"))
        .await
        .ends(5);
    let shown = cli.run(&format!("{line} --dry-run -o json")).await.ends(0);
    assert!(
        shown.json()["steps"]
            .as_array()
            .is_some_and(|steps| steps.len() >= 3),
        "{shown:?}"
    );
    assert_eq!(cli.simulator.side_effects(), 0);
    let ran = cli
        .run(&format!("{line} --confirm torqueevents -o json"))
        .await
        .ends(0);
    assert_eq!(ran.json()["outcome"]["state"], "done");
    assert!(ran.stderr.contains("wpengine plan resume"), "{ran:?}");
    assert_eq!(
        (
            side_effects(&cli, "create_backup"),
            side_effects(&cli, "copy_install")
        ),
        (1, 1)
    );
    assert_eq!(cli.run("plan list -o json").await.ends(0).stdout, "[]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_promotion_says_how_to_go_on_and_goes_on() {
    // In real time the backup takes minutes: the interruption comes while it is waited for.
    let cli = Cli::new().await;
    let mut command = cli.command();
    command
        .args(words("install promote --from torqueeventstg --to torqueevents --notify a@example.com --confirm torqueevents"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    while side_effects(&cli, "create_backup") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let id = child.id().expect("a process").to_string();
    std::process::Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    let output = child.wait_with_output().await.expect("an output");
    let stderr = String::from_utf8(output.stderr).expect("a text");
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("wpengine plan resume"), "{stderr}");

    let open = cli.run("plan list -o json").await.ends(0).json();
    let id = open[0]["id"].as_str().expect("a plan").to_owned();
    cli.simulator
        .clock()
        .set_mode(wpengine_sim::ClockMode::Accelerated(2_000.0));
    cli.run(&format!("plan show {id}")).await.ends(0);
    cli.run(&format!("plan resume {id}")).await.ends(5);
    cli.run(&format!("plan resume {id} --confirm torqueevents"))
        .await
        .ends(0);
    assert_eq!(
        (
            side_effects(&cli, "create_backup"),
            side_effects(&cli, "copy_install")
        ),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_response_is_lost_is_not_sent_again() {
    let cli = Cli::fast().await;
    cli.simulator
        .faults()
        .add(
            Fault::new(FaultKind::Reset)
                .on("copy_install")
                .after()
                .always(),
        )
        .expect("a fault");
    let ran = cli.run("install promote --from torqueeventstg --to torqueevents --notify a@example.com --confirm torqueevents -o json").await.ends(9);
    assert_eq!(side_effects(&cli, "copy_install"), 1);
    let next = ran.error()["error"]["next"][0]
        .as_str()
        .expect("a command")
        .to_owned();
    assert!(
        next.contains("plan resume") && next.contains("--done"),
        "{next}"
    );
    cli.simulator.faults().clear();
    let next = next.trim_start_matches("wpengine ").to_owned();
    cli.run(&format!("{next} --confirm torqueevents"))
        .await
        .ends(0);
    assert_eq!(side_effects(&cli, "copy_install"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_set_up() {
    let cli = Cli::fast().await;
    let line = "install stage --from torquemag --name torquestg --notify a@example.com";
    cli.run(line).await.ends(5);
    cli.run(&format!("{line} --yes")).await.ends(0);
    let ran = cli.run("install get torquestg -o json").await.ends(0);
    assert_eq!(ran.json()["environment"], "staging");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_runs_a_command_between_a_backup_and_a_purge() {
    let cli = Cli::fast().await;
    let ran = cli
        .run("install guard torquemag --notify a@example.com -- touch worked")
        .await
        .ends(0);
    assert!(cli.path("worked").exists(), "{ran:?}");
    assert_eq!(
        (
            side_effects(&cli, "create_backup"),
            side_effects(&cli, "purge_cache")
        ),
        (1, 1)
    );
    // A command that fails leaves the caches as they are, and says how to go back.
    let ran = cli
        .run("install guard mysite --notify a@example.com -- false")
        .await
        .ends(1);
    assert_eq!(
        (
            side_effects(&cli, "create_backup"),
            side_effects(&cli, "purge_cache")
        ),
        (2, 1)
    );
    assert!(ran.stderr.contains("wpengine backup restore"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_added_to_several_accounts_and_removed_from_them() {
    let cli = Cli::with(Simulator::builder().fleet(3, 6, 12)).await;
    let line =
        "user add new@example.com --first-name New --last-name One --role full --all-accounts";
    let ran = cli.run(line).await.ends(5);
    assert!(ran.stderr.contains("--confirm"), "{ran:?}");
    let names: Vec<String> = cli
        .run("account list -o json")
        .await
        .json()
        .as_array()
        .expect("a list")
        .iter()
        .map(|account| account["name"].as_str().expect("a name").to_owned())
        .collect();
    let confirm: String = names
        .iter()
        .map(|name| format!(" --confirm {name}"))
        .collect();
    cli.run(&format!("{line}{confirm}")).await.ends(0);
    assert_eq!(side_effects(&cli, "create_account_user"), 3);
    // Again: everybody is there already.
    let ran = cli.run(&format!("{line}{confirm}")).await.ends(0);
    assert!(ran.stderr.contains("already"), "{ran:?}");
    assert_eq!(side_effects(&cli, "create_account_user"), 3);
    cli.run(&format!(
        "user remove new@example.com --accounts {},{} --confirm {} --confirm {}",
        names[0], names[1], names[0], names[1]
    ))
    .await
    .ends(0);
    assert_eq!(side_effects(&cli, "delete_account_user"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays() {
    let cli = Cli::new().await;
    for line in [
        "user remove joe.smith@torquemag.io --account joesaccount --yes",
        "user update joe.smith@torquemag.io --role full --account joesaccount --yes",
    ] {
        let ran = cli.run(line).await.ends(2);
        assert!(ran.stderr.contains("last owner"), "{ran:?}");
    }
    assert_eq!(cli.simulator.side_effects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_thing_that_was_waited_for() {
    let cli = Cli::fast().await;
    let ran = cli
        .run("backup create torquemag -m text --notify a@example.com --wait -o json")
        .await
        .ends(0);
    assert_eq!(ran.json()["status"], "completed");
    let ran = cli
        .run("install create newone --account joesaccount --yes --wait -o json")
        .await
        .ends(0);
    assert_eq!(ran.json()["status"], "active");
    let ran = cli
        .run("archive create latest -i torquemag --notify a@example.com --wait -o json")
        .await
        .ends(0);
    assert_eq!(ran.json()["state"], "completed");
    cli.run("archive download latest -i torquemag --to a.zip")
        .await
        .ends(0);
    assert!(
        std::fs::read(cli.path("a.zip"))
            .expect("a file")
            .starts_with(b"PK")
    );
    cli.run("archive download latest -i torquemag --to a.zip")
        .await
        .ends(2);
    cli.run("domain check torquemag.com -i torquemag --wait -o json")
        .await
        .ends(0)
        .json();
    cli.run("usage refresh -i torquemag --wait -o json")
        .await
        .ends(0)
        .json();
    cli.run("transfer create --site 'Torque Events' --to 'New Owner Inc' --confirm 'Torque Events' --wait -o json").await.ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_about_the_fleet_have_answers() {
    let cli = Cli::with(Simulator::builder().fleet(3, 20, 50).troubled()).await;
    // What there is must be known to know what it costs.
    cli.run("fleet sync --only accounts,sites,installs")
        .await
        .ends(0);
    let plan = cli.run("fleet sync --plan -o json").await.ends(0).json();
    let done = cli.run("fleet sync -o json").await.ends(0).json();
    assert_eq!(plan["requests"], done["requests"]);
    let rows = |ran: crate::harness::Ran| ran.json()["data"].as_array().map_or(0, Vec::len);
    assert_eq!(rows(cli.run("fleet overview --offline -o json").await), 3);
    assert_eq!(rows(cli.run("fleet versions --offline -o json").await), 50);
    assert_eq!(rows(cli.run("fleet backups --offline -o json").await), 50);
    assert!(rows(cli.run("fleet domains --offline -o json").await) > 50);
    assert!(rows(cli.run("fleet users --offline -o json").await) > 0);
    let ran = cli
        .run("fleet sql 'SELECT count(*) AS n FROM installs' -o json")
        .await
        .ends(0);
    assert_eq!(ran.json()[0]["n"], 50);
    let ran = cli.run("fleet sql 'DELETE FROM installs'").await.ends(2);
    assert!(!ran.stderr.is_empty());
    let ran = cli
        .run("fleet health --severity critical -o json")
        .await
        .ends(6);
    let document = ran.json();
    let findings = document["data"]["findings"].as_array().expect("findings");
    assert!(
        !findings.is_empty()
            && findings
                .iter()
                .all(|finding| finding["severity"] != "info" && finding["severity"] != "warning")
    );
    let html = cli.run("fleet report --to report.html").await;
    assert!(
        std::fs::read_to_string(cli.path("report.html"))
            .expect("a file")
            .contains("<html"),
        "{html:?}"
    );
    let text = cli.run("fleet report").await;
    assert!(text.stdout.starts_with('#'), "{text:?}");
    cli.run("fleet changes --since 1h -o json")
        .await
        .ends(0)
        .json();
    let found = cli
        .run("fleet search account1 -o json")
        .await
        .ends(0)
        .json();
    assert!(found.as_array().is_some_and(|found| !found.is_empty()));
}
