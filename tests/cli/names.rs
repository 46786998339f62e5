//! Names: by the mirror, read again before a change.

use crate::harness::Cli;

#[tokio::test(flavor = "multi_thread")]
async fn an_install_has_many_names_and_the_service_is_asked_once() {
    let cli = Cli::new().await;
    cli.run("install get torquemag -o json").await.ends(0);
    cli.simulator.clear_requests();
    for name in [
        "294deacc-d8b8-4005-82c4-0727ba8ddde0",
        "torquemag",
        "TORQUEMAG",
        "'Torque Magazine/production'",
        "torquemag.com",
    ] {
        let ran = cli
            .run(&format!("install get {name} -o json"))
            .await
            .ends(0);
        assert_eq!(ran.json()["name"], "torquemag", "{name}");
    }
    let sent: Vec<_> = cli
        .simulator
        .requests()
        .into_iter()
        .filter_map(|request| request.operation)
        .collect();
    assert_eq!(sent, ["get_install"; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_reads_its_target_again() {
    let cli = Cli::new().await;
    cli.run("fleet sync --only accounts,sites,installs")
        .await
        .ends(0);
    // Somebody else deletes it; the mirror does not know.
    let other = Cli {
        simulator: cli.simulator,
        folder: tempfile::tempdir().expect("a folder"),
    };
    other
        .run("install delete mysitestg --confirm mysitestg")
        .await
        .ends(0);
    let cli = Cli {
        simulator: other.simulator,
        folder: cli.folder,
    };
    let before = cli.simulator.side_effects();
    let ran = cli.run("cache purge mysitestg").await.ends(3);
    assert!(ran.stderr.contains("not there any more"), "{ran:?}");
    assert_eq!(cli.simulator.side_effects(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_site_is_not_taken_for_another() {
    let cli = Cli::new().await;
    cli.run("site list -o wide").await.ends(0);
    cli.run("fleet sync --only accounts,sites,installs")
        .await
        .ends(0);
    cli.run("api PATCH '/sites/{site:Torque Events}' -F 'name=Renamed Events'")
        .await
        .ends(0);
    let before = cli.simulator.side_effects();
    let ran = cli
        .run("site delete 'Torque Events' --confirm 'Torque Events'")
        .await
        .ends(3);
    assert!(ran.stderr.contains("Renamed Events"), "{ran:?}");
    assert_eq!(cli.simulator.side_effects(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_named_is_nothing_meant() {
    let cli = Cli::new().await;
    for line in [
        "cache purge",
        "install delete --confirm 5",
        "backup create -m text --notify a@example.com",
    ] {
        cli.run(line).await.ends(2);
    }
    // An empty list of names is no name.
    cli.run_with("cache purge -", |command| command, "\n\n")
        .await
        .ends(2);
    assert_eq!(cli.simulator.side_effects(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selection_means_what_fits_it() {
    let cli = Cli::new().await;
    let names = |ran: crate::harness::Ran| -> Vec<String> {
        let document = ran.json();
        let results = document["results"].as_array().expect("results").clone();
        results
            .iter()
            .map(|result| {
                result["target"]["name"]
                    .as_str()
                    .expect("a name")
                    .to_owned()
            })
            .collect()
    };
    let ran = cli
        .run("cache purge --environment staging -o json")
        .await
        .ends(0);
    assert_eq!(names(ran), ["torqueeventstg", "mysitestg"]);
    let ran = cli
        .run("cache purge --match 'torque*' --php 8.3 -o json")
        .await
        .ends(0);
    assert_eq!(names(ran), ["torqueevents", "torqueeventstg"]);
    let ran = cli.run("cache purge --all -o json").await.ends(0);
    assert_eq!(names(ran).len(), 5);
    let ran = cli
        .run_with(
            "cache purge - -o json",
            |command| command,
            "mysite\nmysitestg\nmysite\n",
        )
        .await
        .ends(0);
    assert_eq!(names(ran), ["mysite", "mysitestg"]);
    cli.run("cache purge --match 'nothing*'").await.ends(3);
    // Two targets make a moderate change severe.
    cli.run("install delete --environment staging --yes")
        .await
        .ends(5);
    cli.run(
        "install delete --environment staging --confirm torqueeventstg --confirm mysitestg -o json",
    )
    .await
    .ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_are_found_by_the_mirror_without_an_install() {
    let cli = Cli::new().await;
    let ran = cli.run("domain get torquemag.com").await.ends(2);
    assert!(ran.stderr.contains("fleet sync --only domains"), "{ran:?}");
    cli.run("fleet sync --only accounts,sites,installs,domains")
        .await
        .ends(0);
    let ran = cli.run("domain get torquemag.com -o json").await.ends(0);
    assert_eq!(ran.json()["name"], "torquemag.com");
    let ran = cli.run("whois torquemag.com -o json").await.ends(0);
    assert_eq!(ran.json()["data"][0]["install"]["name"], "torquemag");
}
