//! Certificates: lists those that expire soon.
//!
//! `cargo run --example certificates`
#![allow(clippy::print_stdout)]

mod support;

use wpengine::jiff::{Timestamp, ToSpan};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;

    let now = Timestamp::now();
    let soon = now + (30 * 24).hours();
    let mut installs = client.installs().list().items();
    while let Some(install) = installs.try_next().await? {
        // If an install has no certificates, the list is empty; it is not an error.
        let certificates = client
            .install(&install.id)
            .certificates()
            .list()
            .collect()
            .await?;
        for certificate in certificates {
            let name = certificate.common_name.as_deref().unwrap_or("?");
            match certificate.expires_time.and_then(|time| time.timestamp()) {
                Some(expires) if expires <= now => {
                    println!("{}: {name} EXPIRED on {expires}", install.name);
                }
                Some(expires) if expires < soon => {
                    println!("{}: {name} expires on {expires}", install.name);
                }
                Some(expires) => println!("{}: {name} is good until {expires}", install.name),
                None => println!("{}: {name} does not say when it expires", install.name),
            }
        }
    }
    Ok(())
}
