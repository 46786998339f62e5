//! Reads the choices at the front of an input: what is requested, and how it is answered.

/// The line that separates the parts of an input.
const PART: &[u8] = b"\n%%\n";

/// Reads choices from the front of an input. Each byte is a choice, counted from the letter `0`, so that people can
/// read and write inputs.
pub(super) struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    pub(super) fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    /// A choice below the number; 0 at the end of the input.
    pub(super) fn choice(&mut self, of: usize) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(first.wrapping_sub(b'0')) % of
    }

    /// One of these values.
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.choice(from.len())]
    }

    /// The rest after the choices.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// The rest, split into its parts.
    pub(super) fn parts(self, most: usize) -> Vec<&'a [u8]> {
        let mut parts = Vec::new();
        let mut rest = self.0;
        while parts.len() + 1 < most
            && let Some(at) = rest.windows(PART.len()).position(|part| part == PART)
        {
            parts.push(&rest[..at]);
            rest = &rest[at + PART.len()..];
        }
        parts.push(rest);
        parts
    }
}
