//! A small seeded generator. Everything random in the simulator uses it, so that one seed gives one world.
//!
//! It is SplitMix64, which is small and passes the usual statistical tests. A generator of our own never changes, so ids in
//! users' tests do not change with a dependency.

use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::num::ParseIntError;

use serde::{Deserialize, Serialize};

/// A stream of pseudo-random numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Random(u64);

/// Written as text, because many JSON readers lose digits of so large a number.
impl From<Random> for String {
    fn from(random: Random) -> Self {
        format!("{:016x}", random.0)
    }
}

impl TryFrom<String> for Random {
    type Error = ParseIntError;

    fn try_from(text: String) -> Result<Self, ParseIntError> {
        u64::from_str_radix(&text, 16).map(Self)
    }
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The generator for a text, such as an install's id. The same seed and text always give the same numbers.
    pub(crate) fn for_text(seed: u64, text: &str) -> Self {
        // FNV-1a, then one step of the generator to mix the bits.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut random = Self(seed ^ hash);
        random.next();
        random
    }

    /// An unpredictable generator, for passwords.
    pub(crate) fn unforeseeable() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A number from 0 to 1, without 1.
    pub(crate) fn unit(&mut self) -> f64 {
        // A double holds 53 bits exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of the choices. There must be at least one.
    pub(crate) fn choose<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len() as u64) as usize]
    }

    /// An id in the form of a UUID, version 4.
    pub(crate) fn uuid(&mut self) -> String {
        let high = (self.next() & 0xffff_ffff_ffff_0fff) | 0x4000;
        let low = (self.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// A text of this many hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        let mut text = String::with_capacity(digits + 16);
        while text.len() < digits {
            let _ = write!(text, "{:016x}", self.next());
        }
        text.truncate(digits);
        text
    }

    /// A text of this many characters that are valid in a URL.
    pub(crate) fn token(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::with_capacity(length);
        let mut bits = 0;
        for index in 0..length {
            if index % 10 == 0 {
                bits = self.next();
            }
            text.push(char::from(ALPHABET[(bits & 63) as usize]));
            bits >>= 6;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (mut one, mut other) = (Random::new(7), Random::new(7));
        assert_eq!(one.uuid(), other.uuid());
        assert_ne!(one.uuid(), Random::new(8).uuid());
        // Pinned, because users' tests rely on the ids.
        assert_eq!(Random::new(0).hex(16), "e220a8397b1dcdaf");
    }

    #[test]
    fn ids_have_the_form_of_a_version_4_uuid() {
        let mut random = Random::new(1);
        for _ in 0..100 {
            let id = random.uuid();
            assert_eq!(id.len(), 36);
            assert_eq!(&id[14..15], "4");
            assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        }
    }

    #[test]
    fn streams_of_different_texts_differ() {
        assert_ne!(
            Random::for_text(1, "a").next(),
            Random::for_text(1, "b").next()
        );
        assert_eq!(
            Random::for_text(1, "a").next(),
            Random::for_text(1, "a").next()
        );
    }
}
