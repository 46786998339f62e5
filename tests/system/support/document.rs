//! The OpenAPI document, with which requests and answers are compared.

use std::{fs, sync::LazyLock};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/wpengine-v1.json");
    let text = fs::read_to_string(path).expect("the document can be read");
    serde_json::from_str(&text).expect("the document is JSON")
});

/// Every component, as JSON Schema.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| translate(&DOCUMENT["components"]["schemas"]));

/// An operation of the document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Described {
    pub(crate) id: &'static str,
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    value: &'static Value,
}

pub(crate) fn operations() -> Vec<Described> {
    let mut operations = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().expect("paths") {
        for (method, value) in item.as_object().expect("operations") {
            if let Some(id) = value["operationId"].as_str() {
                operations.push(Described {
                    id,
                    method,
                    path,
                    value,
                });
            }
        }
    }
    operations
}

pub(crate) fn operation(id: &str) -> Described {
    operations()
        .into_iter()
        .find(|operation| operation.id == id)
        .expect("an operation of the document")
}

/// Returns the components, by name.
pub(crate) fn components() -> &'static Map<String, Value> {
    DOCUMENT["components"]["schemas"]
        .as_object()
        .expect("components")
}

impl Described {
    /// Returns the status of the documented success, with the body's example and schema if it has a body.
    pub(crate) fn success(&self) -> (u16, Option<Body>) {
        let (status, answer) = self.value["responses"]
            .as_object()
            .expect("responses")
            .iter()
            .find(|(status, _)| status.starts_with('2'))
            .expect("a success");
        (status.parse().expect("a status"), Body::of(answer))
    }

    /// Returns the documented failures: their statuses and bodies.
    pub(crate) fn failures(&self) -> Vec<(u16, Option<Body>)> {
        self.value["responses"]
            .as_object()
            .expect("responses")
            .iter()
            .filter_map(|(status, answer)| Some((status.parse().ok()?, Body::of(resolve(answer)))))
            .filter(|(status, _)| *status >= 400)
            .collect()
    }

    pub(crate) fn request_body(&self) -> Option<Body> {
        Body::of(self.value.get("requestBody")?)
    }

    /// Returns the names and schemas of the query parameters.
    pub(crate) fn query(&self) -> Vec<(&'static str, &'static Value)> {
        self.value["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(resolve)
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| {
                let name = parameter["name"].as_str().expect("a name");
                (name, &parameter["schema"])
            })
            .collect()
    }
}

/// A body in the document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    pub(crate) schema: &'static Value,
    pub(crate) example: &'static Value,
}

impl Body {
    fn of(value: &'static Value) -> Option<Self> {
        let content = value.get("content")?.get("application/json")?;
        Some(Self {
            schema: &content["schema"],
            example: &content["example"],
        })
    }
}

/// Returns the target of a reference, or the value itself.
pub(crate) fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference
                .strip_prefix('#')
                .expect("a reference into itself");
            resolve(DOCUMENT.pointer(pointer).expect("what is referred to"))
        }
        None => value,
    }
}

/// Returns the name of the component that a schema refers to, directly or through an `allOf` with one item.
pub(crate) fn component_of(schema: &'static Value) -> Option<&'static str> {
    let reference = schema["$ref"]
        .as_str()
        .or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    reference.strip_prefix("#/components/schemas/")
}

/// Returns the schema itself: references and an `allOf` with one item are resolved.
pub(crate) fn plain(schema: &'static Value) -> &'static Value {
    let schema = resolve(schema);
    match schema["allOf"].as_array() {
        Some(parts) => plain(&parts[0]),
        None => schema,
    }
}

/// Creates a validator for a schema of the document.
pub(crate) fn validator(schema: &Value) -> Validator {
    let whole = json!({
        "allOf": [translate(schema)],
        "components": {"schemas": *SCHEMAS},
    });
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .with_format("int64", |text: &str| text.parse::<i64>().is_ok())
        .build(&whole)
        .expect("a schema of the document")
}

/// Returns the violations of the schema by a value, one text each.
pub(crate) fn violations(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Translates OpenAPI 3.0 to JSON Schema. They differ only in small parts, such as `nullable`.
fn translate(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut map: Map<String, Value> = map
                .iter()
                .map(|(key, value)| (key.clone(), translate(value)))
                .collect();
            if map.get("nullable") != Some(&Value::Bool(true)) {
                return Value::Object(map);
            }
            map.shift_remove("nullable");
            json!({"anyOf": [map, {"type": "null"}]})
        }
        Value::Array(items) => items.iter().map(translate).collect(),
        other => other.clone(),
    }
}
