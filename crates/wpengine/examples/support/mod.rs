//! The client of the examples: for the real service if credentials are set, otherwise for a simulator.

use wpengine::Client;
use wpengine_sim::{ClockMode, Simulator};

/// A client, and the simulator if it uses one.
pub(crate) struct Connection {
    pub(crate) client: Client,
    /// The simulator stops when this is dropped.
    _simulator: Option<Simulator>,
}

/// With credentials in the environment it returns a read-only client of the real service. Otherwise it starts a
/// simulator in this process, whose clock runs a hundred times as fast as real time.
pub(crate) async fn connect() -> Result<Connection, Box<dyn std::error::Error>> {
    let has_credentials = ["WPE_API_USER_ID", "WPE_API_PASSWORD"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if has_credentials {
        return Ok(Connection {
            client: Client::builder_from_env()?.read_only().build()?,
            _simulator: None,
        });
    }
    println!("No credentials in the environment: this runs against a simulator.\n");
    let simulator = Simulator::builder()
        .clock(ClockMode::Accelerated(100.0))
        .start()
        .await?;
    let client = Client::at(simulator.url())?;
    Ok(Connection {
        client,
        _simulator: Some(simulator),
    })
}
