//! Finds the components that occur in answers, and the fields that every answer has.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase;
use serde_json::Value;

/// The methods that a path item of OpenAPI 3.0 can hold, in the order in which the API's documentation lists them.
const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];

/// Every operation of the document as (path, method, operation).
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| {
                item.get(method)
                    .map(|operation| (path.as_str(), *method, operation))
            })
        })
}

/// Facts about the document's answers.
pub(super) struct Answers {
    /// The components that can be reached from a success answer.
    components: BTreeSet<String>,
    /// For each component, the fields that stay required.
    always: BTreeMap<String, BTreeSet<String>>,
    /// For each component, the booleans that the documentation calls required but answers may omit.
    lenient_booleans: BTreeMap<String, BTreeSet<String>>,
}

impl Answers {
    pub(super) fn of(document: &Value) -> Self {
        let schemas = &document["components"]["schemas"];
        let mut components = BTreeSet::new();
        for (_, _, operation) in operations(document) {
            for (status, response) in operation["responses"].as_object().into_iter().flatten() {
                if status.starts_with('2') {
                    collect(&response["content"], schemas, &mut components);
                }
            }
        }
        let mut always = BTreeMap::new();
        let mut lenient_booleans = BTreeMap::new();
        for name in &components {
            let schema = &schemas[name];
            let kept = names(&schema["x-wpengine"]["always"]);
            let booleans = names(&schema["required"])
                .into_iter()
                .filter(|field| {
                    !kept.contains(field) && schema["properties"][field]["type"] == "boolean"
                })
                .collect();
            lenient_booleans.insert(name.clone(), booleans);
            always.insert(name.clone(), kept);
        }
        Self {
            components,
            always,
            lenient_booleans,
        }
    }

    pub(super) fn contain(&self, component: &str) -> bool {
        self.components.contains(component)
    }

    /// Whether the Rust type with this name is the type of a component in answers.
    pub(super) fn contain_type(&self, rust_name: &str) -> bool {
        self.components
            .iter()
            .any(|name| name.to_upper_camel_case() == rust_name)
    }

    /// The fields that stay required, in the form of a schema's `required`.
    pub(super) fn always_there(&self, component: &str) -> Value {
        self.always
            .get(component)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    pub(super) fn is_always_there(&self, component: &str, field: &str) -> bool {
        self.always
            .get(component)
            .is_some_and(|fields| fields.contains(field))
    }

    pub(super) fn is_lenient_boolean(&self, component: &str, field: &str) -> bool {
        self.lenient_booleans
            .get(component)
            .is_some_and(|fields| fields.contains(field))
    }

    /// The same, with the name of the Rust type.
    pub(super) fn is_lenient_boolean_of_type(&self, rust_name: &str, field: &str) -> bool {
        self.lenient_booleans
            .iter()
            .any(|(name, fields)| name.to_upper_camel_case() == rust_name && fields.contains(field))
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

/// Adds every component that `value` refers to, directly or indirectly.
fn collect(value: &Value, schemas: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| reference.strip_prefix("#/components/schemas/"))
                && found.insert(name.to_owned())
            {
                collect(&schemas[name], schemas, found);
            }
            for (key, inner) in map {
                if key != "example" {
                    collect(inner, schemas, found);
                }
            }
        }
        Value::Array(items) => {
            for inner in items {
                collect(inner, schemas, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "paths": {"/x": {"get": {"responses": {
                "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}},
                "400": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
            }}}},
            "components": {"schemas": {
                "A": {
                    "required": ["id", "ok"],
                    "x-wpengine": {"always": ["id"]},
                    "properties": {"id": {"type": "string"}, "ok": {"type": "boolean"}, "b": {"$ref": "#/components/schemas/B"}},
                },
                "B": {"properties": {"a": {"$ref": "#/components/schemas/A"}}},
                "Error": {},
            }},
        })
    }

    #[test]
    fn answers_are_followed_through_references_and_errors_are_not_answers() {
        let answers = Answers::of(&document());
        assert!(answers.contain("A") && answers.contain("B"));
        assert!(!answers.contain("Error"));
    }

    #[test]
    fn a_required_boolean_that_may_be_missing_is_lenient() {
        let answers = Answers::of(&document());
        assert!(answers.is_always_there("A", "id"));
        assert!(!answers.is_always_there("A", "ok"));
        assert!(answers.is_lenient_boolean("A", "ok"));
    }
}
