//! Mutations of documented examples. An example is walked along its schema to find the places.

use serde_json::{Value, json};

use crate::support::document::{Body, plain};

/// An example with one thing changed.
#[derive(Debug)]
pub(super) struct Mutation {
    /// What was changed, as error messages write it: `results[0].created_at`.
    pub(super) place: String,
    pub(super) body: Value,
}

/// A place in an example: the path to it, its schema and its value.
struct Spot {
    steps: Vec<Step>,
    schema: &'static Value,
    value: Value,
    /// Whether every response contains the field.
    always: bool,
}

#[derive(Clone)]
enum Step {
    Field(String),
    Item(usize),
}

/// Replaces each value of an enum by an unknown value.
pub(super) fn unknown_words(body: &Body) -> Vec<Mutation> {
    changed(body, |spot| {
        spot.schema.get("enum").map(|_| json!("brand_new_word"))
    })
}

/// Adds a field to each object.
pub(super) fn extra_fields(body: &Body) -> Vec<Mutation> {
    changed(body, |spot| {
        let mut object = spot.value.as_object()?.clone();
        object.insert("brand_new_field".to_owned(), json!({"with": [1, null]}));
        Some(object.into())
    })
}

/// Sets each optional field to null, whether or not the example contains it.
pub(super) fn nulls(body: &Body) -> Vec<Mutation> {
    changed(body, |spot| is_optional(spot).then_some(Value::Null))
}

/// Removes each optional field.
pub(super) fn absences(body: &Body) -> Vec<Mutation> {
    without(body, is_optional)
}

/// Replaces each array of list items by null.
pub(super) fn null_lists(body: &Body) -> Vec<Mutation> {
    changed(body, |spot| is_list(spot).then_some(Value::Null))
}

/// Removes each array of list items.
pub(super) fn absent_lists(body: &Body) -> Vec<Mutation> {
    without(body, is_list)
}

/// Sets each date field to an invalid date.
pub(super) fn bad_dates(body: &Body) -> Vec<Mutation> {
    changed(body, |spot| {
        matches!(spot.schema["format"].as_str(), Some("date-time" | "date"))
            .then(|| json!("the day before yesterday"))
    })
}

/// Replaces each integer by a text that contains it.
pub(super) fn texts_for_numbers(body: &Body) -> Vec<Mutation> {
    changed(body, |spot| {
        (spot.schema["type"] == "integer").then(|| spot.value.to_string().into())
    })
}

/// Replaces each text by a number. Counts are left out, because the SDK accepts both forms.
pub(super) fn numbers_for_texts(body: &Body) -> Vec<Mutation> {
    changed(body, |spot| {
        (spot.schema["type"] == "string" && spot.schema["format"] != "int64").then(|| json!(7))
    })
}

fn is_optional(spot: &Spot) -> bool {
    !spot.always && matches!(spot.steps.last(), Some(Step::Field(_)))
}

fn is_list(spot: &Spot) -> bool {
    spot.always && spot.steps.len() == 1 && spot.schema["type"] == "array"
}

fn changed(body: &Body, change: impl Fn(&Spot) -> Option<Value>) -> Vec<Mutation> {
    spots(body)
        .iter()
        .filter_map(|spot| {
            let mut changed = body.example.clone();
            put(&mut changed, &spot.steps, change(spot)?);
            Some(Mutation {
                place: place(&spot.steps),
                body: changed,
            })
        })
        .collect()
}

fn without(body: &Body, which: impl Fn(&Spot) -> bool) -> Vec<Mutation> {
    spots(body)
        .iter()
        .filter(|spot| which(spot))
        .filter_map(|spot| {
            let (Step::Field(field), parent) = spot.steps.split_last()? else {
                return None;
            };
            let mut changed = body.example.clone();
            at(&mut changed, parent)
                .as_object_mut()?
                .shift_remove(field);
            Some(Mutation {
                place: place(&spot.steps),
                body: changed,
            })
        })
        .collect()
}

fn spots(body: &Body) -> Vec<Spot> {
    let mut found = Vec::new();
    walk(body.schema, body.example, true, &[], &mut found);
    found
}

fn walk(
    schema: &'static Value,
    value: &Value,
    always: bool,
    steps: &[Step],
    found: &mut Vec<Spot>,
) {
    let schema = plain(schema);
    found.push(Spot {
        steps: steps.to_vec(),
        schema,
        value: value.clone(),
        always,
    });
    let step = |step| [steps, &[step]].concat();
    let properties = schema["properties"].as_object().into_iter().flatten();
    // Null means that the example does not contain the object.
    for (field, of) in properties.filter(|_| value.is_object()) {
        let always = schema["x-wpengine"]["always"]
            .as_array()
            .is_some_and(|always| always.iter().any(|known| known == field));
        let inside = value.get(field).unwrap_or(&Value::Null);
        walk(of, inside, always, &step(Step::Field(field.clone())), found);
    }
    if let (Some(of), Some(items)) = (schema.get("items"), value.as_array()) {
        for (number, item) in items.iter().enumerate() {
            walk(of, item, true, &step(Step::Item(number)), found);
        }
    }
}

fn at<'a>(value: &'a mut Value, steps: &[Step]) -> &'a mut Value {
    steps.iter().fold(value, |value, step| match step {
        Step::Field(field) => &mut value[field.as_str()],
        Step::Item(number) => &mut value[*number],
    })
}

fn put(value: &mut Value, steps: &[Step], new: Value) {
    *at(value, steps) = new;
}

fn place(steps: &[Step]) -> String {
    let mut place = String::new();
    for step in steps {
        match step {
            Step::Field(field) if place.is_empty() => place.push_str(field),
            Step::Field(field) => {
                place.push('.');
                place.push_str(field);
            }
            Step::Item(number) => place.push_str(&format!("[{number}]")),
        }
    }
    place
}
