//! The project's own tasks: generating the raw client, and inspecting and comparing the document it is made from.
//!
//! This package depends on no other crate of the workspace, so that broken generated code never stops anyone from
//! generating it again.

use std::process::ExitCode;

use clap::Parser;

mod codegen;
mod failure;
mod workspace;

use failure::Failure;

/// The project's own tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    Codegen(codegen::CodegenArgs),
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Codegen(args) => codegen::run(&args),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        ExitCode::from(2)
    })
}
