//! What the machine is like: several processes at once, folders that cannot be written, a Redis that is not there.

use std::{
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use wpengine_sim::{RateLimits, Simulator};

use crate::harness::{Cli, PROGRAM, run, words, write};

/// Eight processes at once, four hundred requests, and a simulator whose limits are as small as theirs: 100 in a second.
#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_keep_the_limits_together() {
    // The simulator counts by minutes and hours of its own clock, which runs sixty times faster.
    let builder = Simulator::builder()
        .clock(wpengine_sim::ClockMode::Accelerated(60.0))
        .rate_limits(RateLimits::none().by_address(100));
    let cli = Cli::with(builder).await;
    let worker = async |number: usize| {
        for _ in 0..50 {
            let ran = cli
                .run_with(
                    "whoami -o json",
                    |command| command.env("WPENGINE_RATE_LIMITS", "100/1s"),
                    "",
                )
                .await;
            assert_eq!(ran.code, 0, "{number}: {ran:?}");
        }
    };
    let began = Instant::now();
    join_all((0..8).map(worker)).await;
    let requests = cli.simulator.requests();
    assert_eq!(
        requests
            .iter()
            .filter(|request| request.status == 429)
            .count(),
        0
    );
    assert_eq!(requests.len(), 400);
    // 400 requests of 100 a second take three whole windows at least.
    assert!(
        began.elapsed() >= Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_enough_ends_the_program_without_a_word() {
    let cli = Cli::with(Simulator::builder().fleet(1, 400, 1_200)).await;
    for format in ["table", "jsonl", "json"] {
        let mut command = cli.command();
        command
            .args(words(&format!("install list -o {format} --quiet")))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
        let first = lines.next_line().await.expect("a line");
        assert!(first.is_some());
        drop(lines);
        let output = child.wait_with_output().await.expect("an output");
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_home_it_works_and_says_what_is_missing() {
    let cli = Cli::new().await;
    let without = |command: &mut tokio::process::Command| {
        for name in [
            "HOME",
            "WPENGINE_CONFIG_DIR",
            "WPENGINE_CACHE_DIR",
            "WPENGINE_STATE_DIR",
        ] {
            command.env_remove(name);
        }
        // Without it the home is read from the list of users.
        command.env("HOME", "");
    };
    let ran = cli
        .run_with(
            "install get torquemag -o json",
            |command| {
                without(command);
                command
            },
            "",
        )
        .await
        .ends(0);
    assert_eq!(ran.json()["name"], "torquemag");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_that_cannot_be_written_stop_nothing() {
    let cli = Cli::new().await;
    let locked = cli.path("locked");
    std::fs::create_dir(&locked).expect("a folder");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).expect("a mode");
    // For the superuser no folder is locked; a file in its place is.
    let blocked = cli.path("blocked");
    write(&blocked, "no folder");
    for folder in [&locked, &blocked] {
        let set = |command: &mut tokio::process::Command| {
            for name in [
                "WPENGINE_CONFIG_DIR",
                "WPENGINE_CACHE_DIR",
                "WPENGINE_STATE_DIR",
            ] {
                command.env(name, folder.join("below"));
            }
        };
        let ran = cli
            .run_with(
                "cache purge torquemag -o json",
                |command| {
                    set(command);
                    command
                },
                "",
            )
            .await
            .ends(0);
        assert_eq!(ran.json()["accepted"], true);
        if folder == &blocked {
            assert!(ran.stderr.contains("going on without it"), "{ran:?}");
            assert!(ran.stderr.contains("audit log"), "{ran:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_not_there_stops_nothing() {
    let cli = Cli::new().await;
    write(
        &cli.path("config/config.toml"),
        &format!(
            "default_profile = \"a\"\n[profiles.a]\nuser_id = \"{}\"\ncredentials = [\"printf\", \"{}\"]\nbase_url = \"{}\"\nredis = \"redis://127.0.0.1:9\"\nrate_limits = \"100/1s\"\n",
            cli.simulator.user(),
            cli.simulator.password(),
            cli.simulator.base_url(),
        ),
    );
    let began = Instant::now();
    let ran = cli
        .run_with(
            "whoami -o json",
            |command| {
                command
                    .env_remove("WPE_API_USER_ID")
                    .env_remove("WPE_API_PASSWORD")
                    .env_remove("WPE_API_BASE_URL")
            },
            "",
        )
        .await
        .ends(0);
    assert_eq!(ran.json()["first_name"], "Joe");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

/// A bus that accepts a connection and never says a word, as a keyring that waits for somebody at the screen.
#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_never_answers_is_given_up() {
    let cli = Cli::new().await;
    let socket = cli.path("bus");
    let listener = tokio::net::UnixListener::bind(&socket).expect("a socket");
    let hanging = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    write(
        &cli.path("config/config.toml"),
        &format!(
            "default_profile = \"a\"\n[profiles.a]\nuser_id = \"u\"\ncredentials = \"keyring\"\nbase_url = \"{}\"\n",
            cli.simulator.base_url()
        ),
    );
    let began = Instant::now();
    let bus = format!("unix:path={}", socket.display());
    let ran = cli
        .run_with(
            "whoami",
            |command| {
                command
                    .env("DBUS_SESSION_BUS_ADDRESS", &bus)
                    .env_remove("WPE_API_USER_ID")
                    .env_remove("WPE_API_PASSWORD")
            },
            "",
        )
        .await
        .ends(4);
    assert!(ran.stderr.contains("did not answer within 3 s"), "{ran:?}");
    assert!(ran.stderr.contains("--store file"), "{ran:?}");
    assert!(
        began.elapsed() < Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    hanging.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_follow_the_conventions() {
    let cli = Cli::new().await;
    let wrong = "install get nonsense";
    let coloured = |ran: &crate::harness::Ran| ran.stderr.contains('\x1b');
    assert!(!coloured(&cli.run(wrong).await), "not a terminal");
    assert!(coloured(&cli.run(&format!("{wrong} --color always")).await));
    assert!(coloured(
        &cli.run_with(wrong, |command| command.env("CLICOLOR_FORCE", "1"), "")
            .await
    ));
    assert!(!coloured(
        &cli.run_with(
            wrong,
            |command| command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"),
            ""
        )
        .await
    ));
    assert!(!coloured(
        &cli.run_with(
            &format!("{wrong} --color never"),
            |command| command.env("CLICOLOR_FORCE", "1"),
            ""
        )
        .await
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_and_the_help_need_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for line in [
        "--version",
        "--help",
        "help safety",
        "version",
        "commands -o json",
        "install --help",
        "help backup create",
    ] {
        let mut command = tokio::process::Command::new(PROGRAM);
        command
            .env_clear()
            .env("HOME", folder.path())
            .args(words(line));
        let ran = run(command, "").await.ends(0);
        assert!(
            !ran.stdout.is_empty() && ran.stderr.is_empty(),
            "{line}: {ran:?}"
        );
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0,
        "nothing was written"
    );
}
