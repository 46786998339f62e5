//! The way in: how ssh is configured, and how a connection is opened.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use openssh::{ControlPersist, KnownHosts, SessionBuilder};
use tokio::{
    process::Command,
    time::{Instant, sleep, timeout},
};

use crate::{
    connection::Connection,
    error::{Error, ErrorKind},
    host_key::{self, HostKey},
    slots,
};

/// All gateways have one host key, so they have one name in the file of accepted keys.
const GATEWAY: &str = "gateway.ssh.wpengine.net";
pub(crate) const GIT: &str = "git.wpengine.com";

type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// The SSH gateway of WP Engine, as one user of this machine sees it.
///
/// It runs the `ssh` of the system with a configuration of its own that includes the user's and the system's: keys, agents, proxies
/// and certificates work as they do in a terminal. Host keys are its own matter: there is one file of accepted keys, and a key gets
/// into it only by [`accept`](Self::accept).
///
/// ```no_run
/// # async fn example() -> Result<(), wpengine_ssh::Error> {
/// use wpengine_ssh::Gateway;
///
/// let gateway = Gateway::new("/home/me/.local/state/wpengine/ssh")?;
/// let connection = gateway.connect("torquemag").await?;
/// let output = connection.wp(&["core", "version"]).await?;
/// println!("{}", String::from_utf8_lossy(&output.stdout));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway {
    folder: PathBuf,
    include: Option<PathBuf>,
    identity: Option<PathBuf>,
    user: Option<String>,
    connect_within: Duration,
    pub(crate) say: Say,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Uses a folder for the configuration, the accepted host keys and the sockets of connections. It is made if it does not exist.
    /// Processes that use the same folder have four connections together.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the folder cannot be made.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        slots::private(&folder)?;
        let folder = written(&folder)?;
        Ok(Self {
            folder,
            include: None,
            identity: None,
            user: None,
            connect_within: Duration::from_secs(60),
            say: Arc::new(|_| {}),
        })
    }

    /// Includes this configuration of ssh instead of `~/.ssh/config`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if it is not there, [`ErrorKind::Input`] if its path cannot stand in a configuration of ssh.
    pub fn config_file(mut self, path: impl AsRef<Path>) -> Result<Self, Error> {
        self.include = Some(written(path.as_ref())?);
        Ok(self)
    }

    /// Offers this private key first, and of the agent's keys none but this one.
    ///
    /// # Errors
    ///
    /// As [`config_file`](Self::config_file).
    pub fn identity(mut self, path: impl AsRef<Path>) -> Result<Self, Error> {
        self.identity = Some(written(path.as_ref())?);
        Ok(self)
    }

    /// Signs in with this name instead of the install's.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets how long a connection may take until it is open, with all attempts; a minute by default.
    #[must_use]
    pub fn connect_within(mut self, time: Duration) -> Self {
        self.connect_within = time;
        self
    }

    /// Sets who is told what is done: short lines for a person.
    #[must_use]
    pub fn tell(mut self, say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.say = Arc::new(say);
        self
    }

    pub(crate) fn say(&self, text: &str) {
        (self.say)(text);
    }

    fn known_hosts(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }

    /// Writes the configuration for one host, and returns its path.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`] if this is no name of an install, [`ErrorKind::Local`] if the file cannot be written.
    pub fn config_for(&self, install: &str) -> Result<PathBuf, Error> {
        checked(install)?;
        self.configure(install, &host_of(install), install, GATEWAY)
    }

    pub(crate) fn config_for_git(&self) -> Result<PathBuf, Error> {
        self.configure("git", GIT, "git", GIT)
    }

    fn configure(&self, file: &str, host: &str, user: &str, alias: &str) -> Result<PathBuf, Error> {
        let quoted = |path: &Path| format!("\"{}\"", path.display());
        let user = self.user.as_deref().unwrap_or(user);
        // What comes first counts. All that keeps another host out is here, and so is the name that the gateway wants.
        let mut text = format!(
            "# Written by wpengine before each connection; changes are lost.
Host {host}
  User {user}
  HostKeyAlias {alias}
  UserKnownHostsFile {}
  GlobalKnownHostsFile /dev/null
  IgnoreUnknown KnownHostsCommand
  KnownHostsCommand none
  StrictHostKeyChecking yes
  NoHostAuthenticationForLocalhost no
  UpdateHostKeys no
  HashKnownHosts no
  CheckHostIP no
  VerifyHostKeyDNS no
  ForwardAgent no
  ForwardX11 no
  ClearAllForwardings yes
  RemoteCommand none
  PermitLocalCommand no
  LogLevel INFO
  ServerAliveInterval 15
  ServerAliveCountMax 4
",
            quoted(&self.known_hosts())
        );
        if let Some(identity) = &self.identity {
            text.push_str(&format!(
                "  IdentityFile {}\n  IdentitiesOnly yes\n",
                quoted(identity)
            ));
        }
        let include = match &self.include {
            Some(include) => quoted(include),
            None => "~/.ssh/config".to_owned(),
        };
        text.push_str(&format!(
            "Match all\nInclude {include}\nMatch all\nInclude /etc/ssh/ssh_config\n"
        ));
        let path = self.folder.join(format!("config.{file}"));
        if fs::read_to_string(&path).is_ok_and(|before| before == text) {
            return Ok(path);
        }
        let write = || -> std::io::Result<()> {
            let new = tempfile::NamedTempFile::new_in(&self.folder)?;
            fs::write(new.path(), &text)?;
            new.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| Error::local(&path, &error))?;
        Ok(path)
    }

    /// Returns the host keys of the gateway that were accepted: one, or none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the file cannot be read.
    pub fn accepted(&self) -> Result<Vec<HostKey>, Error> {
        host_key::recorded(&self.known_hosts(), GATEWAY)
    }

    /// The same of the host that takes `git push`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the file cannot be read.
    pub fn accepted_for_git(&self) -> Result<Vec<HostKey>, Error> {
        host_key::recorded(&self.known_hosts(), GIT)
    }

    /// Asks the gateway of an install for its host key. No key of the user is offered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotReady`], [`ErrorKind::Unavailable`] or [`ErrorKind::TimedOut`] if it cannot be reached.
    pub async fn shown(&self, install: &str) -> Result<HostKey, Error> {
        let config = self.config_for(install)?;
        self.scan(&config, &host_of(install), GATEWAY).await
    }

    /// The same of the host that takes `git push`.
    ///
    /// # Errors
    ///
    /// As [`shown`](Self::shown).
    pub async fn shown_by_git(&self) -> Result<HostKey, Error> {
        let config = self.config_for_git()?;
        self.scan(&config, GIT, GIT).await
    }

    /// ssh itself finds the host, through whatever proxies there are, and writes its key to a file of its own.
    async fn scan(&self, config: &Path, host: &str, alias: &str) -> Result<HostKey, Error> {
        let _slot = slots::take(&self.folder, self.connect_within, || {}).await?;
        let folder = tempfile::tempdir_in(&self.folder)
            .map_err(|error| Error::local(&self.folder, &error))?;
        let file = folder.path().join("known_hosts");
        let mut command = Command::new("ssh");
        command
            .arg("-F")
            .arg(config)
            .arg("-o")
            .arg(format!("UserKnownHostsFile=\"{}\"", file.display()))
            .args([
                "-o",
                "StrictHostKeyChecking=accept-new",
                "-o",
                "PreferredAuthentications=none",
                "-o",
                "ControlPath=none",
                "-o",
                "BatchMode=yes",
                "-T",
                host,
                "true",
            ])
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = timeout(self.connect_within, command.output()).await;
        let output = output
            .map_err(|_| too_slow(host, self.connect_within))?
            .map_err(|error| Error::program("ssh", &error))?;
        let key = host_key::recorded(&file, alias)?.into_iter().next();
        key.ok_or_else(|| self.of_ssh(host, alias, &String::from_utf8_lossy(&output.stderr)))
    }

    /// Accepts a host key for all installs, instead of the one before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the file cannot be written.
    pub fn accept(&self, key: &HostKey) -> Result<(), Error> {
        host_key::record(&self.known_hosts(), GATEWAY, key)
    }

    /// Accepts a host key for `git push`, instead of the one before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Local`] if the file cannot be written.
    pub fn accept_for_git(&self, key: &HostKey) -> Result<(), Error> {
        host_key::record(&self.known_hosts(), GIT, key)
    }

    /// Opens a connection to the gateway of an install. It waits while four are open, and tries again while nothing was sent.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::HostKeyUnknown`] or [`ErrorKind::HostKeyChanged`], [`ErrorKind::KeyRefused`], [`ErrorKind::NotReady`],
    /// [`ErrorKind::Unavailable`], [`ErrorKind::TimedOut`], or [`ErrorKind::Local`] if ssh is missing.
    pub async fn connect(&self, install: &str) -> Result<Connection, Error> {
        let config = self.config_for(install)?;
        let host = host_of(install);
        if self.accepted()?.is_empty() {
            return Err(unknown(&host));
        }
        let slot = slots::take(&self.folder, self.connect_within, || {
            self.say("waiting for a free connection: 4 are in use on this machine");
        })
        .await?;
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .config_file(&config)
            .control_directory(&slot.folder)
            // An ssh that is left behind, because this process was killed, goes by itself.
            .control_persist(ControlPersist::IdleFor(
                std::num::NonZeroUsize::new(120).unwrap_or(std::num::NonZeroUsize::MIN),
            ))
            .connect_timeout(self.connect_within);
        let began = Instant::now();
        let mut pause = Duration::from_millis(500);
        loop {
            self.say(&format!("connecting to {host}"));
            let left = self.connect_within.saturating_sub(began.elapsed());
            let opened = timeout(left, builder.connect(&host)).await;
            let error = match opened {
                Ok(Ok(session)) => {
                    return Ok(Connection::new(self.clone(), install, session, slot));
                }
                Err(_) => return Err(too_slow(&host, self.connect_within)),
                Ok(Err(openssh::Error::Connect(error)))
                    if error.kind() == std::io::ErrorKind::NotFound
                        && error.raw_os_error().is_some() =>
                {
                    return Err(Error::program("ssh", &error));
                }
                Ok(Err(openssh::Error::Connect(error))) => {
                    self.of_ssh(&host, GATEWAY, &error.to_string())
                }
                Ok(Err(error)) => {
                    let source = std::error::Error::source(&error).map(ToString::to_string);
                    Error::new(ErrorKind::Local, format!("cannot start ssh: {error}"))
                        .said(source.unwrap_or_default().as_bytes())
                }
            };
            let is_last =
                began.elapsed() + pause >= self.connect_within.min(Duration::from_secs(6));
            if error.kind() != ErrorKind::Unavailable || is_last {
                return Err(error);
            }
            sleep(pause).await;
            pause *= 2;
        }
    }

    /// The connection that is kept, if it is still open, or a new one in its place.
    pub(crate) async fn reopened<'a>(
        &self,
        install: &str,
        kept: &'a mut Option<Connection>,
    ) -> Result<&'a Connection, Error> {
        let is_open = match &*kept {
            Some(connection) => connection.is_open().await,
            None => false,
        };
        if !is_open {
            // Its slot is given back before another one is taken.
            *kept = None;
        }
        let connection = match kept.take() {
            Some(connection) => connection,
            None => self.connect(install).await?,
        };
        Ok(kept.insert(connection))
    }

    /// Opens a shell on the gateway of an install, in the terminal of this process, and returns its exit code.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::HostKeyUnknown`], [`ErrorKind::Unavailable`] if four connections are open, [`ErrorKind::Local`] if ssh is missing.
    /// What ssh itself has to say it says in the terminal.
    pub async fn shell(&self, install: &str) -> Result<i32, Error> {
        let config = self.config_for(install)?;
        let host = host_of(install);
        if self.accepted()?.is_empty() {
            return Err(unknown(&host));
        }
        let _slot = slots::take(&self.folder, self.connect_within, || {
            self.say("waiting for a free connection: 4 are in use on this machine");
        })
        .await?;
        let status = Command::new("ssh")
            .arg("-F")
            .arg(config)
            .args(["-o", "ControlPath=none", "-t", "--", &host])
            .kill_on_drop(true)
            .status()
            .await
            .map_err(|error| Error::program("ssh", &error))?;
        Ok(status.code().unwrap_or(255))
    }

    /// What an error of ssh means.
    pub(crate) fn of_ssh(&self, host: &str, alias: &str, text: &str) -> Error {
        let has = |part: &str| text.contains(part);
        if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
            let recorded = host_key::recorded(&self.known_hosts(), alias).unwrap_or_default();
            return host_key::changed(host, &recorded, host_key::shown_in(text).unwrap_or("?"));
        }
        if has("Host key verification failed") || has("host key is known for") {
            let recorded = host_key::recorded(&self.known_hosts(), alias).unwrap_or_default();
            return match recorded.is_empty() {
                true => unknown(host),
                // A key of another kind than the one that was accepted.
                false => host_key::changed(host, &recorded, text.lines().next().unwrap_or("?")),
            };
        }
        let said = text.as_bytes();
        if has("Permission denied") || has("Too many authentication failures") {
            return Error::new(
                ErrorKind::KeyRefused,
                format!("{host} takes none of the keys that ssh offered; nothing was done"),
            )
            .said(said)
            .hint("add a key to the user of the portal: wpengine ssh-key add ~/.ssh/id_ed25519.pub. It works on all installs of that user after some minutes. A key with a passphrase must be in the agent (ssh-add), because nobody is asked here. `wpengine doctor` says which keys there are");
        }
        if has("Could not resolve hostname") || has("Name or service not known") {
            return Error::new(ErrorKind::NotReady, format!("there is no host {host}"))
                .said(said)
                .hint("is that the name of the install? A new install can be reached 3 to 8 minutes after it was created");
        }
        if has("Bad configuration option")
            || has("bad configuration options")
            || has("Bad owner or permissions")
        {
            return Error::new(ErrorKind::Local, "ssh refuses its configuration")
                .said(said)
                .hint("mend ~/.ssh/config; wpengine includes it");
        }
        Error::new(
            ErrorKind::Unavailable,
            format!("the gateway {host} cannot be reached; nothing was done"),
        )
        .said(said)
        .hint("it takes 5 connections of a user: other programs may hold them. Else look at the network and at wpenginestatus.com, and try again")
    }
}

