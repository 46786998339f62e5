//! Offload settings: serve large files of an install from a bucket.
//!
//! `cargo run --example offload`
#![allow(clippy::print_stdout)]

mod support;

use wpengine::requests::{PathSettings, S3Settings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;
    let Some(install) = client.installs().list().items().try_next().await? else {
        println!("there is no install");
        return Ok(());
    };
    let offload = client.install(install.id).offload_settings();
    let file = offload.validation_file().await?;
    println!(
        "put the file {} with {} into the bucket",
        file.name.unwrap_or_default(),
        file.content.unwrap_or_default()
    );
    if !client.is_read_only() {
        let uploads = PathSettings::new("/wp-content/uploads").exclude(["/wp-content/uploads/tmp"]);
        offload
            .replace(
                S3Settings::new()
                    .bucket("torquemag-media")
                    .bucket_region("us-east-1")
                    .path(uploads),
            )
            .await?;
    }
    // The service does not say when new settings take effect. The simulator shows them some time later.
    match offload.get().await? {
        Some(settings) => println!("{:#?}", settings.largefs_settings),
        None => println!("large files are not offloaded"),
    }
    Ok(())
}
