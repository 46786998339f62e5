//! Backups, caches and archives: the steps before and after a deployment.
//!
//! `cargo run --example deploy_backup`
#![allow(clippy::print_stdout)]

mod support;

use std::time::Duration;

use wpengine::types::CacheType;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;
    let Some(install) = client.installs().list().items().try_next().await? else {
        println!("there is no install");
        return Ok(());
    };
    let name = install.name;
    let install = client.install(install.id);

    let mut archives = install.archives().list().items();
    while let Some(archive) = archives.try_next().await? {
        println!("archive {}: {}", archive.id, archive.state);
    }

    if client.is_read_only() {
        println!("with credentials this reads only: no backup of {name}");
        return Ok(());
    }
    let backup = install
        .backups()
        .create("before deploy", ["ops@example.com"])
        .await?;
    println!("backup {} of {name}", backup.id);
    match install
        .backup(&backup.id)
        .wait()
        .deadline(Duration::from_secs(45 * 60))
        .await
    {
        Ok(backup) => println!("  {}", backup.status),
        // Whatever the error is: do not deploy without a completed backup.
        Err(error) => return Err(error.into()),
    }

    println!("(the deployment itself goes over git or SSH)");

    install.purge_cache(CacheType::Page).await?;
    println!("the page cache is empty");
    Ok(())
}
