//! The commands over the SSH gateway: deploy, logs, wp, ssh.

use std::{fs, io::Write as _, path::PathBuf};

use serde_json::Value;
use wpengine_sim::{ClockMode, Simulator};

use crate::harness::{Cli, Ran, leading_to, run, words, write};

/// The program with a simulator and a gateway.
struct Over {
    cli: Cli,
    gateway: wpengine_sim::Gateway,
}

impl Over {
    /// Nothing if a program is missing; then the test says that it was skipped.
    async fn start() -> Option<Self> {
        if let Some(why) = wpengine_sim::Gateway::missing() {
            assert!(std::env::var_os("WPENGINE_REQUIRE_SSH").is_none(), "{why}");
            let _ = writeln!(std::io::stderr(), "skipped: {why}");
            return None;
        }
        let cli = Cli::with(Simulator::builder().clock(ClockMode::Accelerated(2_000.0))).await;
        let gateway = crate::harness::gateway().await;
        write(&cli.path("theme/style.css"), "one");
        write(&cli.path("theme/functions.php"), "<?php\n");
        Some(Self { cli, gateway })
    }

    async fn run(&self, line: &str) -> Ran {
        self.run_with(line, &[], "").await
    }

    async fn run_with(&self, line: &str, variables: &[(&str, &str)], input: &str) -> Ran {
        let mut command = self.cli.command();
        command.args(words(line)).envs(leading_to(&self.gateway));
        for (name, value) in variables {
            command.env(name, value);
        }
        run(command, input).await
    }

    fn at(&self, path: &str) -> PathBuf {
        self.gateway.site("torquemag").join(path)
    }

    fn count(&self, operation: &str) -> u64 {
        self.cli
            .simulator
            .operation_counts()
            .get(operation)
            .map_or(0, |count| count.side_effects)
    }
}

const RUN: &str = "deploy run torquemag theme --to wp-content/themes/torque --check-after 0s";

#[tokio::test]
async fn a_deployment_is_planned_confirmed_done_logged_and_taken_back() {
    let Some(over) = Over::start().await else {
        return;
    };
    let plan = over
        .run("deploy plan torquemag theme --to ./wp-content//themes/torque/ -o json")
        .await
        .ends(0)
        .json();
    assert_eq!(plan["files"].as_array().map(Vec::len), Some(2), "{plan}");
    let refused = over.run(RUN).await.ends(5);
    assert!(
        refused.stderr.contains("--confirm torquemag"),
        "{refused:?}"
    );
    over.run(&format!("{RUN} --dry-run")).await.ends(0);
    over.run(&format!("{RUN} --read-only --confirm torquemag"))
        .await
        .ends(4);
    assert!(
        !over.at("wp-content/themes/torque").exists(),
        "nothing was done yet"
    );

    let done = over
        .run(&format!("{RUN} --confirm torquemag -m first -o json"))
        .await
        .ends(0)
        .json();
    assert_eq!(done["counts"]["created"], 2, "{done}");
    assert_eq!(
        fs::read_to_string(over.at("wp-content/themes/torque/style.css")).expect("a file"),
        "one"
    );
    assert_eq!(over.count("purge_cache"), 2);
    let again = over
        .run(&format!("{RUN} --confirm torquemag -o json"))
        .await
        .ends(0)
        .json();
    assert_eq!(again["release"], Value::Null);

    let log = over
        .run("deploy log torquemag -o json")
        .await
        .ends(0)
        .json();
    assert_eq!(log["log"][0]["note"], "first", "{log}");
    assert_eq!(log["log"][0]["kept"], true);
    over.run("deploy rollback torquemag").await.ends(5);
    over.run("deploy rollback torquemag --dry-run")
        .await
        .ends(0);
    over.run("deploy rollback torquemag --confirm torquemag")
        .await
        .ends(0);
    assert!(!over.at("wp-content/themes/torque").exists());
    over.run("deploy rollback torquemag --confirm torquemag")
        .await
        .ends(3);
    over.run("deploy resume torquemag").await.ends(0);
    over.run("deploy unlock torquemag --yes").await.ends(0);
    let audit = fs::read_to_string(over.cli.path("state/audit.jsonl")).expect("a log");
    assert_eq!(audit.matches("\"deploy run\"").count(), 1, "{audit}");
    assert_eq!(audit.matches("\"deploy rollback\"").count(), 1, "{audit}");
}

