//! Compares the JSON Schema of every model with its component in the document.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Draft;
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use crate::support::document::{self, component_of, plain, violations};

/// The type that models a component.
enum Model {
    Type(Value),
    /// The reason why no type models the component.
    None(&'static str),
}

fn model<T: JsonSchema>() -> Model {
    Model::Type(schema_for!(T).to_value())
}

/// Returns every component that has a type.
macro_rules! models {
    ($($component:literal => $module:ident::$type:ident,)*) => {
        pub(crate) fn models() -> Vec<(&'static str, super::Model)> {
            vec![$(($component, super::model::<wpengine_raw::$module::$type>()),)*]
        }
    };
}

#[path = "models.rs"]
#[rustfmt::skip] // it is generated
mod generated;

const INLINE: &str = "a plain field of a page";
const SENT: &str = "made by the methods of a request, and only ever sent";
const FAILURE: &str = "read leniently into `ApiError`";

/// The components without a type, other than the pages of listings.
const WITHOUT: [(&str, &str); 8] = [
    ("NextPage", INLINE),
    ("PreviousPage", INLINE),
    ("ResultsCount", INLINE),
    ("ImportThirdPartyCertificateRequest", SENT),
    ("UpdateDomainRequest", SENT),
    ("UpdateInstallRequest", SENT),
    ("Error", FAILURE),
    ("ResourceError", FAILURE),
];

fn is_page(schema: &Value) -> bool {
    ["previous", "next", "count", "results"]
        .iter()
        .all(|field| schema["properties"].get(field).is_some())
}

fn models() -> BTreeMap<&'static str, Model> {
    let pages = document::components()
        .iter()
        .filter(|(_, schema)| is_page(schema))
        .map(|(name, _)| (name.as_str(), Model::None("a listing gives a `Page`")));
    let without = WITHOUT.map(|(name, why)| (name, Model::None(why)));
    let models: Vec<_> = generated::models()
        .into_iter()
        .chain(pages)
        .chain(without)
        .collect();
    let count = models.len();
    let models = BTreeMap::from_iter(models);
    assert_eq!(models.len(), count, "a component stands twice in the table");
    models
}

#[test]
fn every_component_has_a_model_or_a_reason() {
    let components: BTreeSet<_> = document::components().keys().map(String::as_str).collect();
    let models = models();
    assert_eq!(models.keys().copied().collect::<BTreeSet<_>>(), components);
    for (name, model) in models {
        if let Model::None(why) = model {
            assert!(!why.is_empty(), "{name}");
        }
    }
}

#[test]
fn every_model_accepts_every_documented_example() {
    let mut examples = examples();
    for (name, model) in models() {
        let examples = examples.remove(name).unwrap_or_default();
        let Model::Type(schema) = model else { continue };
        assert!(!examples.is_empty(), "{name} has no example");
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .expect(name);
        for example in examples {
            let broken = violations(&validator, &example);
            assert!(broken.is_empty(), "{name}: {broken:?} in {example}");
        }
    }
}

#[test]
fn every_model_refuses_what_it_could_not_read() {
    let mut refusing = 0;
    for (name, model) in models() {
        let Model::Type(schema) = model else { continue };
        let component = plain(&document::components()[name]);
        // A free-form object accepts every field.
        if component["additionalProperties"] == true {
            continue;
        }
        let validator = jsonschema::validator_for(&schema).expect(name);
        assert!(!validator.is_valid(&true.into()), "{name} accepts true");
        refusing += 1;
    }
    assert!(refusing > 90);
}

#[test]
fn every_model_has_the_fields_of_its_component() {
    for (name, model) in models() {
        let Model::Type(schema) = model else { continue };
        let component = plain(&document::components()[name]);
        let Some(documented) = component["properties"].as_object() else {
            continue;
        };
        let documented: BTreeSet<_> = documented.keys().map(String::as_str).collect();
        // The response to adding several domains is one domain or a list.
        let place = if name == "BulkDomains" {
            &schema["$defs"]["DomainOrRedirect"]
        } else {
            &schema
        };
        let fields = place["properties"].as_object().expect(name);
        let fields: BTreeSet<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(fields, documented, "{name}");
    }
}

#[test]
fn every_model_of_a_word_knows_the_documented_words_and_takes_others() {
    let mut count = 0;
    for (name, model) in models() {
        let Model::Type(schema) = model else { continue };
        let Some(words) = document::components()[name]["enum"].as_array() else {
            continue;
        };
        count += 1;
        let listed = schema.to_string();
        for word in words {
            assert!(listed.contains(&word.to_string()), "{name} lacks {word}");
        }
        let validator = jsonschema::validator_for(&schema).expect(name);
        assert!(validator.is_valid(&"brand_new_word".into()), "{name}");
    }
    assert!(count > 10, "only {count} components list words");
}

/// Returns every example in the document, by component: whole bodies and their parts.
fn examples() -> BTreeMap<&'static str, Vec<Value>> {
    let mut found = BTreeMap::new();
    for operation in document::operations() {
        let answers = operation
            .failures()
            .into_iter()
            .filter_map(|(_, body)| body);
        for body in answers
            .chain(operation.success().1)
            .chain(operation.request_body())
        {
            collect(body.schema, body.example, &mut found);
        }
    }
    for (name, schema) in document::components() {
        if let Some(example) = schema.get("example") {
            found
                .entry(name.as_str())
                .or_default()
                .push(example.clone());
        }
        for (_, field) in schema["properties"].as_object().into_iter().flatten() {
            if let (Some(component), Some(example)) = (component_of(field), field.get("example")) {
                found.entry(component).or_default().push(example.clone());
            }
        }
    }
    found
}

fn collect(
    schema: &'static Value,
    example: &Value,
    found: &mut BTreeMap<&'static str, Vec<Value>>,
) {
    if example.is_null() {
        return;
    }
    if let Some(name) = component_of(schema) {
        found.entry(name).or_default().push(example.clone());
        collect(&document::components()[name], example, found);
        return;
    }
    for (field, of) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(inside) = example.get(field) {
            collect(of, inside, found);
        }
    }
    if let (Some(of), Some(items)) = (schema.get("items"), example.as_array()) {
        for item in items {
            collect(of, item, found);
        }
    }
}
