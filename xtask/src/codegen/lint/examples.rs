//! Checks examples against their own schemas.

use serde_json::{Map, Value, json};

/// The errors that the schema reports for the example.
pub(super) fn troubles(document: &Value, schema: &Value, example: &Value) -> Vec<String> {
    let mut root = json_schema(schema);
    // Only the components that the schema refers to. Translating all components for each example would take most of
    // the time.
    let mut components = Map::new();
    add_components(&document["components"]["schemas"], schema, &mut components);
    root["components"] = json!({ "schemas": components });
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft4)
        .should_validate_formats(true)
        .build(&root);
    match validator {
        Ok(validator) => validator
            .iter_errors(example)
            .map(|error| format!("{error} at `{}`", error.instance_path()))
            .collect(),
        Err(error) => vec![format!("the schema itself is not valid: {error}")],
    }
}

/// Adds every component that a schema refers to, directly or indirectly.
fn add_components(schemas: &Value, schema: &Value, found: &mut Map<String, Value>) {
    match schema {
        Value::Object(map) => {
            if let Some(name) = map
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| reference.strip_prefix("#/components/schemas/"))
                && let Some(component) = schemas.get(name)
                && !found.contains_key(name)
            {
                found.insert(name.to_owned(), json_schema(component));
                add_components(schemas, component, found);
            }
            for inner in map.values() {
                add_components(schemas, inner, found);
            }
        }
        Value::Array(items) => {
            for inner in items {
                add_components(schemas, inner, found);
            }
        }
        _ => {}
    }
}

/// OpenAPI 3.0 writes `nullable` where JSON Schema adds `null` to the types.
pub(crate) fn json_schema(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut translated: Map<String, Value> = map
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "example" | "nullable" | "description"))
                .map(|(key, value)| {
                    let value = match (key.as_str(), value) {
                        ("properties", Value::Object(fields)) => fields
                            .iter()
                            .map(|(name, field)| (name.clone(), json_schema(field)))
                            .collect(),
                        _ => json_schema(value),
                    };
                    (key.clone(), value)
                })
                .collect();
            if map.get("nullable") == Some(&Value::Bool(true)) {
                translated =
                    Map::from_iter([("anyOf".to_owned(), json!([translated, {"type": "null"}]))]);
            }
            Value::Object(translated)
        }
        Value::Array(items) => items.iter().map(json_schema).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_held_against_references_ranges_and_nullability() {
        let document = json!({"components": {"schemas": {
            "Id": {"type": "string", "minLength": 3},
            "Thing": {"type": "object", "required": ["id"], "properties": {
                "id": {"$ref": "#/components/schemas/Id"},
                "note": {"type": "string", "nullable": true},
            }},
        }}});
        let schema = json!({"$ref": "#/components/schemas/Thing"});
        assert!(troubles(&document, &schema, &json!({"id": "abc", "note": null})).is_empty());
        assert_eq!(troubles(&document, &schema, &json!({"id": "ab"})).len(), 1);
        assert_eq!(troubles(&document, &schema, &json!({"id": null})).len(), 1);
        assert_eq!(troubles(&document, &schema, &json!({})).len(), 1);
    }
}
