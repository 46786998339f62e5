//! Texts of errors: a snapshot of each kind, with its line and its sources.
//!
//! The snapshots are in `snapshots/errors/`. Check a changed one as an operator would read it in an alert.

mod answered;
mod readable;
mod unanswered;
mod unsent;
mod waited;

use std::{
    error::Error as _,
    fmt::{Debug, Write as _},
    sync::Arc,
    time::Duration,
};

use wpengine::{Client, Error, ErrorKind, RetryPolicy, transport::HttpClient};

use crate::support::clients;

/// A list of errors, as the snapshot shows them.
#[derive(Default)]
struct Sheet {
    shown: String,
    kinds: Vec<ErrorKind>,
}

impl Sheet {
    /// Adds the error of a result that must have failed.
    fn note<T: Debug>(&mut self, what: &str, result: Result<T, Error>) {
        let error = match result {
            Err(error) => error,
            Ok(value) => panic!("{what} is no error: {value:?}"),
        };
        let line = error.to_string();
        assert!(!line.contains(['\n', '\r', '\t']), "one line: {line}");
        assert!(line.len() < 400, "a short line: {line}");
        let _ = writeln!(self.shown, "# {what}: {:?}\n{line}", error.kind());
        if error.may_have_happened() {
            let is_said = line.contains("check before you send it again")
                || line.contains("doing it again changes nothing");
            assert!(is_said, "{line}");
        }
        let mut cause = error.source();
        while let Some(deeper) = cause {
            let said = deeper.to_string();
            assert!(!line.contains(&said), "said twice: {said}");
            let _ = writeln!(self.shown, "  because: {said}");
            cause = deeper.source();
        }
        self.shown.push('\n');
        self.kinds.push(error.kind());
    }

    /// Compares the list with its snapshot. It may only contain errors of these kinds.
    fn check(self, name: &str, kinds: &[ErrorKind]) {
        for kind in &self.kinds {
            assert!(kinds.contains(kind), "{kind:?} in {name}");
        }
        for kind in kinds {
            assert!(self.kinds.contains(kind), "no {kind:?} in {name}");
        }
        check(name, self.shown.trim_end());
    }
}

fn check(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots/errors");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

/// A client that makes one attempt.
fn once(wire: Arc<dyn HttpClient>) -> Client {
    clients::builder_on(wire)
        .retry(RetryPolicy::none())
        .build()
        .expect("a client")
}

/// A client that makes three attempts without a wait between them.
fn three_times(wire: Arc<dyn HttpClient>) -> Client {
    clients::builder_on(wire)
        .retry(
            RetryPolicy::default()
                .max_attempts(3)
                .time_limit(Duration::MAX)
                .first_wait(Duration::ZERO),
        )
        .build()
        .expect("a client")
}
