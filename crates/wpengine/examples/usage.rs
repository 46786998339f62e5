//! Usage: visits and storage of the last 30 days.
//!
//! `cargo run --example usage`
#![allow(clippy::print_stdout)]

mod support;

/// The API does not define GB; here it is 10^9 bytes.
const GB: f64 = 1e9;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;

    let mut accounts = client.accounts().list().items();
    while let Some(account) = accounts.try_next().await? {
        let usage = client.account(&account.id).usage();
        let summary = usage.summary().await?;
        let visits = summary.visit_count.and_then(|visits| visits.sum);
        println!(
            "{}: {} visits",
            account.name,
            visits.map_or(0, |visits| visits.get())
        );

        let mut environments = usage.list().items();
        while let Some(environment) = environments.try_next().await? {
            let files = environment
                .metrics_rollup
                .and_then(|rollup| rollup.storage_file_bytes)
                .and_then(|storage| storage.latest)
                .and_then(|latest| latest.value);
            let name = environment.environment_name.unwrap_or_default();
            match files.map(|bytes| bytes.get()).filter(|bytes| *bytes > 0) {
                #[allow(clippy::cast_precision_loss)]
                Some(bytes) => println!("  {name}: {:.1} GB of files", bytes as f64 / GB),
                // Null and 0 mean that there is no measurement yet, not that there are no files.
                None => println!("  {name}: not measured yet"),
            }
        }
    }
    Ok(())
}
