//! The scripts of a deployment, and what they answer.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::record::Lock;
use crate::{
    connection::Done,
    error::{Error, ErrorKind},
    shell,
};

const SCRIPT: &str = include_str!("remote.sh");

/// The variables of a script.
#[derive(Clone)]
pub(super) struct Variables<'a> {
    install: &'a str,
    pub(super) id: &'a str,
    target: &'a str,
    owner: &'a str,
    about: &'a str,
    expected: Option<&'a str>,
    lock_for: Duration,
    lint: bool,
    force: bool,
    keep: u32,
    complete: bool,
    listed: (usize, usize),
}

impl<'a> Variables<'a> {
    pub(super) fn new(install: &'a str) -> Self {
        Self {
            install,
            id: "none",
            target: "",
            owner: "",
            about: "",
            expected: None,
            lock_for: Duration::from_secs(900),
            lint: false,
            force: false,
            keep: 5,
            complete: false,
            listed: (0, 0),
        }
    }

    pub(super) fn target(self, target: &'a str) -> Self {
        Self { target, ..self }
    }

    pub(super) fn id(self, id: &'a str) -> Self {
        Self { id, ..self }
    }

    pub(super) fn owner(self, owner: &'a str) -> Self {
        Self { owner, ..self }
    }

    pub(super) fn about(self, about: &'a str) -> Self {
        Self { about, ..self }
    }

    pub(super) fn expected(self, expected: Option<&'a str>) -> Self {
        Self { expected, ..self }
    }

    pub(super) fn lock_for(self, lock_for: Duration) -> Self {
        Self { lock_for, ..self }
    }

    pub(super) fn lint(self, lint: bool) -> Self {
        Self { lint, ..self }
    }

    pub(super) fn force(self, force: bool) -> Self {
        Self { force, ..self }
    }

    pub(super) fn keep(self, keep: u32) -> Self {
        Self { keep, ..self }
    }

    /// All files were sent.
    pub(super) fn complete(self) -> Self {
        Self {
            complete: true,
            ..self
        }
    }

    /// How long the packed lists on the input are.
    pub(super) fn listed(self, files: usize, links: usize) -> Self {
        Self {
            listed: (files, links),
            ..self
        }
    }

    /// A whole script that runs one function. What follows it on the input is the input of the function, if it has one.
    pub(super) fn script(&self, function: &str, has_input: bool) -> Vec<u8> {
        // The name of a folder of its own for each target.
        let hash = Sha256::digest(self.target);
        let key: String = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut script = Vec::new();
        for (name, value) in [
            ("install", self.install),
            ("id", self.id),
            ("target", self.target),
            ("owner", self.owner),
            ("about", self.about),
            ("key", key.as_str()),
            ("expected", self.expected.unwrap_or("-")),
            ("ttl", &self.lock_for.as_secs().max(1).to_string()),
            ("lint", if self.lint { "1" } else { "0" }),
            ("force", if self.force { "1" } else { "0" }),
            ("keep", &self.keep.max(1).to_string()),
            ("complete", if self.complete { "1" } else { "0" }),
            ("listed", &self.listed.0.to_string()),
            ("listed_links", &self.listed.1.to_string()),
        ] {
            script.extend(shell::set(name, value));
        }
        script.extend(SCRIPT.as_bytes());
        let input = if has_input { "" } else { " </dev/null" };
        // One line: what is cut off within the script above runs nothing of it.
        script.extend(format!("{function}{input}; exit 0\n").as_bytes());
        script
    }

    /// The folder that files are sent to.
    pub(super) fn staging(&self) -> String {
        format!(
            "sites/{}/_wpeprivate/wpengine/releases/{}/new/{}",
            self.install, self.id, self.target
        )
    }

    /// The folder that is deployed to, seen from the one that files are sent to.
    pub(super) fn live_from_staging(&self) -> String {
        let depth = self
            .target
            .split('/')
            .filter(|part| !part.is_empty())
            .count();
        format!("{}{}", "../".repeat(5 + depth), self.target)
    }
}

/// What a script said: names and values in turn, each ended by a byte 0.
#[derive(Debug, Default)]
pub(super) struct Answer(Vec<(String, Vec<u8>)>);

