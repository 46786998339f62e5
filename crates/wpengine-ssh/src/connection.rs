//! An open connection: commands, scripts and files over it.

use std::{
    fmt,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use openssh::Session;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{
    error::{Error, ErrorKind},
    gateway::{Gateway, host_of},
    shell,
    slots::Slot,
};

/// sshd of the service allows 10; past that ssh would open a connection of its own.
const SESSIONS: usize = 4;

/// A connection to the gateway of one install. Several commands can run over it at the same time; it ends when it is dropped.
pub struct Connection {
    pub(crate) gateway: Gateway,
    install: String,
    session: Session,
    sessions: Semaphore,
    /// Free again when the connection has ended, so it is the last field.
    _slot: Slot,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("install", &self.install)
            .finish_non_exhaustive()
    }
}

/// How a command on the gateway ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done {
    /// Its exit code: 255 if the connection was lost, or if the command itself says so.
    pub code: i32,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub stderr: Vec<u8>,
}

impl Done {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(255),
            stdout: output.stdout,
            stderr: output.stderr,
        }
    }
}

/// A command that runs over a connection.
#[derive(Debug)]
pub(crate) struct Running<'a> {
    pub(crate) child: Child,
    _permit: SemaphorePermit<'a>,
}

impl Connection {
    pub(crate) fn new(gateway: Gateway, install: &str, session: Session, slot: Slot) -> Self {
        Self {
            gateway,
            install: install.to_owned(),
            session,
            sessions: Semaphore::new(SESSIONS),
            _slot: slot,
        }
    }

    /// Returns the name of the install.
    #[must_use]
    pub fn install(&self) -> &str {
        &self.install
    }

    pub(crate) fn say(&self, text: &str) {
        self.gateway.say(&format!("{}: {text}", self.install));
    }

    /// How another program, such as rsync, gets a session over this connection. It never opens one of its own.
    pub(crate) fn transport(&self) -> String {
        let socket = self.session.control_socket().display().to_string();
        format!(
            "ssh -F /dev/null -S '{socket}' -o ControlMaster=no -o ProxyCommand=false -o BatchMode=yes -T"
        )
    }

