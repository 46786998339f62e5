//! Site transfers and report templates.
//!
//! `cargo run --example site_transfer`
#![allow(clippy::print_stdout)]

mod support;

use jiff::ToSpan;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;
    let accounts = client.accounts().list().collect().await?;

    for account in &accounts {
        println!("{}", account.name);
        let account = client.account(&account.id);
        let mut transfers = account.list_site_transfers().items();
        while let Some(transfer) = transfers.try_next().await? {
            println!(
                "  {}: {} to {} is {}",
                transfer.site,
                transfer.origin_account,
                transfer.destination_account,
                transfer.status
            );
        }
        for template in account.list_site_report_templates().collect().await? {
            println!("  template {}", template.template_name);
        }
    }

    let (Some(site), [here, ..]) = (
        client.sites().list().items().try_next().await?,
        accounts.as_slice(),
    ) else {
        return Ok(());
    };
    let elsewhere = accounts
        .iter()
        .find(|account| Some(&account.id) != site.account.id.as_ref());
    let Some(elsewhere) = elsewhere.filter(|_| !client.is_read_only()) else {
        println!("{} stays with {}", site.name, here.name);
        return Ok(());
    };
    let transfers = client.site(&site.id).site_transfers();
    let started = transfers
        .create(&elsewhere.id)
        .scheduled_time(jiff::Timestamp::now() + 24.hours())
        .await;
    match started {
        Ok(transfer) => {
            println!("{} goes to {} tomorrow", site.name, elsewhere.name);
            client
                .site(&site.id)
                .site_transfer(transfer.id)
                .cancel()
                .await?;
            println!("no, it does not");
        }
        Err(error) => println!("{error}"),
    }
    Ok(())
}
