//! Tests of the comparison: each kind of difference on a small document, then the whole document.

mod command;
mod fields;
mod hostile;
mod kinds;
mod list;
mod mutations;
mod swagger;
mod whole;

use serde_json::Value;

use crate::description::Description;

use super::compare::compare;
use super::difference::Difference;

fn description(root: Value) -> Description {
    Description::from_value(root).expect("a description")
}

/// The printed lines, each with its operation before it.
fn lines(differences: &[Difference]) -> Vec<String> {
    differences
        .iter()
        .map(|difference| format!("{}: {}", difference.operation, difference.line()))
        .collect()
}

fn drift(here: &Description, there: &Description) -> Vec<String> {
    lines(&compare(here, there).expect("schemas of sane depth"))
}

fn small_swagger() -> Value {
    serde_saphyr::from_str(include_str!("fixtures/small.swagger.yaml")).expect("YAML")
}

fn small_openapi() -> Value {
    serde_saphyr::from_str(include_str!("fixtures/small.openapi.yaml")).expect("YAML")
}

/// Our document.
fn ours() -> Value {
    let file = crate::workspace::root().join("openapi/wpengine-v1.json");
    let text =
        std::fs::read_to_string(file).expect("the document; `cargo xtask codegen` writes it");
    serde_json::from_str(&text).expect("JSON")
}

/// The output if one place of the service's description is changed.
fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut there = small_swagger();
    change(&mut there);
    drift(&description(small_swagger()), &description(there))
}

fn at<'v>(root: &'v mut Value, pointer: &str) -> &'v mut Value {
    root.pointer_mut(pointer)
        .unwrap_or_else(|| panic!("nothing at {pointer}"))
}

fn put(root: &mut Value, pointer: &str, name: &str, value: Value) {
    at(root, pointer)
        .as_object_mut()
        .expect("an object")
        .insert(name.to_owned(), value);
}

fn take(root: &mut Value, pointer: &str, name: &str) {
    let taken = at(root, pointer)
        .as_object_mut()
        .expect("an object")
        .remove(name);
    assert!(taken.is_some(), "nothing to take at {pointer}/{name}");
}
