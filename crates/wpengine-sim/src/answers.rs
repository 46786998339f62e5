//! The simulator's own answers against the document: the check that keeps it honest.

use std::io::Write as _;

use crate::document::Operation;

/// What is wrong with an answer, if anything is.
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
        // The refreshes of disk usage are documented without a body and answer with the literal null.
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
/// Where a whole test suite, of many programs, collects what is wrong with answers: a line each, in the file that this
/// variable names. No file means that nothing was wrong.
const FILE: &str = "WPENGINE_SIM_VIOLATIONS";

/// Writes a violation down, where that is asked for.
pub(crate) fn tell(violation: &str) {
    let Some(file) = std::env::var_os(FILE) else {
        return;
    };
    let opened = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file);
    if let Ok(mut file) = opened {
        // The list of violations in memory is there all the same.
        let _ = writeln!(file, "{violation}");
    }
}
