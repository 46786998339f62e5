//! One difference between two descriptions.

use serde::Serialize;

use crate::description::Operation;

/// The subject of a difference.
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

/// Which description has more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Only the other description has it.
    Added,
    /// Only our document has it.
    Removed,
    /// Both have it, with different values.
    Changed,
}

/// One difference, at one place of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Method and path, as in our document if it has the operation.
    pub(crate) operation: String,
    /// Our id of the operation.
    pub(crate) id: Option<String>,
    pub(crate) aspect: Aspect,
    /// `operation`, `query parameter limit`, `body user.email`, `200 results[].name`.
    pub(crate) place: String,
    /// What the other description says; `None` if it has nothing there.
    pub(crate) there: Option<String>,
    /// What our document says.
    pub(crate) here: Option<String>,
}

/// The text for an absent value.
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

/// The differences of one operation.
pub(super) struct Found {
    operation: String,
    pub(super) id: Option<String>,
    pub(super) differences: Vec<Difference>,
}

impl Found {
    pub(super) fn new(operation: &Operation<'_>) -> Self {
        Self {
            operation: operation.title(),
            id: Some(operation.id().to_owned()).filter(|id| !id.is_empty()),
            differences: Vec::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        aspect: Aspect,
        place: impl Into<String>,
        there: Option<String>,
        here: Option<String>,
    ) {
        self.differences.push(Difference {
            operation: self.operation.clone(),
            id: self.id.clone(),
            aspect,
            place: place.into(),
            there,
            here,
        });
    }

    /// Adds a difference of two values that both exist.
    pub(super) fn changed(
        &mut self,
        aspect: Aspect,
        place: &str,
        there: impl Into<String>,
        here: impl Into<String>,
    ) {
        self.add(aspect, place, Some(there.into()), Some(here.into()));
    }

    pub(super) fn required(&mut self, place: &str, there: bool, here: bool) {
        if there != here {
            let word = |required| if required { "required" } else { "optional" };
            self.changed(Aspect::Required, place, word(there), word(here));
        }
    }
}
