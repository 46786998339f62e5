//! The meaning of a schema without its references and nesting.
//!
//! A schema can be inline, behind a `$ref`, split over an `allOf`, or a mix of these. The [`Shape`] is the same in all
//! cases. A shape is one level deep: its properties and items are [`Node`]s again, so recursive schemas need no
//! special handling.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value};

use super::Description;

/// A schema's place in a document, or several places if all of them apply (`allOf`).
#[derive(Debug, Clone)]
pub(crate) struct Node<'d>(Vec<&'d Value>);

impl<'d> Node<'d> {
    pub(crate) fn of(schema: &'d Value) -> Self {
        Self(vec![schema])
    }

    /// Equal for nodes with the same places of the same document.
    pub(crate) fn identity(&self) -> Vec<usize> {
        let places: BTreeSet<usize> = self
            .0
            .iter()
            .map(|place| std::ptr::from_ref::<Value>(place).addr())
            .collect();
        places.into_iter().collect()
    }

    fn also(&mut self, schema: &'d Value) {
        self.0.push(schema);
    }
}

/// A property of an object.
#[derive(Debug)]
pub(crate) struct Property<'d> {
    pub(crate) name: &'d str,
    pub(crate) required: bool,
    pub(crate) node: Node<'d>,
}

/// One level of a schema.
#[derive(Debug, Default)]
pub(crate) struct Shape<'d> {
    /// The types without `null`; empty means any type.
    pub(crate) types: BTreeSet<&'d str>,
    pub(crate) nullable: bool,
    /// The allowed values without `null`, if they are restricted.
    pub(crate) values: Option<Vec<&'d Value>>,
    /// The limits on a value: name and text.
    pub(crate) limits: BTreeMap<&'static str, String>,
    pub(crate) properties: Vec<Property<'d>>,
    pub(crate) items: Option<Node<'d>>,
    /// The schema of additional properties.
    pub(crate) others: Option<Node<'d>>,
    /// The choices of a `oneOf` or `anyOf`, if there is more than one besides null.
    pub(crate) choices: Vec<Node<'d>>,
    pub(crate) description: Option<&'d str>,
    pub(crate) example: Option<&'d Value>,
    pub(crate) default: Option<&'d Value>,
}

impl Shape<'_> {
    /// The type as text, without null: `string`, `string or integer`, `any`.
    pub(crate) fn type_name(&self) -> String {
        if self.types.is_empty() {
            return "any".to_owned();
        }
        self.types.iter().copied().collect::<Vec<_>>().join(" or ")
    }

    pub(crate) fn is(&self, kind: &str) -> bool {
        self.types.contains(kind)
    }
}

pub(super) fn resolve<'d>(description: &'d Description, node: &Node<'d>) -> Shape<'d> {
    let parts = all_parts(description, node);
    let mut shape = Shape::default();
    let mut required = BTreeSet::new();
    for part in &parts {
        required.extend(strings(&part["required"]));
    }
    for part in parts {
        merge(&mut shape, part, &required);
    }
    if shape.types.is_empty() {
        infer(&mut shape);
    }
    shape
}

/// A limit against hostile documents. Real schemas have fewer parts.
const MOST_PARTS: usize = 256;

/// All schemas that apply to the node. Siblings of a `$ref` apply too: OpenAPI 3.1 says so, and Swagger 2.0 documents put
/// `x-nullable` there.
fn all_parts<'d>(description: &'d Description, node: &Node<'d>) -> Vec<&'d Value> {
    let mut parts: Vec<&Value> = Vec::new();
    let mut waiting = VecDeque::from(node.0.clone());
    while let Some(schema) = waiting.pop_front() {
        if parts.len() == MOST_PARTS || parts.iter().any(|known| std::ptr::eq(*known, schema)) {
            continue;
        }
        parts.push(schema);
        waiting.extend(
            schema["$ref"]
                .as_str()
                .and_then(|reference| description.lookup(reference)),
        );
        waiting.extend(list(&schema["allOf"]));
        for keyword in ["oneOf", "anyOf"] {
            // OpenAPI 3.1 writes a nullable X as `anyOf: [X, null]`.
            if let [only] = choices(schema, keyword)[..] {
                waiting.push_back(only);
            }
        }
    }
    parts
}

