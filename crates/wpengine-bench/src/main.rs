//! Measures what the SDK costs. Prints a table of figures, each with a reference that was measured in the same run and
//! with a target. `cargo xtask bench` starts this program.
//!
//! Ratios are more reliable than seconds, because both sides are measured on the same machine, one after the other. The exit
//! code is 0 if all targets are met, 1 if one is missed, and 2 if a tool is missing or a measurement fails.

mod build;
mod cli;
mod clients;
#[cfg(unix)]
mod deploy;
mod events;
mod fleet;
mod listing;
mod memory;
mod overhead;
mod process;
mod server;
mod table;
mod windows;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// The reason why a run cannot measure: a message that says what went wrong and what to do about it.
use anyhow::Error as Failure;
use process::{CARGO, REDIS, Tool, VALGRIND};
use table::Row;

/// Measures what the SDK costs, compared with a reference in the same run.
#[derive(Debug, Parser)]
#[command(name = "wpengine-bench")]
struct Arguments {
    #[command(flatten)]
    run: Run,
    #[command(subcommand)]
    role: Option<Role>,
}

/// What to measure, and how thoroughly.
#[derive(Debug, clap::Args)]
struct Run {
    /// Do fewer rounds and skip the cold builds; takes at most five minutes, besides building the program `wpengine`.
    #[arg(long)]
    quick: bool,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
    /// Measure only these parts.
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Overhead,
    Listing,
    Memory,
    Windows,
    Fleet,
    Events,
    Cli,
    #[cfg(unix)]
    Deploy,
    Build,
}

/// The role of this program in a child process.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
enum Role {
    #[command(hide = true)]
    Serve(server::ServeArgs),
    #[command(hide = true)]
    Call(overhead::CallArgs),
    #[command(hide = true)]
    Stream(memory::StreamArgs),
    #[command(hide = true)]
    Snapshot(fleet::SnapshotArgs),
    #[command(hide = true)]
    Watch(events::WatchArgs),
    #[command(hide = true)]
    Knock(windows::KnockArgs),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.role {
        None => measure(&arguments.run),
        Some(role) => act(role).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        ExitCode::from(2)
    })
}

fn act(role: &Role) -> Result<(), Failure> {
    match role {
        // One thread, like the simulator's own program.
        Role::Serve(args) => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(server::serve(args)),
        Role::Call(args) => overhead::call(args),
        Role::Stream(args) => tokio::runtime::Runtime::new()?.block_on(memory::stream(args)),
        Role::Snapshot(args) => tokio::runtime::Runtime::new()?.block_on(fleet::snapshot(args)),
        Role::Watch(args) => tokio::runtime::Runtime::new()?.block_on(events::watch(args)),
        Role::Knock(args) => tokio::runtime::Runtime::new()?.block_on(windows::knock(args)),
    }
}

fn measure(run: &Run) -> Result<ExitCode, Failure> {
    let parts: Vec<Part> = Part::value_variants()
        .iter()
        .copied()
        .filter(|part| run.only.is_empty() || run.only.contains(part))
        .collect();
    // Checked first, so that a missing tool is reported at once and not after minutes.
    process::require(parts.iter().filter_map(|part| part.tool()))?;
    let mut rows = Vec::new();
    for part in parts {
        eprintln!("measuring: {part:?}");
        rows.extend(part.measure(run)?);
    }
    if run.json {
        println!("{:#}", table::json(&rows));
    } else {
        print!("{}", table::text(&rows));
    }
    Ok(exit_code(&rows))
}

fn exit_code(rows: &[Row]) -> ExitCode {
    ExitCode::from(u8::from(table::any_missed(rows)))
}

impl Part {
    /// The tool that the part needs.
    fn tool(self) -> Option<&'static Tool> {
        match self {
            Self::Overhead => Some(&VALGRIND),
            Self::Windows => Some(&REDIS),
            Self::Cli | Self::Build => Some(&CARGO),
            Self::Listing | Self::Memory | Self::Fleet | Self::Events => None,
            // It says itself what is missing.
            #[cfg(unix)]
            Self::Deploy => None,
        }
    }

    fn measure(self, run: &Run) -> Result<Vec<Row>, Failure> {
        match self {
            Self::Overhead => overhead::measure(run),
            Self::Listing => listing::measure(run),
            Self::Memory => memory::measure(run),
            Self::Windows => windows::measure(run),
            Self::Fleet => fleet::measure(run),
            Self::Events => events::measure(run),
            Self::Cli => cli::measure(run),
            #[cfg(unix)]
            Self::Deploy => deploy::measure(run),
            Self::Build => build::measure(run),
        }
    }
}
