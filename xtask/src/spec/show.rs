//! Shows one operation completely.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::description::{Description, Operation};

use super::fields;

const WIDTH: usize = 100;

pub(super) fn text(document: &Description, operation: &Operation<'_>) -> String {
    let mut text = format!("{}  {}\n", operation.id(), operation.title());
    let word = |key: &str| operation.raw[key].as_str().unwrap_or_default();
    let _ = writeln!(
        text,
        "{}\n\n{}\n",
        word("summary"),
        wrapped(word("description"))
    );
    let class = |name: &str| operation.raw["x-wpengine"][name].as_str().unwrap_or("?");
    let _ = writeln!(
        text,
        "safety {}, retry {}, paging {}, effects {}, authentication {}",
        class("safety"),
        class("retry"),
        class("paging"),
        super::list::effects(operation),
        authentication(operation)
    );
    parameters(&mut text, document, operation);
    if let Some(body) = &operation.body {
        let required = if body.required {
            "required"
        } else {
            "optional"
        };
        let _ = writeln!(text, "\nBody ({required})");
        text.push_str(&fields::text(&fields::tree(document, &body.node), "  "));
        example(&mut text, body.example);
    }
    text.push_str("\nAnswers\n");
    for answer in operation.answers.iter().filter(|answer| !answer.is_error()) {
        let _ = writeln!(text, "  {}  {}", answer.code, answer.description);
        if let Some(node) = &answer.node {
            text.push_str(&fields::text(&fields::tree(document, node), "    "));
        }
        example(&mut text, answer.example);
    }
    for error in operation.answers.iter().filter(|answer| answer.is_error()) {
        let _ = writeln!(text, "  {}  {}", error.code, error.description);
    }
    text
}

fn parameters(text: &mut String, document: &Description, operation: &Operation<'_>) {
    if operation.parameters.is_empty() {
        return;
    }
    let cells: Vec<[String; 6]> = operation
        .parameters
        .iter()
        .map(|parameter| {
            let shape = document.shape(&parameter.node);
            [
                format!("  {}", parameter.name),
                parameter.place.to_owned(),
                fields::kind(document, &shape),
                if parameter.required {
                    "required"
                } else {
                    "optional"
                }
                .to_owned(),
                fields::notes(&shape, &shape),
                parameter.description.to_owned(),
            ]
        })
        .collect();
    let columns: Vec<[&str; 5]> = cells
        .iter()
        .map(|[name, place, kind, required, notes, _]| {
            [
                name.as_str(),
                place.as_str(),
                kind.as_str(),
                required.as_str(),
                notes.as_str(),
            ]
        })
        .collect();
    text.push_str("\nParameters\n");
    for (line, cell) in super::list::table(&columns).lines().zip(&cells) {
        let _ = writeln!(text, "{line}");
        let _ = writeln!(text, "{}", indented(&wrapped(&cell[5]), "      "));
    }
}

fn example(text: &mut String, example: Option<&Value>) {
    if let Some(example) = example {
        let _ = writeln!(
            text,
            "\n    Example\n{}",
            indented(&format!("{example:#}"), "    ")
        );
    }
}

/// The authentication schemes; one of them is needed.
fn authentication(operation: &Operation<'_>) -> String {
    let schemes: Vec<&str> = operation.raw["security"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|scheme| scheme.as_object()?.keys().next().map(String::as_str))
        .collect();
    if schemes.is_empty() {
        "none".to_owned()
    } else {
        schemes.join(" or ")
    }
}

fn wrapped(prose: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in prose.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

fn indented(text: &str, indent: &str) -> String {
    text.lines()
        .map(|line| format!("{indent}{line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

pub(super) fn json(document: &Description, operation: &Operation<'_>) -> Value {
    let raw = operation.raw;
    let parameters: Vec<Value> = operation
        .parameters
        .iter()
        .map(|parameter| {
            let shape = document.shape(&parameter.node);
            json!({
                "name": parameter.name,
                "in": parameter.place,
                "required": parameter.required,
                "type": shape.type_name(),
                "values": shape.values,
                "limits": shape.limits.values().collect::<Vec<_>>(),
                "default": shape.default,
                "description": parameter.description,
            })
        })
        .collect();
    let body = operation.body.as_ref().map(|body| {
        json!({
            "required": body.required,
            "fields": fields::json(document, &body.node),
            "example": body.example,
        })
    });
    let answers: Vec<Value> = operation
        .answers
        .iter()
        .map(|answer| {
            json!({
                "status": answer.code,
                "description": answer.description,
                "fields": answer.node.as_ref().map(|node| fields::json(document, node)),
                "example": answer.example,
            })
        })
        .collect();
    json!({
        "id": operation.id(),
        "method": operation.method,
        "path": operation.path,
        "tag": raw["tags"][0],
        "summary": raw["summary"],
        "description": raw["description"],
        "security": raw["security"],
        "safety": raw["x-wpengine"]["safety"],
        "retry": raw["x-wpengine"]["retry"],
        "paging": raw["x-wpengine"]["paging"],
        "parameters": parameters,
        "body": body,
        "answers": answers,
    })
}
