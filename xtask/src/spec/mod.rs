//! `cargo xtask spec`: shows the generated document in the terminal.

mod fields;
mod list;
mod show;
#[cfg(test)]
mod tests;

use std::fs;
use std::process::ExitCode;

use crate::codegen::{lint, merge};
use crate::description::{Description, Operation, print};
use crate::{Failure, workspace};

/// Shows and checks the document openapi/wpengine-v1.json.
#[derive(Debug, clap::Args)]
pub(crate) struct SpecArgs {
    #[command(subcommand)]
    command: SpecCommand,
}

#[derive(Debug, clap::Subcommand)]
enum SpecCommand {
    /// Show one line for each operation: id, method, path, safety, retry class, paging, effects.
    List {
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    /// Show one operation: parameters, body, answers and examples.
    Show {
        /// Its id, such as `create_backup`, or method and path, such as `GET /sites`.
        operation: String,
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    /// Check the files in openapi/ against the project's rules.
    Lint,
}

/// Runs the command and returns the exit code.
pub(crate) fn run(args: &SpecArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        SpecCommand::List { json } => {
            let document = document()?;
            let operations = document.operations();
            print(&if *json {
                pretty(&list::json(&operations))
            } else {
                list::text(&operations)
            })?;
        }
        SpecCommand::Show { operation, json } => {
            let document = document()?;
            let operations = document.operations();
            let found = find(&operations, operation)?;
            print(&if *json {
                pretty(&show::json(&document, found))
            } else {
                show::text(&document, found)
            })?;
        }
        SpecCommand::Lint => return check(),
    }
    Ok(ExitCode::SUCCESS)
}

fn check() -> Result<ExitCode, Failure> {
    let findings = lint::lint(&merge::merge(&workspace::root().join("openapi"))?);
    for finding in &findings {
        print(&format!("{finding}\n"))?;
    }
    if findings.is_empty() {
        print("no findings\n")?;
    }
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn document() -> Result<Description, Failure> {
    let file = workspace::root().join("openapi/wpengine-v1.json");
    fs::read_to_string(&file)
        .map_err(|error| error.to_string())
        .and_then(|text| Description::parse(&text))
        .map_err(|error| {
            let file = file.display();
            Failure::msg(format!(
                "cannot read {file}: {error}. Run `cargo xtask codegen` to write it anew."
            ))
        })
}

fn find<'o, 'd>(
    operations: &'o [Operation<'d>],
    wanted: &str,
) -> Result<&'o Operation<'d>, Failure> {
    if let Some(found) = operations.iter().find(|operation| {
        operation.id() == wanted || operation.title().eq_ignore_ascii_case(wanted)
    }) {
        return Ok(found);
    }
    let ids: Vec<&str> = operations.iter().map(Operation::id).collect();
    // Other documents of this API write `listSites` instead of `list_sites`.
    let snake = wanted.chars().fold(String::new(), |mut snake, letter| {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        snake
    });
    let near = similar::get_close_matches(snake.as_str(), &ids, 4, 0.55);
    let hint = if near.is_empty() {
        "`cargo xtask spec list` shows them all.".to_owned()
    } else {
        format!(
            "Did you mean {}? `cargo xtask spec list` shows them all.",
            near.join(", ")
        )
    };
    Err(Failure::msg(format!(
        "there is no operation `{wanted}`. {hint}"
    )))
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
