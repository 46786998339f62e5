//! One operation of the document, in the form that dispatching needs.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::schema::{Shelf, resolve};
use super::{Answers, Schema};

/// One operation.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    /// The path template: `/installs/{install_id}`.
    pub(crate) path: String,
    /// The resource name in field errors. It is the operation's tag as one word, in the singular.
    pub(crate) resource: String,
    /// Whether the operation needs no credentials.
    pub(crate) open: bool,
    /// Whether the operation accepts a bearer token.
    pub(crate) bearer: bool,
    pub(crate) parameters: Vec<Parameter>,
    /// The schema of the JSON body, if the operation has one; every body is required.
    pub(crate) body: Option<Arc<Schema>>,
    pub(crate) answers: Answers,
    /// Documents `default`, which covers every other status.
    any_status: bool,
}

/// Where a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    Path,
    Query,
}

/// One parameter of an operation.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) location: Location,
    pub(crate) required: bool,
    pub(crate) schema: Arc<Schema>,
}

impl Operation {
    pub(super) fn new(
        document: &Value,
        shelf: &mut Shelf,
        path: &str,
        method: Method,
        value: &Value,
    ) -> Self {
        let parameters = value["parameters"].as_array().into_iter().flatten();
        let security = value
            .get("security")
            .unwrap_or(&document["security"])
            .as_array();
        let mut answers = Answers::new();
        let mut any_status = false;
        for (status, answer) in value["responses"].as_object().into_iter().flatten() {
            let content = &resolve(document, answer)["content"]["application/json"]["schema"];
            let schema = (!content.is_null()).then(|| shelf.schema(document, content));
            match status.parse() {
                Ok(status) => {
                    answers.insert(status, schema);
                }
                Err(_) => any_status = true,
            }
        }
        let body = &value["requestBody"]["content"]["application/json"]["schema"];
        let tag = value["tags"][0]
            .as_str()
            .unwrap_or_default()
            .replace(' ', "");
        Self {
            id: value["operationId"].as_str().unwrap_or_default().to_owned(),
            method,
            path: path.to_owned(),
            resource: tag
                .strip_suffix('s')
                .filter(|_| tag != "Status")
                .unwrap_or(&tag)
                .to_owned(),
            open: security.is_some_and(Vec::is_empty),
            bearer: security.is_some_and(|all| all.iter().any(|one| one.get("bearer").is_some())),
            parameters: parameters
                .map(|parameter| Parameter::new(document, shelf, parameter))
                .collect(),
            body: (!body.is_null()).then(|| shelf.schema(document, body)),
            answers,
            any_status,
        }
    }

    /// Whether the status is documented.
    pub(crate) fn answers_with(&self, status: u16) -> bool {
        self.any_status || self.answers.contains_key(&status)
    }
}

impl Parameter {
    fn new(document: &Value, shelf: &mut Shelf, value: &Value) -> Self {
        let value = resolve(document, value);
        Self {
            name: value["name"].as_str().unwrap_or_default().to_owned(),
            location: if value["in"] == "path" {
                Location::Path
            } else {
                Location::Query
            },
            required: value["required"] == true,
            schema: shelf.schema(document, &value["schema"]),
        }
    }
}
