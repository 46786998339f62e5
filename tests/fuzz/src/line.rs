//! What every error that is printed has to be.

use wpengine::Error;

/// More than a screen is of no use to anybody.
const LONGEST: usize = 2_000;

/// Fails unless the error prints as one line of bounded length, with nothing in it that a terminal obeys.
pub(super) fn assert_readable(error: &Error) {
    let line = error.to_string();
    assert!(!line.is_empty());
    assert_tame("the error", &line);
    let length = line.chars().count();
    assert!(length <= LONGEST, "{length} letters: {line}");
    // What Rust quotes it escapes, all but what changes the direction of the text.
    assert_tame("`Debug`", &format!("{error:?}"));
}

/// Fails if a text holds a control character, a line break of any kind, or a mark that changes the direction of what is
/// printed.
pub(super) fn assert_tame(what: &str, text: &str) {
    let wild = text.chars().find(|letter| {
        letter.is_control()
            || matches!(
                letter,
                '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'
                    ..='\u{202e}' | '\u{2066}'..='\u{2069}'
            )
    });
    assert_eq!(wild, None, "{what} holds a control character: {text:?}");
}
