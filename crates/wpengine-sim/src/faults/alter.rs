//! Alters bodies: they contradict the document, or they look like those of a later release of the service.

use serde_json::{Value, json};

use super::fault::FaultKind;

const LATER_VALUE: &str = "value_of_a_later_release";
const LATER_FIELD: &str = "field_of_a_later_release";
/// The addresses of other pages. A null there would end a listing early, which is another fault.
const PAGING: [&str; 2] = ["previous", "next"];

/// The altered body, or `None` if it has nothing of that kind to alter. `schema` is the document's schema of the body, and
/// `target` is the path and query of the request.
pub(crate) fn alter(
    kind: &FaultKind,
    schema: Option<&Value>,
    body: &[u8],
    target: &str,
) -> Option<Vec<u8>> {
    match kind {
        FaultKind::TruncatedJson => (body.len() > 1).then(|| body[..body.len() / 2].to_vec()),
        FaultKind::WrongJson => {
            (!body.is_empty()).then(|| br#"["not what the document promises"]"#.to_vec())
        }
        FaultKind::ForeignNext { origin } => {
            let mut value: Value = serde_json::from_slice(body).ok()?;
            let next = value.as_object_mut()?.get_mut("next")?;
            let target = next
                .as_str()
                .and_then(path_and_query)
                .unwrap_or(target)
                .to_owned();
            *next = Value::String(format!("{origin}{target}"));
            serde_json::to_vec(&value).ok()
        }
        FaultKind::UnknownEnum => by_schema(schema, body, &mut unknown_enum),
        FaultKind::ExtraField => by_schema(schema, body, &mut extra_field),
        FaultKind::Nulls => by_schema(schema, body, &mut nulls),
        _ => None,
    }
}

/// Path and query of an address.
fn path_and_query(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    rest.find('/').map(|slash| &rest[slash..])
}

/// Changes a value that all these schemas describe. Returns whether it did.
type Change<'a> = &'a mut dyn FnMut(&[&Value], &mut Value) -> bool;

fn by_schema(schema: Option<&Value>, body: &[u8], change: Change<'_>) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let changed = walk(&[schema?], &mut value, change);
    changed.then(|| serde_json::to_vec(&value).ok()).flatten()
}

/// Changes the value and all values in it.
fn walk(schemas: &[&Value], value: &mut Value, change: Change<'_>) -> bool {
    let mut flat = Vec::new();
    for schema in schemas {
        flatten(schema, &mut flat);
    }
    // Inner values first, so that values which the change adds are not changed again.
    let mut changed = false;
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                let inner: Vec<&Value> = flat
                    .iter()
                    .filter_map(|schema| schema["properties"].get(name))
                    .collect();
                changed |= !inner.is_empty() && walk(&inner, field, change);
            }
        }
        Value::Array(items) => {
            let inner: Vec<&Value> = flat
                .iter()
                .filter_map(|schema| schema.get("items"))
                .collect();
            for item in items {
                changed |= !inner.is_empty() && walk(&inner, item, change);
            }
        }
        _ => {}
    }
    change(&flat, value) || changed
}

/// Collects the schema and the schemas that it is composed of.
fn flatten<'a>(schema: &'a Value, into: &mut Vec<&'a Value>) {
    into.push(schema);
    for key in ["allOf", "anyOf", "oneOf"] {
        for part in schema[key].as_array().into_iter().flatten() {
            flatten(part, into);
        }
    }
}

fn unknown_enum(schemas: &[&Value], value: &mut Value) -> bool {
    let is_enum = value.is_string() && schemas.iter().any(|schema| schema["enum"].is_array());
    if is_enum {
        *value = Value::String(LATER_VALUE.to_owned());
    }
    is_enum
}

fn extra_field(_schemas: &[&Value], value: &mut Value) -> bool {
    let Some(fields) = value.as_object_mut() else {
        return false;
    };
    fields.insert(LATER_FIELD.to_owned(), json!({ "is": ["new", 1, null] }));
    true
}

fn nulls(schemas: &[&Value], value: &mut Value) -> bool {
    let Some(fields) = value.as_object_mut() else {
        return false;
    };
    let stays = always(schemas);
    let mut changed = false;
    for (name, field) in fields.iter_mut() {
        if !stays.contains(&name.as_str()) && !PAGING.contains(&name.as_str()) && !field.is_null() {
            *field = Value::Null;
            changed = true;
        }
    }
    changed
}

