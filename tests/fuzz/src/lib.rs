//! What the SDK promises of bytes from anywhere: one function for each fuzz target, which panics where a promise is
//! broken. The fuzz targets feed them with what libFuzzer finds, the test suite with the corpus and mutations of it.
//!
//! Everything goes through the public API: a client whose wire answers with the bytes that were given.

mod calls;
mod desk;
mod error_body;
mod line;
mod model;
mod page;
mod redirect;
mod retry_after;
mod tape;

pub use error_body::error_body;
pub use model::model;
pub use page::page;
pub use redirect::redirect;
pub use retry_after::retry_after;
