//! Each exit code, by a command that ends with it.

use wpengine_sim::{Fault, FaultKind};

use crate::harness::Cli;

#[tokio::test(flavor = "multi_thread")]
async fn done_is_0_also_of_an_empty_list() {
    let cli = Cli::with(wpengine_sim::Simulator::builder().empty()).await;
    let ran = cli.run("install list -o json").await.ends(0);
    assert_eq!(ran.stdout, "[]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_refuses_is_1() {
    let cli = Cli::new().await;
    // The name is taken.
    let line = "install create torquemag --account joesaccount --yes";
    let ran = cli.run(line).await.ends(1);
    assert!(ran.stderr.contains("request id"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_2_before_anything_is_sent() {
    let cli = Cli::new().await;
    for line in [
        "install",
        "install lst",
        "install list --nonsense",
        "install create Bad_Name --account joesaccount --yes",
        "install copy --from torquemag --to torquemag --confirm torquemag",
        "user add 'no address' --first-name A --last-name B --role full --account joesaccount --yes",
        "install list --columns nonsense",
        "install list --jq '.['",
        "cache purge",
        "install delete torquemag.com --confirm torquemag",
        "install list -o nonsense",
    ] {
        let ran = cli.run(line).await.ends(2);
        assert!(!ran.stderr.is_empty(), "{line}");
        assert!(ran.stdout.is_empty(), "{line}: {ran:?}");
    }
    let ran = cli.run("install lst -o json").await.ends(2);
    assert_eq!(ran.error()["error"]["kind"], "usage");
    assert_eq!(cli.simulator.side_effects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_ambiguous_name_is_3() {
    let cli = Cli::new().await;
    let ran = cli.run("install get torquemagg").await.ends(3);
    assert!(ran.stderr.contains("near: torquemag"), "{ran:?}");
    cli.run("backup get nonsense -i torquemag").await.ends(3);
    cli.run("api show nonsense").await.ends(3);
    cli.run("site create 'Torque Magazine' --account 'New Owner Inc' --yes")
        .await
        .ends(0);
    let ran = cli
        .run("site get 'Torque Magazine' -o json --no-mirror")
        .await
        .ends(3);
    assert_eq!(ran.error()["error"]["kind"], "ambiguous");
    assert_eq!(
        ran.error()["error"]["candidates"].as_array().map(Vec::len),
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_credentials_or_wrong_ones_are_4() {
    let cli = Cli::new().await;
    let without = |command: &mut tokio::process::Command| {
        command
            .env_remove("WPE_API_USER_ID")
            .env_remove("WPE_API_PASSWORD");
    };
    let ran = cli
        .run_with(
            "install list",
            |command| {
                without(command);
                command
            },
            "",
        )
        .await
        .ends(4);
    assert!(ran.stderr.contains("wpengine auth login"), "{ran:?}");
    cli.run_with(
        "whoami",
        |command| command.env("WPE_API_PASSWORD", "wrong"),
        "",
    )
    .await
    .ends(4);
    // Half a pair is no pair.
    cli.run_with(
        "whoami",
        |command| command.env_remove("WPE_API_PASSWORD"),
        "",
    )
    .await
    .ends(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_6_unless_zero_is_asked_for() {
    let cli = Cli::with(
        wpengine_sim::Simulator::builder()
            .fleet(2, 6, 12)
            .troubled(),
    )
    .await;
    cli.run("fleet health").await.ends(6);
    cli.run("fleet health --exit-zero").await.ends(0);
    cli.run("fleet certificates --within 10000d").await.ends(6);
    cli.run("fleet backups --older-than 1s").await.ends(6);
}

#[tokio::test(flavor = "multi_thread")]
async fn some_of_many_is_7() {
    let cli = Cli::new().await;
    cli.simulator
        .faults()
        .add(
            Fault::new(FaultKind::InternalServerError)
                .on("create_backup")
                .before()
                .times(1),
        )
        .expect("a fault");
    let ran = cli
        .run("backup create torquemag mysite -m text --notify a@example.com --jobs 1 -o json")
        .await;
    let document = ran.json();
    assert_eq!(document["failed"], 1, "{ran:?}");
    assert_eq!(document["done"], 1);
    assert!(ran.code == 7 || ran.code == 9, "{ran:?}");
    // What could not be read is not left out in silence.
    cli.simulator.faults().clear();
    cli.simulator
        .faults()
        .add(
            Fault::new(FaultKind::HtmlBadGateway)
                .on("list_backups")
                .before()
                .always(),
        )
        .expect("a fault");
    let ran = cli.run("fleet backups --timeout 1s").await.ends(7);
    assert!(ran.stderr.contains("could not be read"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_ends_before_the_work_is_8() {
    let cli = Cli::with(wpengine_sim::Simulator::builder()).await;
    let ran = cli
        .run("backup create torquemag -m text --notify a@example.com --wait=1s -o json")
        .await
        .ends(8);
    assert_eq!(ran.error()["error"]["kind"], "wait_timed_out");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_go_later_is_10() {
    let cli = Cli::new().await;
    cli.run_with(
        "whoami --timeout 2s",
        |command| command.env("WPE_API_BASE_URL", "http://127.0.0.1:9/v1"),
        "",
    )
    .await
    .ends(10);
    cli.simulator
        .faults()
        .add(
            Fault::new(FaultKind::HtmlServiceUnavailable)
                .on("get_current_user")
                .always(),
        )
        .expect("a fault");
    cli.run("whoami --timeout 2s").await.ends(10);
}
