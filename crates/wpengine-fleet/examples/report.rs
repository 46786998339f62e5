//! The report of a month, as one HTML page: `cargo run -p wpengine-fleet --example report -- report.html`.
//!
//! It runs against a simulator with a fleet of 9 accounts and 170 installs.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use wpengine::{
    Client,
    jiff::{Timestamp, tz::TimeZone},
};
use wpengine_fleet::Fleet;
use wpengine_sim::Simulator;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or("report.html".to_owned());
    let simulator = Simulator::builder()
        .fleet(9, 60, 170)
        .troubled()
        .start()
        .await?;
    let client = Client::at(simulator.url())?;
    let folder = tempfile::tempdir()?;
    let fleet = Fleet::open(&client, folder.path(), folder.path())?;
    fleet.sync().run().await?;

    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let report = fleet.report(today.first_of_month(), today.last_of_month());
    let report = report.read().await?;
    println!(
        "complete: {}, {} requests",
        report.complete, report.requests
    );
    std::fs::write(&path, report.data.html())?;
    println!("{path}");
    Ok(())
}
