//! Runs the program against a simulator, with folders of its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, process::Command};
use wpengine_sim::{ClockMode, Simulator, SimulatorBuilder};

/// The program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_wpengine-under-test");

/// A simulator, and the folders of one user.
pub(crate) struct Cli {
    pub(crate) simulator: Simulator,
    pub(crate) folder: TempDir,
}

/// How one run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The object on standard error.
    pub(crate) fn error(&self) -> Value {
        let line = self
            .stderr
            .lines()
            .find(|line| line.starts_with("{\"error\""));
        serde_json::from_str(line.unwrap_or_else(|| panic!("no error: {self:?}"))).expect("JSON")
    }

    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

impl Cli {
    /// The world of the documentation.
    pub(crate) async fn new() -> Self {
        Self::with(Simulator::builder()).await
    }

    /// The same, with time that runs fast.
    pub(crate) async fn fast() -> Self {
        Self::with(Simulator::builder().clock(ClockMode::Accelerated(2_000.0))).await
    }

    pub(crate) async fn with(builder: SimulatorBuilder) -> Self {
        Self {
            simulator: builder.start().await.expect("a simulator"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The environment of a run: that of the system for finding programs, and nothing of the user.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let mut set = |name: &str, value: &str| all.insert(name.to_owned(), value.to_owned());
        set("PATH", &std::env::var("PATH").unwrap_or_default());
        set("HOME", &self.path("home").display().to_string());
        set("WPE_API_BASE_URL", &self.simulator.base_url());
        set("WPE_API_USER_ID", self.simulator.user());
        set("WPE_API_PASSWORD", self.simulator.password());
        for (name, folder) in [
            ("WPENGINE_CONFIG_DIR", "config"),
            ("WPENGINE_CACHE_DIR", "cache"),
            ("WPENGINE_STATE_DIR", "state"),
        ] {
            set(name, &self.path(folder).display().to_string());
        }
        all
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .env_clear()
            .envs(self.environment())
            .current_dir(self.folder.path())
            .kill_on_drop(true);
        command
    }

    /// Runs a line as it would be typed, without the name of the program.
    pub(crate) async fn run(&self, line: &str) -> Ran {
        self.run_with(line, |command| command, "").await
    }

    pub(crate) async fn run_with(
        &self,
        line: &str,
        change: impl FnOnce(&mut Command) -> &mut Command,
        input: &str,
    ) -> Ran {
        let mut command = self.command();
        command.args(words(line));
        change(&mut command);
        run(command, input).await
    }
}

/// The variables that lead the program to a gateway.
pub(crate) fn leading_to(gateway: &wpengine_sim::Gateway) -> Vec<(&'static str, String)> {
    vec![
        (
            "WPENGINE_SSH_CONFIG",
            gateway.config_file().display().to_string(),
        ),
        ("WPENGINE_SSH_HOST_KEY", gateway.fingerprint()),
        ("WPENGINE_GIT_HOST_KEY", gateway.fingerprint()),
        ("WPENGINE_SSH_USER", gateway.user().to_owned()),
        ("WPENGINE_CHECK_URL", gateway.home_page("{install}")),
    ]
}

/// A gateway to the installs of the documentation's world.
pub(crate) async fn gateway() -> wpengine_sim::Gateway {
    let names = [
        "torquemag",
        "torqueevents",
        "torqueeventstg",
        "mysite",
        "mysitestg",
    ];
    let gateway = wpengine_sim::Gateway::builder().installs(names).start();
    gateway.await.expect("a gateway")
}

/// Runs a command to its end.
pub(crate) async fn run(mut command: Command, input: &str) -> Ran {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("an input");
    // A program that does not read its input may have ended.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = child.wait_with_output().await.expect("an output");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("a text"),
        stderr: String::from_utf8(output.stderr).expect("a text"),
    }
}

/// The words of a line, in which single quotes keep words together.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quoted, mut begun) = (String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '\'' => {
                quoted = !quoted;
                begun = true;
            }
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            letter => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

pub(crate) fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}
