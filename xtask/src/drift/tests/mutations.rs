//! Changes every field of every schema, one at a time. Every change must be found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::description::Description;

use super::{description, drift, ours};

/// Path and method.
type Place = (String, String);

/// For each schema, the operations whose body or success answers refer to it. It searches for `$ref` itself, so that
/// it does not depend on the code under test.
fn uses(document: &Value) -> BTreeMap<String, BTreeSet<Place>> {
    let mut uses: BTreeMap<String, BTreeSet<Place>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, raw) in item.as_object().expect("operations") {
            let answers = raw["responses"].as_object().expect("responses").iter();
            let answers = answers
                .filter(|(code, _)| code.starts_with('2'))
                .map(|(_, answer)| answer);
            let mut waiting: Vec<&Value> = answers.chain(raw.get("requestBody")).collect();
            while let Some(value) = waiting.pop() {
                let target = value["$ref"].as_str();
                if let Some(name) = target.and_then(|to| to.strip_prefix("#/components/schemas/")) {
                    let places = uses.entry(name.to_owned()).or_default();
                    if places.insert((path.clone(), method.clone())) {
                        waiting.push(&document["components"]["schemas"][name]);
                    }
                }
                waiting.extend(
                    value
                        .as_object()
                        .into_iter()
                        .flat_map(|members| members.values()),
                );
                waiting.extend(value.as_array().into_iter().flatten());
            }
        }
    }
    uses
}

/// Our document with only these operations, so that a thousand comparisons take seconds.
fn only(document: &Value, places: &BTreeSet<Place>) -> Value {
    let mut paths = json!({});
    for (path, method) in places {
        paths[path][method] = document["paths"][path][method].clone();
    }
    json!({"openapi": "3.0.3", "paths": paths, "components": document["components"]})
}

struct Case {
    schema: String,
    field: String,
    /// The operations that refer to the schema.
    places: BTreeSet<Place>,
    /// The document with only these operations.
    here: Value,
}

/// One case for each field.
fn cases() -> Vec<Case> {
    let document = ours();
    let uses = uses(&document);
    let mut cases = Vec::new();
    for (schema, places) in &uses {
        let here = only(&document, places);
        for field in document["components"]["schemas"][schema]["properties"]
            .as_object()
            .into_iter()
            .flat_map(|properties| properties.keys())
        {
            cases.push(Case {
                schema: schema.clone(),
                field: field.clone(),
                places: places.clone(),
                here: here.clone(),
            });
        }
    }
    assert!(cases.len() > 250, "{} fields", cases.len());
    cases
}

impl Case {
    /// The differences if the other description has this change in the schema.
    fn after(&self, change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut there = self.here.clone();
        change(&mut there["components"]["schemas"][&self.schema]);
        drift(&description(self.here.clone()), &description(there))
    }

    fn original(&self) -> &Value {
        &self.here["components"]["schemas"][&self.schema]["properties"][&self.field]
    }

    /// Whether a line reports this change of this field.
    fn named(&self, line: &str, words: &str) -> bool {
        let Some((place, said)) = line.rsplit_once(": ") else {
            return false;
        };
        let last = place.rsplit([' ', '.']).next().unwrap_or_default();
        last.trim_end_matches("[]") == self.field && said.contains(words)
    }

    fn assert_named(&self, lines: &[String], words: &str) {
        assert!(
            lines.iter().any(|line| self.named(line, words)),
            "{}.{}: no line says {words:?} of it: {lines:?}",
            self.schema,
            self.field
        );
    }
}

#[test]
fn every_field_that_goes_is_named_in_every_operation_that_has_it() {
    for case in cases() {
        let lines = case.after(|schema| {
            let properties = schema["properties"].as_object_mut().expect("properties");
            properties.remove(&case.field);
        });
        for (path, method) in &case.places {
            let title = format!("{} {path}: ", method.to_uppercase());
            let of_it: Vec<String> = lines
                .iter()
                .filter(|line| line.starts_with(&title))
                .cloned()
                .collect();
            case.assert_named(&of_it, "absent there, ");
        }
    }
}

#[test]
fn every_field_that_changes_its_type_is_named() {
    for case in cases() {
        let lines =
            case.after(|schema| schema["properties"][&case.field] = json!({"type": "number"}));
        case.assert_named(&lines, "number there, ");
    }
}

#[test]
fn every_field_whose_nullability_changes_is_named() {
    for case in cases() {
        let document: &Description = &description(case.here.clone());
        let nullable = document
            .shape(&crate::description::Node::of(case.original()))
            .nullable;
        if nullable {
            continue;
        }
        let lines = case.after(|schema| {
            let original = schema["properties"][&case.field].clone();
            schema["properties"][&case.field] = json!({"nullable": true, "allOf": [original]});
        });
        case.assert_named(&lines, "nullable there, not nullable here");
    }
}

#[test]
fn every_list_of_values_that_grows_or_shrinks_is_named() {
    let document = ours();
    let uses = uses(&document);
    let mut count = 0;
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
    {
        let (Some(values), Some(operation)) = (schema["enum"].as_array(), uses.get(name)) else {
            continue;
        };
        count += 1;
        let here = only(&document, operation);
        let after = |values: &[Value]| {
            let mut there = here.clone();
            there["components"]["schemas"][name]["enum"] = json!(values);
            drift(&description(here.clone()), &description(there))
        };
        let gone = values[0].as_str().expect("a text");
        let fewer = after(&values[1..]);
        let words = format!(": absent there, value {gone} here");
        if values.len() > 1 {
            assert!(
                fewer.iter().any(|line| line.ends_with(&words)),
                "{name}: {fewer:?}"
            );
        }
        let more = after(&[values.as_slice(), &[json!("brand_new")]].concat());
        assert!(
            more.iter()
                .any(|line| line.ends_with(": value brand_new there, absent here")),
            "{name}: {more:?}"
        );
    }
    assert!(count >= 8, "{count} lists of values");
}
