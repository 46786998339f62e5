//! `git push` as the way of a deployment.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::Serialize;
use tokio::{
    io::{AsyncReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use super::rules;
use crate::{
    error::{Error, ErrorKind},
    gateway::{self, GIT, Gateway},
};

/// A push is published after minutes, of a large repository after many.
const PUSH: Duration = Duration::from_secs(3_600);

/// A push of a commit to the git host of the service.
#[derive(Clone, Debug)]
pub struct Push {
    repository: PathBuf,
    install: String,
    revision: String,
    branch: String,
    /// The commit that it replaces, of a push back.
    instead_of: Option<String>,
}

/// A commit that was pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pushed {
    /// The commit.
    pub commit: String,
    /// Whether it was there already, so that nothing was deployed.
    pub was_there: bool,
    /// What the service printed.
    pub stages: Vec<String>,
}

impl Push {
    /// A push of what is checked out, to the branch `main`. The service runs whatever branch was pushed last.
    #[must_use]
    pub fn new(repository: impl Into<PathBuf>, install: &str) -> Self {
        Self {
            repository: repository.into(),
            install: install.to_owned(),
            revision: "HEAD".to_owned(),
            branch: "main".to_owned(),
            instead_of: None,
        }
    }

    /// Pushes this commit, branch or tag.
    #[must_use]
    pub fn revision(mut self, revision: &str) -> Self {
        revision.clone_into(&mut self.revision);
        self
    }

    /// Pushes to this branch.
    #[must_use]
    pub fn branch(mut self, branch: &str) -> Self {
        branch.clone_into(&mut self.branch);
        self
    }

    /// Pushes back to a commit that was there before, instead of this one. If the service has another one by now, it refuses.
    #[must_use]
    pub fn back_to(mut self, commit: &str, instead_of: &str) -> Self {
        commit.clone_into(&mut self.revision);
        self.instead_of = Some(instead_of.to_owned());
        self
    }

    fn url(&self) -> String {
        // The name of the user is in the configuration, where the user's own can change it.
        format!("{GIT}:{}.git", self.install)
    }

    fn git(&self) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.repository)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn ask(&self, words: &[&str]) -> Result<String, Error> {
        let output = self.git().args(words).output().await;
        let output = output.map_err(|error| Error::program("git", &error))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout)
                .trim_end()
                .to_owned()),
            false => Err(Error::input(format!(
                "git {} fails in {}",
                words.join(" "),
                self.repository.display()
            ))
            .said(&output.stderr)),
        }
    }

    /// Whether there are changes in the working tree that are not committed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if this is no repository.
    pub async fn is_dirty(&self) -> Result<bool, Error> {
        let changes = self
            .ask(&["status", "--porcelain", "--untracked-files=no"])
            .await?;
        Ok(!changes.is_empty())
    }

    /// Refuses what the service would refuse, or would silently leave out, and returns the commit.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] for a shallow clone, submodules, or files of the platform in the commit.
    pub async fn check(&self) -> Result<String, Error> {
        gateway::checked(&self.install)?;
        if self.revision.starts_with('-') || self.branch.starts_with('-') {
            return Err(Error::input(
                "a revision or a branch does not begin with `-`",
            ));
        }
        let commit = self
            .ask(&[
                "rev-parse",
                "--verify",
                "--end-of-options",
                &format!("{}^{{commit}}", self.revision),
            ])
            .await?;
        self.ask(&["check-ref-format", "--branch", &self.branch])
            .await?;
        if !self.ask(&["rev-parse", "--show-prefix"]).await?.is_empty() {
            return Err(Error::input(format!(
                "{} is a folder of a repository, and a push is of all of it: give the root of the repository",
                self.repository.display()
            )));
        }
        if self.ask(&["rev-parse", "--is-shallow-repository"]).await? == "true" {
            return Err(
                Error::input("this is a shallow clone, which the service refuses")
                    .hint("get the whole history first: git fetch --unshallow"),
            );
        }
        let tree = self
            .git()
            .args(["ls-tree", "-r", "-z", "--full-tree", &commit])
            .output()
            .await;
        let tree = tree.map_err(|error| Error::program("git", &error))?.stdout;
        let mut bad = Vec::new();
        for entry in tree
            .split(|byte| *byte == 0)
            .filter(|entry| !entry.is_empty())
        {
            let Some(tab) = entry.iter().position(|byte| *byte == b'\t') else {
                continue;
            };
            let (about, path) = (&entry[..tab], &entry[tab + 1..]);
            if about.starts_with(b"160000") {
                return Err(Error::input(format!(
                    "{} is a submodule: the service deploys an empty folder for it",
                    super::text(path)
                ))
                .hint("commit its files instead, or deploy without --via git"));
            }
            // A repository has files of tools, and the service leaves them alone.
            match rules::never(path) {
                Some(why) if !rules::is_of_tools(path) => {
                    bad.push(format!("{} {why}", super::text(path)));
                }
                _ if rules::DROP_INS.contains(&path) => {
                    bad.push(format!("{} belongs to the platform", super::text(path)));
                }
                _ => {}
            }
        }
        if bad.is_empty() {
            return Ok(commit);
        }
        let count = bad.len();
        bad.truncate(10);
        Err(Error::input(format!(
            "{count} files of the commit may not be deployed; nothing was sent"
        ))
        .said(bad.join("\n").as_bytes())
        .hint("remove them from the repository: git rm --cached PATH"))
    }
}

