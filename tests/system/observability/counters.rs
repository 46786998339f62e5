//! The example `counters`.

use super::run;

/// Returns the number at the end of the line that begins with these words.
fn number(text: &str, words: &str) -> u64 {
    text.lines()
        .find_map(|line| line.trim().strip_prefix(words))
        .and_then(|rest| rest.trim().parse().ok())
        .unwrap_or_else(|| panic!("no `{words}`: {text}"))
}

#[tokio::test]
async fn the_example_prints_spans_and_counters_that_agree() {
    let text = run(env!("CARGO_BIN_EXE_wpengine-counters"), &[]).await;

    // Eight calls. Two of them were retried once, and one failed.
    assert_eq!(number(&text, "calls"), 8, "{text}");
    assert_eq!(number(&text, "attempts"), 10, "{text}");
    assert_eq!(number(&text, "failures"), 1, "{text}");
    assert_eq!(number(&text, "refused for the rate"), 1, "{text}");

    // One line for each span that ended, and one for each wait.
    let closed: Vec<_> = text
        .lines()
        .filter(|line| line.contains(": close "))
        .collect();
    let attempts = closed
        .iter()
        .filter(|line| line.contains("wpengine.attempt{"));
    assert_eq!(attempts.count(), 10, "{text}");
    assert_eq!(closed.len(), 8 + 10, "{text}");
    let waits = text.matches("waiting for the rate limit").count() as u64;
    assert!(waits >= 4, "more requests than places: {text}");
    assert_eq!(number(&text, "waited for the windows"), waits, "{text}");
    assert_eq!(text.matches("waiting before the next attempt").count(), 1);

    assert!(text.contains("5 in 2s: "), "the windows: {text}");
    assert!(
        text.contains("the service may have done it anyway"),
        "{text}"
    );
}
