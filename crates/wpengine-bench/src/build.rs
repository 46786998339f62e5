//! What the SDK adds to a build: the number of crates and the processor time of a cold build. The reference is a
//! package that depends only on reqwest, serde, serde_json and tokio.
//!
//! Both packages are created in a temporary directory with the workspace's lock file. So both get the same versions, and no
//! network is needed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::Run;
use crate::process::{self, CARGO};
use crate::table::{Comparison, Figures, Row, Target, Unit};

/// The two crates of the SDK and the dependencies of the generated client, dates, hashes and secrets. Increase it only
/// on purpose.
const CRATES: Target = Target::AtMost(13.0);
/// On both sides the TLS library takes most of a cold build. The rest of the SDK's time is the models: there are many.
const TIME: Target = Target::AtMost(1.3);

/// The same features of reqwest that the SDK uses.
const BARE: &str = r#"
reqwest = { version = "*", default-features = false, features = ["gzip", "rustls"] }
serde = { version = "*", features = ["derive"] }
serde_json = "*"
"#;

pub(crate) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    let folder = tempfile::tempdir()?;
    let facade = workspace().join("crates/wpengine");
    let facade = format!("wpengine = {{ path = {:?} }}\n", facade);
    let bare = package(folder.path(), "bare", BARE)?;
    let facade = package(folder.path(), "facade", &facade)?;
    #[allow(clippy::cast_precision_loss, reason = "they are hundreds")]
    let crates = Figures {
        measured: crates(&facade)?.len() as f64,
        reference: crates(&bare)?.len() as f64,
    };
    let seconds = if run.quick {
        None
    } else {
        Some(Figures {
            reference: seconds(&bare)?,
            measured: seconds(&facade)?,
        })
    };
    let row = |what: &str, unit, figures, compared, target| Row {
        part: "build",
        what: what.to_owned(),
        against: "bare reqwest".to_owned(),
        unit,
        figures,
        compared,
        target,
    };
    Ok(vec![
        row(
            "crates",
            Unit::Crates,
            Some(crates),
            Comparison::Difference,
            CRATES,
        ),
        row(
            "processor time of a cold build",
            Unit::Seconds,
            seconds,
            Comparison::Ratio,
            TIME,
        ),
    ])
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Creates a package that depends on tokio and on the given crates.
fn package(folder: &Path, name: &str, dependencies: &str) -> Result<PathBuf, Failure> {
    let package = folder.join(name);
    std::fs::create_dir_all(package.join("src"))?;
    std::fs::write(package.join("src/main.rs"), "fn main() {}\n")?;
    std::fs::copy(workspace().join("Cargo.lock"), package.join("Cargo.lock"))?;
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         tokio = {{ version = \"*\", default-features = false, features = [\"macros\", \"rt-multi-thread\"] }}\n\
         {dependencies}"
    );
    std::fs::write(package.join("Cargo.toml"), manifest)?;
    Ok(package)
}

fn cargo(package: &Path) -> Command {
    let mut cargo = Command::new(CARGO.name);
    cargo.current_dir(package).arg("--offline");
    // Environment variables of the caller could change the build.
    for name in [
        "CARGO_TARGET_DIR",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "CARGO_INCREMENTAL",
    ] {
        cargo.env_remove(name);
    }
    cargo
}

/// The crates that a package needs at run time, with their versions.
fn crates(package: &Path) -> Result<BTreeSet<String>, Failure> {
    let tree = ["tree", "--edges", "normal", "--prefix", "none"];
    Ok(unique(&process::read(cargo(package).args(tree))?))
}

/// The crates below the first line, without duplicates.
fn unique(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .skip(1)
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect()
}

/// The processor time of a cold build. Unlike elapsed time, it does not depend on the number of processors or on other load.
fn seconds(package: &Path) -> Result<f64, Failure> {
    let before = children()?;
    process::read(cargo(package).args(["build", "--quiet"]))?;
    Ok(children()? - before)
}

/// The processor time of all child processes that have ended, including their children.
fn children() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|error| {
        Failure::msg(format!(
            "processor times are read from /proc, as Linux has it: {error}"
        ))
    })?;
    ended(&stat).ok_or_else(|| Failure::msg("/proc has no times of children"))
}

/// `cutime` and `cstime`, which Linux gives in hundredths of a second.
fn ended(stat: &str) -> Option<f64> {
    // The name of the program can contain any character. It ends at the last bracket.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(13);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_and_the_package_itself_does_not() {
        let tree = "bare v0.0.0 (/tmp/bare)\ntokio v1.54.0\nbytes v1.11.0\nserde v1.0.2 (proc-macro)\nbytes v1.11.0 (*)\nbytes v0.5.0\n";
        let crates: Vec<String> = unique(tree).into_iter().collect();
        assert_eq!(
            crates,
            [
                "bytes v0.5.0",
                "bytes v1.11.0",
                "serde v1.0.2",
                "tokio v1.54.0"
            ]
        );
    }

    #[test]
    fn the_times_of_children_are_found_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 111 222 1300 50 20 0 1 0";
        assert_eq!(ended(stat), Some(13.5));
        assert_eq!(ended("7 (a) S 1 2"), None);
    }
}
