//! Derives the generator's copy: small named passes change the document until progenitor generates what we want.
//!
//! The document itself stays correct for its readers. Only the copy loses what progenitor cannot handle, with one pass
//! for each reason.

use openapiv3::OpenAPI;
use serde_json::{Map, Value};

use super::answers::Answers;
use crate::Failure;

/// Components with a hand-written type in `wpengine_raw::values`, because a schema cannot describe their behaviour.
pub(super) const VALUE_TYPES: [(&str, &str); 10] = [
    ("CertificateId", "crate::values::CertificateId"),
    ("SecretLink", "crate::values::SecretLink"),
    ("Roles", "crate::values::Roles"),
    ("PrivateKey", "crate::values::PrivateKey"),
    ("FreeForm", "crate::values::FreeForm"),
    ("SwaggerDocument", "crate::values::FreeForm"),
    ("BulkDomains", "crate::values::BulkDomains"),
    (
        "UpdateInstallRequest",
        "crate::values::UpdateInstallRequest",
    ),
    ("UpdateDomainRequest", "crate::values::UpdateDomainRequest"),
    (
        "ImportThirdPartyCertificateRequest",
        "crate::values::ImportThirdPartyCertificateRequest",
    ),
];

/// The value type of a redirect. Only the copy has this component. In the document the two fields have their two
/// documented shapes.
pub(super) const REDIRECT: (&str, &str) = ("Redirect", "crate::values::Redirect");

/// The formats of times and days, and the names that the copy uses for them in answers.
pub(super) const LENIENT_FORMATS: [(&str, &str); 2] =
    [("date-time", "answer-date-time"), ("date", "answer-date")];

/// Derives the copy and parses it as OpenAPI.
pub(super) fn generators_copy(document: &Value, answers: &Answers) -> Result<OpenAPI, Failure> {
    let mut copy = document.clone();
    one_success_code(&mut copy);
    no_error_schemas(&mut copy);
    redirects_are_one_type(&mut copy);
    numbers_that_come_as_text(&mut copy);
    times_of_answers(&mut copy, answers);
    nothing_that_makes_decoding_strict(&mut copy);
    answers_are_lenient(&mut copy, answers);
    paging_fields_inline(&mut copy);
    serde_json::from_value(copy)
        .map_err(|error| Failure::msg(format!("the generator's copy is not OpenAPI 3.0: {error}")))
}

/// The components that are a page of an offset listing, with the components of their items.
pub(super) fn offset_pages(document: &OpenAPI) -> Result<Vec<(String, String)>, Failure> {
    let value = serde_json::to_value(document)?;
    Ok(schemas(&value)
        .filter(|(_, schema)| is_offset_page(schema))
        .filter_map(|(name, schema)| {
            let item = schema["properties"]["results"]["items"]["$ref"].as_str()?;
            let item = item.strip_prefix("#/components/schemas/")?;
            Some((name.clone(), item.to_owned()))
        })
        .collect())
}

fn is_offset_page(schema: &Value) -> bool {
    ["previous", "next", "count", "results"]
        .iter()
        .all(|field| schema["properties"].get(field).is_some())
}

fn schemas(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
}

fn schemas_mut(document: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    document
        .get_mut("components")
        .and_then(|components| components.get_mut("schemas"))
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(Map::iter_mut)
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    document
        .get_mut("paths")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|item| item.values_mut())
        .filter_map(Value::as_object_mut)
        .filter(|operation| operation.contains_key("operationId"))
}

/// Success codes become `2XX`, so that a 200 is accepted where 202 is documented. All other answers are removed.
/// Progenitor requires one error type for each operation, and decoding it would lose the status of an empty or HTML
/// body. Without error types, every failed response reaches the SDK complete.
fn one_success_code(document: &mut Value) {
    for operation in operations_mut(document) {
        let Some(Value::Object(responses)) = operation.get_mut("responses") else {
            continue;
        };
        let success = responses
            .iter()
            .find(|(status, _)| status.starts_with('2'))
            .map(|(_, response)| response.clone());
        responses.clear();
        if let Some(success) = success {
            responses.insert("2XX".to_owned(), success);
        }
    }
    if let Some(Value::Object(components)) = document.get_mut("components") {
        components.shift_remove("responses");
    }
}

