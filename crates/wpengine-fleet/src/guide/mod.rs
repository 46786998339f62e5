//! The guide: one short page for each task.
//!
//! | page | what it answers |
//! |---|---|
//! | [`mirror`] | How do I keep a copy of the whole fleet, and how do I find things in it? |
//! | [`audit`] | How do I find what is wrong, every Monday? |
//! | [`deploy`] | How do I back up before a deployment, promote staging, restore, or set up an environment? |
//! | [`interrupted`] | A plan has stopped. What now? |
//! | [`people`] | Who has access, and how do I add, remove or re-role somebody in many accounts? |
//! | [`usage`] | Who will be over the plan, and what do I send to the customer? |
//! | [`launch`] | Is an install ready for visitors, and what is wrong with it? |
//!
//! Every Rust example on these pages is compiled and run against the simulator.

#[doc = include_str!("audit.md")]
pub mod audit {}

#[doc = include_str!("deploy.md")]
pub mod deploy {}

#[doc = include_str!("interrupted.md")]
pub mod interrupted {}

#[doc = include_str!("launch.md")]
pub mod launch {}

#[doc = include_str!("mirror.md")]
pub mod mirror {}

#[doc = include_str!("people.md")]
pub mod people {}

#[doc = include_str!("usage.md")]
pub mod usage {}