#[tokio::test]
async fn a_site_that_breaks_is_as_it_was_and_the_code_is_6() {
    let Some(over) = Over::start().await else {
        return;
    };
    over.run(&format!("{RUN} --confirm torquemag"))
        .await
        .ends(0);
    write(
        &over.cli.path("theme/functions.php"),
        "<?php\nno_such_function();\n",
    );
    write(&over.cli.path("theme/new.php"), "<?php\n");
    let failed = over
        .run(&format!("{RUN} --confirm torquemag -o json"))
        .await
        .ends(6);
    assert_eq!(failed.error()["error"]["kind"], "rolled_back");
    assert!(failed.stderr.contains("500"), "{failed:?}");
    assert_eq!(
        fs::read_to_string(over.at("wp-content/themes/torque/functions.php")).expect("a file"),
        "<?php\n"
    );
    assert!(!over.at("wp-content/themes/torque/new.php").exists());

    // A command of the user's own.
    write(&over.cli.path("theme/functions.php"), "<?php\n");
    let failed = over
        .run(&format!("{RUN} --confirm torquemag -- false"))
        .await
        .ends(6);
    assert!(failed.stderr.contains("false ended with"), "{failed:?}");
    assert!(!over.at("wp-content/themes/torque/new.php").exists());
    over.run(&format!("{RUN} --confirm torquemag -- true"))
        .await
        .ends(0);

    // A site that does not work before cannot be judged.
    fs::write(
        over.at("wp-content/themes/torque/broken.php"),
        "<?php no();",
    )
    .expect("a file");
    write(&over.cli.path("theme/style.css"), "two");
    let refused = over
        .run(&format!("{RUN} --confirm torquemag"))
        .await
        .ends(6);
    assert!(refused.stderr.contains("nothing was sent"), "{refused:?}");
    over.run(&format!("{RUN} --confirm torquemag --no-check"))
        .await
        .ends(0);
}

#[tokio::test]
async fn the_api_can_refuse_a_deployment_and_a_backup_comes_first() {
    let Some(over) = Over::start().await else {
        return;
    };
    let refused = over
        .run(&format!("{RUN} --confirm torquemag --backup-within 1h"))
        .await
        .ends(6);
    assert!(
        refused
            .stderr
            .contains("no backup of torquemag is recent enough"),
        "{refused:?}"
    );
    over.run(&format!(
        "{RUN} --confirm torquemag --backup --notify a@example.com"
    ))
    .await
    .ends(0);
    assert_eq!(over.count("create_backup"), 1);
    over.run(&format!("{RUN} --confirm torquemag --via git --branch -x"))
        .await
        .ends(2);
    over.run(&format!("{RUN} --confirm torquemag --branch x"))
        .await
        .ends(2);
    over.run("deploy run torquemag theme --to ../x --confirm torquemag")
        .await
        .ends(2);
    over.run("deploy run torquemag nothing --confirm torquemag")
        .await
        .ends(1);
    over.run("deploy run torquemag theme --to _wpeprivate --confirm torquemag")
        .await
        .ends(2);
}

