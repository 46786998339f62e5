//! Fields: types, nullability, values, and what requests require and limit.

use serde_json::json;

use super::{after, description, drift, put, small_openapi, small_swagger, take};

const LIST: &str = "GET /installs/{install_id}/backups";
const CREATE: &str = "POST /installs/{install_id}/backups";
const BACKUP: &str = "/definitions/Backup/properties";

#[test]
fn a_nested_field_is_named_with_its_whole_path_in_every_operation() {
    assert_eq!(
        after(|there| put(
            there,
            "/definitions/Place/properties/disk/properties",
            "size",
            json!({"type": "integer"})
        )),
        [
            format!("{LIST}: 200 results[].place.disk.size: integer there, absent here"),
            format!("{CREATE}: 202 place.disk.size: integer there, absent here"),
        ]
    );
    assert_eq!(
        after(|there| take(
            there,
            "/definitions/Place/properties/disk/properties",
            "tags"
        )),
        [
            format!("{LIST}: 200 results[].place.disk.tags: absent there, array of string here"),
            format!("{CREATE}: 202 place.disk.tags: absent there, array of string here"),
        ]
    );
}

#[test]
fn a_field_that_is_gone_is_named_without_what_was_in_it() {
    assert_eq!(
        after(|there| take(there, BACKUP, "place")),
        [
            format!("{LIST}: 200 results[].place: absent there, object here"),
            format!("{CREATE}: 202 place: absent there, object here"),
        ]
    );
}

#[test]
fn an_integer_is_no_string_and_no_number() {
    for kind in ["string", "number"] {
        assert_eq!(
            after(|there| put(
                there,
                "/definitions/Page/properties/count",
                "type",
                json!(kind)
            )),
            [format!("{LIST}: 200 count: {kind} there, integer here")]
        );
    }
}

#[test]
fn the_items_of_a_list_are_compared() {
    let tags = "/definitions/Place/properties/disk/properties/tags/items";
    assert_eq!(
        after(|there| put(there, tags, "type", json!("integer")))[0],
        format!("{LIST}: 200 results[].place.disk.tags[]: integer there, string here")
    );
}

#[test]
fn an_object_in_place_of_a_text_is_one_difference() {
    assert_eq!(
        after(|there| put(
            there,
            BACKUP,
            "id",
            json!({"type": "object", "properties": {"x": {"type": "string"}}})
        ))[0],
        format!("{LIST}: 200 results[].id: object there, string here")
    );
}

#[test]
fn nullability_counts_in_every_spelling() {
    let note = format!("{BACKUP}/note");
    assert_eq!(
        after(|there| take(there, &note, "x-nullable")),
        [
            format!("{LIST}: 200 results[].note: not nullable there, nullable here"),
            format!("{CREATE}: 202 note: not nullable there, nullable here"),
        ]
    );
    for same in [
        json!({"type": ["string", "null"]}),
        json!({"type": "string", "nullable": true}),
        json!({"x-nullable": true, "allOf": [{"type": "string"}]}),
        json!({"oneOf": [{"type": "null"}, {"type": "string"}]}),
    ] {
        assert_eq!(after(|there| put(there, BACKUP, "note", same)), [""; 0]);
    }
    assert_eq!(
        after(|there| put(there, &format!("{BACKUP}/place"), "x-nullable", json!(true)))[0],
        format!("{LIST}: 200 results[].place: nullable there, not nullable here"),
        "what stands beside a reference counts"
    );
}

#[test]
fn values_that_come_and_go_are_named_one_by_one() {
    let values = json!(["requested", "aborted", null]);
    assert_eq!(
        after(|there| put(there, &format!("{BACKUP}/status"), "enum", values))[..2],
        [
            format!("{LIST}: 200 results[].status: value aborted there, absent here"),
            format!("{LIST}: 200 results[].status: absent there, value completed here"),
        ]
    );
    assert_eq!(
        after(|there| take(there, &format!("{BACKUP}/status"), "enum"))[0],
        format!("{LIST}: 200 results[].status: any value there, one of completed, requested here")
    );
}

#[test]
fn what_a_request_requires_counts_and_what_an_answer_requires_does_not() {
    assert_eq!(
        after(|there| put(
            there,
            "/definitions/NewBackup",
            "required",
            json!(["mails"])
        )),
        [format!(
            "{CREATE}: body note: optional there, required here"
        )]
    );
    assert_eq!(
        after(|there| put(
            there,
            "/definitions/NewBackup/properties/options",
            "required",
            json!(["fast", "slow"])
        )),
        [format!(
            "{CREATE}: body options.slow: required there, optional here"
        )]
    );
    assert_eq!(
        after(|there| put(
            there,
            "/definitions/NewBackup/properties",
            "label",
            json!({"type": "string"})
        )),
        [format!("{CREATE}: body label: string there, absent here")]
    );
    assert_eq!(
        after(|there| put(there, "/definitions/Backup", "required", json!(["status"]))),
        [""; 0]
    );
}

#[test]
fn limits_count_in_requests_and_not_in_answers() {
    let new = "/definitions/NewBackup/properties";
    assert_eq!(
        after(|there| put(there, &format!("{new}/mails"), "maxItems", json!(9))),
        [format!(
            "{CREATE}: body mails: maxItems 9 there, no maxItems here"
        )]
    );
    assert_eq!(
        after(|there| take(there, &format!("{new}/note"), "maxLength")),
        [format!(
            "{CREATE}: body note: no maxLength there, maxLength 80 here"
        )]
    );
    assert_eq!(
        after(|there| put(there, &format!("{BACKUP}/note"), "maxLength", json!(9))),
        [""; 0]
    );
}

#[test]
fn below_a_recursion_differences_are_still_found() {
    let here = description(small_swagger());
    let mut there = small_openapi();
    take(
        &mut there,
        "/components/schemas/Directory/properties/folders/items/properties",
        "name",
    );
    assert_eq!(
        drift(&here, &description(there)),
        ["GET /folders: 200 folders[].folders[].name: absent there, string here"]
    );
}
