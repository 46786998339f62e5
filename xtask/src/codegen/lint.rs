//! The rules for the document.
//!
//! A finding names the fragment, the place and the rule, so that the author of the operation can fix it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{answers::operations, merge::Merged};

mod examples;
mod prose;

/// The allowed values of `effects`.
const EFFECTS: [&str; 5] = ["access", "traffic", "billable", "overwrite", "loss"];

/// Checks all rules and returns the findings, in the order of the document.
pub(crate) fn lint(merged: &Merged) -> Vec<String> {
    let mut lint = Lint {
        document: &merged.document,
        merged,
        findings: Vec::new(),
    };
    lint.operations();
    lint.components();
    lint.unused_components();
    lint.findings
}

struct Lint<'a> {
    document: &'a Value,
    merged: &'a Merged,
    findings: Vec<String>,
}

impl Lint<'_> {
    fn find(&mut self, origin: &str, place: &str, rule: impl AsRef<str>) {
        let file = self
            .merged
            .origins
            .get(origin)
            .map_or("root.yaml", String::as_str);
        self.findings
            .push(format!("openapi/{file}: {place}: {}", rule.as_ref()));
    }

    fn operations(&mut self) {
        let document = self.document;
        let tags: BTreeSet<&str> = document["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|tag| tag["name"].as_str())
            .collect();
        let mut ids = BTreeSet::new();
        for (path, method, operation) in operations(document) {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let place = if id.is_empty() {
                format!("{method} {path}")
            } else {
                id.to_owned()
            };
            if id.is_empty() || !is_snake_case(id) {
                self.find(path, &place, "needs an operationId in snake_case");
            } else if !ids.insert(id) {
                self.find(path, &place, "the operationId is used twice");
            }
            for key in ["summary", "description"] {
                match operation[key].as_str() {
                    Some(text) if !text.trim().is_empty() => {
                        self.prose(path, &place, text);
                    }
                    _ => self.find(path, &place, format!("needs a {key}")),
                }
            }
            match operation["tags"].as_array().map(Vec::as_slice) {
                Some([Value::String(tag)]) if tags.contains(tag.as_str()) => {}
                _ => self.find(
                    path,
                    &place,
                    "needs exactly one tag, one that root.yaml lists",
                ),
            }
            if !operation["security"].is_array() {
                self.find(
                    path,
                    &place,
                    "needs `security`, `[]` where it is open to all",
                );
            }
            self.classes(path, method, operation, &place);
            self.parameters(path, operation, &place);
            self.bodies(path, operation, &place);
        }
    }

    fn classes(&mut self, path: &str, method: &str, operation: &Value, place: &str) {
        let classes = &operation["x-wpengine"];
        for (key, values) in [
            ("safety", ["read", "write", "destructive"].as_slice()),
            ("retry", ["safe", "unsent"].as_slice()),
            ("paging", ["offset", "token", "none"].as_slice()),
        ] {
            if !classes[key]
                .as_str()
                .is_some_and(|value| values.contains(&value))
            {
                let rule = format!("x-wpengine needs `{key}`: one of {}", values.join(", "));
                self.find(path, place, rule);
            }
        }
        if (classes["safety"] == "read") != (method == "get") {
            self.find(
                path,
                place,
                "every GET, and nothing else, has `safety: read`",
            );
        }
        if method == "get" && classes["retry"] != "safe" {
            self.find(path, place, "a GET has `retry: safe`");
        }
        if method == "delete" && classes["safety"] != "destructive" {
            self.find(path, place, "a DELETE has `safety: destructive`");
        }
        self.effects(path, classes, place);
        self.account(path, operation, place);
        let parameters: Vec<&Value> = self.parameters_of(operation).collect();
        let has = |name: &str| parameters.iter().any(|parameter| parameter["name"] == name);
        let pages = has("limit") && has("offset");
        if pages != (classes["paging"] != "none") {
            self.find(
                path,
                place,
                "`paging` is `offset` or `token` exactly where there are `limit` and `offset`",
            );
        }
    }

    /// Checks the extensions that the SDK reads at run time: `effects`, `limited` and `secret`.
    fn effects(&mut self, path: &str, classes: &Value, place: &str) {
        match classes["effects"].as_array() {
            None if classes["safety"] == "read" => {}
            None => self.find(
                path,
                place,
                format!(
                    "what changes something needs `effects`: [] or some of {}",
                    EFFECTS.join(", ")
                ),
            ),
            Some(_) if classes["safety"] == "read" => {
                self.find(path, place, "what only reads has no `effects`");
            }
            Some(effects) => {
                for effect in effects.iter().filter(|effect| {
                    !effect
                        .as_str()
                        .is_some_and(|effect| EFFECTS.contains(&effect))
                }) {
                    let rule = format!("{effect} is no effect: one of {}", EFFECTS.join(", "));
                    self.find(path, place, rule);
                }
            }
        }
        if !classes["limited"].is_null() && classes["limited"].as_u64().is_none_or(|s| s == 0) {
            self.find(path, place, "`limited` is a number of seconds");
        }
        if !classes["secret"].is_null() && classes["secret"] != true {
            self.find(path, place, "`secret` is true or left out");
        }
        let known = [
            "safety", "retry", "paging", "effects", "account", "limited", "secret",
        ];
        for key in classes.as_object().into_iter().flat_map(Map::keys) {
            if !known.contains(&key.as_str()) {
                self.find(path, place, format!("x-wpengine knows no `{key}`"));
            }
        }
    }

    /// If the operation has an `account_id`, `account` must say where it is.
    fn account(&mut self, path: &str, operation: &Value, place: &str) {
        let parameter = self
            .parameters_of(operation)
            .find(|parameter| parameter["name"] == "account_id")
            .and_then(|parameter| parameter["in"].as_str());
        let body = self.resolve(&operation["requestBody"]["content"]["application/json"]["schema"]);
        let in_body = body["properties"].get("account_id").is_some();
        let expected = parameter.or(in_body.then_some("body"));
        if operation["x-wpengine"]["account"].as_str() != expected {
            let rule = match expected {
                Some(expected) => format!("needs `account: {expected}`: there is its account_id"),
                None => "has no account_id, but an `account`".to_owned(),
            };
            self.find(path, place, rule);
        }
    }

    fn parameters_of<'a>(&'a self, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
        operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| self.resolve(parameter))
    }

    fn parameters(&mut self, path: &str, operation: &Value, place: &str) {
        let parameters: Vec<Value> = self.parameters_of(operation).cloned().collect();
        let in_path: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let in_template: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        if in_path != in_template {
            self.find(
                path,
                place,
                "the path and its parameters name different things",
            );
        }
        for parameter in &parameters {
            let name = parameter["name"].as_str().unwrap_or("?");
            let place = format!("{place}: parameter {name}");
            self.described(path, &place, parameter);
            self.example(path, &place, &parameter["schema"], &parameter["example"]);
        }
    }

    fn bodies(&mut self, path: &str, operation: &Value, place: &str) {
        let document = self.document;
        let request = &operation["requestBody"];
        self.contents(path, &format!("{place}: request body"), request);
        let responses = operation["responses"].as_object();
        if !responses
            .into_iter()
            .flatten()
            .any(|(status, _)| status.starts_with('2'))
        {
            self.find(path, place, "documents no success");
        }
        for (status, response) in responses.into_iter().flatten() {
            let place = format!("{place}: answer {status}");
            let response = resolve(document, response);
            self.described(path, &place, response);
            self.contents(path, &place, response);
            let is_error = !status.starts_with('2');
            for (_, content) in response["content"].as_object().into_iter().flatten() {
                if is_error && content["schema"]["$ref"] != "#/components/schemas/Error" {
                    self.find(path, &place, "every failure has the schema Error");
                }
            }
        }
    }

    fn contents(&mut self, path: &str, place: &str, body: &Value) {
        for (media_type, content) in body["content"].as_object().into_iter().flatten() {
            let place = format!("{place} ({media_type})");
            if content["schema"].get("$ref").is_none() {
                self.find(path, &place, "the schema of a body is a named component");
            }
            if content.get("example").is_none() {
                self.find(path, &place, "needs an example");
            }
            self.example(path, &place, &content["schema"], &content["example"]);
        }
    }

    fn components(&mut self) {
        let document = self.document;
        for (name, schema) in document["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let origin = format!("schemas/{name}");
            self.schema(&origin, name, schema);
            let properties = schema["properties"].as_object();
            for key in ["required", "x-wpengine"] {
                let list = if key == "required" {
                    &schema[key]
                } else {
                    &schema[key]["always"]
                };
                for field in list.as_array().into_iter().flatten() {
                    let known = field
                        .as_str()
                        .is_some_and(|field| properties.is_some_and(|all| all.contains_key(field)));
                    if !known {
                        self.find(
                            &origin,
                            name,
                            format!("{key} names {field}, which is no field"),
                        );
                    }
                }
            }
        }
    }

    /// A schema that is written inline, not as a reference.
    fn schema(&mut self, origin: &str, place: &str, schema: &Value) {
        if schema.get("$ref").is_some() {
            if schema.as_object().map_or(0, Map::len) > 1 {
                self.find(
                    origin,
                    place,
                    "what stands beside a $ref is ignored: use allOf",
                );
            }
            return;
        }
        self.described(origin, place, schema);
        if schema.get("example").is_some() {
            self.example(origin, place, schema, &schema["example"]);
        }
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}.{field}");
            if property["type"] == "object" {
                self.find(
                    origin,
                    &place,
                    "an object inside an object is a named component",
                );
            }
            self.schema(origin, &place, property);
        }
        if let Some(items) = schema.get("items") {
            let place = format!("{place}[]");
            if items["type"] == "object" {
                self.find(
                    origin,
                    &place,
                    "an object inside an array is a named component",
                );
            }
            self.schema(origin, &place, items);
        }
    }

    fn described(&mut self, origin: &str, place: &str, value: &Value) {
        match value["description"].as_str() {
            Some(text) if !text.trim().is_empty() => self.prose(origin, place, text),
            _ => self.find(origin, place, "needs a description"),
        }
    }

    fn prose(&mut self, origin: &str, place: &str, text: &str) {
        for trouble in prose::troubles(text) {
            self.find(origin, place, trouble);
        }
    }

    fn example(&mut self, origin: &str, place: &str, schema: &Value, example: &Value) {
        if example.is_null() {
            return;
        }
        for trouble in examples::troubles(self.document, schema, example) {
            self.find(
                origin,
                place,
                format!("the example breaks its schema: {trouble}"),
            );
        }
    }

    fn unused_components(&mut self) {
        let mut used = BTreeSet::new();
        references(self.document, &mut used);
        for (kind, entries) in self.document["components"]
            .as_object()
            .into_iter()
            .flatten()
        {
            if kind == "securitySchemes" {
                continue;
            }
            for name in entries.as_object().into_iter().flat_map(Map::keys) {
                if !used.contains(&format!("#/components/{kind}/{name}")) {
                    self.find(
                        &format!("{kind}/{name}"),
                        name,
                        "nobody uses this component",
                    );
                }
            }
        }
        for reference in &used {
            let there = reference
                .strip_prefix('#')
                .is_some_and(|pointer| self.document.pointer(pointer).is_some());
            if !there {
                self.find("", reference, "refers to nothing");
            }
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        resolve(self.document, value)
    }
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    value["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'))
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                found.insert(reference.to_owned());
            }
            map.values().for_each(|inner| references(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

fn is_snake_case(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod tests;
