//! The error of everything here: its kind, what happened, what the other side said, and what to do.

use std::{fmt, path::Path};

/// What kind of error an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something that was given cannot be used. Nothing was sent.
    Input,
    /// A file or a program of this machine.
    Local,
    /// Nobody has said yet that the host key is the right one. Nothing but a handshake was sent.
    HostKeyUnknown,
    /// The host shows another key than the one that was accepted. Nothing but a handshake was sent.
    HostKeyChanged,
    /// The gateway does not take any key of this user.
    KeyRefused,
    /// The install has no gateway yet, or does not exist.
    NotReady,
    /// The gateway cannot be reached, or has too many connections.
    Unavailable,
    /// The connection was lost. What it says about the state is in the message.
    Lost,
    /// It took longer than it may.
    TimedOut,
    /// Somebody else deploys to this install, or an interrupted release is there.
    Locked,
    /// A rule refused it before the site was changed.
    Refused,
    /// rsync failed.
    Transfer,
    /// A command on the gateway failed.
    Remote,
    /// Nobody knows whether the site was changed.
    Unknown,
    /// A call of the API failed.
    Api,
}

/// Why something could not be done over the gateway.
///
/// `Display` prints what happened, then what the other side said, and at the end what to do.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    /// What ssh, rsync, git or a script said.
    said: String,
    hint: String,
    api: Option<wpengine::Error>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            said: String::new(),
            hint: String::new(),
            api: None,
        }))
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    pub(crate) fn local(path: &Path, error: &dyn fmt::Display) -> Self {
        Self::new(
            ErrorKind::Local,
            format!("cannot use {}: {error}", path.display()),
        )
    }

    pub(crate) fn program(name: &str, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                Self::new(ErrorKind::Local, format!("`{name}` is not installed"))
                    .hint(format!("install {name} and try again"))
            }
            _ => Self::new(ErrorKind::Local, format!("cannot run {name}: {error}")),
        }
    }

    pub(crate) fn said(mut self, text: &[u8]) -> Self {
        const MOST: usize = 2_000;
        let text = String::from_utf8_lossy(text);
        let text = text.trim();
        let skipped = text.chars().count().saturating_sub(MOST);
        self.0.said = text.chars().skip(skipped).collect();
        self
    }

    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        self.0.hint = text.into();
        self
    }

    /// The same with another kind and message, where more is known of what it means.
    pub(crate) fn means(mut self, kind: ErrorKind, message: impl FnOnce(&str) -> String) -> Self {
        self.0.message = message(&self.0.message);
        self.0.kind = kind;
        self
    }

    /// Returns the kind of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns what happened, without what was said and without the hint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns what to do, if there is something to say.
    #[must_use]
    pub fn what_to_do(&self) -> Option<&str> {
        Some(self.0.hint.as_str()).filter(|hint| !hint.is_empty())
    }

    /// Returns the error of the API's call, or this error if it was none.
    ///
    /// # Errors
    ///
    /// This error, if no call failed.
    pub fn into_api(self) -> Result<wpengine::Error, Self> {
        let mut inner = self.0;
        match inner.api.take() {
            Some(error) => Ok(error),
            None => Err(Self(inner)),
        }
    }

    /// Returns the error of the API's call, if it was one.
    #[must_use]
    pub fn api(&self) -> Option<&wpengine::Error> {
        self.0.api.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if !self.0.said.is_empty() {
            for line in self.0.said.lines() {
                write!(f, "\n  {line}")?;
            }
        }
        if !self.0.hint.is_empty() {
            write!(f, "\n{}", self.0.hint)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.api.as_ref().map(|error| error as _)
    }
}

impl From<wpengine::Error> for Error {
    fn from(error: wpengine::Error) -> Self {
        let mut all = Self::new(ErrorKind::Api, error.to_string());
        all.0.api = Some(error);
        all
    }
}
