//! Descriptions become rustdoc comments. This finds the text that would cause a rustdoc warning.

/// The problems of a description as a rustdoc comment.
pub(super) fn troubles(text: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let outside_code: String = text.split('`').step_by(2).collect::<Vec<_>>().join("``");
    if text.matches('`').count() % 2 == 1 {
        found.push("a backtick is not closed");
    }
    if outside_code.contains("://") {
        found.push("a bare URL: put it between backticks");
    }
    if outside_code.contains('[') || outside_code.contains(']') {
        found.push("square brackets would become a link: put them between backticks");
    }
    if outside_code
        .split('<')
        .skip(1)
        .any(|rest| rest.starts_with(|next: char| next.is_ascii_alphabetic() || next == '/'))
    {
        found.push("`<x>` would become an HTML tag: put it between backticks");
    }
    if text.lines().any(|line| line.starts_with("    ")) {
        found.push("an indented block would become code that rustdoc compiles");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::troubles;

    #[test]
    fn plain_prose_and_code_are_fine() {
        assert!(troubles("The `Vec<[u8]>` of `https://example.com`, where a < b.").is_empty());
    }

    #[test]
    fn what_rustdoc_would_trip_over_is_found() {
        for text in [
            "see https://example.com",
            "the results[0]",
            "a <b> c",
            "one\n    two",
            "one ` two",
        ] {
            assert_eq!(troubles(text).len(), 1, "{text}");
        }
    }
}
