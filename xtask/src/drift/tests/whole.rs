//! Compares the whole document with itself, with its Swagger 2.0 form, and with that form changed in one place.

use serde_json::{Value, json};

use crate::description::Description;

use super::{description, drift, ours, swagger};

#[test]
fn our_document_is_the_same_as_itself() {
    let document = description(ours());
    assert!(document.is_ours());
    assert_eq!(drift(&document, &document), [""; 0]);
}

#[test]
fn our_document_is_the_same_as_its_own_swagger_form() {
    let (here, there) = (
        description(ours()),
        description(swagger::from_openapi(&ours())),
    );
    assert!(!there.is_ours());
    assert_eq!(drift(&here, &there), [""; 0]);
    assert_eq!(drift(&there, &here), [""; 0]);
}

/// Changes one thing in the Swagger form and returns the differences.
struct Bench {
    here: Description,
    there: Value,
}

impl Bench {
    fn new() -> Self {
        Self {
            here: description(ours()),
            there: swagger::from_openapi(&ours()),
        }
    }

    /// Compares only the given operation, so that thousands of changes take seconds.
    fn after(&self, path: &str, method: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut operation = self.there["paths"][path][method].clone();
        change(&mut operation);
        let mut there = json!({"swagger": "2.0", "definitions": self.there["definitions"]});
        there["paths"][path][method] = operation;
        let title = format!("{} {path}: ", method.to_uppercase());
        let found = drift(&self.here, &description(there));
        found
            .into_iter()
            .filter_map(|line| line.strip_prefix(&title).map(str::to_owned))
            .collect()
    }

    fn operations(&self) -> Vec<(String, String, &Value)> {
        let mut all = Vec::new();
        for (path, item) in self.there["paths"].as_object().expect("paths") {
            for (method, raw) in item.as_object().expect("operations") {
                all.push((path.clone(), method.clone(), raw));
            }
        }
        assert!(all.len() > 50);
        all
    }
}

#[test]
fn every_operation_that_goes_is_named() {
    let bench = Bench::new();
    for (path, method, _) in bench.operations() {
        let mut there = bench.there.clone();
        there["paths"][&path]
            .as_object_mut()
            .expect("operations")
            .remove(&method);
        let title = format!("{} {path}", method.to_uppercase());
        assert_eq!(
            drift(&bench.here, &description(there)),
            [format!("{title}: operation: absent there, present here")]
        );
    }
}

#[test]
fn every_parameter_that_goes_or_changes_is_named() {
    let bench = Bench::new();
    let mut count = 0;
    for (path, method, raw) in bench.operations() {
        for (index, parameter) in raw["parameters"]
            .as_array()
            .expect("parameters")
            .iter()
            .enumerate()
        {
            count += 1;
            let place = match parameter["in"].as_str().expect("a place") {
                "body" => "body".to_owned(),
                place => format!(
                    "{place} parameter {}",
                    parameter["name"].as_str().expect("a name")
                ),
            };
            let gone = bench.after(&path, &method, |raw| {
                raw["parameters"]
                    .as_array_mut()
                    .expect("parameters")
                    .remove(index);
            });
            assert_eq!(gone.len(), 1, "{path} {place}: {gone:?}");
            assert!(
                gone[0].starts_with(&format!("{place}: absent there, ")),
                "{gone:?}"
            );

            let required = parameter["required"].as_bool().unwrap_or(false);
            let flipped = bench.after(&path, &method, |raw| {
                raw["parameters"][index]["required"] = json!(!required);
            });
            let words = if required {
                "optional there, required here"
            } else {
                "required there, optional here"
            };
            assert_eq!(flipped, [format!("{place}: {words}")]);
        }
    }
    assert!(count > 100, "{count} parameters");
}

#[test]
fn every_status_code_that_comes_or_goes_is_named() {
    let bench = Bench::new();
    for (path, method, raw) in bench.operations() {
        for code in raw["responses"].as_object().expect("responses").keys() {
            let gone = bench.after(&path, &method, |raw| {
                raw["responses"]
                    .as_object_mut()
                    .expect("responses")
                    .remove(code);
            });
            assert_eq!(gone, [format!("{code}: absent there, present here")]);
        }
        let come = bench.after(&path, &method, |raw| raw["responses"]["418"] = json!({}));
        assert_eq!(come, ["418: present there, absent here"]);
    }
}
