//! What the SDK guarantees for any bytes: one function for each fuzz target. The function panics if a guarantee is
//! broken. libFuzzer provides inputs for the fuzz targets; the test suite uses the corpus and mutations of it.
//!
//! Everything uses the public API, with a client whose transport answers with the given bytes.

mod calls;
mod desk;
mod error_body;
mod line;
#[cfg(unix)]
mod log_line;
mod model;
mod page;
mod redirect;
mod retry_after;
mod tape;

pub use error_body::error_body;
#[cfg(unix)]
pub use log_line::log_line;
pub use model::model;
pub use page::page;
pub use redirect::redirect;
pub use retry_after::retry_after;
