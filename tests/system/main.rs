//! The behaviour of the SDK, tested as its users meet it: one module a capability.

mod answers;
mod bytes;
mod canary;
mod checks;
mod configuration;
mod credentials;
mod destinations;
mod errors;
mod escape;
mod explorer;
mod faults;
mod limits;
mod listing;
mod many;
mod operations;
mod quickstart;
mod read_only;
mod retries;
mod schemas;
mod send;
mod support;
mod waiting;
mod wire;
