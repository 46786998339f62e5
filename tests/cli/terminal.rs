//! A person at a terminal: prompts, refusals, interruptions. The terminal is tmux; its screens are snapshots.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use wpengine_sim::Simulator;

use crate::harness::{Cli, PROGRAM};

/// Whether tmux is here. Where it is not, the tests say that they were skipped.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn is_there() -> bool {
    let found = Command::new("tmux")
        .arg("-V")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !found {
        assert!(
            std::env::var_os("WPENGINE_REQUIRE_TMUX").is_none(),
            "tmux is not installed"
        );
        eprintln!("skipped: tmux is not installed");
    }
    found
}

struct Screen<'a> {
    cli: &'a Cli,
    socket: PathBuf,
}

impl<'a> Screen<'a> {
    fn open(cli: &'a Cli, width: u16) -> Self {
        let bin = cli.path("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        let _ = std::os::unix::fs::symlink(PROGRAM, bin.join("wpengine"));
        let screen = Self {
            cli,
            socket: cli.path(&format!("tmux-{width}")),
        };
        let path = format!(
            "{}:{}",
            bin.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let mut command = screen.tmux();
        command
            .args([
                "new-session",
                "-d",
                "-x",
                &width.to_string(),
                "-y",
                "30",
                "-c",
            ])
            .arg(cli.folder.path());
        command.args([
            "env",
            "PS1=$ ",
            &format!("PATH={path}"),
            "bash",
            "--norc",
            "--noprofile",
        ]);
        assert!(command.status().expect("tmux").success());
        screen.until("$");
        screen
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command
            .env_clear()
            .envs(self.cli.environment())
            .env("TERM", "xterm-256color")
            .env("LANG", "C.UTF-8");
        command
            .arg("-S")
            .arg(&self.socket)
            .arg("-f")
            .arg("/dev/null");
        command
    }

    fn keys(&self, keys: &[&str]) {
        assert!(
            self.tmux()
                .arg("send-keys")
                .args(keys)
                .status()
                .expect("tmux")
                .success()
        );
    }

    fn line(&self, line: &str) {
        self.keys(&["-l", line]);
        self.keys(&["Enter"]);
    }

    /// Types a command, when the shell asks for one.
    fn command(&self, line: &str) {
        self.prompt_after("$");
        self.line(line);
    }

    fn shown(&self) -> String {
        let output = self
            .tmux()
            .args(["capture-pane", "-p"])
            .output()
            .expect("tmux");
        let text = String::from_utf8(output.stdout).expect("a text");
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// Waits until the screen shows a text; it looks, and waits for nothing else.
    fn until(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(text) {
                return shown;
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "never `{text}`:\n{shown}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the shell asks again, after this text.
    fn prompt_after(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let shown = self.until(text);
            if shown.lines().last() == Some("$") {
                return shown;
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "no prompt:\n{shown}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the cursor is shown.
    fn has_cursor(&self) -> bool {
        let output = self
            .tmux()
            .args(["display-message", "-p", "#{cursor_flag}"])
            .output()
            .expect("tmux");
        String::from_utf8_lossy(&output.stdout).trim() == "1"
    }

    /// Without what differs from run to run.
    fn plain(&self, text: &str) -> String {
        let address = self.cli.simulator.base_url();
        let text = text
            .replace(&address, "http://SIMULATOR/v1")
            .replace(&self.cli.folder.path().display().to_string(), "FOLDER");
        let mut plain = String::new();
        for line in text.lines() {
            let words: Vec<String> = line
                .split(' ')
                .map(|word| {
                    if word.len() == 36 && word.matches('-').count() == 4 {
                        "ID".to_owned()
                    } else {
                        word.to_owned()
                    }
                })
                .collect();
            plain.push_str(words.join(" ").trim_end());
            plain.push('\n');
        }
        plain
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_a_person() {
    if !is_there() {
        return;
    }
    let builder = Simulator::builder().credentials("api-user", "the-password");
    let cli = Cli::with(builder).await;
    tokio::task::block_in_place(|| {
        let screen = Screen::open(&cli, 100);
        screen.command("unset WPE_API_USER_ID WPE_API_PASSWORD");
        let url = cli.simulator.base_url();
        screen.command(&format!(
            "clear; wpengine auth login --store file --base-url {url}"
        ));
        screen.until("API user id:");
        screen.line("api-user");
        screen.until("Password (not shown):");
        screen.line("the-password");
        let shown = screen.until("next: wpengine install list");
        assert!(!shown.contains("the-password"), "{shown}");
        let shown = screen.prompt_after("credentials");
        insta::assert_snapshot!(
            "session_1_login",
            screen.plain(&shown).replace(&url, "http://SIMULATOR/v1")
        );

        screen.command("clear; wpengine install list");
        insta::assert_snapshot!(
            "session_2_list",
            screen.plain(&screen.prompt_after("mysitestg"))
        );

        screen.command("clear; wpengine install delete torqueeventstg");
        screen.until("Type the name torqueeventstg to confirm:");
        screen.line("torqueevents");
        screen.until("nothing was sent");
        screen.command("echo ended with $?");
        insta::assert_snapshot!(
            "session_3_refused",
            screen.plain(&screen.prompt_after("ended with 5"))
        );
        assert_eq!(cli.simulator.side_effects(), 0);

        screen.command("clear; wpengine install delete torqueeventstg");
        screen.until("Type the name torqueeventstg to confirm:");
        screen.line("torqueeventstg");
        screen.until("deleted");
        screen.command("echo ended with $?");
        insta::assert_snapshot!(
            "session_4_confirmed",
            screen.plain(&screen.prompt_after("ended with 0"))
        );
        assert_eq!(cli.simulator.side_effects(), 1);

        screen
            .line("clear; wpengine backup create torquemag -m text --notify a@example.com --wait");
        screen.until("waiting for the backup");
        screen.keys(&["C-c"]);
        screen.until("interrupted");
        screen.command("echo ended with $?");
        let shown = screen.prompt_after("ended with 130");
        assert!(screen.has_cursor());
        insta::assert_snapshot!("session_5_interrupted", screen.plain(&shown));

        // Ctrl-C at the question for a password: letters are shown again.
        screen.command("clear; wpengine auth login --store file --profile other");
        screen.until("API user id:");
        screen.line("somebody");
        screen.until("Password (not shown):");
        screen.keys(&["C-c"]);
        screen.until("interrupted");
        screen.command("echo ended with $?");
        let shown = screen.prompt_after("ended with 130");
        assert!(
            shown.contains("echo ended with $?"),
            "what is typed is shown again: {shown}"
        );
        assert!(screen.has_cursor());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_terminal_keeps_the_name() {
    if !is_there() {
        return;
    }
    let cli = Cli::new().await;
    tokio::task::block_in_place(|| {
        let screen = Screen::open(&cli, 52);
        screen.command("clear; wpengine install list");
        insta::assert_snapshot!("narrow", screen.plain(&screen.prompt_after("mysitestg")));
    });
}
