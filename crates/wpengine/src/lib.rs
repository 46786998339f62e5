#![doc = include_str!("../README.md")]

mod any_request;
mod call;
mod check;
mod client;
mod config;
mod credentials;
mod download;
mod for_each;
mod request;
mod response;
mod wait;

pub mod error;
pub mod guide;
pub mod limits;
pub mod paging;
pub mod resources;
pub mod transport;
pub mod types;

pub use bytes;
pub use http;
pub use jiff;

pub use client::Client;
pub use config::{ClientBuilder, Config};
pub use credentials::{Credentials, TokenFuture, TokenSource};
pub use download::Download;
pub use error::{Error, ErrorKind};
pub use for_each::{for_each, for_each_of};
pub use response::Response;
pub use secrecy::SecretString;
pub use transport::{Counters, RetryPolicy};

/// Work on many things: what [`for_each`] and [`for_each_of`] return.
pub mod batch {
    pub use crate::for_each::{ForEach, Given, Outcome, Progressed};
}

/// What code has to know about an operation: the types of [`operations`].
pub mod operation {
    pub use wpengine_raw::{AccountPlace, Effect, Operation, Paging, Retry, Safety};
}

/// Requests that are not sent yet. A method of a handle or a collection makes one; it takes options and is awaited.
pub mod requests {
    pub use crate::{
        any_request::AnyRequest,
        request::{Request, RequestFuture},
        resources::requests::*,
        wait::{Progress, Wait},
    };
}

use operation::Operation;

/// Every operation of the API, with what code has to know about each: method, path, and whether it may be repeated.
///
/// ```
/// let backup = wpengine::operations()
///     .iter()
///     .find(|operation| operation.id == "create_backup")
///     .ok_or("no such operation")?;
/// assert_eq!(backup.to_string(), "POST /installs/{install_id}/backups");
/// assert_eq!(backup.retry, wpengine::operation::Retry::Unsent);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn operations() -> &'static [Operation] {
    &wpengine_raw::OPERATIONS
}
