//! Why a question has no answer.

use std::{fmt, path::PathBuf};

use crate::{Failure, resolve::Candidate};

/// Why a question about the fleet could not be answered at all.
///
/// Parts that could not be read are not errors of this type: they are [`Failure`](crate::Failure)s in the result.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The service, the network or the client.
    Api(wpengine::Error),
    /// A file of the fleet cannot be used.
    File {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing in the fleet has this name, id or domain.
    NotFound {
        /// What was looked for.
        wanted: String,
        /// What could not be read when it was looked for: it may be there.
        failures: Vec<Failure>,
    },
    /// Several things fit.
    Ambiguous {
        /// What was looked for.
        wanted: String,
        /// Everything that fits.
        candidates: Vec<Candidate>,
    },
    /// A plan that cannot be made or run, and why.
    Plan(String),
    /// A query that SQLite refuses, or that took too long.
    Query(String),
}

impl Error {
    pub(crate) fn not_found(wanted: &str) -> Self {
        Self::NotFound {
            wanted: wanted.to_owned(),
            failures: Vec::new(),
        }
    }
}

/// Whether SQLite says that a file is no database any more.
fn is_damaged(source: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};

    let error = source.downcast_ref::<rusqlite::Error>();
    let code = error.and_then(rusqlite::Error::sqlite_error_code);
    matches!(code, Some(DatabaseCorrupt | NotADatabase))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::File { path, source } => {
                write!(f, "cannot use {}: {source}", path.display())?;
                if is_damaged(source.as_ref()) {
                    f.write_str("; if mirror.db is damaged, delete it while no process uses it: it is read again from the service. If it is state.db, move it away and keep it: it has the journal of plans and the history")?;
                }
                Ok(())
            }
            Self::NotFound { wanted, failures } => match failures.first() {
                None => write!(
                    f,
                    "nothing in the fleet is called `{wanted}`; give an id, the name of an install, `SITE/ENVIRONMENT`, a domain, or the name of a site or an account, and check that these credentials can see its account"
                ),
                Some(failure) => write!(
                    f,
                    "nothing that is known of the fleet is called `{wanted}`, and not everything could be read: {}: {}",
                    failure.subject, failure.message
                ),
            },
            Self::Ambiguous { wanted, candidates } => {
                write!(f, "`{wanted}` can mean ")?;
                for (position, candidate) in candidates.iter().enumerate() {
                    let separator = if position == 0 { "" } else { ", " };
                    write!(f, "{separator}{candidate}")?;
                }
                f.write_str("; give the id of one of them")
            }
            Self::Plan(message) => f.write_str(message),
            Self::Query(message) => write!(f, "the query failed: {message}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Api(error) => Some(error),
            Self::File { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

impl From<wpengine::Error> for Error {
    fn from(error: wpengine::Error) -> Self {
        Self::Api(error)
    }
}
