#![doc = include_str!("../README.md")]
//!
//! # How it is made
//!
//! [`Gateway`] is the way in: it writes a configuration, checks the host and opens a [`Connection`], which is one `ssh` of the system with
//! sessions over it. Commands never pass a shell as arguments, because the gateway takes away a level of quotes: each session is a `bash -s`
//! that reads its script. [`deploy`] and [`logs`] have a script each, `remote.sh`, and what it says is read here.
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
