//! Every operation of the API by its command.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{cases::CASES, harness::Cli};

/// All commands, as the program lists them.
async fn commands(cli: &Cli) -> Vec<Value> {
    let ran = cli.run("commands -o json").await.ends(0);
    ran.json().as_array().expect("a list").clone()
}

fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_has_one_command_with_its_class_and_its_effects() {
    let cli = Cli::new().await;
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for command in commands(&cli).await {
        let operations = texts(&command["operations"]);
        for id in &operations {
            *found.entry((*id).to_owned()).or_default() += 1;
        }
        let own: Vec<_> = wpengine::operations()
            .iter()
            .filter(|operation| operations.contains(&operation.id))
            .collect();
        if own.is_empty() {
            continue;
        }
        let class = own
            .iter()
            .map(|operation| format!("{:?}", operation.safety).to_lowercase());
        assert!(
            class.clone().any(|class| command["class"] == class),
            "{command}"
        );
        let effects: BTreeSet<String> = own
            .iter()
            .flat_map(|operation| operation.effects)
            .map(|effect| format!("{effect:?}").to_lowercase())
            .collect();
        let listed: BTreeSet<String> = texts(&command["effects"])
            .into_iter()
            .map(str::to_owned)
            .collect();
        assert_eq!(listed, effects, "{command}");
        for id in texts(&command["calls"]) {
            assert!(
                wpengine::operations()
                    .iter()
                    .any(|operation| operation.id == id),
                "{command} calls {id}"
            );
        }
    }
    let wanted: BTreeMap<String, usize> = wpengine::operations()
        .iter()
        .map(|operation| (operation.id.to_owned(), 1))
        .collect();
    assert_eq!(found, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_sent_by_its_command_and_json_is_json() {
    let ids: BTreeSet<&str> = CASES.iter().map(|case| case.operation).collect();
    assert_eq!(ids.len(), wpengine::operations().len());
    for case in &CASES {
        let cli = Cli::new().await;
        let line = case.prepare(&cli).await;
        cli.simulator.clear_requests();
        let ran = cli
            .run(&format!("{line} -o json {}", case.confirm))
            .await
            .ends(0);
        ran.json();
        let sent = cli
            .simulator
            .requests()
            .into_iter()
            .filter(|request| request.operation == Some(case.operation))
            .count();
        assert!(sent > 0, "{line} did not send {}: {ran:?}", case.operation);
        // What else was sent is what the program says that it calls.
        let command = commands(&cli)
            .await
            .into_iter()
            .find(|command| texts(&command["operations"]).contains(&case.operation))
            .expect("a command");
        for request in cli.simulator.requests() {
            let id = request.operation.expect("an operation");
            let known = texts(&command["operations"]).contains(&id)
                || texts(&command["calls"]).contains(&id);
            assert!(known, "{line} sent {id}, which it does not say");
        }
        assert_eq!(cli.simulator.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_prints_an_error_that_programs_can_read_and_nothing_else() {
    let cli = Cli::new().await;
    for case in &CASES {
        let open = !case.operation().authenticated;
        let line = case.line.replace(['{', '}'], "");
        let line = match open {
            // Without credentials only a wrong address fails.
            true => format!("{line} -o json --timeout 2s"),
            false => format!("{line} -o json {}", case.confirm),
        };
        case.prepare_files(&cli);
        let ran = cli
            .run_with(
                &line,
                |command| match open {
                    true => command.env("WPE_API_BASE_URL", "http://127.0.0.1:9/v1"),
                    false => command.env("WPE_API_PASSWORD", "wrong"),
                },
                "",
            )
            .await;
        assert_eq!(ran.stdout, "", "{line}");
        let error = ran.error();
        assert_eq!(error["exit_code"], ran.code, "{line}");
        assert_eq!(ran.code, if open { 10 } else { 4 }, "{line}: {ran:?}");
        assert!(
            error["error"]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{line}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_an_operation_is_json_as_well() {
    let cli = Cli::fast().await;
    cli.run("fleet sync").await.ends(0);
    for line in [
        "fleet sync",
        "fleet sync --plan",
        "fleet overview",
        "fleet usage",
        "fleet report",
        "fleet certificates",
        "fleet domains",
        "fleet users",
        "fleet backups",
        "fleet versions --wordpress",
        "fleet health --exit-zero",
        "fleet changes",
        "fleet sql 'SELECT 1 AS one'",
        "fleet search torque",
        "whois torquemag.com",
        "install check torquemag --exit-zero",
        "install diff torqueevents torqueeventstg --exit-zero",
        "install diagnose torquemag --exit-zero",
        "plan list",
        "api list",
        "api show create_backup",
        "api /user",
        "auth list",
        "auth status",
        "config list",
        "config path",
        "version",
        "commands",
        "install wait torquemag",
        "backup wait e41fa98f-ea80-4654-b229-a9b765d0863a -i torquemag",
        "archive wait a6d86d4b-0860-4e2c-870b-0aae34ecf085 -i torquemag",
        "transfer wait 7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4 --site 'Torque Magazine'",
        "install promote --from torqueevents --to torqueeventstg --notify a@example.com --dry-run",
        "install stage --from torquemag --name torquestg --notify a@example.com --dry-run",
        "archive download latest -i torquemag --to a.zip",
        "site-report download latest --site 'Torque Magazine' --to r.pdf",
    ] {
        let ran = cli.run(&format!("{line} -o json")).await;
        assert_eq!(ran.code, 0, "{line}: {ran:?}");
        ran.json();
    }
    let doctor = cli.run("doctor -o json").await;
    assert!(doctor.json()["points"].is_array());
}