    /// Starts a shell that reads its script from its input: the gateway takes a level of quotes away from all that is given as a
    /// command, and nothing from that.
    pub(crate) async fn shell(
        &self,
        configure: impl FnOnce(&mut Command),
    ) -> Result<Running<'_>, Error> {
        let permit = self.sessions.acquire().await.map_err(|closed| {
            Error::new(
                ErrorKind::Lost,
                format!("the connection is closed: {closed}"),
            )
        })?;
        let mut command = Command::new("ssh");
        command
            .args(["-F", "/dev/null", "-S"])
            .arg(self.session.control_socket())
            // Without the connection it fails, instead of opening another one.
            .args(["-o", "ControlMaster=no", "-o", "ProxyCommand=false"])
            .args(["-o", "BatchMode=yes", "-T", "--", "none", "bash -s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        configure(&mut command);
        let child = command
            .spawn()
            .map_err(|error| Error::program("ssh", &error))?;
        Ok(Running {
            child,
            _permit: permit,
        })
    }

    /// Runs a script, with this as its input, and returns how it ended.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TimedOut`] if it takes longer than `within`, [`ErrorKind::Lost`] if the connection is lost.
    pub async fn script(
        &self,
        script: &[u8],
        input: &[u8],
        within: Duration,
    ) -> Result<Done, Error> {
        let mut running = self.shell(|_| {}).await?;
        let stdin = running.child.stdin.take();
        let mut all = script.to_vec();
        all.extend(input);
        let write = async {
            if let Some(mut stdin) = stdin {
                // A script may end before it has read all of its input.
                let _ = stdin.write_all(&all).await;
                let _ = stdin.shutdown().await;
            }
        };
        let read = async { running.child.wait_with_output().await };
        let both = timeout(within, async { tokio::join!(write, read).1 }).await;
        let output = both
            .map_err(|_| {
                Error::new(
                    ErrorKind::TimedOut,
                    format!(
                        "a command on {} took longer than {} s",
                        host_of(&self.install),
                        within.as_secs()
                    ),
                )
            })?
            .map_err(|error| Error::program("ssh", &error))?;
        let done = Done::of(output);
        if done.code == 255 && !self.is_open().await {
            return Err(self.lost(&done.stderr));
        }
        Ok(done)
    }

    pub(crate) fn lost(&self, said: &[u8]) -> Error {
        Error::new(
            ErrorKind::Lost,
            format!("the connection to {} was lost", host_of(&self.install)),
        )
        .said(said)
    }

    /// Whether the connection is open.
    pub async fn is_open(&self) -> bool {
        self.session.check().await.is_ok()
    }

    /// Runs WP-CLI in the site, and returns what it wrote.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TimedOut`] after 10 minutes, [`ErrorKind::Lost`] if the connection is lost. A command that fails is no error: its
    /// code is in the result.
    pub async fn wp<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<Done, Error> {
        self.script(&self.wp_script(words), b"", Duration::from_secs(600))
            .await
    }

    /// The script that becomes WP-CLI. Its input is what follows the script.
    pub(crate) fn wp_script<W: AsRef<[u8]>>(&self, words: &[W]) -> Vec<u8> {
        let mut script = format!("cd sites/{} || exit 255\nexec wp ", self.install).into_bytes();
        script.extend(shell::line(words));
        script.push(b'\n');
        script
    }

    /// Runs WP-CLI with the input, the output and the errors of this process, and returns its exit code.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lost`] if the connection is lost before the command ended.
    pub async fn wp_here<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<i32, Error> {
        self.here(&self.wp_script(words)).await
    }

    /// Runs a command in the site with the input, the output and the errors of this process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lost`] if the connection is lost before the command ended.
    pub async fn run_here<W: AsRef<[u8]>>(&self, words: &[W]) -> Result<i32, Error> {
        let mut script = format!("cd sites/{} || exit 255\nexec ", self.install).into_bytes();
        script.extend(shell::line(words));
        script.push(b'\n');
        self.here(&script).await
    }

    async fn here(&self, script: &[u8]) -> Result<i32, Error> {
        let mut running = self
            .shell(|command| {
                command.stdout(Stdio::inherit()).stderr(Stdio::inherit());
            })
            .await?;
        let stdin = running.child.stdin.take();
        let pass = async {
            let Some(mut stdin) = stdin else { return };
            if stdin.write_all(script).await.is_err() {
                return;
            }
            let mut input = tokio::io::stdin();
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(count @ 1..) = input.read(&mut buffer).await {
                if stdin.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        };
        // The command may end before its input does.
        let wait = running.child.wait();
        tokio::pin!(pass, wait);
        let status = tokio::select! {
            status = &mut wait => status,
            () = &mut pass => wait.await,
        };
        let status = status.map_err(|error| Error::program("ssh", &error))?;
        let code = status.code().unwrap_or(255);
        if code == 255 && !self.is_open().await {
            return Err(self.lost(b""));
        }
        Ok(code)
    }

    /// Closes the connection.
    pub async fn close(self) {
        let _ = self.session.close().await;
    }

    pub(crate) fn remote(&self, path: &str) -> String {
        format!("none:{path}")
    }

    /// Starts a program of this machine that uses the connection.
    pub(crate) async fn program(&self, command: &mut Command) -> Result<Running<'_>, Error> {
        let permit = self.sessions.acquire().await.map_err(|closed| {
            Error::new(
                ErrorKind::Lost,
                format!("the connection is closed: {closed}"),
            )
        })?;
        let name = Path::new(command.as_std().get_program())
            .display()
            .to_string();
        let child = command
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Error::program(&name, &error))?;
        Ok(Running {
            child,
            _permit: permit,
        })
    }
}
