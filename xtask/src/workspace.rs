//! Where the workspace is.

use std::path::Path;

/// The root of the workspace, one folder above this package.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
