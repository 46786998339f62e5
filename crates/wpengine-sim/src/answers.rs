//! Checks the simulator's own answers against the document.

use std::io::Write as _;

use crate::document::Operation;

/// What is wrong with an answer, or `None`.
pub(crate) fn violation(operation: &Operation, status: u16, body: &[u8]) -> Option<String> {
    let problem = problem(operation, status, body)?;
    Some(format!("{} answered {status}: {problem}", operation.id))
}

fn problem(operation: &Operation, status: u16, body: &[u8]) -> Option<String> {
    let schema = match operation.answers.get(&status) {
        Some(schema) => schema.as_ref(),
        None if operation.answers_with(status) => return None,
        None => return Some("the document does not have this status".to_owned()),
    };
    let Some(schema) = schema else {
        // The refreshes of disk usage are documented without a body, but answer with the literal null.
        let is_empty = body.is_empty() || body == b"null";
        return (!is_empty).then(|| "the document has no body for it".to_owned());
    };
    match serde_json::from_slice(body) {
        Ok(value) => {
            let error = schema.validator().iter_errors(&value).next()?;
            Some(format!("{error} at '{}'", error.instance_path().as_str()))
        }
        Err(error) => Some(format!("the body is not JSON: {error}")),
    }
}
/// Names a file to which all programs of a test suite append violations, one a line. If the file does not exist at the
/// end, there were none.
const FILE: &str = "WPENGINE_SIM_VIOLATIONS";

/// Appends a violation to the file, if the variable is set.
pub(crate) fn tell(violation: &str) {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let opened = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file);
    if let Ok(mut file) = opened {
        // Ignored, because the violation is also in the list in memory.
        let _ = writeln!(file, "{violation}");
    }
}
