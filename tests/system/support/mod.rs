//! Helpers that several modules use.

pub(crate) mod calls;
pub(crate) mod clients;
pub(crate) mod document;
pub(crate) mod pages;
pub(crate) mod program;
pub(crate) mod script;
pub(crate) mod simulated;
pub(crate) mod trap;
pub(crate) mod workers;
