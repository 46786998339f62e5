//! A field of a PATCH, in which leaving out and clearing are different things.

/// What to do with one field of something that is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Change<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Give it this value.
    Set(T),
    /// Take its value away.
    Clear,
}

impl<T> Change<T> {
    /// Whether the field is left as it is.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}
