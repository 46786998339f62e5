//! The text of an error, in one line.

use std::fmt;

use super::{Error, ErrorKind, Inner};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            kind,
            request,
            operation,
            message,
            hint,
            attempts,
            elapsed,
            may_have_happened,
            ..
        } = &*self.0;
        // A request that was not sent has no method and path. The operation id then says what the call was for.
        let names_itself =
            matches!(kind, ErrorKind::ReadOnly) || operation.is_some_and(|id| message.contains(id));
        match (request, operation) {
            (Some(request), _) => write!(f, "{request}: ")?,
            (None, Some(operation)) if !names_itself => write!(f, "{operation}: ")?,
            _ => {}
        }
        f.write_str(message)?;

        let mut notes = Vec::new();
        if *attempts > 1 {
            notes.push(match elapsed {
                Some(elapsed) => format!("{attempts} attempts in {:.1} s", elapsed.as_secs_f64()),
                None => format!("{attempts} attempts"),
            });
        }
        if let Some(id) = self.request_id() {
            notes.push(format!("request id {id}"));
        }
        if !notes.is_empty() {
            write!(f, " ({})", notes.join(", "))?;
        }
        if *may_have_happened {
            let is_safe = operation
                .and_then(wpengine_raw::operation)
                .is_some_and(|operation| operation.retry == wpengine_raw::Retry::Safe);
            f.write_str(if is_safe {
                "; the service may have done it anyway, and doing it again changes nothing"
            } else {
                "; the service may have done it anyway: check before you send it again"
            })?;
        }
        if let Some(hint) = hint {
            write!(f, "; {hint}")?;
        }
        if *kind == ErrorKind::Api
            && let Some(wait) = self.0.retry_after.filter(|wait| !wait.is_zero())
        {
            write!(f, "; the service asks to wait {} s", wait.as_secs())?;
        }
        Ok(())
    }
}

/// Makes one line of a text from outside, and shortens it to `most` characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || is_obeyed(letter));
    // A text from outside may be long: more words than characters are never shown.
    let words = words.filter(|word| !word.is_empty()).take(most + 1);
    let words: Vec<&str> = words.collect();
    let line = words.join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether a terminal interprets a character instead of printing it: control characters, and marks that change the
/// direction of the text.
fn is_obeyed(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn a_text_from_elsewhere_becomes_one_short_line() {
        assert_eq!(shortened("a\n  b\u{7}c\t d", 20), "a b c d");
        assert_eq!(
            shortened("the file \u{202e}gnp.exe", 20),
            "the file gnp.exe"
        );
        assert_eq!(shortened("abcdef", 3), "abc…");
        assert_eq!(shortened("", 3), "");
        assert_eq!(shortened("ääää", 3), "äää…");
    }
}
