//! Accounts, sites and installs: an overview of a fleet and its PHP versions.
//!
//! `cargo run --example fleet`
#![allow(clippy::print_stdout)]

mod support;

use std::collections::BTreeMap;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;

    let mut accounts = client.accounts().list().items();
    while let Some(account) = accounts.try_next().await? {
        let limits = client.account(&account.id).plan_limits().await?;
        println!(
            "{}: {} sites, {} installs, a plan for {} visits a month",
            account.name,
            client.sites().list().account(&account.id).count().await?,
            client
                .installs()
                .list()
                .account(&account.id)
                .count()
                .await?,
            limits
                .visitors
                .map_or("unknown".to_owned(), |visits| visits.to_string()),
        );
    }

    let mut by_version: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut installs = client.installs().list().items();
    while let Some(install) = installs.try_next().await? {
        let version = install.php_version.unwrap_or_else(|| "unknown".to_owned());
        by_version.entry(version).or_default().push(install.name);
    }
    println!("\nPHP");
    for (version, names) in by_version {
        println!("  {version}: {}", names.join(", "));
    }
    Ok(())
}
