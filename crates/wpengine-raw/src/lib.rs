#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod decode;
// Written by the code generator, which follows no lints of the workspace.
#[rustfmt::skip]
#[allow(missing_docs, clippy::all, unreachable_pub, elided_lifetimes_in_paths)]
mod generated;
mod operation;
mod operations;
mod seam;
pub mod values;

use decode::decode;

pub use generated::{Client, types};
pub use operation::{AccountPlace, Effect, Operation, Paging, Retry, Safety, operation};
pub use operations::{API_VERSION, OPERATIONS};
pub use progenitor_client::{ClientInfo, Error, ResponseValue};
pub use seam::{Exec, ExecFuture, Plain, Transport};
