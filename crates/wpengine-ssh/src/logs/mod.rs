//! Logs of a site.

mod line;

pub use line::{Entries, Level, Line, continues, parse};
