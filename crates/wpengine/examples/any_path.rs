//! Requests of paths that the SDK does not model: any method and path, with the same transport, and responses with headers.
//!
//! `cargo run --example any_path`
#![allow(clippy::print_stdout)]

mod support;

use http::Method;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection = support::connect().await?;
    let client = &connection.client;

    let answer = client
        .request(Method::GET, "/sites")
        .query("limit", 1)
        .send()
        .await?;
    println!("{} {:?}", answer.status(), answer.request_id());
    println!("{}", String::from_utf8_lossy(&answer.value));

    println!("\nwhat this version knows:");
    for operation in wpengine::operations() {
        println!("  {} ({:?})", operation, operation.safety);
    }
    Ok(())
}
