//! The command line of the WP Engine Customer API.
//!
//! The library has one function, [`main`], which is the program `wpengine`. What it does is in the libraries that it stands on: the
//! calls in [`wpengine`], mirrors, checks and plans in [`wpengine_fleet`], the simulator in `wpengine_sim`. Here are arguments,
//! tables and words.
//!
//! A command is one entry in `commands`: its words, its arguments, the operations behind it and its table. The parser, the help, the
//! completion, the confirmations and `wpengine commands -o json` are made from these entries. Every request passes one layer, in
//! `tap`, where a dry run stops it and the audit log records it.

mod command;
mod commands;
mod complete;
mod context;
mod failure;
mod flags;
mod gate;
#[cfg(all(unix, feature = "ssh"))]
mod gateway;
mod limits;
mod output;
mod profile;
mod tables;
mod tap;
mod target;
mod terminal;

use std::{io::Write as _, process::ExitCode, sync::Arc};

use clap::{ArgMatches, error::ErrorKind};
use clap_complete::CompleteEnv;

use crate::{
    context::Ctx,
    failure::{Failure, exit},
    flags::{Args, Globals},
    output::Format,
    terminal::{Terminal, modes},
};

/// Runs the program with the arguments and the environment of this process.
#[must_use]
pub fn main() -> ExitCode {
    CompleteEnv::with_factory(command::tree).complete();
    let matches = match command::tree().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return refuse(&error),
    };
    let (path, arguments) = words(&matches);
    let globals = Globals::of(arguments);
    let terminal = Arc::new(Terminal::new(
        &globals.color,
        globals.quiet,
        globals.no_progress,
    ));
    let is_json = globals.jq.is_some()
        || globals
            .output
            .as_deref()
            .and_then(Format::of)
            .is_some_and(Format::is_json);
    let Some(leaf) = command::find(&path) else {
        return ExitCode::from(exit::USAGE);
    };
    // A second thread reads from the network while the first one decodes.
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::new(exit::FAILED, "runtime", format!("cannot start: {error}"));
            return say(&terminal, is_json, &failure);
        }
    };
    let code = match Ctx::new(leaf, globals, Arc::clone(&terminal)) {
        Ok(context) => runtime.block_on(run(&context, arguments)),
        Err(failure) => say(&terminal, is_json, &failure),
    };
    // A question that nobody answers, or a keyring, does not keep the program.
    runtime.shutdown_background();
    code
}

async fn run(c: &Ctx, arguments: &ArgMatches) -> ExitCode {
    let work = async {
        output::check(c)?;
        let reply = (c.leaf.run)(c, Args(arguments)).await?;
        output::write(c, reply.answer, reply.table.or(c.leaf.table)).await?;
        if let Some(text) = c.end() {
            c.terminal.say(&text);
        }
        if c.globals.dry_run {
            c.terminal.say("dry run: nothing was changed");
        }
        Ok(reply.exit)
    };
    // What runs until Ctrl-C ends by it in its own way.
    let interrupt = async {
        match c.leaf.path.first() {
            Some(&"events" | &"sim" | &"logs") => std::future::pending().await,
            _ => tokio::signal::ctrl_c().await,
        }
    };
    let result = tokio::select! {
        result = work => Some(result),
        _ = interrupt => None,
    };
    c.terminal.clear();
    if c.globals.verbose > 0 {
        c.terminal.say(&format!("{} requests", c.tap.requests()));
    }
    match result {
        Some(Ok(code)) => ExitCode::from(code),
        Some(Err(failure)) => say(&c.terminal, c.format.is_json(), &failure),
        None => interrupted(c),
    }
}

/// Says what may have happened, and leaves the terminal as it was.
fn interrupted(c: &Ctx) -> ExitCode {
    modes::restore();
    if c.terminal.can_ask() {
        // The cursor, which a prompt may have hidden.
        let _ = write!(std::io::stderr(), "\x1b[?25h\r\n");
    }
    let mut failure = Failure::new(exit::INTERRUPTED, "interrupted", "interrupted");
    let (accepted, unknown) = (c.tap.accepted(), c.tap.unknown());
    let listed = |names: Vec<String>| {
        names
            .into_iter()
            .map(|name| format!("\n  {name}"))
            .collect::<String>()
    };
    if !accepted.is_empty() {
        failure.message.push_str(&format!(
            "; these changes were accepted, and go on at the service:{}",
            listed(accepted.clone())
        ));
    }
    if !unknown.is_empty() {
        failure.message.push_str(&format!(
            "{} these changes were sent and may have been done, so look before you repeat them:{}",
            if accepted.is_empty() { ";" } else { "\nand" },
            listed(unknown.clone()),
        ));
    }
    if accepted.is_empty() && unknown.is_empty() {
        failure.message.push_str("; nothing was changed");
    }
    failure = c.go_on().into_iter().fold(failure, Failure::next);
    say(&c.terminal, c.format.is_json(), &failure)
}

fn say(terminal: &Terminal, is_json: bool, failure: &Failure) -> ExitCode {
    terminal.clear();
    if is_json {
        let _ = writeln!(
            std::io::stderr(),
            "{}",
            output::escaped(&failure.json().to_string())
        );
    } else {
        terminal.error(failure);
    }
    ExitCode::from(failure.exit)
}

/// The words of the command, and its arguments.
fn words(matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let (mut path, mut inner) = (Vec::new(), matches);
    while let Some((name, matches)) = inner.subcommand() {
        path.push(name);
        inner = matches;
    }
    (path, inner)
}

/// Help, the version, or a mistake in the arguments.
fn refuse(error: &clap::Error) -> ExitCode {
    let is_answer = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let words: Vec<String> = command::words()
        .into_iter()
        .take_while(|word| word != "--")
        .collect();
    let is_json = words.iter().any(|word| {
        word == "--json"
            || word.starts_with("-ojson")
            || word == "--output=json"
            || word == "-o=json"
    }) || words
        .windows(2)
        .any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1].starts_with("json"));
    if is_json && !is_answer {
        let text = error.to_string();
        let message = text.trim_start_matches("error: ").trim_end();
        let _ = writeln!(std::io::stderr(), "{}", Failure::usage(message).json());
        return ExitCode::from(exit::USAGE);
    }
    if is_answer {
        let text = error.render();
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        let text = if is_terminal && std::env::var_os("NO_COLOR").is_none() {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        return match output::print(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => ExitCode::from(failure.exit),
        };
    }
    let _ = error.print();
    ExitCode::from(exit::USAGE)
}
