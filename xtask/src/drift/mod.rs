//! `cargo xtask drift`: compares our document with another description of the API.
//!
//! The other description is the service's `GET /swagger`, a copy of our document, or any other Swagger 2.0 or OpenAPI
//! 3 document. [`compare`] finds the differences, [`deviations`] removes the intended ones, and [`report`] prints the
//! rest.

mod compare;
mod deviations;
mod difference;
mod fetch;
mod report;
mod schemas;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::description::Description;
use crate::{Failure, workspace};

use deviations::{Deviation, Sifted};
use report::Other;

/// Compares our document with another description of the API, such as the service's own.
///
/// It compares operations, parameters, status codes, and the fields of bodies and of successful answers: their types,
/// nullability and values, and for requests also what is required and limited. It ignores names of schemas, formats,
/// wording, and the bodies of errors. Differences in openapi/deviations.yaml are left out.
///
/// An entry there that matches nothing is reported too, unless the other description is a copy of our document (it has
/// `x-wpengine`).
///
/// Exit code: 0 if there is no difference, 1 if there are differences, 2 if a file or URL cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct DriftArgs {
    /// Swagger 2.0 or OpenAPI 3 as JSON or YAML: a file, or an https URL such as
    /// `https://api.wpengineapi.com/v1/swagger`. http is allowed on loopback only.
    #[arg(value_name = "FILE OR URL")]
    other: String,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
    /// Use this file as our document.
    #[arg(long, value_name = "FILE")]
    ours: Option<PathBuf>,
    /// Use this list of deviations.
    #[arg(long, value_name = "FILE")]
    deviations: Option<PathBuf>,
}

/// Compares, prints the report, and returns the exit code. It fails if something cannot be read.
pub(crate) fn run(args: &DriftArgs) -> Result<ExitCode, Failure> {
    let folder = workspace::root().join("openapi");
    let ours = args
        .ours
        .clone()
        .unwrap_or_else(|| folder.join("wpengine-v1.json"));
    let list = args
        .deviations
        .clone()
        .unwrap_or_else(|| folder.join("deviations.yaml"));
    let here = local(
        &ours,
        "Run `cargo xtask codegen` to write it anew.",
        Description::parse,
    )?;
    let deviations = local(
        &list,
        "Each entry has operations, where, there, here and a reason.",
        deviations::parse,
    )?;
    let text = fetch::read(&args.other).map_err(|error| {
        unreadable(
            &args.other,
            &error,
            "Check the name; or save the description yourself and give the file.",
        )
    })?;
    const WANTED: &str = "Give a Swagger 2.0 or OpenAPI 3 description, as JSON or YAML.";
    let there =
        Description::parse(&text).map_err(|error| unreadable(&args.other, &error, WANTED))?;

    let sifted = difference(&here, &there, &deviations)
        .map_err(|error| unreadable(&args.other, &error, WANTED))?;
    let other = Other {
        source: args.other.clone(),
        form: there.form(),
        version: there.version().to_owned(),
        operations: there.operations().len(),
        unresolved: there.unresolved(),
    };
    let text = if args.json {
        format!("{:#}\n", report::json(&sifted, &other))
    } else {
        report::text(&sifted, &other)
    };
    crate::description::print(&text)?;
    Ok(if report::is_same(&sifted) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// The unintended differences and the stale entries.
fn difference(
    here: &Description,
    there: &Description,
    deviations: &[Deviation],
) -> Result<Sifted, String> {
    let differences = compare::compare(here, there)?;
    let theirs: BTreeSet<String> = there
        .operations()
        .iter()
        .map(|operation| operation.key())
        .collect();
    let in_both = here
        .operations()
        .iter()
        .filter(|operation| theirs.contains(&operation.key()))
        .map(|operation| operation.title())
        .collect();
    let mut sifted = deviations::sift(differences, deviations, &in_both);
    if there.is_ours() {
        sifted.stale.clear();
    }
    Ok(sifted)
}

fn local<T>(
    file: &Path,
    hint: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|text| parse(&text))
        .map_err(|error| unreadable(&file.display().to_string(), &error, hint))
}

/// An error message on one line.
fn unreadable(source: &str, error: &str, hint: &str) -> Failure {
    let words: Vec<&str> = error.split_whitespace().collect();
    let error = words.join(" ");
    Failure::msg(format!(
        "cannot read {source}: {}. {hint}",
        error.trim_end_matches('.')
    ))
}
