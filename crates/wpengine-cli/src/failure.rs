//! Why a command did not do what it was asked to, and the exit code that says so.

use std::fmt;

use serde_json::{Value, json};
use wpengine::{Error, ErrorKind};
use wpengine_fleet::Candidate;

use crate::terminal::clean;

/// Every exit code that the program ends with.
pub(crate) mod exit {
    pub(crate) const DONE: u8 = 0;
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const USAGE: u8 = 2;
    pub(crate) const NOT_FOUND: u8 = 3;
    pub(crate) const CREDENTIALS: u8 = 4;
    pub(crate) const UNCONFIRMED: u8 = 5;
    pub(crate) const FINDINGS: u8 = 6;
    pub(crate) const PARTLY: u8 = 7;
    pub(crate) const RUNNING: u8 = 8;
    pub(crate) const UNKNOWN: u8 = 9;
    pub(crate) const TEMPORARY: u8 = 10;
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    /// One word for programs, such as `not_found`.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    /// What the command was about, if it was about one of several.
    pub(crate) target: Option<Box<str>>,
    pub(crate) candidates: Vec<String>,
    /// Commands to go on with.
    pub(crate) next: Vec<String>,
    /// The error of a call.
    pub(crate) call: Option<Box<Error>>,
}

impl Failure {
    pub(crate) fn new(exit: u8, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit,
            kind,
            message: message.into(),
            target: None,
            candidates: Vec::new(),
            next: Vec::new(),
            call: None,
        }
    }

    /// A mistake in what the user typed.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(exit::USAGE, "usage", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(exit::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn file(path: &std::path::Path, error: &dyn fmt::Display) -> Self {
        Self::new(
            exit::FAILED,
            "file",
            format!("cannot use {}: {error}", path.display()),
        )
    }

    pub(crate) fn about(mut self, target: impl Into<String>) -> Self {
        self.target.get_or_insert(target.into().into());
        self
    }

    pub(crate) fn next(mut self, command: impl Into<String>) -> Self {
        self.next.push(command.into());
        self
    }

    pub(crate) fn candidates(mut self, candidates: impl IntoIterator<Item = String>) -> Self {
        self.candidates.extend(candidates);
        self
    }

    /// As one object, for `-o json`.
    pub(crate) fn json(&self) -> Value {
        let mut error = json!({ "kind": self.kind, "message": self.message });
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                error[name] = value;
            }
        };
        set("target", json!(self.target));
        if let Some(call) = &self.call {
            set("operation", json!(call.operation()));
            set("status", json!(call.status().map(|status| status.as_u16())));
            set("request_id", json!(call.request_id()));
            set("attempts", json!(call.attempts()));
            set(
                "retry_after_s",
                json!(call.retry_after().map(|wait| wait.as_secs())),
            );
            set("may_have_happened", json!(call.may_have_happened()));
            let fields: Vec<Value> = call
                .api()
                .map(|api| api.errors.iter())
                .into_iter()
                .flatten()
                .map(|error| json!({ "field": error.field, "code": error.code, "message": error.message }))
                .collect();
            if !fields.is_empty() {
                set("fields", json!(fields));
            }
        }
        if !self.candidates.is_empty() {
            set("candidates", json!(self.candidates));
        }
        if !self.next.is_empty() {
            set("next", json!(self.next));
        }
        json!({ "error": error, "exit_code": self.exit })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(target) = &self.target {
            write!(f, "{}: ", clean(target))?;
        }
        f.write_str(&clean(&self.message))?;
        for candidate in &self.candidates {
            write!(f, "\n  {}", clean(candidate))?;
        }
        for (position, command) in self.next.iter().enumerate() {
            let before = if position == 0 { "\nNext:" } else { "\n     " };
            write!(f, "{before} {}", clean(command))?;
        }
        Ok(())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, kind) = classify(&error);
        // The flags of this program for the settings of the library.
        let message = error
            .to_string()
            .replace("`rate_limit_wait`", "--rate-limit-wait")
            .replace("a longer `deadline`", "a longer --wait=TIME")
            .replace(
                "build a client without `read_only()` for it",
                "run it without --read-only, or with another profile",
            )
            .replace("with `timeout`", "with --timeout")
            .replace("of this crate", "of this program");
        Self {
            call: Some(Box::new(error)),
            ..Self::new(exit, kind, message)
        }
    }
}

fn classify(error: &Error) -> (u8, &'static str) {
    let of_kind = match error.kind() {
        ErrorKind::Configuration => (exit::USAGE, "configuration"),
        ErrorKind::Credentials => (exit::CREDENTIALS, "credentials"),
        ErrorKind::InvalidRequest => (exit::USAGE, "invalid_request"),
        ErrorKind::ReadOnly => (exit::CREDENTIALS, "read_only"),
        ErrorKind::NotFound => (exit::NOT_FOUND, "not_found"),
        ErrorKind::Ambiguous => (exit::NOT_FOUND, "ambiguous"),
        ErrorKind::WaitTimedOut => (exit::RUNNING, "wait_timed_out"),
        ErrorKind::WorkFailed => (exit::FAILED, "work_failed"),
        ErrorKind::RateLimit => (exit::TEMPORARY, "rate_limit"),
        ErrorKind::Limiter => (exit::TEMPORARY, "limiter"),
        ErrorKind::Connect => (exit::TEMPORARY, "connect"),
        ErrorKind::Timeout => (exit::TEMPORARY, "timeout"),
        ErrorKind::Transport => (exit::TEMPORARY, "transport"),
        ErrorKind::Decode => (exit::FAILED, "decode"),
        ErrorKind::Paging => (exit::FAILED, "paging"),
        _ if error.is_not_found() => (exit::NOT_FOUND, "not_found"),
        _ if error.is_unauthorized() => (exit::CREDENTIALS, "unauthorized"),
        _ if error.is_forbidden() => (exit::CREDENTIALS, "forbidden"),
        _ if error.is_rate_limited() => (exit::TEMPORARY, "rate_limit"),
        _ if error.is_server_error() => (exit::TEMPORARY, "server_error"),
        _ => (exit::FAILED, "api"),
    };
    if error.may_have_happened() {
        return (exit::UNKNOWN, of_kind.1);
    }
    of_kind
}

impl From<wpengine_fleet::Error> for Failure {
    fn from(error: wpengine_fleet::Error) -> Self {
        use wpengine_fleet::Error as Fleet;

        let message = error.to_string();
        match error {
            Fleet::Api(error) => error.into(),
            Fleet::Ambiguous { wanted, candidates } => Self::new(
                exit::NOT_FOUND,
                "ambiguous",
                format!("`{wanted}` can mean several things; give the id of one of them:"),
            )
            .candidates(candidates.iter().map(Candidate::to_string)),
            // What could not be read may be there: that is no verdict.
            Fleet::NotFound { failures, .. } if !failures.is_empty() => {
                let refused =
                    |failure: &wpengine_fleet::Failure| matches!(failure.status, Some(401 | 403));
                match failures.iter().any(refused) {
                    true => Self::new(exit::CREDENTIALS, "unauthorized", message),
                    false => Self::new(exit::TEMPORARY, "incomplete", message),
                }
            }
            Fleet::NotFound { .. } => Self::not_found(message),
            // A rule that a plan would break, before anything is sent.
            Fleet::Plan(_) => Self::new(exit::USAGE, "plan", message),
            Fleet::Query(_) => Self::new(exit::USAGE, "query", message),
            _ => Self::new(exit::FAILED, "file", message),
        }
    }
}
