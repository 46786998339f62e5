//! The SSH gateway for commands: its settings, the first contact, and what its errors mean here.

use std::sync::Arc;

use wpengine_ssh::{Error, ErrorKind, Gateway, HostKey, REPORTED};

use crate::{
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    terminal::clean,
};

/// The options of commands that use the gateway.
pub(crate) fn options() -> Vec<clap::Arg> {
    [
        flags::value(
            "host-key",
            "FINGERPRINT",
            "Accept the gateway's host key, if it is this one (SHA256:...)",
        ),
        flags::value("identity", "FILE", "Private key to offer first")
            .value_hint(clap::ValueHint::FilePath),
        flags::value(
            "ssh-config",
            "FILE",
            "Configuration of ssh to use instead of ~/.ssh/config",
        )
        .value_hint(clap::ValueHint::FilePath),
    ]
    .into_iter()
    .map(|arg| arg.help_heading("Gateway"))
    .collect()
}

impl Ctx {
    /// The gateway, with the settings of this command.
    pub(crate) fn gateway(&self, a: Args<'_>) -> Result<Gateway, Failure> {
        let Some(state) = &self.folders.state else {
            return Err(Failure::usage(
                "this user has no folder for host keys; set WPENGINE_STATE_DIR",
            ));
        };
        let terminal = Arc::clone(&self.terminal);
        let mut gateway =
            Gateway::new(state.join("ssh"))?.tell(move |text| terminal.progress(text));
        if let Some(config) = a.text_or("ssh-config", "WPENGINE_SSH_CONFIG") {
            gateway = gateway.config_file(config)?;
        }
        if let Some(key) = a.text("identity") {
            gateway = gateway.identity(key)?;
        }
        if let Ok(user) = std::env::var("WPENGINE_SSH_USER")
            && !user.is_empty()
        {
            gateway = gateway.user(user);
        }
        Ok(gateway)
    }

    /// Makes sure that somebody has accepted the gateway's host key.
    pub(crate) async fn trust(
        &self,
        gateway: &Gateway,
        a: Args<'_>,
        install: &str,
    ) -> Result<(), Failure> {
        let accepted = gateway.accepted()?;
        let given = a.text_or("host-key", "WPENGINE_SSH_HOST_KEY");
        if is_accepted(&accepted, given.as_deref()) {
            return Ok(());
        }
        let host = format!("{install}.ssh.wpengine.net");
        self.terminal
            .progress(&format!("asking {host} for its host key"));
        let shown = gateway.shown(install).await?;
        self.terminal.clear();
        self.judge(
            &host,
            "--host-key",
            &shown,
            given.as_deref(),
            Some(REPORTED.fingerprint),
        )
        .await?;
        Ok(gateway.accept(&shown)?)
    }

    /// The same for the host that takes `git push`, which has a key of its own.
    pub(crate) async fn trust_git(&self, gateway: &Gateway, a: Args<'_>) -> Result<(), Failure> {
        let accepted = gateway.accepted_for_git()?;
        let given = a.text_or("git-host-key", "WPENGINE_GIT_HOST_KEY");
        if is_accepted(&accepted, given.as_deref()) {
            return Ok(());
        }
        let shown = gateway.shown_by_git().await?;
        self.terminal.clear();
        self.judge(
            "git.wpengine.com",
            "--git-host-key",
            &shown,
            given.as_deref(),
            None,
        )
        .await?;
        Ok(gateway.accept_for_git(&shown)?)
    }

    /// Whether a key is the right one: what was given says it, or a person does.
    async fn judge(
        &self,
        host: &str,
        option: &str,
        shown: &HostKey,
        given: Option<&str>,
        reported: Option<&str>,
    ) -> Result<(), Failure> {
        if let Some(given) = given {
            return match shown.has(given) {
                true => Ok(()),
                false => Err(Failure::new(
                    exit::CREDENTIALS,
                    "host_key",
                    format!(
                        "{host} shows another host key; no key of yours was offered to it\n  given: {given}\n  shown: {shown}"
                    ),
                )),
            };
        }
        let fingerprint = &shown.fingerprint;
        let comparison = match reported {
            Some(reported) if shown.has(reported) => format!(
                "It is the one that users report: {}",
                REPORTED.sources.join("; ")
            ),
            Some(reported) => format!(
                "It is NOT the one that users report ({reported}). Compare it in the user portal before you accept it"
            ),
            None => "Compare it with what the user portal shows".to_owned(),
        };
        let about =
            format!("{host} shows this host key for the first time:\n  {shown}\n{comparison}.");
        if self.globals.no_input || !self.terminal.can_ask() {
            return Err(Failure::new(
                exit::CREDENTIALS,
                "host_key",
                format!("{about}\nNobody can be asked here, and no key of yours was offered to it. If it is the right one, accept it once for all installs:"),
            )
            .next(with_option(&self.leaf.line(), &format!("{option} {fingerprint}"))));
        }
        let terminal = Arc::clone(&self.terminal);
        let question = format!("{}\nAccept it for all installs? [y/N]", clean(&about));
        let answer = tokio::task::spawn_blocking(move || terminal.ask(&question))
            .await
            .map_err(|error| Failure::new(exit::FAILED, "input", error.to_string()))?
            .map_err(|error| {
                Failure::new(
                    exit::FAILED,
                    "input",
                    format!("cannot read the answer: {error}"),
                )
            })?;
        match answer.map(|answer| answer.trim().to_lowercase()).as_deref() {
            Some("y" | "yes") => Ok(()),
            _ => Err(Failure::new(
                exit::UNCONFIRMED,
                "declined",
                "the host key was not accepted: nothing was sent",
            )),
        }
    }
}

/// Whether there is a key that was accepted, and it is the one that is given.
fn is_accepted(accepted: &[HostKey], given: Option<&str>) -> bool {
    let is = |given: &str| accepted.iter().any(|key| key.has(given));
    !accepted.is_empty() && given.is_none_or(is)
}

/// A command line with an option more: before `--`, behind which there are none.
fn with_option(line: &str, option: &str) -> String {
    match line.split_once(" -- ") {
        Some((before, behind)) => format!("{before} {option} -- {behind}"),
        None => format!("{line} {option}"),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let error = match error.into_api() {
            Ok(error) => return error.into(),
            Err(error) => error,
        };
        let (exit, kind) = match error.kind() {
            ErrorKind::Input => (exit::USAGE, "usage"),
            ErrorKind::Local => (exit::FAILED, "file"),
            ErrorKind::HostKeyUnknown | ErrorKind::HostKeyChanged => {
                (exit::CREDENTIALS, "host_key")
            }
            ErrorKind::KeyRefused => (exit::CREDENTIALS, "key_refused"),
            ErrorKind::NotReady => (exit::TEMPORARY, "not_ready"),
            ErrorKind::Unavailable => (exit::TEMPORARY, "gateway"),
            ErrorKind::Lost => (exit::TEMPORARY, "connection_lost"),
            ErrorKind::TimedOut => (exit::TEMPORARY, "timeout"),
            ErrorKind::Locked => (exit::TEMPORARY, "locked"),
            ErrorKind::Refused => (exit::FINDINGS, "refused"),
            ErrorKind::Unknown => (exit::UNKNOWN, "unknown"),
            ErrorKind::Transfer => (exit::FAILED, "transfer"),
            _ => (exit::FAILED, "remote"),
        };
        Self::new(exit, kind, error.to_string())
    }
}