impl Answer {
    pub(super) fn of(done: Done, install: &str) -> Result<Self, Error> {
        let mut parts = done.stdout.split(|byte| *byte == 0);
        let mut answer = Self::default();
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            answer.add(name, value);
        }
        answer.ended(done.code, install, &done.stderr)
    }

    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        self.0
            .push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
    }

    /// The whole of it, when its script has ended.
    pub(super) fn ended(self, code: i32, install: &str, stderr: &[u8]) -> Result<Self, Error> {
        match code {
            0 => Ok(self),
            code => Err(self.error(code, install, stderr)),
        }
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0
            .iter()
            .filter(move |(found, _)| found == name)
            .map(|(_, value)| value.as_slice())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    pub(super) fn text(&self, name: &str) -> String {
        let value = self.all(name).next().unwrap_or_default();
        String::from_utf8_lossy(value).trim_end().to_owned()
    }

    /// Names and values in their order.
    pub(super) fn pairs(&self) -> &[(String, Vec<u8>)] {
        &self.0
    }

    pub(super) fn lock(&self) -> Option<Lock> {
        let number = |name: &str| self.text(name).parse().unwrap_or(0_i64);
        self.has("lock").then(|| Lock {
            release: self.text("lock"),
            by: self.text("owner"),
            state: self.text("lock_state"),
            expires_in: number("expires") - number("now"),
        })
    }

    fn error(&self, code: i32, install: &str, stderr: &[u8]) -> Error {
        let why = self.text("failed");
        match code {
            90 => Error::new(ErrorKind::NotReady, format!("{install} has no site on the gateway: {why}"))
                .hint("a new install is ready 3 to 8 minutes after it was created"),
            91 | 92 => self.locked(code, install, &why),
            86 => Error::new(ErrorKind::Refused, format!("{why}; nothing was changed"))
                .hint("remove what is not needed on the install, and try again"),
            87 => Error::new(ErrorKind::Locked, format!("{why}; the site was not changed by this"))
                .hint(format!("look what it was, and deploy again: wpengine deploy log {install}")),
            88 => Error::new(ErrorKind::Locked, format!("{install}: {why}"))
                .hint("wait until it has ended, and try again"),
            89 => Error::new(ErrorKind::Lost, why),
            93 => Error::new(ErrorKind::Refused, format!("{why}; the site was not changed"))
                .said(stderr)
                .hint("is the disk of the install full? `wpengine usage install` says how much is used"),
            94 => Error::new(ErrorKind::Locked, format!("{why}; the site was not changed by this"))
                .hint(format!("look what happened: wpengine deploy log {install}")),
            95 => Error::new(ErrorKind::Refused, "files cannot go where they should; the site was not changed")
                .said(why.as_bytes())
                .hint("exclude them in .deployignore, or mend what is on the server"),
            96 => Error::new(ErrorKind::Refused, "PHP does not take a file; the site was not changed")
                .said(why.as_bytes())
                .hint("mend it and deploy again, or deploy without this check: --no-lint"),
            97 => Error::new(ErrorKind::Refused, format!("{why}; the site was not changed"))
                .hint("is the disk of the install full? `wpengine usage install` says how much is used"),
            98 => Error::new(ErrorKind::Refused, format!("{why}; nothing was changed"))
                .hint(format!("see what can be taken back: wpengine deploy log {install}")),
            99 => Error::new(ErrorKind::Unknown, format!("{why}: a part of the release is in place"))
                .said(stderr)
                .hint(format!("mend it, then: wpengine deploy resume {install}, or: wpengine deploy rollback {install}")),
            // A container that is replaced takes its scripts along.
            255 | 137 | 143 => Error::new(ErrorKind::Lost, "a script on the gateway was stopped")
                .said(stderr)
                .hint("the container of the install may have been replaced: try again"),
            126 | 127 => Error::new(ErrorKind::Remote, "a program is missing on the gateway").said(stderr),
            code => Error::new(ErrorKind::Remote, format!("a script on the gateway ended with {code}")).said(stderr),
        }
    }

    fn locked(&self, code: i32, install: &str, why: &str) -> Error {
        let Some(lock) = self.lock() else {
            return Error::new(
                ErrorKind::Locked,
                format!("{install}: {why}; nothing was changed"),
            )
            .hint("wait a minute and try again");
        };
        let by = match lock.by.as_str() {
            "" => "somebody".to_owned(),
            by => by.to_owned(),
        };
        if code == 92 {
            return Error::new(
                ErrorKind::Locked,
                format!(
                    "the release {} of {by} was interrupted while it changed {install}; nothing was changed now",
                    lock.release
                ),
            )
            .hint(format!(
                "go on with it: wpengine deploy resume {install}\nor take it back: wpengine deploy rollback {install}"
            ));
        }
        Error::new(
            ErrorKind::Locked,
            format!(
                "{by} deploys to {install} (release {}); nothing was changed",
                lock.release
            ),
        )
        .hint(format!(
            "wait for it. If it was killed, its lock goes in {} s; before that, go on with it: wpengine deploy resume {install}, or remove it: wpengine deploy unlock {install} --force",
            lock.expires_in.max(0)
        ))
    }
}
