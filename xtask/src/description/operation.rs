//! Operations and their parts, in either form of description.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Description, Form, Node};

/// The HTTP methods. Other members of a path are not operations.
const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];

/// Headers of the protocol. OpenAPI 3 says that they are not parameters.
const PROTOCOL_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation<'d> {
    /// In upper case.
    pub(crate) method: String,
    /// The path without the version prefix.
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter<'d>>,
    pub(crate) body: Option<Body<'d>>,
    pub(crate) answers: Vec<Answer<'d>>,
    /// The operation's object in the document.
    pub(crate) raw: &'d Value,
}

impl Operation<'_> {
    /// Method and path, for display.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Method and path without the names of path parameters, because descriptions choose different names.
    pub(crate) fn key(&self) -> String {
        let segments: Vec<&str> = self
            .path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                if is_placeholder(segment) {
                    "{}"
                } else {
                    segment
                }
            })
            .collect();
        format!("{} /{}", self.method, segments.join("/"))
    }

    /// The id, where there is one.
    pub(crate) fn id(&self) -> &str {
        self.raw["operationId"].as_str().unwrap_or_default()
    }
}

/// One parameter outside the body.
#[derive(Debug)]
pub(crate) struct Parameter<'d> {
    pub(crate) name: &'d str,
    /// `path`, `query`, `header`, `cookie` or (Swagger 2.0) `formData`.
    pub(crate) place: &'d str,
    pub(crate) required: bool,
    pub(crate) node: Node<'d>,
    pub(crate) description: &'d str,
}

impl Parameter<'_> {
    /// What identifies the parameter: its place and name, or its position for a path parameter.
    pub(crate) fn key(&self, path: &str) -> (String, String) {
        let name = match self.place {
            "path" => position(path, self.name),
            "header" => self.name.to_ascii_lowercase(),
            _ => self.name.to_owned(),
        };
        (self.place.to_owned(), name)
    }
}

/// The request body.
#[derive(Debug)]
pub(crate) struct Body<'d> {
    pub(crate) required: bool,
    pub(crate) node: Node<'d>,
    pub(crate) example: Option<&'d Value>,
}

/// The answer with one status code.
#[derive(Debug)]
pub(crate) struct Answer<'d> {
    /// Three digits, `2XX`, or `default`.
    pub(crate) code: &'d str,
    /// The schema of the body; `None` if the answer has no body.
    pub(crate) node: Option<Node<'d>>,
    pub(crate) description: &'d str,
    pub(crate) example: Option<&'d Value>,
}

impl Answer<'_> {
    /// Whether this answer is an error.
    pub(crate) fn is_error(&self) -> bool {
        self.code.starts_with(['4', '5']) || self.code == "default"
    }
}

pub(super) fn all(description: &Description) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    for (path, item) in entries(&description.root["paths"]) {
        let item = description.follow(item);
        for (method, raw) in entries(item) {
            if METHODS.contains(&method.as_str()) {
                found.push(one(description, path, &item["parameters"], method, raw));
            }
        }
    }
    found
}

fn one<'d>(
    description: &'d Description,
    path: &'d str,
    shared: &'d Value,
    method: &str,
    raw: &'d Value,
) -> Operation<'d> {
    let own: Vec<&Value> = list(&raw["parameters"])
        .map(|raw| description.follow(raw))
        .collect();
    let names: BTreeSet<_> = own
        .iter()
        .map(|raw| (text(raw, "in"), text(raw, "name")))
        .collect();
    // Parameters of a path apply to all its operations, unless an operation overrides them.
    let inherited: Vec<&Value> = list(shared)
        .map(|raw| description.follow(raw))
        .filter(|raw| !names.contains(&(text(raw, "in"), text(raw, "name"))))
        .collect();
    let all: Vec<&Value> = inherited.into_iter().chain(own).collect();
    Operation {
        method: method.to_ascii_uppercase(),
        path: without_version(path).to_owned(),
        parameters: all.iter().copied().filter_map(parameter).collect(),
        body: match description.form {
            Form::Swagger2 => all.iter().copied().find_map(body_parameter),
            Form::OpenApi3 => request_body(description, &raw["requestBody"]),
        },
        answers: entries(&raw["responses"])
            .filter(|(code, _)| !code.starts_with("x-"))
            .map(|(code, raw)| answer(description, code, description.follow(raw)))
            .collect(),
        raw,
    }
}

fn parameter(raw: &Value) -> Option<Parameter<'_>> {
    let (name, place) = (text(raw, "name"), text(raw, "in"));
    let is_protocol =
        place == "header" && PROTOCOL_HEADERS.contains(&name.to_ascii_lowercase().as_str());
    if place.is_empty() || place == "body" || is_protocol {
        return None;
    }
    let schema = match (&raw["schema"], media(&raw["content"])) {
        (schema @ (Value::Object(_) | Value::Bool(_)), _) => schema,
        (_, Some(media)) => &media["schema"],
        // Swagger 2.0 writes type and limits next to the name.
        _ => raw,
    };
    Some(Parameter {
        name,
        place,
        required: raw["required"].as_bool().unwrap_or(false),
        node: Node::of(schema),
        description: text(raw, "description"),
    })
}

fn body_parameter(raw: &Value) -> Option<Body<'_>> {
    (text(raw, "in") == "body").then(|| Body {
        required: raw["required"].as_bool().unwrap_or(false),
        node: Node::of(&raw["schema"]),
        example: None,
    })
}

fn request_body<'d>(description: &'d Description, raw: &'d Value) -> Option<Body<'d>> {
    let raw = description.follow(raw);
    let media = media(&raw["content"])?;
    Some(Body {
        required: raw["required"].as_bool().unwrap_or(false),
        node: Node::of(&media["schema"]),
        example: media.get("example"),
    })
}

fn answer<'d>(description: &'d Description, code: &'d str, raw: &'d Value) -> Answer<'d> {
    let content = media(&raw["content"]);
    let schema = match description.form {
        Form::Swagger2 => raw.get("schema"),
        Form::OpenApi3 => content.and_then(|media| media.get("schema")),
    };
    Answer {
        code,
        node: schema.map(Node::of),
        description: text(raw, "description"),
        example: content.and_then(|media| media.get("example")),
    }
}

/// The JSON media type, or else the first one.
fn media(content: &Value) -> Option<&Value> {
    let content = content.as_object()?;
    content
        .iter()
        .find(|(name, _)| name.contains("json"))
        .or_else(|| content.iter().next())
        .map(|(_, media)| media)
}

/// Removes `/v1` from paths. Some descriptions write it in the base path or the server, others in every path.
fn without_version(path: &str) -> &str {
    match path.strip_prefix("/v1") {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

fn is_placeholder(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

/// The position of the placeholder in the path, or its name if the path has no such placeholder.
fn position(path: &str, name: &str) -> String {
    path.split('/')
        .filter(|segment| is_placeholder(segment))
        .position(|segment| segment[1..segment.len() - 1] == *name)
        .map_or_else(|| name.to_owned(), |index| index.to_string())
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'d>(value: &'d Value, key: &str) -> &'d str {
    value[key].as_str().unwrap_or_default()
}
