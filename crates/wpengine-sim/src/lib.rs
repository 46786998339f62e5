//! A simulator of the WP Engine Customer API. It implements the whole API on loopback, with state and a virtual clock,
//! and needs no account.
//!
//! WP Engine has no sandbox; use the simulator to test your automation. Created resources can be read, deleted
//! resources are gone, a backup takes some virtual minutes, and invalid requests are refused with the API's own
//! errors. Requests are checked against the same document that the client is generated from.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! use wpengine_sim::Simulator;
//!
//! let simulator = Simulator::builder().start().await?;
//! println!("export WPE_API_BASE_URL={}", simulator.base_url());
//! println!("export WPE_API_USER_ID={}", simulator.user());
//! # Ok(())
//! # }
//! ```
//!
//! Tests need not sleep: with a [manual clock](ClockMode::Manual), [`Simulator::advance`] moves the time.
//! [`Simulator::handle`] answers in memory, for tests that pause tokio's time.

mod answers;
mod auth;
mod builder;
mod call;
mod clock;
mod control_server;
mod controls;
mod counted_account;
mod delivery;
mod dispatch;
mod document;
mod downloads;
mod entry;
mod error;
#[cfg(feature = "explorer")]
mod explorer;
mod faults;
mod gateway;
mod guard;
mod handlers;
mod limits;
mod log;
mod operate;
mod page;
mod people;
mod random;
mod role;
mod server;
mod shared;
mod simulator;
mod snapshot;
#[cfg(all(unix, feature = "gateway"))]
mod ssh;
mod state;
mod usage;
mod validate;
mod world;

pub use builder::SimulatorBuilder;
pub use clock::{Clock, ClockMode};
pub use controls::{InstallContent, InstallEvent};
pub use delivery::Broken;
pub use faults::{Fault, FaultError, FaultKind, FaultStatus, Faults, Phase, RetryAfter};
pub use limits::RateLimits;
pub use log::{OperationCount, SeenRequest};
pub use people::{Membership, SignIn, UserError};
pub use role::Role;
pub use simulator::Simulator;
pub use snapshot::{Snapshot, SnapshotError};
#[cfg(all(unix, feature = "gateway"))]
pub use ssh::{Gateway, GatewayBuilder};
pub use world::Population;

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
