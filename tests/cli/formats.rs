//! What is written to standard output.

use wpengine_sim::{Fault, FaultKind, Simulator};

use crate::harness::Cli;

#[tokio::test(flavor = "multi_thread")]
async fn one_listing_in_every_format() {
    let cli = Cli::new().await;
    for format in ["table", "wide", "csv", "tsv", "name", "jsonl"] {
        let ran = cli
            .run(&format!("install list -o {format} --limit 3"))
            .await
            .ends(0);
        insta::assert_snapshot!(format!("installs_{format}"), ran.stdout);
    }
    let ran = cli
        .run("install list --columns name,php --sort -php --no-header")
        .await
        .ends(0);
    insta::assert_snapshot!("installs_chosen", ran.stdout);
    let ran = cli
        .run("install list --jq 'map(select(.environment == \"staging\").name) | join(\" \")'")
        .await
        .ends(0);
    assert_eq!(ran.stdout, "torqueeventstg mysitestg\n");
    let ran = cli.run("install get torquemag").await.ends(0);
    insta::assert_snapshot!("install", ran.stdout);
    let ran = cli
        .run("backup create torquemag mysite -m text --notify a@example.com --dry-run")
        .await
        .ends(0);
    let shown = ran
        .stdout
        .replace(&cli.simulator.base_url(), "http://SIMULATOR/v1");
    // The width of the column follows the length of the address.
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    insta::assert_snapshot!("results", shown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_fails_half_way_writes_nothing_but_lines() {
    for (format, lines) in [("json", 0), ("table", 0), ("csv", 0), ("jsonl", 1)] {
        let cli = Cli::with(Simulator::builder().fleet(1, 100, 300)).await;
        let fault = Fault::new(FaultKind::HtmlBadGateway)
            .on("list_installs")
            .skip(2)
            .always();
        cli.simulator.faults().add(fault).expect("a fault");
        let ran = cli
            .run(&format!("install list -o {format} --timeout 2s"))
            .await
            .ends(10);
        assert!(
            ran.stdout.lines().count() >= lines && (lines > 0 || ran.stdout.is_empty()),
            "{format}: {} lines",
            ran.stdout.lines().count()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_the_models_do_not_know_are_kept() {
    let cli = Cli::new().await;
    cli.simulator
        .faults()
        .add(Fault::new(FaultKind::ExtraField).always())
        .expect("a fault");
    for line in [
        "install list",
        "install get torquemag",
        "certificate list -i torquemag",
        "site rename 'Torque Magazine' Other",
        "user list --account joesaccount",
    ] {
        let ran = cli.run(&format!("{line} -o json")).await.ends(0);
        assert!(
            ran.stdout.contains("field_of_a_later_release"),
            "{line}: {}",
            ran.stdout
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_service_are_hidden() {
    let cli = Cli::new().await;
    let ran = cli.run("archive list -i torquemag -o json").await.ends(0);
    assert!(!ran.stdout.contains("/downloads/"), "{}", ran.stdout);
    let ran = cli
        .run("archive list -i torquemag -o json --show-links")
        .await
        .ends(0);
    assert!(ran.stdout.contains("/downloads/"));
    let shown = cli
        .run("certificate get torquemag.com -i torquemag -o json")
        .await
        .ends(0);
    let saved = cli
        .run("certificate get torquemag.com -i torquemag -o json --save-key key.pem")
        .await
        .ends(0);
    let key = std::fs::read_to_string(cli.path("key.pem")).expect("a key");
    assert!(
        key.len() > 5 && !shown.stdout.contains(&key) && !saved.stdout.contains(&key),
        "{}",
        shown.stdout
    );
    // An existing file is not replaced.
    cli.run("certificate get torquemag.com -i torquemag --save-key key.pem")
        .await
        .ends(1);
}
