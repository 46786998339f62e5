//! What the program `wpengine` is shipped with, and the program itself, in `target/dist`.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::{Failure, workspace};

/// Writes the completions and the manual pages of the program `wpengine` to `target/dist`.
#[derive(Debug, clap::Args)]
pub(crate) struct DistArgs {
    /// Builds the program there instead, as it is shipped.
    #[arg(long)]
    program: bool,
}

/// The shells, and the names under which they look for a completion.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "wpengine.bash"),
    ("zsh", "_wpengine"),
    ("fish", "wpengine.fish"),
    ("elvish", "wpengine.elv"),
    ("powershell", "wpengine.ps1"),
];

pub(crate) fn run(args: &DistArgs) -> Result<ExitCode, Failure> {
    let folder = workspace::root().join("target/dist");
    if args.program {
        return build(&folder);
    }
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

/// Builds the program for this machine, and prints where it is.
fn build(folder: &Path) -> Result<ExitCode, Failure> {
    let version = Command::new("rustc").arg("-vV").output()?;
    let version = String::from_utf8_lossy(&version.stdout);
    let target = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or_else(|| Failure::msg("rustc -vV does not say what this machine is"))?;
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--profile", "dist", "--target", target])
        .args(["--package", "wpengine-cli", "--target-dir"])
        .arg(workspace::root().join("target"))
        .current_dir(workspace::root());
    if cfg!(target_os = "linux") {
        // A program that aborts does not unwind: a tenth of it would be tables for that.
        command.env("RUSTFLAGS", "-C force-unwind-tables=no");
    }
    if !command.status()?.success() {
        return Err(Failure::msg("the program could not be built"));
    }
    let name = format!("wpengine{}", std::env::consts::EXE_SUFFIX);
    let built = workspace::root().join("target").join(target);
    let shipped = folder.join(&name);
    fs::create_dir_all(folder)?;
    fs::copy(built.join("dist").join(&name), &shipped)?;
    println!("{}", shipped.display());
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
