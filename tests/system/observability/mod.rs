//! The observability of a client, tested with the two examples that show it. They are built with these tests and run
//! as programs.

mod counters;
mod otlp;

use std::process::Output;

use crate::support::program::{stderr, stdout};

/// Runs a program with only these environment variables, and returns its output.
async fn run(program: &str, variables: &[(&str, &str)]) -> String {
    let mut command = tokio::process::Command::new(program);
    command.env_clear().kill_on_drop(true);
    // Without this variable, a program on Windows cannot open a socket.
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    command.envs(variables.iter().copied());
    let output: Output = command.output().await.expect("the program runs");
    let text = stdout(&output);
    assert!(output.status.success(), "{text}{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    text
}
