//! Words for a shell.

/// A word as a shell reads it: the same bytes, whatever they are. A byte 0 cannot be in a word and is left out.
///
/// ```
/// use wpengine_ssh::quoted;
///
/// assert_eq!(quoted(b"plugin"), b"plugin");
/// assert_eq!(quoted(b"it's $HOME"), br"'it'\''s $HOME'");
/// ```
#[must_use]
pub fn quoted(word: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./=,:@%+".contains(byte);
    if !word.is_empty() && word.iter().all(is_plain) {
        return word.to_vec();
    }
    let mut text = vec![b'\''];
    for byte in word {
        match byte {
            0 => {}
            b'\'' => text.extend(br"'\''"),
            byte => text.push(*byte),
        }
    }
    text.push(b'\'');
    text
}

/// Words with spaces between them, as a shell reads them.
pub(crate) fn line<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Vec<u8> {
    let words: Vec<Vec<u8>> = words
        .into_iter()
        .map(|word| quoted(word.as_ref()))
        .collect();
    words.join(&b' ')
}

/// An assignment in a script.
pub(crate) fn set(name: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let mut text = format!("{name}=").into_bytes();
    text.extend(quoted(value.as_ref()));
    text.push(b'\n');
    text
}
