#![doc = include_str!("../README.md")]

#[macro_use]
mod macros;

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
pub use wpengine_raw::API_VERSION;

/// Running one operation on many items: the types that [`for_each`] and [`for_each_of`] use.
pub mod batch {
    pub use crate::for_each::{ForEach, Given, Outcome, Progressed};
}

/// The properties of an operation: the types behind [`operations`].
pub mod operation {
    pub use wpengine_raw::{AccountPlace, Effect, Operation, Paging, Retry, Safety};
}

/// Requests that are not sent yet. The methods of handles and collections create them. Set options on a request, then
/// await it.
pub mod requests {
    pub use crate::{
        any_request::AnyRequest,
        request::{Request, RequestFuture},
        resources::requests::*,
        wait::{Progress, Wait},
    };
}

use operation::Operation;

/// Returns every operation of the API with its properties: method, path, and whether a request may be retried.
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
pub fn operations() -> &'static [Operation] {
    &wpengine_raw::OPERATIONS
}