impl Gateway {
    /// Returns the commit that a branch has at the service; nothing if it has none.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub async fn pushed(&self, push: &Push) -> Result<Option<String>, Error> {
        gateway::checked(&push.install)?;
        let config = self.config_for_git()?;
        let output = push
            .git()
            .env("GIT_SSH_COMMAND", ssh_command(&config))
            .env("GIT_SSH_VARIANT", "ssh")
            .args(["ls-remote", "--"])
            .arg(push.url())
            .arg(format!("refs/heads/{}", push.branch))
            .output()
            .await;
        let output = output.map_err(|error| Error::program("git", &error))?;
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.success() {
            true => {
                let text = String::from_utf8_lossy(&output.stdout);
                Ok(text.split_whitespace().next().map(str::to_owned))
            }
            false
                if said.contains("DENIED")
                    || said.contains("not appear to be a git repository") =>
            {
                Err(denied(&push.install, &output.stderr))
            }
            false => Err(self.of_ssh(GIT, GIT, &said)),
        }
    }

    /// Pushes a commit. What the service prints is told as it comes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::HostKeyUnknown`] or [`ErrorKind::HostKeyChanged`], [`ErrorKind::KeyRefused`], [`ErrorKind::Unavailable`],
    /// [`ErrorKind::Refused`] with what the service says; those of [`Push::check`]; [`ErrorKind::Unknown`] if the connection was
    /// lost while the service worked.
    pub async fn push(&self, push: &Push) -> Result<Pushed, Error> {
        let commit = push.check().await?;
        if self.accepted_for_git()?.is_empty() {
            return Err(Error::new(
                ErrorKind::HostKeyUnknown,
                format!("nobody has accepted the host key of {GIT} yet; nothing was sent"),
            ));
        }
        let config = self.config_for_git()?;
        let mut command = push.git();
        command
            .env("GIT_SSH_COMMAND", ssh_command(&config))
            .env("GIT_SSH_VARIANT", "ssh")
            .args(["push", "--porcelain", "--no-follow-tags"]);
        if let Some(old) = &push.instead_of {
            command.arg(format!(
                "--force-with-lease=refs/heads/{}:{old}",
                push.branch
            ));
        }
        command
            .arg(push.url())
            .arg(format!("{commit}:refs/heads/{}", push.branch));
        let mut child = command
            .spawn()
            .map_err(|error| Error::program("git", &error))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let results = async {
            let mut text = Vec::new();
            if let Some(mut stdout) = stdout {
                let _ = stdout.read_to_end(&mut text).await;
            }
            String::from_utf8_lossy(&text).into_owned()
        };
        let told = async {
            let (mut stages, mut rest) = (Vec::new(), Vec::new());
            let Some(stderr) = stderr else {
                return (stages, rest);
            };
            let mut reader = BufReader::new(stderr);
            let mut line = Vec::new();
            // Lines end with either of these: git draws over its own.
            while let Ok(byte) = reader.read_u8().await {
                if byte != b'\n' && byte != b'\r' {
                    line.push(byte);
                    continue;
                }
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                match text.strip_prefix("remote:").map(str::trim) {
                    Some("") => {}
                    Some(stage) => {
                        self.say(&format!("{}: {stage}", push.install));
                        stages.push(stage.to_owned());
                    }
                    None if !text.trim().is_empty() => rest.push(text),
                    None => {}
                }
            }
            (stages, rest)
        };
        let all = async { tokio::join!(results, told, child.wait()) };
        let ended = timeout(PUSH, all).await;
        let (results, (stages, rest), status) = ended.map_err(|_| {
            Error::new(
                ErrorKind::Unknown,
                format!("the push did not end within {} s", PUSH.as_secs()),
            )
            .hint("push the same commit again: if it is there already, nothing happens")
        })?;
        let status = status.map_err(|error| Error::program("git", &error))?;
        let refused = results.lines().find(|line| line.starts_with('!'));
        if status.success() && refused.is_none() {
            return Ok(Pushed {
                commit,
                was_there: results.lines().any(|line| line.starts_with('=')),
                stages,
            });
        }
        let rest = rest.join("\n");
        if let Some(line) = refused {
            let why = line.rsplit('\t').next().unwrap_or(line);
            let hint = match why.contains("non-fast-forward") || why.contains("fetch first") {
                true => {
                    "the service has commits that this repository has not: fetch and merge them first"
                }
                false => "what the service says above is why",
            };
            return Err(Error::new(
                ErrorKind::Refused,
                format!("the service refuses the push: {why}"),
            )
            .said(stages.join("\n").as_bytes())
            .hint(hint));
        }
        if rest.contains("DENIED") || stages.iter().any(|stage| stage.contains("DENIED")) {
            return Err(denied(&push.install, rest.as_bytes()));
        }
        if !stages.is_empty() {
            return Err(Error::new(
                ErrorKind::Unknown,
                "the push ended before the service said that it is done",
            )
            .said(stages.join("\n").as_bytes())
            .hint("push the same commit again: if it is there already, nothing happens"));
        }
        Err(self.of_ssh(GIT, GIT, &rest))
    }
}

fn denied(install: &str, said: &[u8]) -> Error {
    Error::new(
        ErrorKind::KeyRefused,
        format!("{GIT} does not let this key push to {install}"),
    )
    .said(said)
    .hint("keys for git are not those of the gateway: add one in the portal, at the install under Git push")
}

/// The way to ssh for git, which gives this to a shell.
fn ssh_command(config: &Path) -> String {
    let config = config.display().to_string();
    let quoted = crate::shell::quoted(config.as_bytes());
    format!(
        "ssh -F {} -o ControlPath=none -o BatchMode=yes",
        String::from_utf8_lossy(&quoted)
    )
}
