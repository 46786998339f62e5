//! Compares two descriptions, operation by operation.

use std::collections::{BTreeMap, BTreeSet};

use crate::description::{Answer, Description, Operation, Parameter};

use super::difference::{Aspect, Difference, Found};
use super::schemas::{Direction, Schemas};

/// All differences, in the order of our document. Operations that only the other description has come last.
///
/// It fails with a one-line error if the schemas are nested too deeply.
pub(crate) fn compare(here: &Description, there: &Description) -> Result<Vec<Difference>, String> {
    let ours = here.operations();
    let theirs = there.operations();
    let by_key: BTreeMap<String, &Operation<'_>> = theirs
        .iter()
        .map(|operation| (operation.key(), operation))
        .collect();
    let known: BTreeSet<String> = ours.iter().map(Operation::key).collect();

    let mut schemas = Schemas::new(here, there);
    let mut differences = Vec::new();
    for operation in &ours {
        let mut found = Found::new(operation);
        match by_key.get(&operation.key()) {
            Some(other) => one(&mut schemas, &mut found, operation, other)?,
            None => found.add(Aspect::Operation, "operation", None, present()),
        }
        differences.extend(found.differences);
    }
    for operation in theirs
        .iter()
        .filter(|operation| !known.contains(&operation.key()))
    {
        let mut found = Found::new(operation);
        found.id = None;
        found.add(Aspect::Operation, "operation", present(), None);
        differences.extend(found.differences);
    }
    Ok(differences)
}

fn present() -> Option<String> {
    Some("present".to_owned())
}

fn one(
    schemas: &mut Schemas<'_>,
    found: &mut Found,
    here: &Operation<'_>,
    there: &Operation<'_>,
) -> Result<(), String> {
    parameters(schemas, found, here, there)?;
    body(schemas, found, here, there)?;
    answers(schemas, found, here, there)
}

fn parameters(
    schemas: &mut Schemas<'_>,
    found: &mut Found,
    here: &Operation<'_>,
    there: &Operation<'_>,
) -> Result<(), String> {
    let place =
        |parameter: &Parameter<'_>| format!("{} parameter {}", parameter.place, parameter.name);
    let in_words = |parameter: &Parameter<'_>, what: String| {
        Some(if parameter.required {
            format!("{what}, required")
        } else {
            what
        })
    };
    let theirs: BTreeMap<_, _> = there
        .parameters
        .iter()
        .map(|parameter| (parameter.key(&there.path), parameter))
        .collect();
    let ours: BTreeMap<_, _> = here
        .parameters
        .iter()
        .map(|parameter| (parameter.key(&here.path), parameter))
        .collect();
    for parameter in &here.parameters {
        let place = place(parameter);
        let Some(other) = theirs.get(&parameter.key(&here.path)) else {
            let what = schemas.in_words_here(&parameter.node);
            found.add(Aspect::Parameter, place, None, in_words(parameter, what));
            continue;
        };
        found.required(&place, other.required, parameter.required);
        schemas.compare(
            found,
            Direction::Request,
            &place,
            &parameter.node,
            &other.node,
        )?;
    }
    for parameter in &there.parameters {
        if !ours.contains_key(&parameter.key(&there.path)) {
            let what = schemas.in_words_there(&parameter.node);
            found.add(
                Aspect::Parameter,
                place(parameter),
                in_words(parameter, what),
                None,
            );
        }
    }
    Ok(())
}

fn body(
    schemas: &mut Schemas<'_>,
    found: &mut Found,
    here: &Operation<'_>,
    there: &Operation<'_>,
) -> Result<(), String> {
    match (&here.body, &there.body) {
        (Some(here), Some(there)) => {
            found.required("body", there.required, here.required);
            schemas.compare(found, Direction::Request, "body", &here.node, &there.node)?;
        }
        (Some(here), None) => {
            found.add(
                Aspect::Body,
                "body",
                None,
                Some(schemas.in_words_here(&here.node)),
            );
        }
        (None, Some(there)) => {
            found.add(
                Aspect::Body,
                "body",
                Some(schemas.in_words_there(&there.node)),
                None,
            );
        }
        (None, None) => {}
    }
    Ok(())
}

fn answers(
    schemas: &mut Schemas<'_>,
    found: &mut Found,
    here: &Operation<'_>,
    there: &Operation<'_>,
) -> Result<(), String> {
    // `2xx` and `2XX` are the same range.
    let code = |answer: &Answer<'_>| answer.code.replace('x', "X");
    for answer in &here.answers {
        let place = code(answer);
        match there.answers.iter().find(|other| code(other) == place) {
            // Bodies of errors are not compared, because the SDK reads all of them in the same lenient way.
            Some(_) if answer.is_error() => {}
            Some(other) => answer_bodies(schemas, found, &place, answer, other)?,
            None => found.add(Aspect::Answer, place, None, present()),
        }
    }
    for other in &there.answers {
        let place = code(other);
        if !here.answers.iter().any(|answer| code(answer) == place) {
            found.add(Aspect::Answer, place, present(), None);
        }
    }
    Ok(())
}

fn answer_bodies(
    schemas: &mut Schemas<'_>,
    found: &mut Found,
    place: &str,
    here: &Answer<'_>,
    there: &Answer<'_>,
) -> Result<(), String> {
    const NOTHING: &str = "no body";
    match (&here.node, &there.node) {
        (Some(here), Some(there)) => {
            schemas.compare(found, Direction::Answer, place, here, there)?
        }
        (Some(here), None) => {
            found.changed(Aspect::Body, place, NOTHING, schemas.in_words_here(here));
        }
        (None, Some(there)) => {
            found.changed(Aspect::Body, place, schemas.in_words_there(there), NOTHING);
        }
        (None, None) => {}
    }
    Ok(())
}
