//! `cargo xtask api`: a snapshot of the public API of the crates that users depend on.
//!
//! A change of the public API appears in the review as a change of the snapshot. If the API mentions a type of another
//! crate, that crate becomes part of our stability guarantee: its new major version is a breaking change of ours. So
//! only a few crates are allowed, and this task checks that.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    process::{Command, ExitCode},
};

use crate::{
    Failure,
    output::{self, Output},
    workspace,
};

/// The crates and their snapshots.
const SNAPSHOTS: [(&str, &str); 6] = [
    ("wpengine", "xtask/api/wpengine.txt"),
    ("wpengine-events", "xtask/api/wpengine-events.txt"),
    ("wpengine-fleet", "xtask/api/wpengine-fleet.txt"),
    ("wpengine-redis", "xtask/api/wpengine-redis.txt"),
    ("wpengine-ssh", "xtask/api/wpengine-ssh.txt"),
    ("wpengine-sim", "xtask/api/wpengine-sim.txt"),
];

/// The crates whose types may appear in the public API.
const ALLOWED: [&str; 16] = [
    "alloc",
    // `Bytes` is the type of a download's chunks, as in other HTTP crates.
    "bytes",
    "core",
    "futures_core",
    "http",
    "jiff",
    "schemars",
    "secrecy",
    "serde",
    "serde_core",
    "serde_json",
    "std",
    "wpengine",
    // A mirror that the poller of events refreshes.
    "wpengine_fleet",
    // Only for the items that the SDK re-exports.
    "wpengine_raw",
    "wpengine_sim",
];

/// Writes a snapshot of the public API to xtask/api, and checks that it mentions only the allowed crates.
#[derive(Debug, clap::Args)]
pub(crate) struct ApiArgs {
    /// Write nothing; print a diff and fail if a file is out of date.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &ApiArgs) -> Result<ExitCode, Failure> {
    let mut outputs = Vec::new();
    let mut foreign = Vec::new();
    for (package, path) in SNAPSHOTS {
        let lines = public_api(package)?;
        let own = package.replace('-', "_");
        for line in &lines {
            for name in mentioned(line) {
                if !ALLOWED.contains(&name) && name != own {
                    foreign.push(format!("{package} mentions {name}: {line}"));
                }
            }
        }
        outputs.push(Output::new(path, lines.join("\n") + "\n"));
    }
    if !foreign.is_empty() {
        eprintln!("{}", foreign.join("\n"));
        eprintln!(
            "hide it behind a type of our own, or add it to the list in xtask/src/api.rs and say why."
        );
        return Ok(ExitCode::FAILURE);
    }
    if args.check {
        return output::check("api", &outputs);
    }
    outputs.iter().try_for_each(Output::write)?;
    Ok(ExitCode::SUCCESS)
}

/// The public items of a package, one a line, without derived, blanket and auto trait implementations.
fn public_api(package: &str) -> Result<Vec<String>, Failure> {
    let api = public_api::Builder::from_rustdoc_json(rustdoc_json(package)?)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|error| {
            Failure::msg(format!(
                "cannot read what this version of rustdoc writes: {error}\nuse Rust 1.95, or the version of the crate public-api in xtask/Cargo.toml that goes with this Rust"
            ))
        })?;
    Ok(api.items().map(ToString::to_string).collect())
}

/// The crates that a line of the API mentions. All paths in a line are complete.
fn mentioned(line: &str) -> BTreeSet<&str> {
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':');
    line.split(|letter| !is_part(letter))
        .filter_map(|path| path.split_once("::").map(|(first, _)| first))
        // The others are type parameters and `Self`.
        .filter(|name| name.starts_with(|letter: char| letter.is_lowercase()))
        .collect()
}

/// Writes the package's documentation as JSON. The format is unstable, so `RUSTC_BOOTSTRAP` is needed.
fn rustdoc_json(package: &str) -> Result<PathBuf, Failure> {
    let target = workspace::root().join("target/api");
    let status = Command::new(env!("CARGO"))
        .current_dir(workspace::root())
        .env("RUSTC_BOOTSTRAP", "1")
        .args([
            "rustdoc",
            "--quiet",
            "--lib",
            "--all-features",
            "-p",
            package,
        ])
        .arg("--target-dir")
        .arg(&target)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        .status()?;
    if !status.success() {
        return Err(Failure::msg(format!("rustdoc fails for {package}")));
    }
    let name = package.replace('-', "_");
    Ok(target.join("doc").join(name).with_extension("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_of_a_line_is_found() {
        let line = "pub fn ours::Thing<T>::send(&self, reqwest::Request, &[jiff::Timestamp]) -> core::result::Result<T::Item, Self::Error>";
        let found: Vec<_> = mentioned(line).into_iter().collect();
        assert_eq!(found, ["core", "jiff", "ours", "reqwest"]);
    }
}
