//! What the program `wpengine` is shipped with: completions and manual pages, in `target/dist`.

use std::fs;
use std::process::{Command, ExitCode};

use crate::{Failure, workspace};

/// Writes the completions and the manual pages of the program `wpengine` to `target/dist`.
#[derive(Debug, clap::Args)]
pub(crate) struct DistArgs {}

/// The shells, and the names under which they look for a completion.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "wpengine.bash"),
    ("zsh", "_wpengine"),
    ("fish", "wpengine.fish"),
    ("elvish", "wpengine.elv"),
    ("powershell", "wpengine.ps1"),
];

pub(crate) fn run(_: &DistArgs) -> Result<ExitCode, Failure> {
    let folder = workspace::root().join("target/dist");
    let (completions, manual) = (folder.join("completions"), folder.join("man/man1"));
    fs::create_dir_all(&completions)?;
    fs::create_dir_all(&manual)?;
    for (shell, name) in SHELLS {
        let script = program(&["completion", shell])?;
        fs::write(completions.join(name), script)?;
    }
    program(&["man", "--dir", &manual.display().to_string()])?;
    let pages = fs::read_dir(&manual)?.count();
    println!(
        "{} completions and {pages} manual pages in target/dist",
        SHELLS.len(),
    );
    Ok(ExitCode::SUCCESS)
}

/// Runs the program, and returns what it prints. This package does not depend on it, so cargo builds it.
fn program(arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--package", "wpengine-cli", "--"])
        .args(arguments)
        .current_dir(workspace::root())
        .output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Failure::msg(format!(
        "wpengine {} ended with {}:\n{}",
        arguments.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )))
}
