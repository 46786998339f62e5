//! What the program has for other programs: the simulator, completion, manual pages, the list of commands.

use std::{collections::BTreeSet, process::Stdio};

use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::harness::{Cli, PROGRAM, run, words, write};

fn alone(folder: &std::path::Path) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(PROGRAM);
    command
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .current_dir(folder)
        .kill_on_drop(true);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn any_script_runs_against_a_simulator() {
    let folder = tempfile::tempdir().expect("a folder");
    let sim = async |line: &[&str]| {
        let mut command = alone(folder.path());
        command.args(line);
        run(command, "from the input\n").await
    };
    let ran = sim(&[
        "sim", "run", "--", "wpengine", "install", "list", "-o", "name",
    ])
    .await
    .ends(0);
    assert_eq!(
        ran.stdout,
        "torquemag\ntorqueevents\ntorqueeventstg\nmysite\nmysitestg\n"
    );
    assert_eq!(ran.stderr, "simulator: nothing was changed\n");
    let ran = sim(&[
        "sim",
        "run",
        "--",
        "sh",
        "-c",
        "wpengine cache purge torquemag -o json > /dev/null; cat; exit 42",
    ])
    .await
    .ends(42);
    assert_eq!(ran.stdout, "from the input\n");
    assert!(ran.stderr.contains("changed by 1 purge_cache"), "{ran:?}");
    let ran = sim(&[
        "sim",
        "run",
        "--accounts",
        "2",
        "--sites",
        "5",
        "--installs",
        "9",
        "--",
        "wpengine",
        "install",
        "list",
        "-o",
        "name",
    ])
    .await
    .ends(0);
    assert_eq!(ran.stdout.lines().count(), 9);
    sim(&["sim", "run", "--", "no-such-program"]).await.ends(2);
    let ran = sim(&["sim", "run", "--", "install", "list"]).await.ends(2);
    let hint = "wpengine sim run -- wpengine install list";
    assert!(ran.stderr.contains(hint), "{ran:?}");
    sim(&["sim", "run", "--", "sh", "-c", "kill -9 $$"])
        .await
        .ends(137);
    // Nothing of the user is used or changed.
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulator_runs_until_it_is_stopped_and_keeps_its_state() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = alone(folder.path());
    command
        .args(["sim", "start", "-o", "json", "--state", "state.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
    let line = lines.next_line().await.expect("a line").expect("a line");
    let started: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let text = |name: &str| started[name].as_str().expect("a text").to_owned();
    let mut command = alone(folder.path());
    command
        .args(words("site rename 'Torque Magazine' Renamed"))
        .envs([
            ("WPE_API_BASE_URL", text("base_url")),
            ("WPE_API_USER_ID", text("user")),
            ("WPE_API_PASSWORD", text("password")),
        ]);
    run(command, "").await.ends(0);
    let id = child.id().expect("a process").to_string();
    std::process::Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    let output = child.wait_with_output().await.expect("an output");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        std::fs::read_to_string(folder.path().join("state.json"))
            .expect("a state")
            .contains("Renamed")
    );
}

/// What the shell would be offered.
async fn offered(cli: &Cli, line: &str) -> Vec<String> {
    let mut command = cli.command();
    let given = words(line);
    command.env("COMPLETE", "fish").arg("--").args(&given);
    if line.ends_with(' ') {
        command.arg("");
    }
    let ran = run(command, "").await.ends(0);
    ran.stdout.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_comes_from_the_mirror_and_sends_nothing() {
    let cli = Cli::new().await;
    assert_eq!(
        offered(&cli, "wpengine install get tor").await,
        Vec::<String>::new(),
        "no mirror, no names"
    );
    cli.run("fleet sync").await.ends(0);
    cli.simulator.clear_requests();
    let names = offered(&cli, "wpengine install get tor").await;
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names[0].starts_with("torqueevents\tTorque Events · production · joesaccount"),
        "{names:?}"
    );
    assert_eq!(
        offered(&cli, "wpengine account get jo").await,
        ["joesaccount"]
    );
    assert!(
        offered(&cli, "wpengine domain get torquemag.c")
            .await
            .iter()
            .any(|line| line.starts_with("torquemag.com"))
    );
    assert_eq!(
        offered(&cli, "wpengine install list --columns name,ph").await,
        ["name,php"]
    );
    assert!(offered(&cli, "wpengine install ").await.len() > 10);
    assert!(
        offered(&cli, "wpengine user list --account jo")
            .await
            .contains(&"joesaccount".to_owned())
    );
    assert_eq!(cli.simulator.requests().len(), 0);
    for shell in ["bash", "zsh", "fish"] {
        let script = cli.run(&format!("completion {shell}")).await.ends(0).stdout;
        assert!(
            script.contains("COMPLETE") && script.contains("wpengine"),
            "{script}"
        );
    }
}

/// bash itself completes a name, with the script as a user loads it.
#[tokio::test(flavor = "multi_thread")]
async fn bash_completes_a_name() {
    let cli = Cli::new().await;
    cli.run("fleet sync").await.ends(0);
    let bin = cli.path("bin");
    std::fs::create_dir(&bin).expect("a folder");
    std::os::unix::fs::symlink(PROGRAM, bin.join("wpengine")).expect("a link");
    write(
        &cli.path("try.sh"),
        "source <(wpengine completion bash)\n\
         COMP_WORDS=(wpengine install get torquem); COMP_CWORD=3; COMP_TYPE=9\n\
         _clap_complete_wpengine wpengine torquem get 2>/dev/null\n\
         printf '%s\\n' \"${COMPREPLY[@]}\"\n",
    );
    let mut command = tokio::process::Command::new("bash");
    command
        .env_clear()
        .envs(cli.environment())
        .arg(cli.path("try.sh"));
    command.env(
        "PATH",
        format!(
            "{}:{}",
            bin.display(),
            std::env::var("PATH").unwrap_or_default()
        ),
    );
    let ran = run(command, "").await.ends(0);
    assert_eq!(ran.stdout.trim(), "torquemag", "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_command_has_a_manual_page_help_and_an_example_that_parses() {
    let cli = Cli::new().await;
    cli.run("man --dir pages").await.ends(0);
    let pages: BTreeSet<String> = std::fs::read_dir(cli.path("pages"))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    let commands = cli.run("commands -o json").await.ends(0).json();
    let mut help = String::new();
    for command in commands.as_array().expect("a list") {
        let name = command["command"].as_str().expect("a name");
        let page = format!("wpengine-{}.1", name.replace(' ', "-"));
        assert!(pages.contains(&page), "{page} is not in {pages:?}");
        let examples = command["examples"].as_array().expect("a list");
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples {
            let example = example.as_str().expect("a text");
            assert!(
                example.contains(&format!("wpengine {name}")),
                "{example} is not of {name}"
            );
        }
        help.push_str(&format!(
            "wpengine {name}\n    {}\n    columns: {}\n",
            command["about"].as_str().unwrap_or(""),
            command["columns"]
        ));
        let shown = cli.run(&format!("help {name}")).await.ends(0);
        assert!(shown.stdout.contains("Usage:"), "{name}");
    }
    insta::assert_snapshot!("commands", help);
    for topic in [
        "environment",
        "exit-codes",
        "names",
        "output",
        "rate-limits",
        "safety",
    ] {
        let ran = cli.run(&format!("help {topic}")).await.ends(0);
        insta::assert_snapshot!(format!("help_{topic}"), ran.stdout);
    }
    cli.run("help nonsense").await.ends(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_request_goes_through_the_same_gate() {
    let cli = Cli::new().await;
    assert_eq!(
        cli.run("api /user --jq .first_name").await.ends(0).stdout,
        "Joe\n"
    );
    let ran = cli.run("api GET /installs --jq length").await.ends(0);
    assert_eq!(ran.stdout, "5\n");
    let ran = cli.run("api GET '/installs?limit=2'").await.ends(0);
    assert_eq!(ran.json()["results"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        cli.run("api GET /installs -F account_id={account:joesaccount} --jq length")
            .await
            .ends(0)
            .stdout,
        "5\n"
    );
    let ran = cli.run("api GET /status -i").await.ends(0);
    assert!(ran.stdout.starts_with("HTTP 200"), "{ran:?}");
    cli.run("api POST /installs/{install:torquemag}/purge_cache -F type=page")
        .await
        .ends(0);
    let before = cli.simulator.side_effects();
    for line in [
        "api DELETE /installs/{install:torqueeventstg}",
        "api POST /somewhere/else",
        "api DELETE /installs/{install:torqueeventstg} --yes",
    ] {
        cli.run(line).await.ends(5);
    }
    // Production makes a moderate change severe here as well.
    cli.run("api PATCH /installs/{install:torquemag} -F environment=staging --yes")
        .await
        .ends(5);
    cli.run("api GET C:/Program/installs").await.ends(2);
    let ran = cli
        .run("api DELETE /installs/{install:torqueeventstg} --dry-run")
        .await
        .ends(0);
    assert!(ran.stdout.contains("delete_install"), "{ran:?}");
    assert_eq!(cli.simulator.side_effects(), before);
    cli.run("api DELETE /installs/{install:torqueeventstg} --confirm torqueeventstg")
        .await
        .ends(0);
}
