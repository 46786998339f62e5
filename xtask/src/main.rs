//! The project's tasks: generate the raw client, and inspect and compare the document that it is generated from.
//!
//! This package depends on no other crate of the workspace. So broken generated code never prevents generating it again.

use std::process::ExitCode;

use clap::Parser;

mod api;
mod bench;
mod codegen;
mod description;
mod dist;
mod drift;
mod output;
mod spec;
mod workspace;

/// The error of a task: a message that says what went wrong and what to do about it.
use anyhow::Error as Failure;

/// The project's tasks.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    Api(api::ApiArgs),
    Bench(bench::BenchArgs),
    Codegen(codegen::CodegenArgs),
    Dist(dist::DistArgs),
    Drift(drift::DriftArgs),
    Spec(spec::SpecArgs),
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Api(args) => api::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Codegen(args) => codegen::run(&args),
        Task::Dist(args) => dist::run(&args),
        Task::Drift(args) => drift::run(&args),
        Task::Spec(args) => spec::run(&args),
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        ExitCode::from(2)
    })
}
