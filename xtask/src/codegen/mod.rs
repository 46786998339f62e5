//! `cargo xtask codegen`: generates the document and the raw client from the hand-written fragments in `openapi/`.
//!
//! The steps: [`merge`] the fragments, [`lint`] the result, derive the generator's copy ([`passes`]), run progenitor
//! on the copy ([`generate`]), edit its output ([`tokens`]), and write the files. The output depends only on
//! `openapi/`. So two runs give the same bytes, and `--check` can compare without writing.

mod answers;
mod generate;
pub(crate) mod lint;
pub(crate) mod merge;
mod models;
mod operations;
mod passes;
mod tokens;

use std::process::ExitCode;

use crate::{
    Failure,
    output::{self, Output},
    workspace,
};

/// Generates the document and the raw client from `openapi/`.
#[derive(Debug, clap::Args)]
pub(crate) struct CodegenArgs {
    /// Write nothing; print a diff and fail if a file is out of date.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &CodegenArgs) -> Result<ExitCode, Failure> {
    let outputs = outputs()?;
    if args.check {
        return output::check("codegen", &outputs);
    }
    for output in &outputs {
        output.write()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn outputs() -> Result<Vec<Output>, Failure> {
    let merged = merge::merge(&workspace::root().join("openapi"))?;
    let findings = lint::lint(&merged);
    if !findings.is_empty() {
        return Err(Failure::msg(format!(
            "the document breaks its own rules:\n{}\nChange openapi/*.yaml and run `cargo xtask codegen` again.",
            findings
                .iter()
                .map(|finding| format!("  {finding}"))
                .collect::<Vec<_>>()
                .join("\n")
        )));
    }
    let mut document = serde_json::to_string_pretty(&merged.document)?;
    document.push('\n');

    // Nobody reads the simulator's copy, and it is a part of every program with a simulator.
    let embedded = format!("{}\n", serde_json::to_string(&merged.document)?);

    let answers = answers::Answers::of(&merged.document);
    let copy = passes::generators_copy(&merged.document, &answers)?;
    let client = generate::client(&copy)?;
    let client = tokens::edit(client, &merged.document, &answers)?;
    let operations = operations::table(&merged.document)?;
    let models = models::list(&merged.document, &client)?;

    Ok(vec![
        Output::new("openapi/wpengine-v1.json", document),
        Output::new("crates/wpengine-sim/src/openapi/wpengine-v1.json", embedded),
        Output::new("crates/wpengine-raw/src/generated.rs", client),
        Output::new("crates/wpengine-raw/src/operations.rs", operations),
        Output::new("tests/system/models.rs", models),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_give_the_same_bytes() {
        let first = outputs().expect("the document generates");
        let second = outputs().expect("the document generates");
        assert_eq!(first, second);
    }

    #[test]
    fn the_generated_client_mentions_no_type_that_would_make_answers_strict() {
        let outputs = outputs().expect("the document generates");
        for output in outputs.iter().filter(|output| output.path.ends_with(".rs")) {
            for banned in ["chrono::", "uuid::", "regress::"] {
                assert!(
                    !output.content.contains(banned),
                    "{} mentions {banned}",
                    output.path
                );
            }
        }
    }
}
