//! A field of a PATCH request, for which leaving it out and clearing it are different.

/// What an update does with one field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Change<T> {
    /// Keeps the current value.
    #[default]
    Keep,
    /// Sets this value.
    Set(T),
    /// Removes the current value.
    Clear,
}

impl<T> Change<T> {
    /// Whether the field keeps its current value.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}
