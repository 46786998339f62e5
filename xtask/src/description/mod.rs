//! A description of an API, Swagger 2.0 or OpenAPI 3, ours or another one.
//!
//! Both forms are read into the same few types, so that `spec` and `drift` need not distinguish them. An [`Operation`]
//! has parameters, answers and perhaps a body. Each of these is a [`Node`]. The [`Shape`] of a node is the schema
//! after all `$ref` and `allOf` were resolved.

mod operation;
mod shape;

use std::collections::BTreeSet;
use std::io::Write as _;

use serde_json::{Map, Value};

pub(crate) use operation::{Answer, Operation, Parameter};
pub(crate) use shape::{Node, Property, Shape};

/// The two forms of a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Swagger 2.0: definitions, `in: body`, `x-nullable`.
    Swagger2,
    /// OpenAPI 3.x: components, `requestBody`, `nullable` or type lists.
    OpenApi3,
}

/// One complete description.
#[derive(Debug)]
pub(crate) struct Description {
    root: Value,
    form: Form,
}

impl Description {
    /// Parses JSON or YAML. The error is one line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let root = match serde_json::from_str(text) {
            Ok(root) => root,
            Err(not_json) if text.trim_start().starts_with(['{', '[']) => {
                return Err(format!("this is not valid JSON: {not_json}"));
            }
            Err(_) => serde_saphyr::from_str(text).map_err(|error| {
                // The lines after the first show the source text.
                let error = error.to_string();
                let first = error.lines().next().unwrap_or_default();
                format!(
                    "this is neither JSON nor YAML: {}",
                    first.trim_start_matches("error: ")
                )
            })?,
        };
        Self::from_value(root)
    }

    /// Takes a document that was already parsed.
    pub(crate) fn from_value(root: Value) -> Result<Self, String> {
        let version = |key: &str| match &root[key] {
            Value::String(version) => version.clone(),
            // An unquoted version in YAML is a number.
            Value::Number(version) => version.to_string(),
            _ => String::new(),
        };
        let form = if version("swagger").starts_with('2') {
            Form::Swagger2
        } else if version("openapi").starts_with("3.") {
            Form::OpenApi3
        } else {
            return Err(
                "it says neither `swagger: 2.0` nor `openapi: 3.x`, so it describes no API"
                    .to_owned(),
            );
        };
        if root["paths"].as_object().is_none_or(Map::is_empty) {
            return Err("it has no `paths`, so there is nothing to compare".to_owned());
        }
        Ok(Self { root, form })
    }

    /// The name of the form.
    pub(crate) fn form(&self) -> &'static str {
        match self.form {
            Form::Swagger2 => "Swagger 2.0",
            Form::OpenApi3 => "OpenAPI 3",
        }
    }

    /// The version of the description.
    pub(crate) fn version(&self) -> &str {
        self.root["info"]["version"].as_str().unwrap_or("unknown")
    }

    /// Whether this is our own document or a copy of it. Only our document has `x-wpengine`.
    pub(crate) fn is_ours(&self) -> bool {
        self.operations()
            .iter()
            .any(|operation| !operation.raw["x-wpengine"].is_null())
    }

    /// All operations, in the order of the document.
    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        operation::all(self)
    }

    /// The shape of a node.
    pub(crate) fn shape<'d>(&'d self, node: &Node<'d>) -> Shape<'d> {
        shape::resolve(self, node)
    }

    /// The target of a `$ref`. Only references into the same document are followed.
    fn lookup(&self, reference: &str) -> Option<&Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    /// The references to other documents or to missing targets, without duplicates.
    pub(crate) fn unresolved(&self) -> Vec<String> {
        let mut unresolved = BTreeSet::new();
        let mut waiting = vec![&self.root];
        while let Some(value) = waiting.pop() {
            match value {
                Value::Object(fields) => {
                    if let Some(reference) = value["$ref"].as_str()
                        && self.lookup(reference).is_none()
                    {
                        unresolved.insert(reference.to_owned());
                    }
                    waiting.extend(fields.values());
                }
                Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
        unresolved.into_iter().collect()
    }

    /// The value, or the target of its reference. A circular reference gives the value itself.
    fn follow<'d>(&'d self, value: &'d Value) -> &'d Value {
        let mut here = value;
        for _ in 0..32 {
            match here["$ref"]
                .as_str()
                .and_then(|reference| self.lookup(reference))
            {
                Some(target) => here = target,
                None => return here,
            }
        }
        value
    }
}

/// Prints a complete text. It is not an error if the reader closes the pipe (`| head`).
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
