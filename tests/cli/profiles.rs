//! Profiles, credentials and settings; and the password, which is nowhere.

use std::path::Path;

use tokio::process::Command;

use crate::{
    cases::CASES,
    harness::{Cli, write},
};

const CANARY: &str = "C4nary-password-8d1f";

/// A user whose password is the canary, and no credentials in the environment.
async fn with_canary() -> Cli {
    let builder = wpengine_sim::Simulator::builder().credentials("canary-user", CANARY);
    Cli::with(builder).await
}

fn anonymous(command: &mut Command) -> &mut Command {
    command
        .env_remove("WPE_API_USER_ID")
        .env_remove("WPE_API_PASSWORD")
        .env_remove("WPE_API_BASE_URL")
}

async fn login(cli: &Cli, more: &str) -> crate::harness::Ran {
    let line = format!(
        "auth login --user-id canary-user --password-stdin --store file --base-url {} {more}",
        cli.simulator.base_url()
    );
    cli.run_with(&line, anonymous, &format!("{CANARY}\n")).await
}

/// Every file below a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => files(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_tried_and_stored_and_used_and_removed() {
    let cli = with_canary().await;
    let wrong = format!(
        "auth login --user-id canary-user --password-stdin --store file --base-url {}",
        cli.simulator.base_url()
    );
    let ran = cli.run_with(&wrong, anonymous, "wrong\n").await.ends(4);
    assert!(ran.stderr.contains("nothing was stored"), "{ran:?}");
    assert!(!cli.path("config/credentials.toml").exists());

    login(&cli, "").await.ends(0);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(cli.path("config/credentials.toml"))
            .expect("a file")
            .permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let ran = cli.run_with("whoami -o json", anonymous, "").await.ends(0);
    assert_eq!(ran.json()["email"], "joe.smith@torquemag.io");
    let ran = cli
        .run_with("auth status -o json", anonymous, "")
        .await
        .ends(0);
    assert_eq!(ran.json()["source"], "the profile default");
    let ran = cli
        .run_with("auth list -o json", anonymous, "")
        .await
        .ends(0);
    assert_eq!(ran.json()[0]["credentials"], "file");

    // A file that others can read is refused.
    std::fs::set_permissions(
        cli.path("config/credentials.toml"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .expect("a mode");
    let ran = cli.run_with("whoami", anonymous, "").await.ends(4);
    assert!(ran.stderr.contains("chmod 600"), "{ran:?}");
    std::fs::set_permissions(
        cli.path("config/credentials.toml"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .expect("a mode");

    cli.run_with("auth logout", anonymous, "").await.ends(0);
    cli.run_with("whoami", anonymous, "").await.ends(4);
    let left = std::fs::read_to_string(cli.path("config/credentials.toml")).expect("a file");
    assert!(!left.contains(CANARY), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_goes_before_the_default_profile_and_not_with_a_named_one() {
    let cli = with_canary().await;
    login(&cli, "").await.ends(0);
    let ran = cli.run("auth status -o json").await.ends(0);
    assert_eq!(ran.json()["source"], "the environment (WPE_API_USER_ID)");
    let ran = cli
        .run("auth status --profile default -o json")
        .await
        .ends(0);
    assert_eq!(ran.json()["source"], "the profile default");
    let ran = cli
        .run_with(
            "whoami",
            |command| command.env("WPENGINE_PROFILE", "default"),
            "",
        )
        .await
        .ends(2);
    assert!(
        ran.stderr.contains("WPENGINE_PROFILE") && ran.stderr.contains("WPE_API_USER_ID"),
        "{ran:?}"
    );
    let ran = cli
        .run_with("whoami --profile nonsense", anonymous, "")
        .await
        .ends(2);
    assert!(ran.stderr.contains("default"), "{ran:?}");
    // The password of a profile goes to the address of that profile, whatever the environment says.
    let ran = cli
        .run_with(
            "whoami --profile default -o json",
            |command| command.env("WPE_API_BASE_URL", "http://127.0.0.1:9/v1"),
            "",
        )
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_written_with_their_comments_and_used() {
    let cli = with_canary().await;
    login(&cli, "").await.ends(0);
    let path = cli.path("config/config.toml");
    let text = std::fs::read_to_string(&path).expect("a file");
    write(&path, &format!("# mine\n{text}"));
    for line in [
        "config set account joesaccount",
        "config set notify a@example.com,b@example.com",
        "config set protect production",
        "config set output json",
    ] {
        cli.run_with(line, anonymous, "").await.ends(0);
    }
    assert!(
        std::fs::read_to_string(&path)
            .expect("a file")
            .starts_with("# mine\n")
    );
    assert_eq!(
        cli.run_with("config get account -o table", anonymous, "")
            .await
            .ends(0)
            .stdout,
        "joesaccount\n"
    );
    cli.run_with("config get redis", anonymous, "")
        .await
        .ends(3);
    cli.run_with("config set nonsense x", anonymous, "")
        .await
        .ends(2);
    cli.run_with("config set read_only maybe", anonymous, "")
        .await
        .ends(2);
    // The account and the addresses of the profile are used, and its format.
    cli.run_with("user list", anonymous, "")
        .await
        .ends(0)
        .json();
    cli.run_with("backup create torquemag -m text", anonymous, "")
        .await
        .ends(0)
        .json();
    let ran = cli
        .run_with(
            "install update torquemag --environment staging --confirm torquemag",
            anonymous,
            "",
        )
        .await
        .ends(5);
    assert!(ran.stderr.contains("protects"), "{ran:?}");
    let before = cli.simulator.side_effects();
    cli.run_with("install update torquemag --clear-environment --confirm torquemag --dry-run --allow-protected", anonymous, "").await.ends(0);
    assert_eq!(cli.simulator.side_effects(), before);
    cli.run_with("config set read_only true", anonymous, "")
        .await
        .ends(0);
    cli.run_with("cache purge torquemag", anonymous, "")
        .await
        .ends(4);
    cli.run_with("config unset read_only", anonymous, "")
        .await
        .ends(0);
    cli.run_with("cache purge torquemag", anonymous, "")
        .await
        .ends(0);
    // A file with a mistake stops nothing that repairs it.
    write(&path, "default_profile = \n");
    cli.run_with("whoami", anonymous, "").await.ends(2);
    cli.run_with("config path", anonymous, "").await.ends(0);
    let here = cli.simulator.base_url();
    let ran = cli
        .run_with(
            "doctor -o json",
            |command| anonymous(command).env("WPE_API_BASE_URL", here),
            "",
        )
        .await
        .ends(6);
    assert!(ran.stdout.contains("cannot be read"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_can_keep_the_password() {
    let cli = with_canary().await;
    write(&cli.path("secret"), &format!("{CANARY}\nsecond line\n"));
    let line = format!(
        "auth login --user-id canary-user --command cat --command {} --base-url {}",
        cli.path("secret").display(),
        cli.simulator.base_url()
    );
    cli.run_with(&line, anonymous, "").await.ends(0);
    cli.run_with("whoami", anonymous, "").await.ends(0);
    assert!(!cli.path("config/credentials.toml").exists());
    std::fs::remove_file(cli.path("secret")).expect("it is gone");
    let ran = cli.run_with("whoami", anonymous, "").await.ends(4);
    assert!(ran.stderr.contains("`cat`"), "{ran:?}");
}

/// Every operation, verbose, with its errors; then every file that the program wrote.
#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_in_no_output_and_no_file() {
    let cli = with_canary().await;
    write(&cli.path("secret"), CANARY);
    let line = format!(
        "auth login --user-id canary-user --command cat --command {} --base-url {}",
        cli.path("secret").display(),
        cli.simulator.base_url()
    );
    let mut all = Vec::new();
    all.push(cli.run_with(&line, anonymous, "").await.ends(0));
    for case in &CASES {
        case.prepare_files(&cli);
        let line = case.line.replace(['{', '}'], "");
        for more in ["-v", "-v -o json --dry-run", "-vv --timeout 1s -o json"] {
            if more.contains("--dry-run") && !case.is_write() {
                continue;
            }
            all.push(
                cli.run_with(&format!("{line} {more} {}", case.confirm), anonymous, "")
                    .await,
            );
        }
    }
    for line in [
        "auth status",
        "auth list",
        "config list",
        "doctor -v",
        "fleet sync -v",
        "fleet health",
        "fleet report",
        "auth env",
        "commands -o json",
        "plan list",
    ] {
        all.push(cli.run_with(line, anonymous, "").await);
    }
    let encoded = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        format!("canary-user:{CANARY}"),
    );
    for ran in &all {
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(CANARY) && !text.contains(&encoded), "{text}");
        }
    }
    let mut found = Vec::new();
    files(cli.folder.path(), &mut found);
    assert!(found.len() > 4, "{found:?}");
    for path in found.iter().filter(|path| !path.ends_with("secret")) {
        let bytes = std::fs::read(path).expect("a file");
        let holds = |needle: &str| {
            bytes
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        };
        assert!(!holds(CANARY) && !holds(&encoded), "{}", path.display());
    }
    // It is printed where that is asked for.
    let ran = cli
        .run_with("auth env --show-secret", anonymous, "")
        .await
        .ends(0);
    assert!(ran.stdout.contains(CANARY));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_variable_that_cannot_be_used_is_named() {
    let cli = Cli::new().await;
    let mut command = cli.command();
    command
        .args(["install", "list"])
        .env("WPE_API_BASE_URL", "https://api.example.com/v1")
        .env("HTTPS_PROXY", "ftp://user:canary@proxy.example.com");
    let ran = crate::harness::run(command, "").await.ends(2);
    let text =
        "the proxy in the environment variable HTTPS_PROXY is neither `http://` nor `https://`";
    assert!(ran.stderr.contains(text), "{ran:?}");
    assert!(!ran.stderr.contains("canary"), "{ran:?}");
}
