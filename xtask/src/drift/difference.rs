//! One thing that two descriptions say differently.

use serde::Serialize;

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aspect {
    Operation,
    Parameter,
    Body,
    Answer,
    Field,
    Type,
    Nullable,
    Required,
    Value,
    Limit,
}

/// Which of the two descriptions has more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// There, not here.
    Added,
    /// Here, not there.
    Removed,
    /// Both, but not the same.
    Changed,
}

/// One difference, at one place of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Method and path, in our spelling where we have the operation.
    pub(crate) operation: String,
    /// Our id of the operation.
    pub(crate) id: Option<String>,
    pub(crate) aspect: Aspect,
    /// `operation`, `query parameter limit`, `body user.email`, `200 results[].name`.
    pub(crate) place: String,
    /// What the other description says; `None` if it has no such thing.
    pub(crate) there: Option<String>,
    /// What we say.
    pub(crate) here: Option<String>,
}

/// How the absence of something is written.
const ABSENT: &str = "absent";

impl Difference {
    pub(crate) fn kind(&self) -> Kind {
        match (&self.there, &self.here) {
            (Some(_), None) => Kind::Added,
            (None, Some(_)) => Kind::Removed,
            _ => Kind::Changed,
        }
    }

    pub(crate) fn there(&self) -> &str {
        self.there.as_deref().unwrap_or(ABSENT)
    }

    pub(crate) fn here(&self) -> &str {
        self.here.as_deref().unwrap_or(ABSENT)
    }

    /// The line that is printed below the operation.
    pub(crate) fn line(&self) -> String {
        format!(
            "{}: {} there, {} here",
            self.place,
            self.there(),
            self.here()
        )
    }
}
