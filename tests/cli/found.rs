//! What readers found by trying to break the program: each failed before.

use std::{ffi::OsString, os::unix::ffi::OsStringExt as _, process::Stdio, time::Duration};

use wpengine_sim::{Fault, FaultKind, Simulator};

use crate::harness::{Cli, Ran, run, words, write};

fn side_effects(cli: &Cli, operation: &str) -> u64 {
    cli.simulator
        .operation_counts()
        .get(operation)
        .map_or(0, |count| count.side_effects)
}

fn configured(cli: &Cli, more: &str) {
    write(
        &cli.path("config/config.toml"),
        &format!(
            "default_profile = \"a\"\n[profiles.a]\nuser_id = \"{}\"\ncredentials = [\"printf\", \"{}\"]\nbase_url = \"{}\"\n{more}\n",
            cli.simulator.user(),
            cli.simulator.password(),
            cli.simulator.base_url(),
        ),
    );
}

async fn by_profile(cli: &Cli, line: &str) -> Ran {
    cli.run_with(
        line,
        |command| {
            command
                .env_remove("WPE_API_USER_ID")
                .env_remove("WPE_API_PASSWORD")
                .env_remove("WPE_API_BASE_URL")
        },
        "",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_means_another_one_is_not_sent() {
    let cli = Cli::new().await;
    let id = "294deacc-d8b8-4005-82c4-0727ba8ddde0";
    for path in [
        format!("/sites/x\\..\\..\\installs\\{id}"),
        format!("/site_reports/schedules/x\\..\\..\\..\\installs\\{id}"),
        format!("/./installs/{id}"),
        format!("/sites/%2e%2e/installs/{id}"),
    ] {
        cli.run(&format!("api DELETE '{path}' --yes")).await.ends(2);
    }
    assert_eq!(cli.simulator.side_effects(), 0);
    // A primary domain, and several at once, are severe here as well.
    let domain = "db01602b-100b-4ed7-a903-8a921825f10d";
    let staging = "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98";
    cli.run(&format!(
        "api DELETE /installs/{staging}/domains/{domain} --yes"
    ))
    .await
    .ends(5);
    write(
        &cli.path("bulk.json"),
        r#"{"domains":[{"name":"a.example.com"},{"name":"b.example.com"}]}"#,
    );
    cli.run(&format!(
        "api POST /installs/{staging}/domains/bulk --input bulk.json --yes"
    ))
    .await
    .ends(5);
    assert_eq!(cli.simulator.side_effects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_the_output_are_checked_before_a_change_is_sent() {
    let cli = Cli::new().await;
    for option in ["--jq '.['", "--columns nonsense", "--sort nonsense"] {
        cli.run(&format!(
            "install create newone --account joesaccount --yes {option}"
        ))
        .await
        .ends(2);
        cli.run(&format!("cache purge torquemag {option}"))
            .await
            .ends(2);
    }
    assert_eq!(cli.simulator.side_effects(), 0);
    // A filter that fails on the answer does not hide that the change was made.
    let ran = cli
        .run("backup create torquemag -m text --notify a@example.com --jq '.id + 1'")
        .await
        .ends(1);
    assert!(
        ran.stderr.contains("The change itself was made") && ran.stderr.contains("requested"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn protection_covers_what_holds_the_environment() {
    let cli = Cli::new().await;
    configured(
        &cli,
        "protect = [\"production\"]\naccount = \"joesaccount\"",
    );
    for line in [
        "site delete 'Torque Events' --confirm 'Torque Events'",
        "transfer create --site 'Torque Events' --to 'New Owner Inc' --confirm 'Torque Events'",
        "api DELETE '/sites/{site:Torque Events}' --confirm 'Torque Events'",
        "install create newone --environment production --site 'Torque Magazine' --confirm newone",
        "install update torqueeventstg --environment production --confirm torqueeventstg",
        "install delete torquemag --confirm torquemag",
    ] {
        let ran = by_profile(&cli, line).await.ends(5);
        assert!(ran.stderr.contains("protects"), "{line}: {ran:?}");
    }
    assert_eq!(cli.simulator.side_effects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_about_a_step_waits_for_the_confirmation() {
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
    let promote = "install promote --from torqueeventstg --to torqueevents --notify a@example.com --confirm torqueevents -o json";
    let failed = cli.run(promote).await.ends(9).error();
    cli.simulator.faults().clear();
    let next: Vec<&str> = failed["error"]["next"]
        .as_array()
        .expect("commands")
        .iter()
        .filter_map(|next| next.as_str())
        .collect();
    let repeat = next
        .iter()
        .find(|next| next.contains("--repeat"))
        .expect("a command")
        .trim_start_matches("wpengine ");
    cli.run(repeat).await.ends(5);
    cli.run(&format!("{repeat} --confirm something"))
        .await
        .ends(5);
    cli.run(&format!("{repeat} --confirm torqueevents --read-only"))
        .await
        .ends(4);
    // Nobody has decided yet, so going on does not copy again.
    let plan = repeat.split(' ').nth(2).expect("an id");
    cli.run(&format!("plan resume {plan} --confirm torqueevents"))
        .await
        .ends(9);
    assert_eq!(side_effects(&cli, "copy_install"), 1);
    cli.run("plan show nonsense").await.ends(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_for_people_is_resumed_with_the_names_of_its_accounts() {
    let cli = Cli::with(Simulator::builder().fleet(2, 4, 8)).await;
    let add = "user add new@example.com --first-name New --last-name One --role full --all-accounts --confirm account1 --confirm account2 -o json";
    cli.simulator
        .faults()
        .add(
            Fault::new(FaultKind::Reset)
                .on("create_account_user")
                .after()
                .times(1),
        )
        .expect("a fault");
    let ran = cli.run(add).await.ends(9);
    let next = ran.error()["error"]["next"][0]
        .as_str()
        .expect("a command")
        .trim_start_matches("wpengine ")
        .to_owned();
    cli.run(&format!("{next} --yes")).await.ends(5);
    let wrong = cli.run(&next).await.ends(5);
    assert!(wrong.stderr.contains("--confirm account1"), "{wrong:?}");
    cli.run(&format!("{next} --confirm account1 --confirm account2"))
        .await;
    assert_eq!(side_effects(&cli, "create_account_user"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_not_there_is_not_removed_in_silence() {
    let cli = Cli::with(Simulator::builder().fleet(2, 4, 8)).await;
    cli.run("user remove 28c78b6d-c2da-4f09-85f5-1ad588089b2d --all-accounts")
        .await
        .ends(2);
    let ran = cli
        .run("user remove nobody@example.com --all-accounts")
        .await
        .ends(3);
    assert!(
        ran.stderr.contains("nobody@example.com is not in"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_moved_does_not_lead_to_its_old_install() {
    let cli = Cli::new().await;
    cli.run("fleet sync --only accounts,sites,installs,domains")
        .await
        .ends(0);
    cli.run("cache purge redirect.com -o json").await.ends(0);
    // It goes to another install; the mirror does not know.
    let other = Cli {
        simulator: cli.simulator,
        folder: tempfile::tempdir().expect("a folder"),
    };
    other
        .run("domain remove redirect.com -i torquemag --confirm redirect.com")
        .await
        .ends(0);
    let cli = Cli {
        simulator: other.simulator,
        folder: cli.folder,
    };
    let before = cli.simulator.side_effects();
    let ran = cli.run("cache purge redirect.com").await.ends(3);
    assert!(ran.stderr.contains("no such domain"), "{ran:?}");
    // An install is not deleted by a domain, wherever the domain comes from.
    cli.run_with(
        "install delete - --confirm torquemag",
        |command| command,
        "torquemag.com\n",
    )
    .await
    .ends(2);
    assert_eq!(cli.simulator.side_effects(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_name_is_none_and_a_name_twice_is_one() {
    let cli = Cli::new().await;
    for line in [
        "ssh-key remove '' --yes",
        "site delete '' --confirm ''",
        "domain remove '' -i torquemag --yes",
        "site-report schedule delete '' --site 'Torque Magazine' --yes",
    ] {
        cli.run(line).await.ends(2);
    }
    assert_eq!(cli.simulator.side_effects(), 0);
    cli.run("ssh-key remove joe@gmail.com joe@gmail.com --yes -o json")
        .await
        .ends(0);
    cli.run("site delete 'Torque Events' 'Torque Events' --confirm 'Torque Events' -o json")
        .await
        .ends(0);
    assert_eq!(
        (
            side_effects(&cli, "delete_ssh_key"),
            side_effects(&cli, "delete_site")
        ),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_was_done_the_code_says_why() {
    let cli = Cli::new().await;
    cli.run("cache purge torquemag mysite --read-only")
        .await
        .ends(4);
    cli.run("install promote --from torqueevents --to torqueevents --notify a@example.com")
        .await
        .ends(2);
    cli.run("install stage --from torquemag --name Bad_Name --notify a@example.com --yes")
        .await
        .ends(2);
    cli.run("install promote --from torqueevents --to torqueeventstg --notify a@example.com --confirm torqueeventstg --read-only").await.ends(4);
    cli.run("install guard torquemag --notify a@example.com -- ./missing")
        .await
        .ends(2);
    cli.run("archive download nonsense -i torquemag")
        .await
        .ends(3);
    cli.run("archive wait nonsense -i torquemag").await.ends(3);
    assert_eq!(cli.run("plan list -o json").await.ends(0).stdout, "[]\n");
    assert_eq!(cli.simulator.side_effects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_domains_are_told_one_by_one() {
    let cli = Cli::new().await;
    let names: Vec<String> = (0..25)
        .map(|number| format!("d{number}.example.com"))
        .collect();
    let line = format!(
        "domain add {} -i torqueeventstg --confirm 25 -o json",
        names.join(" ")
    );
    cli.simulator
        .faults()
        .add(
            Fault::new(FaultKind::Reset)
                .on("create_bulk_domains")
                .skip(1)
                .after()
                .always(),
        )
        .expect("a fault");
    let document = cli.run(&line).await.ends(9).json();
    assert_eq!(
        (document["done"].as_u64(), document["failed"].as_u64()),
        (Some(20), Some(5))
    );
    cli.simulator.faults().clear();
    let ran = cli.run("domain add x.example.com y.example.com -i mysitestg --confirm x.example.com --confirm y.example.com").await;
    assert_ne!(ran.stdout, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_are_no_text_are_a_mistake() {
    let cli = Cli::new().await;
    let mut command = cli.command();
    command
        .args(["install", "get"])
        .arg(OsString::from_vec(b"caf\xe9".to_vec()));
    run(command, "").await.ends(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_not_shown_by_the_way() {
    let cli = Cli::new().await;
    let ran = cli
        .run("api /installs/{install:torquemag}/archives")
        .await
        .ends(0);
    assert!(!ran.stdout.contains("/downloads/"), "{ran:?}");
    let domain = "/installs/{install:torquemag}/domains/e41fa98f-ea80-4006-b229-a9b765d0863a/ssl_certificate";
    cli.run("certificate get torquemag.com -i torquemag --save-key key.pem")
        .await
        .ends(0);
    let key = std::fs::read_to_string(cli.path("key.pem")).expect("a key");
    assert!(
        !cli.run(&format!("api {domain}"))
            .await
            .ends(0)
            .stdout
            .contains(&key)
    );
    assert!(
        cli.run(&format!("api {domain} --show-secrets"))
            .await
            .ends(0)
            .stdout
            .contains(&key)
    );
    // The command that is shown again to be confirmed has no values.
    for flag in [
        "-f private_key=CANARY",
        "--raw-field=private_key=CANARY",
        "-F a=CANARY",
        "-H 'X-Key: CANARY'",
    ] {
        for format in ["table", "json"] {
            let ran = cli
                .run(&format!("api POST /somewhere {flag} -o {format}"))
                .await
                .ends(5);
            assert!(!ran.stderr.contains("CANARY"), "{ran:?}");
        }
    }
    write(&cli.path("list.json"), "[\"CANARY\"]");
    let ran = cli
        .run("api POST /somewhere --input list.json --dry-run")
        .await
        .ends(0);
    assert!(!ran.stdout.contains("CANARY"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_would_be_dropped_are_refused() {
    let cli = Cli::new().await;
    for wrong in [
        r#"{"bucket_name":"x"}"#,
        "{}",
        "[]",
        r#"{"bucket":"x","path_settings":[{"paths":"/a"}]}"#,
    ] {
        write(&cli.path("settings.json"), wrong);
        cli.run("offload replace torqueeventstg --input settings.json --yes")
            .await
            .ends(2);
    }
    assert_eq!(cli.simulator.side_effects(), 0);
    let ran = cli.run("offload get torquemag -o json").await.ends(0);
    write(&cli.path("settings.json"), &ran.stdout);
    cli.run("offload replace torqueeventstg --input settings.json --yes")
        .await
        .ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_says_what_was_done_and_what_nobody_knows() {
    let cli = Cli::new().await;
    // The gateway fails, so the deletion is repeated after a while; Ctrl-C comes in between.
    cli.simulator
        .faults()
        .add(
            Fault::new(FaultKind::HtmlBadGateway)
                .on("purge_cache")
                .after()
                .always(),
        )
        .expect("a fault");
    let mut command = cli.command();
    command
        .args(words("cache purge torquemag"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().expect("it starts");
    while side_effects(&cli, "purge_cache") == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // Until the response has arrived: the audit log has it.
    while !std::fs::read_to_string(cli.path("state/audit.jsonl"))
        .is_ok_and(|log| log.contains("502"))
    {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    std::process::Command::new("kill")
        .args(["-INT", &child.id().expect("a process").to_string()])
        .status()
        .expect("kill");
    let output = child.wait_with_output().await.expect("an output");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{text}");
    assert!(
        text.contains("may have been done") && text.contains("purge_cache"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_in_documents_are_sorted_and_cut_and_offline_is_offline() {
    let cli = Cli::with(Simulator::builder().fleet(2, 10, 20)).await;
    cli.run("fleet sync --only accounts,sites,installs")
        .await
        .ends(0);
    let names =
        |ran: Ran| -> Vec<String> { ran.ends(0).stdout.lines().map(str::to_owned).collect() };
    let up = names(
        cli.run("fleet versions --offline --sort install -o name")
            .await,
    );
    let mut down = names(
        cli.run("fleet versions --offline --sort -install -o name")
            .await,
    );
    down.reverse();
    assert_eq!(up, down);
    assert_eq!(
        names(cli.run("fleet versions --offline --limit 3 -o jsonl").await).len(),
        3
    );
    assert_eq!(
        cli.run("fleet versions --offline --limit 3 --jq '.data | length'")
            .await
            .ends(0)
            .stdout,
        "3\n"
    );
    cli.run("fleet versions --sort nonsense").await.ends(2);
    cli.simulator.clear_requests();
    for line in [
        "fleet health --offline --exit-zero",
        "fleet versions --offline",
        "fleet overview --offline",
        "fleet certificates --offline",
    ] {
        cli.run(line).await;
    }
    assert_eq!(cli.simulator.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_and_unknown_tables_can_be_read_by_programs() {
    let cli = Cli::new().await;
    let ran = cli
        .run("usage account joesaccount -o csv --sort -visits")
        .await
        .ends(0);
    let mut lines = ran.stdout.lines();
    assert_eq!(
        lines.next(),
        Some("install,visits,billable,bandwidth_bytes,storage_bytes")
    );
    let first: Vec<&str> = lines.next().expect("a row").split(',').collect();
    assert!(
        first[1..4].iter().all(|cell| cell.parse::<u64>().is_ok()),
        "{first:?}"
    );
    let ran = cli.run("whoami -o csv").await.ends(0);
    assert!(
        ran.stdout.starts_with("id,first_name,last_name,email"),
        "{ran:?}"
    );
    let ran = cli
        .run("api /installs -o csv --columns name,status")
        .await
        .ends(0);
    assert!(
        ran.stdout.starts_with("name,status\ntorquemag,active\n"),
        "{ran:?}"
    );
    let ran = cli
        .run("usage install torquemag --last 2d -o csv")
        .await
        .ends(0);
    assert!(
        ran.stdout
            .lines()
            .nth(1)
            .is_some_and(|line| line.starts_with("torquemag,")),
        "{ran:?}"
    );
    cli.run("fleet sync --only installs").await.ends(0);
    let ran = cli
        .run("fleet sql 'SELECT name, name FROM installs ORDER BY 1' -o csv --limit 1")
        .await
        .ends(0);
    assert_eq!(ran.stdout, "name,name_2\nmysite,mysite\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_mean_nothing_are_refused_and_none_locks_the_door() {
    let cli = Cli::new().await;
    for wrong in [
        "protect prod",
        "output yaml",
        "credentials nowhere",
        "rate_limits fast",
        "read_only yes",
    ] {
        cli.run(&format!("config set {wrong}")).await.ends(2);
    }
    cli.run("config set protect '[\"production\", \"staging\"]'")
        .await
        .ends(0);
    assert_eq!(
        cli.run("config get protect --jq .value")
            .await
            .ends(0)
            .stdout,
        "[\"production\",\"staging\"]\n"
    );
    cli.run("config set redis redis://user:CANARY@host:6379")
        .await
        .ends(0);
    assert!(
        !cli.run("config list -o json")
            .await
            .ends(0)
            .stdout
            .contains("CANARY")
    );
    // By hand.
    write(
        &cli.path("config/config.toml"),
        "default_profile = \"a\"\n[profiles.a]\noutput = \"yaml\" # mine\n",
    );
    let by_default = async |line: &str| {
        cli.run_with(
            line,
            |command| {
                command
                    .env_remove("WPE_API_USER_ID")
                    .env_remove("WPE_API_PASSWORD")
            },
            "",
        )
        .await
    };
    by_default("whoami").await.ends(2);
    by_default("config set output json").await.ends(0);
    let text = std::fs::read_to_string(cli.path("config/config.toml")).expect("a file");
    assert!(text.contains("output = \"json\" # mine"), "{text}");
    for odd in ["profiles = []\n", "[profiles]\ndefault = \"x\"\n"] {
        write(&cli.path("config/config.toml"), odd);
        by_default("config set account x").await.ends(2);
    }
    write(&cli.path("config/config.toml"), "broken = \n");
    for line in [
        "version",
        "help safety",
        "commands -o json",
        "completion bash",
    ] {
        by_default(line).await.ends(0);
    }
    cli.run_with(
        "install list -o name",
        |command| {
            command
                .env("WPENGINE_OUTPUT", "")
                .env("WPENGINE_CONFIG_DIR", "/nonexistent")
        },
        "",
    )
    .await
    .ends(0);
    cli.run_with(
        "install list --json",
        |command| {
            command
                .env("WPENGINE_OUTPUT", "table")
                .env("WPENGINE_CONFIG_DIR", "/nonexistent")
        },
        "",
    )
    .await
    .ends(0)
    .json();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_has_the_form_that_was_asked_for() {
    let cli = Cli::new().await;
    cli.run("fleet sync").await.ends(0);
    let begins = async |line: &str, wanted: &str| {
        let ran = cli.run(&format!("fleet report {line}")).await;
        let text = match std::fs::read_to_string(cli.path("out")) {
            Ok(text) => text,
            Err(_) => ran.stdout.clone(),
        };
        assert!(text.starts_with(wanted), "{line}: {text}");
        let _ = std::fs::remove_file(cli.path("out"));
    };
    begins("", "#").await;
    begins("--to ./out", "#").await;
    begins("--to out --format csv", "account").await;
    begins("-o json", "{").await;
    begins("-o json --format markdown", "\"#").await;
    assert_eq!(
        cli.run("fleet report --jq .schema_version").await.stdout,
        "1\n"
    );
    cli.run("fleet report --to out.doc").await.ends(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_was_never_read_is_not_unknown() {
    let cli = Cli::new().await;
    cli.run("whois torquemag.io").await.ends(7);
    cli.run("fleet sync --only accounts,sites,installs,domains")
        .await
        .ends(0);
    cli.run("whois torquemag.io").await.ends(0);
    cli.run("whois nobody.example").await.ends(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_not_replaced_without_a_word_and_what_is_no_file_stays() {
    let cli = Cli::new().await;
    write(&cli.path("there.zip"), "mine");
    let download = "archive download a6d86d4b-0860-4e2c-870b-0aae34ecf085 -i torquemag";
    cli.run(&format!("{download} --to there.zip")).await.ends(2);
    assert_eq!(
        std::fs::read_to_string(cli.path("there.zip")).expect("a file"),
        "mine"
    );
    cli.run(&format!("{download} --to there.zip --force"))
        .await
        .ends(0);
    write(&cli.path("target.md"), "");
    std::os::unix::fs::symlink(cli.path("target.md"), cli.path("link.md")).expect("a link");
    cli.run("fleet report --to link.md").await.ends(2);
    let ran = cli.run("fleet report --to link.md --force").await;
    assert!(cli.path("link.md").is_symlink(), "{ran:?}");
    assert!(
        std::fs::read_to_string(cli.path("target.md"))
            .expect("a file")
            .starts_with('#')
    );
    // A pipe is written to, and is a pipe afterwards.
    let pipe = cli.path("pipe");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo")
            .success()
    );
    let reader = tokio::process::Command::new("cat")
        .arg(&pipe)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    cli.run(&format!("{download} --to pipe")).await.ends(0);
    let read = reader.wait_with_output().await.expect("an output");
    assert!(read.stdout.starts_with(b"PK"));
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(
        &std::fs::symlink_metadata(&pipe)
            .expect("it is there")
            .file_type()
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_does_not_hide_what_was_changed() {
    let cli = Cli::new().await;
    let ran = cli.run("cache purge --all --limit 1").await.ends(2);
    assert!(ran.stderr.contains("would not change less"), "{ran:?}");
    assert_eq!(cli.simulator.side_effects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_do_not_repeat_what_they_read() {
    let cli = Cli::with(Simulator::builder().fleet(1, 40, 100)).await;
    let ran = cli.run("install list --jq .name").await.ends(1);
    assert!(ran.stderr.len() < 600, "{} bytes", ran.stderr.len());
    write(
        &cli.path("config/config.toml"),
        "[profiles.a]\npassword = \"CANARY\"\n",
    );
    let ran = cli.run("whoami").await.ends(2);
    assert!(
        !ran.stderr.contains("CANARY") && ran.stderr.contains("line 2"),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_command_can_be_typed_as_it_is() {
    let cli = Cli::new().await;
    let error = cli
        .run("site delete -o json -- 'my-wordpress-site'")
        .await
        .ends(5)
        .error();
    let next = error["error"]["next"][0]
        .as_str()
        .expect("a command")
        .trim_start_matches("wpengine ");
    cli.run(next).await.ends(0);
    assert_eq!(side_effects(&cli, "delete_site"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_in_a_simulator_ends_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = tokio::process::Command::new(crate::harness::PROGRAM);
    command
        .args(["sim", "run", "--", "sh", "-c", "echo $$; exec sleep 600"])
        .env("HOME", folder.path())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(
        child.stdout.take().expect("an output"),
    ));
    let inner = lines.next_line().await.expect("a line").expect("a number");
    std::process::Command::new("kill")
        .args(["-TERM", &child.id().expect("a process").to_string()])
        .status()
        .expect("kill");
    let status = child.wait().await.expect("it ends");
    assert_ne!(status.code(), Some(0));
    assert!(
        !std::path::Path::new(&format!("/proc/{inner}")).exists(),
        "{inner} is an orphan"
    );
}
