//! The guide: one short page for each task.
//!
//! | page | what it answers |
//! |---|---|
//! | [`listing`] | How do I read every install of a fleet, and do something with each? |
//! | [`waiting`] | How do I wait for a backup, or for other work that takes minutes? |
//! | [`errors`] | What does an error tell me, and how do I handle it? |
//! | [`retries`] | Which requests are repeated, and what do I do if a write may have happened? |
//! | [`rate_limits`] | How do several programs stay within the rate limits together? |
//! | [`testing`] | How do I test my program without an account? |
//! | [`transports`] | How do I record, change or replace the HTTP requests? |
//!
//! Every Rust example on these pages is compiled and run against the simulator.

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("listing.md")]
pub mod listing {}

#[doc = include_str!("rate_limits.md")]
pub mod rate_limits {}

#[doc = include_str!("retries.md")]
pub mod retries {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("transports.md")]
pub mod transports {}

#[doc = include_str!("waiting.md")]
pub mod waiting {}
