//! Converts our OpenAPI 3.0 document to Swagger 2.0, as the service would write it.

use serde_json::{Map, Value, json};

/// Converts what `drift` compares. Text and examples are left out.
pub(super) fn from_openapi(document: &Value) -> Value {
    let mut paths = Map::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let operations = item.as_object().expect("operations").iter();
        let operations = operations.map(|(method, raw)| (method.clone(), operation(document, raw)));
        paths.insert(path.clone(), Value::Object(operations.collect()));
    }
    json!({
        "swagger": "2.0",
        "info": {"title": "The service", "version": document["info"]["version"]},
        "host": "api.wpengineapi.com",
        "basePath": "/v1",
        "paths": paths,
        "definitions": schema(&document["components"]["schemas"]),
    })
}

fn operation(document: &Value, raw: &Value) -> Value {
    let mut parameters: Vec<Value> = raw["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| self::parameter(document, followed(document, parameter)))
        .collect();
    if let Some(body) = raw.get("requestBody") {
        let body_schema = schema(&body["content"]["application/json"]["schema"]);
        parameters.push(json!({"name": "body", "in": "body", "required": body["required"], "schema": body_schema}));
    }
    let mut responses = Map::new();
    for (code, response) in raw["responses"].as_object().expect("responses") {
        let mut answer = json!({"description": ""});
        if let Some(media) = followed(document, response)["content"].get("application/json") {
            answer["schema"] = schema(&media["schema"]);
        }
        responses.insert(code.clone(), answer);
    }
    json!({"parameters": parameters, "responses": responses})
}

/// A parameter of Swagger 2.0 has no schema: its type is next to its name.
fn parameter(document: &Value, raw: &Value) -> Value {
    let mut flat = schema(followed(document, &raw["schema"]));
    for key in ["name", "in", "required"] {
        if let Some(value) = raw.get(key) {
            flat[key] = value.clone();
        }
    }
    flat
}

fn followed<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(reference) => followed(
            document,
            document.pointer(&reference[1..]).expect("a target"),
        ),
        None => value,
    }
}

/// Renames the keywords of Swagger 2.0, at any depth.
fn schema(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().map(schema).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(name, value)| {
                !(*name == "example" || *name == "description" && value.is_string())
            })
            .map(|(name, value)| match (name.as_str(), value) {
                ("nullable", Value::Bool(_)) => ("x-nullable".to_owned(), value.clone()),
                ("$ref", Value::String(target)) => (
                    name.clone(),
                    target
                        .replace("#/components/schemas/", "#/definitions/")
                        .into(),
                ),
                _ => (name.clone(), schema(value)),
            })
            .collect(),
        other => other.clone(),
    }
}