#[tokio::test]
async fn a_host_key_is_refused_where_nobody_can_be_asked() {
    let Some(over) = Over::start().await else {
        return;
    };
    let line = "deploy log torquemag";
    let first = over
        .run_with(line, &[("WPENGINE_SSH_HOST_KEY", "")], "y\n")
        .await
        .ends(4);
    assert!(
        first
            .stderr
            .contains(&format!("--host-key {}", over.gateway.fingerprint())),
        "{first:?}"
    );
    assert!(
        first.stderr.contains("NOT the one that users report"),
        "{first:?}"
    );
    let other = over
        .run_with(line, &[("WPENGINE_SSH_HOST_KEY", "SHA256:abc")], "")
        .await
        .ends(4);
    assert!(
        other.stderr.contains("SHA256:abc") && other.stderr.contains(&over.gateway.fingerprint()),
        "{other:?}"
    );
    assert!(!over.gateway.log().contains("Accepted"));
    over.run(line).await.ends(0);
    // From now on it is silent.
    over.run_with(line, &[("WPENGINE_SSH_HOST_KEY", "")], "")
        .await
        .ends(0);
    over.gateway.refuse(true);
    let down = over.run(line).await.ends(10);
    assert!(down.stderr.contains("cannot be reached"), "{down:?}");
}