/// A path as it can stand in a configuration of ssh: whole, and without what ssh would read as something else.
fn written(path: &Path) -> Result<PathBuf, Error> {
    let path = path
        .canonicalize()
        .map_err(|error| Error::local(path, &error))?;
    match path
        .to_str()
        .is_some_and(|text| !text.contains(['"', '\\', '%', '$', '*', '?', '[', '\n']))
    {
        true => Ok(path),
        false => Err(Error::input(format!(
            "{} cannot stand in a configuration of ssh: choose a path without \" \\ % $ * ? [",
            path.display()
        ))),
    }
}

fn unknown(host: &str) -> Error {
    Error::new(
        ErrorKind::HostKeyUnknown,
        format!("nobody has accepted the host key of {host} yet; no key of yours was offered to it"),
    )
    .hint("accept it once: on a terminal `wpengine ssh INSTALL` shows it and asks; elsewhere give --host-key SHA256:...")
}

fn too_slow(host: &str, within: Duration) -> Error {
    Error::new(
        ErrorKind::TimedOut,
        format!(
            "{host} did not answer within {} s; nothing was done",
            within.as_secs()
        ),
    )
    .hint("look at the network and try again")
}

/// The host that is the gateway of an install.
pub(crate) fn host_of(install: &str) -> String {
    format!("{install}.ssh.wpengine.net")
}

/// Refuses what cannot be the name of an install. It becomes part of host names, of paths and of scripts.
pub(crate) fn checked(install: &str) -> Result<(), Error> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if install.is_empty()
        || install.len() > 60
        || install.starts_with('-')
        || !install.bytes().all(is_plain)
    {
        return Err(Error::input(format!(
            "{install:?} is no name of an install: it has lower-case letters and digits"
        )));
    }
    Ok(())
}
