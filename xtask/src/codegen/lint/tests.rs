use serde_json::json;

use super::*;
use crate::{codegen::merge, workspace};

fn committed() -> Merged {
    merge::merge(&workspace::root().join("openapi")).expect("the fragments merge")
}

/// The findings for the committed document with one change.
fn findings_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut merged = committed();
    change(&mut merged.document);
    lint(&merged)
}

#[test]
fn the_committed_document_keeps_every_rule() {
    assert_eq!(lint(&committed()), Vec::<String>::new());
}

#[test]
fn each_broken_rule_is_found_and_named() {
    let backups = "/paths/~1installs~1{install_id}~1backups";
    let cases: [(&str, Value, &str); 23] = [
        ("get/operationId", json!(null), "needs an operationId"),
        ("get/operationId", json!("ListBackups"), "snake_case"),
        ("get/operationId", json!("list_sites"), "used twice"),
        ("get/summary", json!(""), "needs a summary"),
        ("get/description", json!(null), "needs a description"),
        ("get/description", json!("see https://x.y"), "a bare URL"),
        ("get/tags", json!(["Nowhere"]), "exactly one tag"),
        ("get/security", json!(null), "needs `security`"),
        ("get/x-wpengine/retry", json!("never"), "needs `retry`"),
        (
            "get/x-wpengine/retry",
            json!("unsent"),
            "a GET has `retry: safe`",
        ),
        (
            "get/x-wpengine/safety",
            json!("write"),
            "has `safety: read`",
        ),
        (
            "get/x-wpengine/paging",
            json!("none"),
            "exactly where there are `limit`",
        ),
        ("post/x-wpengine/effects", json!(null), "needs `effects`"),
        ("post/x-wpengine/effects", json!(["chaos"]), "is no effect"),
        ("get/x-wpengine/effects", json!([]), "has no `effects`"),
        ("get/x-wpengine/account", json!("path"), "but an `account`"),
        ("get/x-wpengine/limited", json!("1 h"), "number of seconds"),
        ("get/x-wpengine/secrets", json!(true), "knows no `secrets`"),
        (
            "get/parameters/0",
            json!({"name": "x", "in": "query", "schema": {}}),
            "parameter x: needs a description",
        ),
        (
            "get/parameters/0",
            json!({"$ref": "#/components/parameters/SiteId"}),
            "name different things",
        ),
        (
            "get/responses/200/content/application~1json/example",
            json!({"results": null}),
            "breaks its schema",
        ),
        (
            "post/requestBody/content/application~1json/example",
            json!(null),
            "needs an example",
        ),
        (
            "get/responses/400",
            json!({"description": "x", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Backup"}, "example": {"id": "x", "status": "completed"}}}}),
            "has the schema Error",
        ),
    ];
    for (pointer, value, expected) in cases {
        let findings = findings_after(|document| {
            let place = format!("{backups}/{pointer}");
            let (parent, key) = place.rsplit_once('/').expect("a pointer");
            let parent = document.pointer_mut(parent).expect("the place exists");
            let key = key.replace("~1", "/");
            match parent {
                Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
                parent if value.is_null() => {
                    parent.as_object_mut().expect("a map").shift_remove(&key);
                }
                parent => parent[&key] = value,
            }
        });
        assert!(
            findings
                .iter()
                .any(|finding| finding.contains(expected) && finding.starts_with("openapi/")),
            "{pointer}: expected `{expected}` in {findings:#?}"
        );
    }
}

#[test]
fn broken_components_are_found_and_named() {
    let cases: [(Value, &str); 6] = [
        (
            json!({"type": "object", "description": "x"}),
            "nobody uses this component",
        ),
        (json!({"type": "object"}), "needs a description"),
        (
            json!({"type": "object", "description": "x", "properties": {"a": {"type": "string"}}}),
            "Extra.a: needs a description",
        ),
        (
            json!({"type": "object", "description": "x", "required": ["a"]}),
            "which is no field",
        ),
        (
            json!({"type": "object", "description": "x", "properties": {"a": {"type": "object", "description": "x"}}}),
            "is a named component",
        ),
        (
            json!({"type": "object", "description": "x", "properties": {"a": {"$ref": "#/components/schemas/Nothing", "nullable": true}}}),
            "refers to nothing",
        ),
    ];
    for (schema, expected) in cases {
        let findings = findings_after(|document| {
            document["components"]["schemas"]["Extra"] = schema.clone();
        });
        assert!(
            findings.iter().any(|finding| finding.contains(expected)),
            "expected `{expected}` in {findings:#?}"
        );
    }
}

#[test]
fn an_account_that_is_named_somewhere_has_to_be_said() {
    for (pointer, expected) in [
        ("/paths/~1sites/post", "needs `account: body`"),
        ("/paths/~1sites/get", "needs `account: query`"),
        (
            "/paths/~1accounts~1{account_id}/get",
            "needs `account: path`",
        ),
    ] {
        let findings = findings_after(|document| {
            let operation = document.pointer_mut(pointer).expect("an operation");
            let classes = operation["x-wpengine"].as_object_mut();
            classes.expect("classes").shift_remove("account");
        });
        assert!(findings[0].contains(expected), "{findings:?}");
    }
}