/// Nothing uses the error schemas any more; the SDK has its own lenient parser of errors.
fn no_error_schemas(document: &mut Value) {
    if let Some(Value::Object(schemas)) = document
        .get_mut("components")
        .and_then(|components| components.get_mut("schemas"))
    {
        schemas.shift_remove("Error");
        schemas.shift_remove("ResourceError");
    }
}

/// In answers `redirect_to` and `redirects_to` can each be an object, an array, an empty object or null, whatever the
/// documentation says. One value type reads both fields.
fn redirects_are_one_type(document: &mut Value) {
    let mut seen = false;
    for (name, schema) in schemas_mut(document) {
        if name.ends_with("Request") || name.starts_with("New") || name.starts_with("Bulk") {
            continue;
        }
        for field in ["redirect_to", "redirects_to"] {
            if let Some(property) = schema["properties"].get_mut(field) {
                let description = property["description"].clone();
                let mut replaced = Map::new();
                replaced.insert("nullable".to_owned(), Value::Bool(true));
                replaced.insert(
                    "allOf".to_owned(),
                    serde_json::json!([{"$ref": format!("#/components/schemas/{}", REDIRECT.0)}]),
                );
                if description.is_string() {
                    replaced.insert("description".to_owned(), description);
                }
                *property = Value::Object(replaced);
                seen = true;
            }
        }
    }
    if seen && let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.insert(REDIRECT.0.to_owned(), serde_json::json!({"type": "string"}));
    }
}

/// A number that has also been seen as text is read like usage figures, which accept both.
fn numbers_that_come_as_text(document: &mut Value) {
    for (_, schema) in schemas_mut(document) {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties
            .into_iter()
            .flat_map(|fields| fields.values_mut())
        {
            if property["x-wpengine"]["or_text"] == true {
                property["type"] = "string".into();
                property["format"] = "int64".into();
            }
        }
    }
}

/// Times and days of answers get types that keep a text that does not parse. Those of requests stay strict.
fn times_of_answers(document: &mut Value, answers: &Answers) {
    for (name, schema) in schemas_mut(document) {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties
            .filter(|_| answers.contain(name))
            .into_iter()
            .flat_map(|fields| fields.values_mut())
        {
            for (format, lenient) in LENIENT_FORMATS {
                if property["format"] == format {
                    property["format"] = lenient.into();
                }
            }
        }
    }
}

/// In answers only fields that are always present stay required. A boolean that is documented as required is false if
/// it is absent (or null, by a token pass). All other fields become optional and nullable. One unexpected field must
/// not fail a page of a hundred items.
fn answers_are_lenient(document: &mut Value, answers: &Answers) {
    for (name, schema) in schemas_mut(document) {
        if !answers.contain(name) {
            continue;
        }
        // Some fields are always present although the documentation does not call them required.
        if let Some(map) = schema.as_object_mut() {
            map.insert("required".to_owned(), answers.always_there(name));
        }
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            continue;
        };
        for (field, property) in properties {
            if answers.is_always_there(name, field) {
                continue;
            }
            if answers.is_lenient_boolean(name, field) {
                property["default"] = Value::Bool(false);
            } else {
                make_nullable(property);
            }
        }
    }
}

fn make_nullable(property: &mut Value) {
    let Some(map) = property.as_object_mut() else {
        return;
    };
    if map.contains_key("$ref") {
        let reference = Value::Object(std::mem::take(map));
        map.insert("allOf".to_owned(), Value::Array(vec![reference]));
    }
    map.insert("nullable".to_owned(), Value::Bool(true));
}

