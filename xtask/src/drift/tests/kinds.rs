//! Operations, parameters, bodies and status codes: which changes are differences.

use serde_json::json;

use super::{after, at, description, drift, put, small_openapi, small_swagger, take};

const LIST: &str = "GET /installs/{install_id}/backups";
const CREATE: &str = "POST /installs/{install_id}/backups";
const BACKUP: &str = "/definitions/Backup/properties";

#[test]
fn a_description_is_the_same_as_itself() {
    assert_eq!(after(|_| ()), [""; 0]);
}

#[test]
fn form_nesting_names_prefixes_and_order_do_not_count() {
    let (swagger, openapi) = (description(small_swagger()), description(small_openapi()));
    assert_eq!(drift(&swagger, &openapi), [""; 0]);
    assert_eq!(drift(&openapi, &swagger), [""; 0]);
}

#[test]
fn operations_that_come_and_go_are_named() {
    assert_eq!(
        after(|there| put(
            there,
            "/paths",
            "/v1/sites/{id}",
            json!({"delete": {"responses": {}}})
        )),
        ["DELETE /sites/{id}: operation: present there, absent here"]
    );
    assert_eq!(
        after(|there| take(there, "/paths", "/folders")),
        ["GET /folders: operation: absent there, present here"]
    );
}

#[test]
fn parameters_that_come_and_go_are_named() {
    let parameters = "/paths/~1installs~1{install_id}~1backups/get/parameters";
    let added = json!({"name": "since", "in": "query", "type": "string", "required": true});
    assert_eq!(
        after(|there| at(there, parameters)
            .as_array_mut()
            .expect("a list")
            .push(added)),
        [format!(
            "{LIST}: query parameter since: string, required there, absent here"
        )]
    );
    assert_eq!(
        after(|there| drop(
            at(there, parameters)
                .as_array_mut()
                .expect("a list")
                .remove(0)
        )),
        [format!(
            "{LIST}: query parameter limit: absent there, integer here"
        )]
    );
    assert_eq!(
        after(|there| put(there, &format!("{parameters}/0"), "in", json!("header"))),
        [
            format!("{LIST}: query parameter limit: absent there, integer here"),
            format!("{LIST}: header parameter limit: integer there, absent here"),
        ]
    );
}

#[test]
fn what_a_parameter_may_be_is_compared() {
    let limit = "/paths/~1installs~1{install_id}~1backups/get/parameters/0";
    let state = "/paths/~1installs~1{install_id}~1backups/get/parameters/1";
    for (pointer, name, value, line) in [
        (
            limit,
            "required",
            json!(true),
            "query parameter limit: required there, optional here",
        ),
        (
            limit,
            "type",
            json!("string"),
            "query parameter limit: string there, integer here",
        ),
        (
            limit,
            "maximum",
            json!(1000),
            "query parameter limit: maximum 1000 there, maximum 100 here",
        ),
        (
            limit,
            "exclusiveMinimum",
            json!(true),
            "query parameter limit: minimum 0 excluded there, minimum 0 here",
        ),
        (
            limit,
            "multipleOf",
            json!(5),
            "query parameter limit: multipleOf 5 there, no multipleOf here",
        ),
        (
            state,
            "pattern",
            json!("^d"),
            "query parameter state: pattern ^d there, no pattern here",
        ),
        (
            state,
            "enum",
            json!(["done", "running", "x"]),
            "query parameter state: value x there, absent here",
        ),
    ] {
        assert_eq!(
            after(|there| put(there, pointer, name, value)),
            [format!("{LIST}: {line}")]
        );
    }
}

#[test]
fn a_body_that_comes_or_goes_is_named() {
    let operation = "/paths/~1installs~1{install_id}~1backups/post";
    assert_eq!(
        after(|there| take(there, operation, "parameters")),
        [format!("{CREATE}: body: absent there, object here")]
    );
    assert_eq!(
        after(|there| put(
            there,
            &format!("{operation}/parameters/0"),
            "required",
            json!(false)
        )),
        [format!("{CREATE}: body: optional there, required here")]
    );
    assert_eq!(
        after(|there| take(there, &format!("{operation}/responses/202"), "schema")),
        [format!("{CREATE}: 202: no body there, object here")]
    );
}

#[test]
fn status_codes_count_for_errors_too() {
    let answers = "/paths/~1installs~1{install_id}~1backups/post/responses";
    assert_eq!(
        after(|there| put(there, answers, "409", json!({"description": ""}))),
        [format!("{CREATE}: 409: present there, absent here")]
    );
    for code in ["202", "429", "default"] {
        assert_eq!(
            after(|there| take(there, answers, code)),
            [format!("{CREATE}: {code}: absent there, present here")]
        );
    }
}

#[test]
fn bodies_of_errors_wording_formats_and_defaults_do_not_count() {
    let operation = "/paths/~1installs~1{install_id}~1backups";
    assert_eq!(
        after(|there| {
            put(
                there,
                &format!("{operation}/post/responses/default"),
                "schema",
                json!({"type": "integer"}),
            );
            put(
                there,
                "/responses/Missing",
                "schema",
                json!({"type": "integer"}),
            );
            put(there, &format!("{BACKUP}/id"), "format", json!("int64"));
            put(
                there,
                &format!("{BACKUP}/id"),
                "description",
                json!("Words."),
            );
            put(
                there,
                &format!("{operation}/get/parameters/0"),
                "default",
                json!(7),
            );
        }),
        [""; 0]
    );
}
