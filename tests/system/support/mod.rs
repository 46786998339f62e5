//! What several modules need.

pub(crate) mod clients;
pub(crate) mod document;
pub(crate) mod every;
pub(crate) mod full;
pub(crate) mod pages;
pub(crate) mod program;
pub(crate) mod script;
pub(crate) mod simulated;
pub(crate) mod trap;
