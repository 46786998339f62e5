//! Mutations of inputs, the same in every run: a small part of what libFuzzer does.

/// Creates inputs from the inputs of a corpus.
pub(super) struct Mutator {
    corpus: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
    random: fastrand::Rng,
}

/// The maximum length of an input. It is longer than all inputs of the corpus; longer inputs would only take more time.
const LONGEST: usize = 8_192;

impl Mutator {
    pub(super) fn new(corpus: Vec<Vec<u8>>, words: Vec<Vec<u8>>) -> Self {
        Self {
            corpus,
            words,
            random: fastrand::Rng::with_seed(4),
        }
    }

    /// Returns the next input: one of the corpus, changed in one to four places.
    pub(super) fn next(&mut self) -> Vec<u8> {
        let mut input = self.any();
        for _ in 0..self.random.usize(1..=4) {
            self.change(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn any(&mut self) -> Vec<u8> {
        let number = self.random.usize(..self.corpus.len());
        self.corpus[number].clone()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let range = self.range(input.len());
        match self.random.u8(..8) {
            // Replaces a letter among the choices at the front.
            0 => {
                let at = self.random.usize(..6);
                if let Some(choice) = input.get_mut(at) {
                    *choice = self.random.u8(b'0'..=b'o');
                }
            }
            // Flips a bit.
            1 => {
                if let Some(byte) = input.get_mut(range.start) {
                    *byte ^= 1 << self.random.u8(..8);
                }
            }
            // Removes a part, or cuts off the end.
            2 => drop(input.drain(range)),
            3 => input.truncate(range.start),
            // Repeats a part.
            4 => {
                let part = input[range.clone()].to_vec();
                input.splice(range.start..range.start, part);
            }
            // Inserts a part of another input.
            5 => {
                let other = self.any();
                let part = self.range(other.len());
                input.splice(range, other[part].iter().copied());
            }
            // Inserts a word of the dictionary, or replaces a part by one.
            6 => {
                let word = self.word();
                input.splice(range.start..range.start, word);
            }
            _ => {
                let word = self.word();
                input.splice(range, word);
            }
        }
    }

    fn word(&mut self) -> Vec<u8> {
        let number = self.random.usize(..self.words.len());
        self.words[number].clone()
    }

    /// Returns a random range in an input of this length, usually a short one.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.random.usize(..=length);
        let most = if self.random.u8(..4) == 0 { length } else { 8 };
        let end = start + self.random.usize(..=most.min(length - start));
        start..end
    }
}

/// Reads a line of the dictionary: a word in quotes, with `\xNN` for bytes.
pub(super) fn word(line: &str) -> Option<Vec<u8>> {
    let quoted = line.trim().strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = quoted.bytes();
    let mut word = Vec::new();
    while let Some(byte) = bytes.next() {
        let escaped = match byte {
            b'\\' => bytes.next()?,
            other => {
                word.push(other);
                continue;
            }
        };
        if escaped == b'x' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            word.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            word.push(escaped);
        }
    }
    Some(word)
}

#[test]
fn a_mutator_makes_the_same_inputs_in_every_run_and_they_differ() {
    let make = || {
        let mut mutator = Mutator::new(vec![b"one".to_vec(), b"two".to_vec()], vec![b"w".to_vec()]);
        (0..100).map(|_| mutator.next()).collect::<Vec<_>>()
    };
    let made = make();
    assert_eq!(made, make());
    let different: std::collections::HashSet<_> = made.iter().collect();
    assert!(different.len() > 50, "{}", different.len());
}

#[test]
fn words_are_read_as_libfuzzer_reads_them() {
    assert_eq!(
        word(r#""a\"b\\c\x00\xff""#).as_deref(),
        Some(&b"a\"b\\c\x00\xff"[..])
    );
    assert_eq!(word("# a comment"), None);
    assert_eq!(word(""), None);
}
