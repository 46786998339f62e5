#![doc = include_str!("../README.md")]

mod address;
mod clock;
mod commit;
mod conditions;
mod endpoint;
mod error;
mod event;
mod kinds;
mod look;
mod model;
mod page;
mod poll;
mod schedule;
mod send;
mod service;
mod sign;
mod store;

pub use clock::Clock;
pub use endpoint::{Endpoint, Envelope, Filter};
pub use error::Error;
pub use event::{Event, TYPES};
#[doc(hidden)]
pub use model::{Modelled, model};
pub use poll::{Poller, PollerStatus, Watch};
pub use send::Sender;
pub use service::Service;
pub use sign::Secret;
pub use store::{Delivery, EndpointStatus, Events, Lock, Query, Stored, Trouble};