fn merge<'d>(shape: &mut Shape<'d>, part: &'d Value, required: &BTreeSet<&'d str>) {
    let types: Vec<&str> = part["type"]
        .as_str()
        .into_iter()
        .chain(strings(&part["type"]))
        .collect();
    shape.nullable |= types.contains(&"null")
        || ["nullable", "x-nullable"]
            .iter()
            .any(|key| part[key].as_bool() == Some(true))
        || ["oneOf", "anyOf"]
            .iter()
            .any(|key| list(&part[key]).any(is_null));
    shape
        .types
        .extend(types.into_iter().filter(|name| *name != "null"));
    if let Some(values) = part["enum"].as_array() {
        narrow(
            shape,
            values.iter().filter(|value| !value.is_null()).collect(),
        );
    } else if let Some(value) = part.get("const") {
        narrow(shape, vec![value]);
    }
    for (name, words) in limits(part) {
        shape.limits.entry(name).or_insert(words);
    }
    for (name, schema) in part["properties"]
        .as_object()
        .into_iter()
        .flat_map(Map::iter)
    {
        match shape.properties.iter_mut().find(|known| known.name == name) {
            Some(known) => known.node.also(schema),
            None => shape.properties.push(Property {
                name,
                required: required.contains(name.as_str()),
                node: Node::of(schema),
            }),
        }
    }
    extend(&mut shape.items, part.get("items"));
    let others = part.get("additionalProperties").filter(|schema| {
        // `true` and `{}` have no effect.
        schema
            .as_object()
            .is_some_and(|keywords| !keywords.is_empty())
    });
    extend(&mut shape.others, others);
    for keyword in ["oneOf", "anyOf"] {
        let choices = choices(part, keyword);
        if choices.len() > 1 {
            shape.choices.extend(choices.into_iter().map(Node::of));
        }
    }
    shape.description = shape.description.or(part["description"].as_str());
    shape.example = shape.example.or(part.get("example"));
    shape.default = shape.default.or(part.get("default"));
}

/// If two lists of allowed values apply, only the common values are allowed.
fn narrow<'d>(shape: &mut Shape<'d>, values: Vec<&'d Value>) {
    match &mut shape.values {
        Some(known) => known.retain(|value| values.contains(value)),
        None => shape.values = Some(values),
    }
}

fn extend<'d>(node: &mut Option<Node<'d>>, schema: Option<&'d Value>) {
    match (node, schema) {
        (Some(node), Some(schema)) => node.also(schema),
        (node @ None, Some(schema)) => *node = Some(Node::of(schema)),
        (_, None) => {}
    }
}

/// Infers the type if it is left out.
fn infer(shape: &mut Shape<'_>) {
    if !shape.properties.is_empty() || shape.others.is_some() {
        shape.types.insert("object");
    } else if shape.items.is_some() {
        shape.types.insert("array");
    }
    for value in shape.values.iter().flatten() {
        shape.types.insert(match value {
            Value::String(_) => "string",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::Null => continue,
        });
    }
}

fn limits(part: &Value) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (name, exclusive) in [
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ] {
        match (number(&part[name]), &part[exclusive]) {
            (Some(value), Value::Bool(true)) => {
                found.push((name, format!("{name} {value} excluded")))
            }
            (_, Value::Number(value)) => found.push((name, format!("{name} {value} excluded"))),
            (Some(value), _) => found.push((name, format!("{name} {value}"))),
            (None, _) => {}
        }
    }
    for name in [
        "multipleOf",
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
    ] {
        // A minimum of 0 for a length has no effect.
        let says_nothing = name.starts_with("min") && part[name].as_u64() == Some(0);
        if let (Some(value), false) = (number(&part[name]), says_nothing) {
            found.push((name, format!("{name} {value}")));
        }
    }
    if let Some(pattern) = part["pattern"].as_str() {
        found.push(("pattern", format!("pattern {pattern}")));
    }
    if part["uniqueItems"].as_bool() == Some(true) {
        found.push(("uniqueItems", "uniqueItems".to_owned()));
    }
    found
}

/// Formats `100` and `100.0` alike.
fn number(value: &Value) -> Option<String> {
    value.as_f64().map(|number| number.to_string())
}

/// The choices without null.
fn choices<'d>(schema: &'d Value, keyword: &str) -> Vec<&'d Value> {
    list(&schema[keyword])
        .filter(|choice| !is_null(choice))
        .collect()
}

fn is_null(schema: &Value) -> bool {
    schema["type"].as_str() == Some("null")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}
