//! What is held back is held back, and what was lost is not repeated.

use wpengine::operation::Retry;
use wpengine_sim::{Fault, FaultKind};

use crate::{cases::CASES, harness::Cli};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gate_holds_back_sends_nothing_without_a_confirmation_or_with_a_wrong_one() {
    for case in CASES.iter().filter(|case| case.is_write()) {
        let cli = Cli::new().await;
        let line = case.prepare(&cli).await;
        let before = cli.simulator.side_effects();
        if !case.is_gated() {
            cli.run(&line).await.ends(0);
            continue;
        }
        for wrong in [
            "",
            "--confirm something-else",
            "--yes --confirm something-else",
        ] {
            let ran = cli.run(&format!("{line} {wrong}")).await.ends(5);
            assert!(ran.stdout.is_empty(), "{line} {wrong}: {ran:?}");
            if wrong.is_empty() {
                let flag = case.confirm.split(' ').next().expect("a flag");
                assert!(
                    ran.stderr.contains(flag),
                    "{line} does not name {flag}: {ran:?}"
                );
            }
        }
        if case.confirm.starts_with("--confirm") {
            // A severe one, or one that production makes severe, is not confirmed by a yes.
            cli.run(&format!("{line} --yes")).await.ends(5);
        }
        let error = cli.run(&format!("{line} -o json")).await.ends(5).error();
        assert!(
            error["error"]["next"][0]
                .as_str()
                .is_some_and(|next| next.contains("--")),
            "{error}"
        );
        assert_eq!(cli.simulator.side_effects(), before, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_sends_no_change_and_shows_it() {
    for case in CASES.iter().filter(|case| case.is_write()) {
        let cli = Cli::new().await;
        let line = case.prepare(&cli).await;
        let before = cli.simulator.side_effects();
        let ran = cli.run(&format!("{line} --dry-run -o json")).await.ends(0);
        assert_eq!(cli.simulator.side_effects(), before, "{line}");
        let mut planned = ran.json();
        if planned.is_array() {
            planned = planned[0].clone();
        }
        if planned["results"].is_array() {
            planned = planned["results"][0]["result"].clone();
        }
        assert_eq!(planned["operation"], case.operation, "{line}: {planned}");
        assert_eq!(
            planned["method"],
            case.operation().method.as_str(),
            "{line}"
        );
        assert!(!ran.stdout.contains("MIIB"), "a key is shown");
        assert!(ran.stderr.contains("nothing was changed"), "{ran:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_run_changes_nothing() {
    for case in CASES.iter().filter(|case| case.is_write()) {
        let cli = Cli::new().await;
        let line = case.prepare(&cli).await;
        let before = cli.simulator.side_effects();
        let ran = cli
            .run(&format!("{line} --read-only {}", case.confirm))
            .await
            .ends(4);
        assert!(ran.stderr.contains("read-only"), "{ran:?}");
        assert_eq!(cli.simulator.side_effects(), before, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_is_not_repeated_and_ends_with_9() {
    let mut seen = 0;
    for case in CASES
        .iter()
        .filter(|case| case.operation().retry == Retry::Unsent)
    {
        let cli = Cli::new().await;
        let line = case.prepare(&cli).await;
        cli.simulator
            .faults()
            .add(
                Fault::new(FaultKind::Reset)
                    .on(case.operation)
                    .after()
                    .always(),
            )
            .expect("a fault");
        let count = || {
            cli.simulator
                .operation_counts()
                .get(case.operation)
                .map_or((0, 0), |count| (count.requests, count.side_effects))
        };
        let before = count();
        let ran = cli
            .run(&format!("{line} -o json {}", case.confirm))
            .await
            .ends(9);
        let after = count();
        assert_eq!(
            (after.0 - before.0, after.1 - before.1),
            (1, 1),
            "{line}: {ran:?}"
        );
        let error = ran.error();
        assert_eq!(error["error"]["may_have_happened"], true, "{error}");
        assert_eq!(error["error"]["operation"], case.operation, "{error}");
        let audit = std::fs::read_to_string(cli.path("state/audit.jsonl")).expect("an audit log");
        assert!(
            audit
                .lines()
                .last()
                .is_some_and(|line| line.contains("\"unknown\"") && line.contains(case.operation)),
            "{audit}"
        );
        seen += 1;
    }
    assert!(seen >= 15, "{seen} operations");
}
