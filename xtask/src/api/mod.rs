//! `cargo xtask api`: which crates the public API of `wpengine` mentions.
//!
//! A crate whose types appear in the public API becomes a part of the promise of stability: a new major version of it
//! is one of ours. The list of those that may is short, and this holds the API to it, as rustdoc sees it.

mod walk;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Command, ExitCode},
};

use serde_json::Value;

use crate::{Failure, workspace};

/// The crates that the public API may mention.
const ALLOWED: [&str; 12] = [
    "alloc",
    // The pieces of a download: what every HTTP crate has them in.
    "bytes",
    "core",
    "futures_core",
    "http",
    "jiff",
    "schemars",
    "secrecy",
    "serde",
    "serde_core",
    "std",
    // Only by what the facade re-exports of it, which is held to the same list.
    "wpengine_raw",
];

/// What the facade re-exports of the raw crate.
const RE_EXPORTED: [&str; 8] = [
    "types",
    "values",
    "AccountPlace",
    "Effect",
    "Operation",
    "Paging",
    "Retry",
    "Safety",
];

/// Checks which crates the public API mentions.
#[derive(Debug, clap::Args)]
pub(crate) struct ApiArgs {}

pub(crate) fn run(_: &ApiArgs) -> Result<ExitCode, Failure> {
    let mut foreign = BTreeMap::new();
    for (package, roots) in [("wpengine", None), ("wpengine-raw", Some(&RE_EXPORTED[..]))] {
        let document = rustdoc_json(package)?;
        let mentioned = walk::mentioned(&document, roots)?;
        println!("{package}: {}", names(&mentioned).join(", "));
        foreign.extend(mentioned.into_iter().filter(|(name, _)| {
            !ALLOWED.contains(&name.as_str()) && *name != package.replace('-', "_")
        }));
    }
    for (name, places) in &foreign {
        for place in places {
            eprintln!("the public API mentions {name}: {place}");
        }
    }
    if foreign.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "hide it behind a type of our own, or add it to the list in xtask/src/api/mod.rs and say why."
    );
    Ok(ExitCode::FAILURE)
}

fn names(mentioned: &BTreeMap<String, BTreeSet<String>>) -> Vec<&str> {
    mentioned.keys().map(String::as_str).collect()
}

/// The package's documentation as data. The format is not stable yet, which the variable accepts.
fn rustdoc_json(package: &str) -> Result<Value, Failure> {
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
        return Err(Failure::new(format!("rustdoc fails for {package}")));
    }
    let file = target
        .join("doc")
        .join(format!("{}.json", package.replace('-', "_")));
    let text = std::fs::read_to_string(&file)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", file.display())))?;
    Ok(serde_json::from_str(&text)?)
}
