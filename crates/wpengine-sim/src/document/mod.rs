//! The embedded document: the operations, their parameters and their answers.
//!
//! The simulator has its own copy of the document, which `cargo xtask codegen` writes and checks. It uses none of the
//! generated code, so a mistake in generated code cannot be hidden by the same mistake here.

mod operation;
mod routes;
mod schema;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

pub(crate) use operation::{Location, Operation, Parameter};
pub(crate) use routes::{Found, Routes};
pub(crate) use schema::Schema;
use schema::Shelf;

const TEXT: &str = include_str!("../openapi/wpengine-v1.json");

/// The document, parsed once for all simulators of the process.
pub(crate) struct Document {
    pub(crate) operations: Vec<Operation>,
    pub(crate) routes: Routes,
    /// The document as `GET /swagger` answers it.
    pub(crate) compact: Vec<u8>,
}

/// The base path of the API.
pub(crate) const BASE_PATH: &str = "/v1";

/// The embedded document.
pub(crate) fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        // The text is part of the program and checked by tests, so parsing it cannot fail.
        let value: Value = serde_json::from_str(TEXT).expect("the embedded document is JSON");
        Document::new(&value)
    })
}

impl Document {
    fn new(value: &Value) -> Self {
        let mut operations = Vec::new();
        let mut shelf = Shelf::default();
        let empty = serde_json::Map::new();
        for (path, item) in value["paths"].as_object().unwrap_or(&empty) {
            for (method, operation) in item.as_object().unwrap_or(&empty) {
                if let Ok(method) = method.to_uppercase().parse() {
                    operations.push(Operation::new(value, &mut shelf, path, method, operation));
                }
            }
        }
        let routes = Routes::new(&operations);
        let compact = serde_json::to_vec(value).unwrap_or_default();
        Self {
            operations,
            routes,
            compact,
        }
    }
}

/// The answers of an operation: a schema for each status that has a body.
pub(crate) type Answers = BTreeMap<u16, Option<Arc<Schema>>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operation_of_the_text_is_lost() {
        let count = TEXT.matches("\"operationId\"").count();
        assert_eq!(document().operations.len(), count);
    }

    #[test]
    fn every_schema_compiles() {
        for operation in &document().operations {
            for parameter in &operation.parameters {
                parameter.schema.validator();
            }
            if let Some(body) = &operation.body {
                body.validator();
            }
            for schema in operation.answers.values().flatten() {
                schema.validator();
            }
        }
    }
}
