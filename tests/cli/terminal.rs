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

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_and_its_log_at_a_terminal() {
    if !is_there() || wpengine_sim::Gateway::missing().is_some() {
        return;
    }
    let cli = Cli::new().await;
    let gateway = wpengine_sim::Gateway::builder()
        .installs(["torquemag"])
        .start()
        .await
        .expect("a gateway");
    crate::harness::write(&cli.path("theme/style.css"), "one");
    crate::harness::write(&cli.path("theme/functions.php"), "<?php\n");
    tokio::task::block_in_place(|| {
        let screen = Screen::open(&cli, 110);
        for (name, value) in [
            (
                "WPENGINE_SSH_CONFIG",
                gateway.config_file().display().to_string(),
            ),
            ("WPENGINE_SSH_USER", gateway.user().to_owned()),
            ("WPENGINE_CHECK_URL", gateway.home_page("{install}")),
        ] {
            screen.command(&format!("export {name}='{value}'"));
        }
        let plain = |shown: &str| {
            let mut text = screen
                .plain(shown)
                .replace(&gateway.fingerprint(), "SHA256:FINGERPRINT");
            // Ids and addresses differ from run to run.
            for word in text.clone().split([' ', '\n', ';', ',']) {
                if word.len() == 25 && word.as_bytes()[8] == b'T' {
                    text = text.replace(word, "RELEASE");
                }
            }
            text.replace(&gateway.home_page("torquemag"), "http://GATEWAY/torquemag/")
        };
        // The first contact: nobody has said yet that the host is the right one.
        screen.command("clear; wpengine deploy log torquemag");
        let shown = screen.until("Accept it for all installs? [y/N]");
        insta::assert_snapshot!("deploy_1_first_contact", plain(&shown));
        screen.line("y");
        screen.prompt_after("nothing found");

        let line =
            "wpengine deploy run torquemag theme --to wp-content/themes/torque --check-after 0s";
        screen.command(&format!("clear; {line}"));
        let shown = screen.until("Type the name torquemag to confirm:");
        insta::assert_snapshot!("deploy_2_question", plain(&shown));
        screen.line("torquemag");
        let shown = screen.prompt_after("take it back with");
        let shown: Vec<&str> = shown
            .lines()
            .filter(|line| !line.starts_with("seconds"))
            .collect();
        let shown = shown.join("\n");
        let time = shown.find(" s; take it back").expect("a time");
        let begin = shown[..time].rfind(' ').expect("a time");
        let shown = format!("{} TIME{}", &shown[..begin], &shown[time..]);
        insta::assert_snapshot!("deploy_3_done", plain(&shown));

        crate::harness::write(
            &cli.path("theme/functions.php"),
            "<?php\nno_such_function();\n",
        );
        screen.command(&format!("clear; {line} --confirm torquemag"));
        screen.until("so it was taken back");
        screen.command("echo ended with $?");
        insta::assert_snapshot!(
            "deploy_4_taken_back",
            plain(&screen.prompt_after("ended with 6"))
        );

        screen.command("clear; wpengine logs torquemag --follow");
        screen.until("Undefined variable $x");
        let log = gateway.site("torquemag").join("wp-content/debug.log");
        let mut file = std::fs::File::options()
            .append(true)
            .open(log)
            .expect("a file");
        std::io::Write::write_all(&mut file, b"[26-Nov-2026 06:30:00 UTC] PHP Fatal error:  Uncaught Error: no\nStack trace:\n#0 {main}\n").expect("a file");
        screen.until("#0 {main}");
        screen.keys(&["C-c"]);
        screen.command("echo ended with $?");
        insta::assert_snapshot!(
            "deploy_5_followed",
            plain(&screen.prompt_after("ended with 130"))
        );

        // A shell on the gateway is a real one. An sshd that is not root can give a terminal only where terminals belong to the
        // group tty.
        screen.command("clear; wpengine ssh torquemag");
        let began = Instant::now();
        let shown = loop {
            let shown = screen.shown();
            if shown.contains("WP Engine SSH Gateway") || shown.contains("closed by remote host") {
                break shown;
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "no shell:\n{shown}"
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        if shown.contains("WP Engine SSH Gateway") {
            screen.line("echo here is $INSTALL; exit 4");
            screen.until("here is torquemag");
            screen.command("echo ended with $?");
            screen.prompt_after("ended with 4");
        } else {
            assert!(
                gateway.log().contains("chown(/dev/pts"),
                "{}",
                gateway.log()
            );
        }
    });
}
