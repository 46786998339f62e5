//! Runs the quick start as a separate process, with its own environment.

use std::process::Output;

/// Runs the program with only these environment variables.
pub(crate) async fn quickstart(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_wpengine-quickstart"));
    command.args(arguments).env_clear().kill_on_drop(true);
    // Without this variable, a program on Windows cannot open a socket.
    if let Some(root) = std::env::var_os("SystemRoot") {
        command.env("SystemRoot", root);
    }
    command.envs(variables.iter().copied());
    command.output().await.expect("the program runs")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}
