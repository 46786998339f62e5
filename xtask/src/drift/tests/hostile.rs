//! Descriptions that are broken, circular or extremely large.

use serde_json::{Value, json};

use super::{after, description, drift, put, small_swagger};

#[test]
fn circles_of_references_end() {
    let circle = |there: &mut Value| {
        put(
            there,
            "/definitions",
            "Folder",
            json!({"$ref": "#/definitions/Round"}),
        );
        put(
            there,
            "/definitions",
            "Round",
            json!({"allOf": [{"$ref": "#/definitions/Folder"}]}),
        );
    };
    assert_eq!(after(circle), ["GET /folders: 200: any there, object here"]);
}

#[test]
fn schemas_that_double_at_every_level_are_compared_once() {
    let doubling = |there: &mut Value| {
        for level in 0..40 {
            let next = json!({"$ref": format!("#/definitions/L{}", level + 1)});
            put(
                there,
                "/definitions",
                &format!("L{level}"),
                json!({"properties": {"a": next, "b": next}}),
            );
        }
        put(there, "/definitions", "L40", json!({"type": "string"}));
        put(
            there,
            "/definitions",
            "Folder",
            json!({"$ref": "#/definitions/L0"}),
        );
    };
    let (mut here, mut there) = (small_swagger(), small_swagger());
    doubling(&mut here);
    doubling(&mut there);
    assert_eq!(drift(&description(here), &description(there)), [""; 0]);
}

#[test]
fn schemas_that_nest_beyond_reason_are_an_error_and_no_crash() {
    let nesting = |root: &mut Value| {
        for level in 0..5000 {
            let next = json!({"$ref": format!("#/definitions/L{}", level + 1)});
            put(
                root,
                "/definitions",
                &format!("L{level}"),
                json!({"properties": {"a": next}}),
            );
        }
        put(
            root,
            "/definitions",
            "Folder",
            json!({"$ref": "#/definitions/L0"}),
        );
    };
    let (mut here, mut there) = (small_swagger(), small_swagger());
    nesting(&mut here);
    nesting(&mut there);
    let error = super::compare(&description(here), &description(there)).expect_err("too deep");
    assert!(error.contains("too deep"), "{error}");
}

#[test]
fn what_is_no_description_is_refused() {
    for (text, word) in [
        ("{\"swagger\": \"2.0\"", "not valid JSON"),
        ("a: [", "neither JSON nor YAML"),
        ("just words", "openapi: 3.x"),
        (
            "{\"openapi\": \"4.0.0\", \"paths\": {\"/x\": {}}}",
            "openapi: 3.x",
        ),
        ("{\"openapi\": \"3.0.3\"}", "paths"),
    ] {
        let error = crate::description::Description::parse(text).expect_err("no description");
        assert!(error.contains(word), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
