//! The recipes and the README: what is written there runs as it is written.

use std::path::Path;

use futures_util::StreamExt as _;
use wpengine_sim::ClockMode;

use crate::harness::{Cli, PROGRAM, leading_to, run};

/// The blocks of a page in this language, each with its line.
fn blocks(page: &str, language: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in page.lines().enumerate() {
        match &mut open {
            Some((_, block)) if line != "```" => {
                block.push_str(line);
                block.push('\n');
            }
            Some(_) => found.extend(open.take()),
            None if line == format!("```{language}") => open = Some((number + 1, String::new())),
            None => {}
        }
    }
    found
}

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../crates/wpengine-cli")
        .join(name);
    std::fs::read_to_string(path).expect("a page")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_recipe_runs() {
    let all = blocks(&page("RECIPES.md"), "sh");
    assert!(all.len() > 15, "{}", all.len());
    let runs = all.into_iter().map(async |(line, block)| {
        let builder = wpengine_sim::Simulator::builder().clock(ClockMode::Accelerated(600.0));
        let cli = Cli::with(builder).await;
        let bin = cli.path("bin");
        std::fs::create_dir(&bin).expect("a folder");
        std::os::unix::fs::symlink(PROGRAM, bin.join("wpengine")).expect("a link");
        let path = std::env::var("PATH").unwrap_or_default();
        let needs_gateway = [
            "wpengine deploy",
            "wpengine logs",
            "wpengine wp",
            "--plugins",
        ]
        .iter()
        .any(|words| block.contains(words));
        let mut variables = Vec::new();
        let mut _gateway = None;
        if needs_gateway {
            if wpengine_sim::Gateway::missing().is_some() {
                // What is missing is said by the tests of the gateway.
                return;
            }
            let gateway = crate::harness::gateway().await;
            variables = leading_to(&gateway);
            _gateway = Some(gateway);
        }
        let mut command = tokio::process::Command::new("bash");
        command
            .args(["-e", "-o", "pipefail", "-c", &block])
            .env_clear()
            .envs(cli.environment())
            .envs(variables)
            .env("PATH", format!("{}:{path}", bin.display()))
            .current_dir(cli.folder.path());
        let ran = run(command, "").await;
        assert_eq!(ran.code, 0, "RECIPES.md, line {line}:\n{block}\n{ran:?}");
    });
    // Most of the time is spent waiting for backups.
    let mut runs = futures_util::stream::iter(runs).buffer_unordered(4);
    while runs.next().await.is_some() {}
}

/// The first screen of the README, as the program prints it.
#[tokio::test(flavor = "multi_thread")]
async fn the_readme_shows_what_is_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = blocks(&page("README.md"), "console");
    let (_, block) = all.first().expect("a block");
    let (line, shown) = block
        .split_once('\n')
        .expect("a command and what it prints");
    let line = line
        .strip_prefix("$ wpengine ")
        .expect("a command of the program");
    let mut command = tokio::process::Command::new(PROGRAM);
    command
        .env_clear()
        .env("HOME", folder.path())
        .env("PATH", std::env::var("PATH").unwrap_or_default())
        .args(crate::harness::words(line));
    let ran = run(command, "").await.ends(0);
    assert_eq!(format!("{}{}", ran.stdout, ran.stderr), shown);
}
