//! From names to ids.

use wpengine_fleet::{Error, Kind};
use wpengine_sim::Simulator;

use super::{Bed, refused};

#[tokio::test]
async fn ids_names_environments_and_domains_are_found() {
    let bed = Bed::of(Simulator::builder().fleet(3, 9, 27).build());
    let rows = "SELECT installs.id, installs.name, sites.name, installs.environment, installs.primary_domain, accounts.name
        FROM installs JOIN sites ON sites.id = site_id JOIN accounts ON accounts.id = installs.account_id";
    bed.fleet.snapshot().await.expect("a snapshot");
    bed.fleet.sync().run().await.expect("a sync");
    for row in bed.fleet.sql(rows).await.expect("installs").rows {
        let text = |at: usize| row[at].as_str().expect("a text").to_owned();
        let (id, site) = (text(0), text(2));
        for wanted in [
            id.clone(),
            text(1),
            text(1).to_uppercase(),
            format!("{site}/{}", text(3)),
            text(4),
        ] {
            let found = bed.fleet.resolve(&wanted).await.expect(&wanted);
            assert_eq!((found.kind, &found.id), (Kind::Install, &id), "{wanted}");
        }
        let found = bed.fleet.resolve(&site).await.expect("a site");
        assert_eq!((found.kind, found.name), (Kind::Site, site));
        let account = bed.fleet.resolve(&text(5)).await.expect("an account");
        assert_eq!(account.kind, Kind::Account);
    }
    let domains =
        "SELECT domains.name, install_id FROM domains GROUP BY domains.name HAVING count(*) = 1";
    for row in bed.fleet.sql(domains).await.expect("domains").rows {
        let found = bed.fleet.resolve(row[0].as_str().expect("a name")).await;
        assert_eq!(
            Some(found.expect("an install").id.as_str()),
            row[1].as_str()
        );
    }
}

#[tokio::test]
async fn what_can_mean_several_things_is_an_error_with_all_of_them() {
    let bed = Bed::troubled();
    bed.fleet.sync().run().await.expect("a sync");
    let twice =
        "SELECT name FROM domains GROUP BY name HAVING count(DISTINCT install_id) = 2 LIMIT 1";
    let rows = bed.fleet.sql(twice).await.expect("a domain").rows;
    let domain = rows[0][0].as_str().expect("a name");
    let error = bed
        .fleet
        .resolve(domain)
        .await
        .expect_err("two installs have it");
    let Error::Ambiguous { candidates, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(candidates.len(), 2);
    for candidate in candidates {
        assert!(error.to_string().contains(&candidate.id), "{error}");
    }
}

#[tokio::test]
async fn what_is_new_is_found_and_what_is_nowhere_is_an_error() {
    let bed = Bed::documented();
    bed.fleet.snapshot().await.expect("a snapshot");
    let client = bed.fleet.client();
    let account = client
        .accounts()
        .list()
        .items()
        .try_next()
        .await
        .expect("a list");
    let account = account.expect("an account").id;
    let created = client
        .installs()
        .create("brandnew", account)
        .await
        .expect("an install");
    let found = bed
        .fleet
        .resolve("brandnew")
        .await
        .expect("it is read again");
    assert!(created.id == found.id.as_str());

    bed.simulator.clear_requests();
    let error = bed.fleet.resolve("nowhere").await.expect_err("nothing");
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert_eq!(bed.simulator.requests().len(), 3, "the fleet is read once");
}

#[tokio::test]
async fn what_could_not_be_looked_for_is_said() {
    let simulator = Simulator::builder().fleet(1, 1, 1).build();
    let client = refused(&simulator, vec!["/installs".to_owned()]);
    let bed = Bed::with(simulator, &client);
    let error = bed.fleet.resolve("torquemag").await.expect_err("nothing");
    let text = error.to_string();
    assert!(
        text.contains("not everything could be read: installs: ") && text.contains("403"),
        "{text}"
    );
}

#[tokio::test]
async fn any_part_of_a_name_is_found() {
    let bed = Bed::documented();
    bed.fleet.sync().run().await.expect("a sync");
    let found = bed.fleet.search("rquem").await.expect("a search");
    assert!(
        found
            .iter()
            .any(|found| found.kind == "installs" && found.words.contains("torquemag")),
        "{found:?}"
    );
    assert!(
        bed.fleet
            .search("\" OR 1")
            .await
            .expect("a search")
            .is_empty()
    );
}
