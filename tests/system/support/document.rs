//! The OpenAPI document, with which requests and answers are compared.

use std::{fs, sync::LazyLock};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/wpengine-v1.json");
    let text = fs::read_to_string(path).expect("the document can be read");
    serde_json::from_str(&text).expect("the document is JSON")
});

/// Every component, as JSON Schema has it.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| translate(&DOCUMENT["components"]["schemas"]));

/// One operation, as the document describes it.
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

/// The components, by name.
pub(crate) fn components() -> &'static Map<String, Value> {
    DOCUMENT["components"]["schemas"]
        .as_object()
        .expect("components")
}

impl Described {
    /// The status of the documented success, and its example and schema if it has a body.
    pub(crate) fn success(&self) -> (u16, Option<Body>) {
        let (status, answer) = self.value["responses"]
            .as_object()
            .expect("responses")
            .iter()
            .find(|(status, _)| status.starts_with('2'))
            .expect("a success");
        (status.parse().expect("a status"), Body::of(answer))
    }

    /// The documented failures: their statuses and examples.
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

    /// Names and schemas of the parameters of the query.
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

/// A body, as the document describes it.
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

/// What a reference leads to; anything else is what it is.
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

/// Name of the component that a schema refers to, `allOf` of one included.
pub(crate) fn component_of(schema: &'static Value) -> Option<&'static str> {
    let reference = schema["$ref"]
        .as_str()
        .or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    reference.strip_prefix("#/components/schemas/")
}

/// The schema itself, without references and without an `allOf` of one.
pub(crate) fn plain(schema: &'static Value) -> &'static Value {
    let schema = resolve(schema);
    match schema["allOf"].as_array() {
        Some(parts) => plain(&parts[0]),
        None => schema,
    }
}

/// A schema of the document as a validator.
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

/// What a value breaks of a schema, one line each.
pub(crate) fn violations(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// OpenAPI 3.0 is nearly, but not quite, JSON Schema: `nullable` has to be said in another way.
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