/// The fields that are always present: those that the document marks, or else the required ones.
fn always<'a>(schemas: &[&'a Value]) -> Vec<&'a str> {
    let marked = |key: fn(&'a Value) -> &'a Value| -> Vec<&'a str> {
        let lists = schemas.iter().filter_map(|schema| key(schema).as_array());
        lists.flatten().filter_map(Value::as_str).collect()
    };
    let always = marked(|schema| &schema["x-wpengine"]["always"]);
    if always.is_empty() {
        marked(|schema| &schema["required"])
    } else {
        always
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn altered(kind: &FaultKind, body: Value) -> Option<Value> {
        let thing = json!({
            "type": "object",
            "required": ["id", "status"],
            "x-wpengine": { "always": ["id"] },
            "properties": {
                "id": { "type": "string" },
                "status": { "anyOf": [{ "type": "null" }, { "type": "string", "enum": ["active"] }] },
            },
        });
        let schema = json!({
            "allOf": [{
                "type": "object",
                "required": ["results"],
                "properties": { "count": {}, "next": {}, "results": { "items": thing } },
            }],
        });
        let body = alter(
            kind,
            Some(&schema),
            body.to_string().as_bytes(),
            "/v1/things?limit=1",
        )?;
        Some(serde_json::from_slice(&body).unwrap())
    }

    fn page(next: Value) -> Value {
        json!({ "count": 2, "next": next, "results": [{ "id": "i", "status": "active" }] })
    }

    #[test]
    fn enums_get_a_value_that_nobody_knows() {
        assert_eq!(
            altered(&FaultKind::UnknownEnum, page(json!(null))).unwrap()["results"],
            json!([{ "id": "i", "status": "value_of_a_later_release" }])
        );
        assert_eq!(
            altered(&FaultKind::UnknownEnum, json!({ "results": [] })),
            None
        );
    }

    #[test]
    fn nulls_spare_what_is_always_there_and_the_pages() {
        let next = "http://127.0.0.1:1/v1/things?offset=1";
        assert_eq!(
            altered(&FaultKind::Nulls, page(json!(next))),
            Some(
                json!({ "count": null, "next": next, "results": [{ "id": "i", "status": null }] })
            )
        );
        assert_eq!(
            altered(&FaultKind::Nulls, json!({ "results": [{ "id": "i" }] })),
            None
        );
    }

    #[test]
    fn every_object_gets_a_further_field() {
        let body = altered(&FaultKind::ExtraField, page(json!(null))).unwrap();
        assert!(body[LATER_FIELD].is_object());
        assert!(body["results"][0][LATER_FIELD].is_object());
        assert_eq!(body["results"][0]["status"], "active");
    }

    #[test]
    fn next_leads_to_another_host_on_the_last_page_too() {
        let next = "http://127.0.0.1:1/v1/things?offset=1";
        assert_eq!(
            altered(&FaultKind::foreign_next(), page(json!(next))).unwrap()["next"],
            "https://elsewhere.example/v1/things?offset=1"
        );
        assert_eq!(
            altered(&FaultKind::foreign_next(), page(json!(null))).unwrap()["next"],
            "https://elsewhere.example/v1/things?limit=1"
        );
        assert_eq!(
            altered(&FaultKind::foreign_next(), json!({ "id": "i" })),
            None
        );
    }

    #[test]
    fn truncated_is_no_json_and_wrong_is_another_json() {
        let half = alter(&FaultKind::TruncatedJson, None, b"[1,2,3,4]", "").unwrap();
        assert!(serde_json::from_slice::<Value>(&half).is_err());
        let wrong = alter(&FaultKind::WrongJson, None, b"{}", "").unwrap();
        assert!(serde_json::from_slice::<Value>(&wrong).unwrap().is_array());
        assert_eq!(alter(&FaultKind::WrongJson, None, b"", ""), None);
    }

    #[test]
    fn what_the_document_does_not_know_is_left_alone() {
        let body = json!({ "other": { "status": "active" } });
        assert_eq!(altered(&FaultKind::UnknownEnum, body), None);
    }
}
