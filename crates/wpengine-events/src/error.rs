//! Why something could not be done.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Why something could not be done.
///
/// A look that fails and a delivery that is refused are no errors of this type: they are tried again, and shown in the status.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file or an address of this machine cannot be used.
    File {
        /// The file, or what stands for it.
        path: PathBuf,
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process runs these events.
    Taken(PathBuf),
    /// A setting, an address or a name that cannot be used, and why.
    Settings(String),
}

impl Error {
    pub(crate) fn file(
        path: impl AsRef<Path>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::File {
            path: path.as_ref().to_owned(),
            source: source.into(),
        }
    }

    pub(crate) fn settings(text: impl Into<String>) -> Self {
        Self::Settings(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Taken(path) => write!(
                f,
                "another process runs these events: it holds the lock of {}; stop it first, or use another file",
                path.display()
            ),
            Self::Settings(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } => Some(source.as_ref()),
            Self::Taken(_) | Self::Settings(_) => None,
        }
    }
}