/// As components, `previous`, `next` and `count` would become separate types such as `Option<NextPage(Option<String>)>`.
fn paging_fields_inline(document: &mut Value) {
    let Some(schemas) = document
        .get_mut("components")
        .and_then(|components| components.get_mut("schemas"))
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let inlined: Map<String, Value> = ["PreviousPage", "NextPage", "ResultsCount"]
        .into_iter()
        .filter_map(|name| {
            schemas
                .shift_remove(name)
                .map(|schema| (name.to_owned(), schema))
        })
        .collect();
    for schema in schemas.values_mut() {
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            continue;
        };
        for property in properties.values_mut() {
            let reference = property["$ref"]
                .as_str()
                .or_else(|| property["allOf"][0]["$ref"].as_str());
            if let Some(name) =
                reference.and_then(|reference| reference.strip_prefix("#/components/schemas/"))
                && let Some(schema) = inlined.get(name)
            {
                let nullable = property["nullable"] == true;
                *property = schema.clone();
                if nullable {
                    make_nullable(property);
                }
            }
        }
    }
}

/// Removes keywords that make decoding strict or change the generated types. `pattern` would reject answers and need a
/// slow crate. `format: uuid` would make ids strict. Limits would select unusual number types. Other keywords in a
/// schema would also prevent the type conversions, without an error.
fn nothing_that_makes_decoding_strict(document: &mut Value) {
    const DROPPED: [&str; 11] = [
        "default",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "uniqueItems",
        "example",
        "additionalProperties",
    ];
    match document {
        Value::Object(map) => {
            let is_map_of_names = |key: &str| matches!(key, "properties" | "schemas");
            map.retain(|key, value| {
                let strict_format = key == "format" && (value == "uuid" || value == "uri");
                !(DROPPED.contains(&key.as_str()) || key.starts_with("x-") || strict_format)
            });
            for (key, value) in map.iter_mut() {
                if is_map_of_names(key)
                    && let Value::Object(named) = value
                {
                    named
                        .values_mut()
                        .for_each(nothing_that_makes_decoding_strict);
                } else {
                    nothing_that_makes_decoding_strict(value);
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(nothing_that_makes_decoding_strict),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn success_codes_become_2xx_and_all_others_go() {
        let mut document = json!({
            "paths": {"/x": {"post": {"operationId": "x", "responses": {"202": {"description": "ok"}, "400": {}, "default": {}}}}},
            "components": {"responses": {"BadRequest": {}}, "schemas": {}},
        });
        one_success_code(&mut document);
        assert_eq!(
            document["paths"]["/x"]["post"]["responses"],
            json!({"2XX": {"description": "ok"}})
        );
        assert!(document["components"].get("responses").is_none());
    }

    #[test]
    fn error_schemas_go() {
        let mut document =
            json!({"components": {"schemas": {"Error": {}, "ResourceError": {}, "Site": {}}}});
        no_error_schemas(&mut document);
        assert_eq!(document["components"]["schemas"], json!({"Site": {}}));
    }

    #[test]
    fn redirects_of_answers_become_one_type_and_those_of_requests_stay() {
        let mut document = json!({"components": {"schemas": {
            "Domain": {"properties": {"redirects_to": {"type": "array", "description": "d"}, "redirect_to": {"$ref": "#/x"}}},
            "CreateDomainRequest": {"properties": {"redirect_to": {"type": "string"}}},
        }}});
        redirects_are_one_type(&mut document);
        let schemas = &document["components"]["schemas"];
        let expected = json!([{"$ref": "#/components/schemas/Redirect"}]);
        assert_eq!(
            schemas["Domain"]["properties"]["redirects_to"]["allOf"],
            expected
        );
        assert_eq!(
            schemas["Domain"]["properties"]["redirects_to"]["description"],
            "d"
        );
        assert_eq!(
            schemas["Domain"]["properties"]["redirect_to"]["allOf"],
            expected
        );
        assert_eq!(
            schemas["CreateDomainRequest"]["properties"]["redirect_to"],
            json!({"type": "string"})
        );
        assert!(schemas.get("Redirect").is_some());
    }

    #[test]
    fn a_number_that_comes_as_text_becomes_a_figure() {
        let mut document = json!({"components": {"schemas": {"A": {"properties": {
            "plain": {"type": "integer"},
            "either": {"type": "integer", "x-wpengine": {"or_text": true}},
        }}}}});
        numbers_that_come_as_text(&mut document);
        let fields = &document["components"]["schemas"]["A"]["properties"];
        assert_eq!(fields["plain"], json!({"type": "integer"}));
        assert_eq!(
            (&fields["either"]["type"], &fields["either"]["format"]),
            (&json!("string"), &json!("int64"))
        );
    }

    #[test]
    fn times_of_answers_are_lenient_and_those_of_requests_are_not() {
        let time = json!({"properties": {"at": {"type": "string", "format": "date-time"}}});
        let mut document = json!({
            "paths": {"/x": {"get": {"operationId": "x", "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}}}},
            "components": {"schemas": {"A": time, "Request": time}},
        });
        let answers = Answers::of(&document);
        times_of_answers(&mut document, &answers);
        let format =
            |name: &str| &document["components"]["schemas"][name]["properties"]["at"]["format"];
        assert_eq!(
            (format("A"), format("Request")),
            (&json!("answer-date-time"), &json!("date-time"))
        );
    }

    #[test]
    fn only_what_is_always_there_stays_required_in_answers() {
        let mut document = json!({
            "paths": {"/x": {"get": {"operationId": "x", "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}}}},
            "components": {"schemas": {
                "A": {
                    "required": ["ok", "name"],
                    "x-wpengine": {"always": ["id"]},
                    "properties": {"id": {"type": "string"}, "ok": {"type": "boolean"}, "name": {"type": "string"}, "b": {"$ref": "#/components/schemas/B"}},
                },
                "B": {"type": "object"},
                "Request": {"required": ["name"], "properties": {"name": {"type": "string"}}},
            }},
        });
        let answers = Answers::of(&document);
        answers_are_lenient(&mut document, &answers);
        let a = &document["components"]["schemas"]["A"];
        assert_eq!(a["required"], json!(["id"]));
        assert_eq!(a["properties"]["id"], json!({"type": "string"}));
        assert_eq!(
            a["properties"]["ok"],
            json!({"type": "boolean", "default": false})
        );
        assert_eq!(
            a["properties"]["name"],
            json!({"type": "string", "nullable": true})
        );
        assert_eq!(
            a["properties"]["b"],
            json!({"allOf": [{"$ref": "#/components/schemas/B"}], "nullable": true})
        );
        assert_eq!(
            document["components"]["schemas"]["Request"]["required"],
            json!(["name"])
        );
    }

    #[test]
    fn paging_fields_are_inlined() {
        let mut document = json!({"components": {"schemas": {
            "NextPage": {"type": "string", "nullable": true},
            "L": {"properties": {"next": {"nullable": true, "allOf": [{"$ref": "#/components/schemas/NextPage"}]}}},
        }}});
        paging_fields_inline(&mut document);
        assert_eq!(
            document["components"]["schemas"],
            json!({"L": {"properties": {"next": {"type": "string", "nullable": true}}}})
        );
    }

    #[test]
    fn what_makes_decoding_strict_goes_but_fields_of_such_names_stay() {
        let mut document = json!({"components": {"schemas": {"A": {
            "x-wpengine": {},
            "properties": {
                "pattern": {"type": "string", "pattern": "^a$", "minLength": 1, "format": "uuid"},
                "when": {"type": "string", "format": "date-time", "example": "x"},
                "flag": {"type": "boolean", "default": true},
            },
        }}}});
        nothing_that_makes_decoding_strict(&mut document);
        assert_eq!(
            document["components"]["schemas"]["A"],
            json!({"properties": {
                "pattern": {"type": "string"},
                "when": {"type": "string", "format": "date-time"},
                "flag": {"type": "boolean"},
            }})
        );
    }
}
