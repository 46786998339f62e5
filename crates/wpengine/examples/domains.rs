//! Domains: add them, verify their ownership, and check their status.
//!
//! `cargo run --example domains`
#![allow(clippy::print_stdout)]

mod support;

use wpengine::requests::NewDomain;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;
    let Some(install) = client.installs().list().items().try_next().await? else {
        println!("there is no install");
        return Ok(());
    };
    println!("{}", install.name);
    let install = client.install(install.id);

    let mut domains = install.domains().list().items();
    while let Some(domain) = domains.try_next().await? {
        let target = domain
            .redirect()
            .and_then(|target| target.name.as_deref())
            .map(|target| format!(" redirects to {target}"))
            .unwrap_or_default();
        let primary = if domain.primary { " (primary)" } else { "" };
        println!("  {}{primary}{target}", domain.name);
    }

    if client.is_read_only() {
        return Ok(());
    }
    let added = install
        .domains()
        .create_bulk([
            NewDomain::new("shop.example.com"),
            NewDomain::new("www.shop.example.com").redirect_to("shop.example.com"),
        ])
        .await?;
    // The response may contain only one of them.
    for domain in added.domains() {
        println!(
            "added {}: put {} into its TXT record {}",
            domain.name,
            domain.txt_verification_value.as_deref().unwrap_or("?"),
            domain.txt_verification_key.as_deref().unwrap_or("?"),
        );
    }
    let Some(domain) = install.domains().list().items().try_next().await? else {
        return Ok(());
    };
    let started = install.domain(&domain.id).check_status().await?;
    let answer = install.domains().report(started.report_id).wait().await?;
    let checked = answer.report.and_then(|report| report.domains);
    println!(
        "{} was checked, with {} domains in the report",
        domain.name,
        checked.unwrap_or_default().len()
    );
    Ok(())
}
