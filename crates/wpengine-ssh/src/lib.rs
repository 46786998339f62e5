//! Deployments, logs and WP-CLI over the SSH gateway of WP Engine.
#![cfg(unix)]

mod connection;
pub mod deploy;
mod error;
mod gateway;
mod host_key;
pub mod logs;
mod shell;
mod slots;

pub use connection::{Connection, Done};
pub use error::{Error, ErrorKind};
pub use gateway::Gateway;
pub use host_key::{HostKey, REPORTED, ReportedKey};
pub use shell::quoted;
