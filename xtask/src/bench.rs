//! `cargo xtask bench`: builds `wpengine-bench` with optimisations and runs it.

use std::process::{Command, ExitCode};

use crate::{Failure, workspace};

/// Measures what the SDK costs, compared with a reference in the same run. Exit code 1 if a target is missed, 2 if a
/// required tool is missing.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Do fewer rounds and skip the builds; takes at most two minutes after wpengine-bench is built.
    #[arg(long)]
    quick: bool,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// Passes the options to `wpengine-bench` and returns its exit code.
pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(&cargo)
        .args(["run", "--release", "--package", "wpengine-bench", "--"])
        .args(args.quick.then_some("--quick"))
        .args(args.json.then_some("--json"))
        .current_dir(workspace::root())
        .status()
        .map_err(|error| Failure::msg(format!("{}: {error}", cargo.display())))?;
    code(status.code())
}

/// The exit code. A killed program has none.
fn code(code: Option<i32>) -> Result<ExitCode, Failure> {
    match code.map(u8::try_from) {
        // Cargo exits with 101 if the build fails.
        Some(Ok(101)) => Err(Failure::msg("wpengine-bench cannot be run; see above")),
        Some(Ok(code)) => Ok(ExitCode::from(code)),
        _ => Err(Failure::msg("wpengine-bench was stopped")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_passed_on_and_what_has_none_is_a_failure() {
        for passed in [0, 1, 2] {
            let code = code(Some(passed)).unwrap();
            let expected = ExitCode::from(u8::try_from(passed).unwrap());
            assert_eq!(format!("{code:?}"), format!("{expected:?}"));
        }
        for failed in [None, Some(101), Some(-1)] {
            assert!(code(failed).is_err(), "{failed:?}");
        }
    }
}
