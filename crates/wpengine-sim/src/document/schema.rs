//! The document's schemas as validators.
//!
//! OpenAPI 3.0 differs from JSON Schema in a few points. `nullable` is translated and references are inlined, so that each
//! schema is complete in itself. A validator is compiled on first use, so that the simulator starts fast.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The largest depth of references. The document has no recursion now; this keeps a future one from hanging the start.
const MAX_DEPTH: usize = 32;

/// A schema, compiled on first use.
pub(crate) struct Schema {
    value: Value,
    validator: OnceLock<Validator>,
}

/// Schemas by reference. Most answers share the error schema, which is stored and compiled once.
#[derive(Default)]
pub(super) struct Shelf(HashMap<String, Arc<Schema>>);

impl Shelf {
    pub(super) fn schema(&mut self, document: &Value, value: &Value) -> Arc<Schema> {
        match value["$ref"].as_str() {
            Some(reference) => Arc::clone(
                self.0
                    .entry(reference.to_owned())
                    .or_insert_with(|| Arc::new(Schema::new(document, value))),
            ),
            None => Arc::new(Schema::new(document, value)),
        }
    }
}

impl Schema {
    pub(super) fn new(document: &Value, value: &Value) -> Self {
        Self {
            value: translate(document, value, 0),
            validator: OnceLock::new(),
        }
    }

    /// The schema with its references inlined.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The `type` of the schema, if it has exactly one.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.value["type"].as_str()
    }

    pub(crate) fn validator(&self) -> &Validator {
        self.validator.get_or_init(|| {
            jsonschema::options()
                .with_draft(Draft::Draft7)
                .should_validate_formats(true)
                .with_format("int64", |text: &str| text.parse::<i64>().is_ok())
                .build(&self.value)
                .unwrap_or_else(|error| {
                    panic!("the document has a schema that cannot be used: {error}")
                })
        })
    }
}

/// Follows the value if it is a reference.
pub(super) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"]
        .as_str()
        .and_then(|reference| document.pointer(reference.strip_prefix('#')?))
    {
        Some(target) => resolve(document, target),
        None => value,
    }
}

/// The schema with its references inlined and with `nullable` as JSON Schema expresses it.
fn translate(document: &Value, value: &Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return json!(true);
    }
    let Some(object) = resolve(document, value).as_object() else {
        return value.clone();
    };
    let mut result = Map::new();
    for (key, value) in object {
        let translated = match key.as_str() {
            "properties" => {
                let each = value.as_object().into_iter().flatten();
                each.map(|(name, value)| (name.clone(), translate(document, value, depth + 1)))
                    .collect()
            }
            "items" | "additionalProperties" | "not" => translate(document, value, depth + 1),
            "allOf" | "anyOf" | "oneOf" => {
                let each = value.as_array().into_iter().flatten();
                each.map(|value| translate(document, value, depth + 1))
                    .collect()
            }
            // Validation does not need these. Extensions such as `x-wpengine` are kept, because faults use them.
            "nullable" | "description" | "example" | "default" => continue,
            _ => value.clone(),
        };
        result.insert(key.clone(), translated);
    }
    if object.get("nullable") == Some(&Value::Bool(true)) {
        return json!({ "anyOf": [{ "type": "null" }, result] });
    }
    Value::Object(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(value: Value) -> Schema {
        let document = json!({ "components": { "schemas": { "Name": { "type": "string", "maxLength": 3 } } } });
        Schema::new(&document, &value)
    }

    #[test]
    fn a_nullable_reference_takes_null_and_still_checks_the_rest() {
        let schema =
            schema(json!({ "nullable": true, "allOf": [{ "$ref": "#/components/schemas/Name" }] }));
        assert!(schema.validator().is_valid(&json!(null)));
        assert!(schema.validator().is_valid(&json!("abc")));
        assert!(!schema.validator().is_valid(&json!("abcd")));
    }

    #[test]
    fn formats_are_checked() {
        let schema = schema(json!({ "type": "string", "format": "int64" }));
        assert!(schema.validator().is_valid(&json!("9223372036854775807")));
        assert!(!schema.validator().is_valid(&json!("many")));
    }
}
