//! Monday's audit: every problem of a fleet, the most severe first.
//!
//! Without credentials in the environment it runs against a simulator with a fleet of 9 accounts and 170 installs that has
//! problems of every kind.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::BTreeMap;

use wpengine::Client;
use wpengine_fleet::{Fleet, Severity};
use wpengine_sim::Simulator;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let simulated = std::env::var_os("WPE_API_USER_ID").is_none();
    let simulator = match simulated {
        true => Some(
            Simulator::builder()
                .fleet(9, 60, 170)
                .troubled()
                .start()
                .await?,
        ),
        false => None,
    };
    let client = match &simulator {
        Some(simulator) => Client::at(simulator.url())?,
        None => Client::builder_from_env()?.read_only().build()?,
    };
    let folder = tempfile::tempdir()?;
    let fleet = match simulated {
        true => Fleet::open(&client, folder.path(), folder.path())?,
        false => Fleet::new(&client)?,
    };

    let snapshot = fleet.snapshot().await?;
    println!(
        "{} accounts, {} sites, {} installs",
        snapshot.data.accounts, snapshot.data.sites, snapshot.data.installs
    );
    // What the snapshot has read is not read again.
    let checks = fleet
        .check()
        .fresher_than(std::time::Duration::from_secs(3_600));
    let planned = checks.plan().await?;
    println!(
        "{} requests planned, {} s at least\n",
        planned.requests,
        planned.least_time.as_secs()
    );
    let result = checks.run().await?;

    let mut codes: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &result.data.findings {
        *codes.entry(finding.code.as_str()).or_default() += 1;
        let place = [&finding.install, &finding.site, &finding.account];
        let place = place
            .into_iter()
            .flatten()
            .next()
            .map_or("", |named| named.name.as_str());
        let severity = match finding.severity {
            Severity::Critical => "CRITICAL",
            Severity::Warning => "warning",
            Severity::Unknown => "unknown",
            _ => "info",
        };
        println!(
            "{severity:8} {:20} {place:16} {}: {}",
            finding.code, finding.subject, finding.evidence.observed
        );
    }
    println!();
    for (code, count) in codes {
        println!("{count:5} {code}");
    }
    println!(
        "\nverdict {:?}, complete: {}, as of {}, requests used: {}, planned: {}",
        result.data.verdict(),
        result.complete,
        result
            .as_of
            .map_or("never".to_owned(), |as_of| as_of.to_string()),
        result.requests,
        planned.requests
    );
    Ok(())
}
