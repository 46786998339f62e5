//! Lines of logs with any bytes: none is lost or made up, whatever they are, and reading one twice gives the same.

use wpengine_ssh::logs::{Entries, continues, parse};

/// Lines, with line breaks between them.
pub fn log_line(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let lines: Vec<&str> = text.split('\n').collect();
    let mut entries = Entries::default();
    let mut whole = Vec::new();
    for line in &lines {
        let read = parse(line);
        assert_eq!(read.raw, *line);
        assert_eq!(read, parse(&read.raw));
        if let Some(status) = read.status {
            assert!((100..=999).contains(&status), "{status} in {line:?}");
        }
        // What begins an entry has a time, a level or a status; what has a status begins one.
        assert!(!(continues(line) && read.status.is_some()), "{line:?}");
        whole.extend(entries.push(line));
    }
    whole.extend(entries.finish());
    let again: Vec<&str> = whole.iter().map(|entry| entry.raw.as_str()).collect();
    assert_eq!(again.join("\n"), lines.join("\n"));
    // As one object it is valid JSON with the same text.
    for entry in &whole {
        let json = serde_json::to_value(entry).expect("an object");
        assert_eq!(json["raw"], entry.raw.as_str());
    }
}
