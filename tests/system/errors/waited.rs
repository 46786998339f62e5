//! Errors from waiting.

use std::time::Duration;

use wpengine::{ErrorKind, requests::Wait, types::Backup};

use super::{Sheet, once};
use crate::support::{
    calls::INSTALL,
    script::{self, Script},
};

/// A wait for a backup in this state.
fn backup_that_is(state: &str) -> Wait<Backup> {
    backup_answered(200, &format!(r#"{{"id":"b1","status":"{state}"}}"#))
}

fn backup_answered(status: u16, body: &str) -> Wait<Backup> {
    let body = body.to_owned();
    let client = once(Script::new(move |_, _| Ok(script::json(status, &body))));
    client
        .install(INSTALL)
        .backup("b1")
        .wait()
        .deadline(Duration::from_secs(90))
}

#[tokio::test(start_paused = true)]
async fn a_wait_tells_failed_from_unfinished_and_from_not_asked() {
    let mut sheet = Sheet::default();
    sheet.note("aborted", backup_that_is("aborted").await);
    sheet.note("unfinished", backup_that_is("in_progress").await);
    sheet.note(
        "a state that nobody knows",
        backup_that_is("initiated").await,
    );
    sheet.note(
        "not asked",
        backup_answered(404, r#"{"message":"Not Found"}"#).await,
    );
    sheet.check(
        "waits",
        &[
            ErrorKind::WorkFailed,
            ErrorKind::WaitTimedOut,
            ErrorKind::Api,
        ],
    );
}
