//! The guarantees for every printed error.

use wpengine::Error;

/// The length limit of an error.
const LONGEST: usize = 2_000;

/// Fails unless the error prints as one line of bounded length, without characters that control a terminal.
pub(super) fn assert_readable(error: &Error) {
    let line = error.to_string();
    assert!(!line.is_empty());
    assert_tame("the error", &line);
    let length = line.chars().count();
    assert!(length <= LONGEST, "{length} letters: {line}");
    // Rust's `Debug` escapes all of these except the marks that change the direction of text.
    assert_tame("`Debug`", &format!("{error:?}"));
}

/// Fails if a text contains a control character, a line break of any kind, or a mark that changes the direction of text.
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
