//! The content of a body as an indented tree: every `$ref` and `allOf` resolved, one line for each field.

use serde_json::{Value, json};

use crate::description::{Description, Node, Shape};

/// One line of the tree.
pub(super) struct Field {
    depth: usize,
    name: String,
    kind: String,
    required: bool,
    notes: String,
    example: String,
}

/// The lines of a body: one for the body itself if it is not an object with fields, and one for each field.
pub(super) fn tree(document: &Description, node: &Node<'_>) -> Vec<Field> {
    let mut lines = Vec::new();
    let shape = document.shape(node);
    if !shape.is("object") {
        lines.push(line(document, 0, "(whole body)", false, &shape));
    } else if shape.properties.is_empty() {
        lines.push(line(document, 0, "(any members)", false, &shape));
    }
    walk(document, node, 0, &mut Vec::new(), &mut lines);
    lines
}

/// The tree as a table, indented below a heading.
pub(super) fn text(fields: &[Field], indent: &str) -> String {
    let names: Vec<String> = fields
        .iter()
        .map(|field| format!("{indent}{}{}", "  ".repeat(field.depth), field.name))
        .collect();
    let rows: Vec<[&str; 5]> = fields
        .iter()
        .zip(&names)
        .map(|(field, name)| {
            let required = if field.required { "required" } else { "" };
            [
                name.as_str(),
                &field.kind,
                required,
                &field.notes,
                &field.example,
            ]
        })
        .collect();
    super::list::table(&rows)
}

fn walk<'d>(
    document: &'d Description,
    node: &Node<'d>,
    depth: usize,
    above: &mut Vec<Vec<usize>>,
    lines: &mut Vec<Field>,
) {
    let identity = node.identity();
    if above.contains(&identity) {
        return;
    }
    above.push(identity);
    let shape = document.shape(node);
    for property in &shape.properties {
        let below = document.shape(&property.node);
        lines.push(line(
            document,
            depth,
            property.name,
            property.required,
            &below,
        ));
        walk(document, &property.node, depth + 1, above, lines);
    }
    for (name, others) in shape.others.iter().map(|others| ("*", others)) {
        lines.push(line(document, depth, name, false, &document.shape(others)));
        walk(document, others, depth + 1, above, lines);
    }
    if let Some(items) = &shape.items {
        // The fields of a list's items are shown directly below the list.
        walk(document, items, depth, above, lines);
    }
    above.pop();
}

fn line(
    document: &Description,
    depth: usize,
    name: &str,
    required: bool,
    shape: &Shape<'_>,
) -> Field {
    let items = shape.items.as_ref().map(|items| document.shape(items));
    let innermost = items.as_ref().unwrap_or(shape);
    Field {
        depth,
        name: name.to_owned(),
        kind: kind(document, shape),
        required,
        notes: notes(shape, innermost),
        example: innermost
            .example
            .filter(|example| !example.is_object())
            .map_or_else(String::new, |example| format!("e.g. {}", in_words(example))),
    }
}

/// `string`, `array of integer`, `object or null`.
pub(super) fn kind(document: &Description, shape: &Shape<'_>) -> String {
    let name = match &shape.items {
        Some(items) => {
            let items = document.shape(items);
            let null = if items.nullable { " or null" } else { "" };
            format!("array of {}{null}", items.type_name())
        }
        None => shape.type_name(),
    };
    if shape.nullable {
        format!("{name} or null")
    } else {
        name
    }
}

/// Describes the restrictions of a field: its allowed values, its limits and its default.
pub(super) fn notes(shape: &Shape<'_>, innermost: &Shape<'_>) -> String {
    let mut notes = Vec::new();
    if let Some(values) = &innermost.values {
        let words: Vec<String> = values.iter().copied().map(in_words).collect();
        notes.push(format!("one of {}", words.join(", ")));
    }
    notes.extend(shape.limits.values().cloned());
    if let Some(default) = shape.default {
        notes.push(format!("default {}", in_words(default)));
    }
    notes.join("; ")
}

pub(super) fn in_words(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The tree as JSON: one entry for each field, with its complete path.
pub(super) fn json(document: &Description, node: &Node<'_>) -> Value {
    let mut found = Vec::new();
    paths(document, node, "", &mut Vec::new(), &mut found);
    Value::Array(found)
}

fn paths<'d>(
    document: &'d Description,
    node: &Node<'d>,
    path: &str,
    above: &mut Vec<Vec<usize>>,
    found: &mut Vec<Value>,
) {
    let identity = node.identity();
    if above.contains(&identity) {
        return;
    }
    above.push(identity);
    let shape = document.shape(node);
    let dot = if path.is_empty() { "" } else { "." };
    for property in &shape.properties {
        let below = document.shape(&property.node);
        let path = format!("{path}{dot}{}", property.name);
        found.push(json!({
            "path": path,
            "type": below.type_name(),
            "nullable": below.nullable,
            "required": property.required,
            "values": below.values,
            "limits": below.limits.values().collect::<Vec<_>>(),
            "default": below.default,
            "description": below.description,
            "example": below.example,
        }));
        paths(document, &property.node, &path, above, found);
    }
    if let Some(items) = &shape.items {
        paths(document, items, &format!("{path}[]"), above, found);
    }
    above.pop();
}