#[tokio::test]
async fn a_push_shows_its_stages_and_is_pushed_back_if_the_site_breaks() {
    let Some(over) = Over::start().await else {
        return;
    };
    let repository = over.cli.path("repository");
    let git = |line: &str| {
        let status = std::process::Command::new("git")
            .args([
                "-C",
                &repository.display().to_string(),
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
            ])
            .args(words(line))
            .output()
            .expect("git");
        assert!(status.status.success(), "{line}: {status:?}");
    };
    fs::create_dir(&repository).expect("a folder");
    git("init --quiet --initial-branch=main");
    write(
        &repository.join("wp-content/themes/pushed/functions.php"),
        "<?php\n",
    );
    git("add -A");
    git("commit --quiet -m one");
    let line = "deploy run torquemag repository --via git --confirm torquemag --check-after 0s";
    over.run(&format!("{line} --dry-run")).await.ends(0);
    let done = over.run(&format!("{line} -o json")).await.ends(0).json();
    assert!(
        done["stages"]
            .as_array()
            .is_some_and(|stages| stages.iter().any(|stage| stage
                .as_str()
                .is_some_and(|stage| stage.contains("Complete")))),
        "{done}"
    );
    assert!(over.at("wp-content/themes/pushed/functions.php").exists());
    write(
        &repository.join("wp-content/themes/pushed/functions.php"),
        "<?php\nno_such_function();\n",
    );
    git("commit --quiet -a -m two");
    let failed = over.run(line).await.ends(6);
    assert!(failed.stderr.contains("was pushed again"), "{failed:?}");
    assert_eq!(
        fs::read_to_string(over.at("wp-content/themes/pushed/functions.php")).expect("a file"),
        "<?php\n"
    );
    // What the service says is the reason.
    write(
        &repository.join("wp-content/themes/pushed/functions.php"),
        "<?php function (\n",
    );
    git("commit --quiet -a -m three");
    let refused = over.run(line).await.ends(6);
    assert!(refused.stderr.contains("PHP Syntax Error"), "{refused:?}");
    // What is refused before anything is sent.
    write(
        &repository.join("wp-content/mu-plugins/wpengine-common/x.php"),
        "<?php\n",
    );
    git("add -A");
    git("commit --quiet -m four");
    let refused = over.run(line).await.ends(2);
    assert!(
        refused
            .stderr
            .contains("wp-content/mu-plugins/wpengine-common/x.php belongs to the platform"),
        "{refused:?}"
    );
    let shallow = over.cli.path("shallow");
    let cloned = std::process::Command::new("git")
        .args(["clone", "--quiet", "--depth", "1"])
        .arg(format!("file://{}", repository.display()))
        .arg(&shallow)
        .status();
    assert!(cloned.expect("git").success());
    let refused = over
        .run("deploy run torquemag shallow --via git --confirm torquemag")
        .await
        .ends(2);
    assert!(
        refused.stderr.contains("git fetch --unshallow"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn wp_ends_as_wordpress_does() {
    let Some(over) = Over::start().await else {
        return;
    };
    let done = over.run("wp torquemag -- option get 'a  b'").await.ends(0);
    assert_eq!(done.stdout, "value of a  b\n");
    over.run("wp torquemag -- eval 'exit(3);'").await.ends(3);
    over.run("wp torquemag -- no-such-command").await.ends(1);
    let passed = over
        .run_with("wp torquemag -- eval-file -", &[], "from standard input\n")
        .await
        .ends(0);
    assert_eq!(passed.stdout, "from standard input\n");
    over.run("wp torquemag --read-only -- core version")
        .await
        .ends(4);
    let several = over.run("wp torquemag mysite -o json -- eval 'exit(getenv(\"INSTALL\") === \"mysite\" ? 2 : 0);'").await.ends(7).json();
    assert_eq!(
        (
            &several["results"][0]["code"],
            &several["results"][1]["code"]
        ),
        (&Value::from(0), &Value::from(2)),
        "{several}"
    );
    over.run("ssh torquemag -- sh -c 'exit 9'").await.ends(9);
    let shown = over.run("ssh torquemag -- ls wp-content").await.ends(0);
    assert!(shown.stdout.contains("debug.log"), "{shown:?}");
    let versions = over
        .run("fleet versions --plugins -o json")
        .await
        .ends(0)
        .json();
    assert_eq!(versions["data"][0]["wordpress"], "6.9.1");
    assert_eq!(versions["data"][0]["plugins"][0]["name"], "akismet");
    // The mirror keeps them.
    let kept = over.run("fleet versions -o json").await.ends(0).json();
    assert_eq!(kept["data"][0]["plugins"], versions["data"][0]["plugins"]);
    over.gateway.refuse(true);
    let never = over.run("wp torquemag -- core version").await.ends(255);
    assert!(never.stderr.contains("cannot be reached"), "{never:?}");
}

#[tokio::test]
async fn logs_are_filtered_and_followed() {
    let Some(over) = Over::start().await else {
        return;
    };
    let log = over.at("wp-content/debug.log");
    fs::write(
        &log,
        "[26-Nov-2026 06:00:01 UTC] PHP Notice:  one\n[26-Nov-2026 06:00:02 UTC] PHP Fatal error:  two\nStack trace:\n#0 {main}\n[26-Nov-2026 06:00:03 UTC] PHP Warning:  three\n",
    )
    .expect("a file");
    let lines = |ran: &Ran| ran.stdout.lines().count();
    assert_eq!(lines(&over.run("logs torquemag").await.ends(0)), 5);
    let bad = over
        .run("logs torquemag --level error -o json")
        .await
        .ends(0)
        .json();
    assert_eq!(bad.as_array().map(Vec::len), Some(1));
    assert!(
        bad[0]["raw"]
            .as_str()
            .is_some_and(|raw| raw.ends_with("#0 {main}")),
        "{bad}"
    );
    let last = over.run("logs torquemag --tail 1").await.ends(0);
    assert!(
        last.stdout.contains("three") && lines(&last) == 1,
        "{last:?}"
    );
    let found = over
        .run("logs torquemag mysite --grep 'two|Undefined' -o jsonl")
        .await
        .ends(0);
    assert_eq!(lines(&found), 2, "{found:?}");
    over.run("logs torquemag --level loud").await.ends(2);
    over.run("logs torquemag --status 999").await.ends(2);
    over.run("logs torquemag --grep '('").await.ends(2);
    over.run("logs torquemag --follow -o json").await.ends(2);
    let missing = over
        .run("logs torquemag --source logs/none.log")
        .await
        .ends(3);
    assert!(
        missing.stderr.contains("there is wp-content/debug.log"),
        "{missing:?}"
    );

    let following = || {
        let mut command = over.cli.command();
        command
            .args(words("logs torquemag --follow --tail 1 -o jsonl"))
            .env("WPENGINE_SSH_CONFIG", over.gateway.config_file())
            .env("WPENGINE_SSH_USER", over.gateway.user())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command
    };
    let mut child = following().spawn().expect("it starts");
    let stdout = child.stdout.take().expect("an output");
    let mut reader = tokio::io::BufReader::new(stdout);
    let mut line = String::new();
    let mut next = async || {
        use tokio::io::AsyncBufReadExt as _;

        line.clear();
        let read = tokio::time::timeout(
            std::time::Duration::from_secs(30),
            reader.read_line(&mut line),
        );
        read.await.expect("in time").expect("a line");
        serde_json::from_str::<Value>(&line).expect("JSON")["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(next().await, "three");
    let mut file = fs::File::options().append(true).open(&log).expect("a file");
    file.write_all(b"[26-Nov-2026 06:00:04 UTC] PHP Warning:  four\n")
        .expect("a file");
    assert_eq!(next().await, "four");
    over.gateway.cut();
    file.write_all(b"[26-Nov-2026 06:00:05 UTC] PHP Warning:  five\n")
        .expect("a file");
    assert_eq!(next().await, "five");
    // Many lines come in one piece.
    let many: String = (0..20_000)
        .map(|number| format!("[26-Nov-2026 06:00:06 UTC] {number}\n"))
        .collect();
    file.write_all(many.as_bytes()).expect("a file");
    for number in 0..20_000 {
        assert_eq!(next().await, number.to_string());
    }
    let id = child.id().expect("a process").to_string();
    std::process::Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill");
    let ended = child.wait().await.expect("an end");
    assert_eq!(ended.code(), Some(130));

    // Nobody reads any more.
    let mut child = following().spawn().expect("it starts");
    let mut reader = tokio::io::BufReader::new(child.stdout.take().expect("an output"));
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut reader, &mut line)
        .await
        .expect("a line");
    drop(reader);
    file.write_all(b"[26-Nov-2026 06:00:07 UTC] one\n[26-Nov-2026 06:00:08 UTC] two\n")
        .expect("a file");
    let ended = tokio::time::timeout(std::time::Duration::from_secs(30), child.wait());
    let ended = ended.await.expect("in time").expect("an end");
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test]
async fn no_secret_is_in_what_is_printed_logged_or_in_the_list_of_processes() {
    let Some(over) = Over::start().await else {
        return;
    };
    let key = fs::read_to_string(over.gateway.user_key()).expect("a key");
    let key_line = key.lines().nth(2).expect("a line of the key").to_owned();
    let secrets = [
        over.cli.simulator.password().to_owned(),
        key_line,
        "not-yours".to_owned(),
    ];
    // What processes are called while commands run.
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let watch = tokio::task::spawn_blocking({
        let seen = std::sync::Arc::clone(&seen);
        move || {
            while std::sync::Arc::strong_count(&seen) > 1 {
                let Ok(processes) = fs::read_dir("/proc") else {
                    return;
                };
                let lines: String = processes
                    .flatten()
                    .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
                    .map(|line| String::from_utf8_lossy(&line).replace('\0', " ") + "\n")
                    .filter(|line| {
                        line.contains("ssh")
                            || line.contains("rsync")
                            || line.contains("git")
                            || line.contains("wpengine-under")
                    })
                    .collect();
                seen.lock().expect("no panic").push_str(&lines);
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
        }
    });
    let mut said = String::new();
    for line in [
        &format!("{RUN} --confirm torquemag -v -o json"),
        "deploy plan torquemag theme -v",
        "deploy log torquemag -o json",
        "deploy rollback torquemag --confirm torquemag -v",
        "logs torquemag -v -o jsonl",
        "logs torquemag --sources -o json",
        "logs torquemag --source wp-config.php",
        "wp torquemag -v -- core version",
        "wp torquemag --identity /dev/null -- core version",
        "fleet versions --plugins -v -o json",
        "doctor -o json",
    ] {
        let ran = over.run(line).await;
        said.push_str(&format!("$ {line}\n{}{}\n", ran.stdout, ran.stderr));
    }
    // More than is sent at once goes by rsync.
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(5_000_000)
        .collect();
    fs::write(over.cli.path("theme/large.bin"), noise).expect("a file");
    let ran = over
        .run(&format!("{RUN} --confirm torquemag -v"))
        .await
        .ends(0);
    said.push_str(&format!("{}{}", ran.stdout, ran.stderr));
    let processes = {
        let lines = seen.lock().expect("no panic").clone();
        drop(seen);
        lines
    };
    watch.await.expect("no panic");
    assert!(
        processes.contains("rsync") && processes.contains("bash -s"),
        "they were seen: {processes}"
    );
    let mut written = String::new();
    let mut folders = vec![over.cli.path("state"), over.cli.path("cache")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => written.push_str(&String::from_utf8_lossy(
                    &fs::read(entry.path()).unwrap_or_default(),
                )),
            }
        }
    }
    assert!(written.contains("deploy run"), "the audit log is there");
    for secret in secrets {
        for (place, text) in [
            ("output", &said),
            ("a file", &written),
            ("the list of processes", &processes),
        ] {
            assert!(!text.contains(&secret), "{secret} in {place}");
        }
    }
}

/// What rsync says with a code is kept, and what it means is said. The codes come from a program that stands for rsync.
#[tokio::test]
async fn every_failure_of_rsync_says_what_it_means() {
    let Some(over) = Over::start().await else {
        return;
    };
    let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(5_000_000)
        .collect();
    fs::write(over.cli.path("theme/large.bin"), noise).expect("a file");
    let bin = over.cli.path("fake");
    fs::create_dir(&bin).expect("a folder");
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut shown = String::new();
    for (code, said) in [
        (
            11,
            "rsync: write failed on \"large.bin\": No space left on device (28)",
        ),
        (
            12,
            "rsync error: error in rsync protocol data stream (code 12) at io.c(232)",
        ),
        (
            23,
            "rsync: [sender] send_files failed to open \"large.bin\": Permission denied (13)",
        ),
        (24, "file has vanished: \"large.bin\""),
        (30, "rsync error: timeout in data send/receive (code 30)"),
        (1, "rsync: --protect-args: unknown option"),
    ] {
        let fake = bin.join("rsync");
        fs::write(
            &fake,
            format!("#!/bin/sh\necho '{said}' >&2\nexit {code}\n"),
        )
        .expect("a file");
        fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("a mode");
        let ran = over
            .run_with(
                &format!("{RUN} --confirm torquemag"),
                &[("PATH", &path)],
                "",
            )
            .await;
        shown.push_str(&format!(
            "rsync ends with {code}; wpengine with {}\n{}\n",
            ran.code, ran.stderr
        ));
        assert!(!over.at("wp-content/themes/torque").exists());
    }
    // A container that goes away each time.
    fs::remove_file(over.cli.path("theme/large.bin")).expect("a file");
    over.gateway
        .run_before_scripts(Some(
            "set -T; trap 'case $BASH_COMMAND in save*) kill -9 0 ;; esac' DEBUG",
        ))
        .expect("a file");
    let ran = over.run(&format!("{RUN} --confirm torquemag")).await;
    over.gateway.run_before_scripts(None).expect("a file");
    shown.push_str(&format!(
        "the container goes away; wpengine ends with {}\n{}\n",
        ran.code, ran.stderr
    ));
    assert!(!over.at("wp-content/themes/torque").exists());
    // What belongs to the platform, and cannot be written.
    let plugin = "wp-content/mu-plugins/theirs.php";
    over.gateway
        .platform_file("torquemag", plugin, "<?php // theirs\n")
        .expect("a file");
    over.gateway.own("torquemag").expect("an owner");
    write(&over.cli.path("root").join(plugin), "<?php // ours\n");
    let ran = over
        .run("deploy run torquemag root --confirm torquemag --check-after 0s")
        .await;
    shown.push_str(&format!(
        "a mu-plugin that cannot be written; wpengine ends with {}\n{}\n",
        ran.code, ran.stderr
    ));
    over.gateway.refuse(true);
    let ran = over.run("deploy plan torquemag theme").await;
    shown.push_str(&format!(
        "no gateway; wpengine ends with {}\n{}\n",
        ran.code, ran.stderr
    ));
    let shown: Vec<&str> = shown
        .lines()
        .filter(|line| !line.contains("127.0.0.1") && !line.contains("kex_exchange"))
        .collect();
    insta::assert_snapshot!("failures", shown.join("\n"));
}
