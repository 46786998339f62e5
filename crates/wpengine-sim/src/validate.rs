//! Checks requests against the document. An invalid request is refused before anything is done.

use http::{HeaderMap, header};
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

use crate::document::{Location, Operation, Parameter};
use crate::error::{FieldError, INVALID_VALUE, Refusal};

/// The largest number of refused fields in an answer.
const MAX_ERRORS: usize = 20;

/// Checks the parameters of path and query.
pub(crate) fn parameters(
    operation: &Operation,
    path: &[(&'static str, String)],
    query: &[(String, String)],
) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    for parameter in &operation.parameters {
        let text = match parameter.location {
            Location::Path => path
                .iter()
                .find(|(name, _)| *name == parameter.name)
                .map(|(_, text)| text),
            Location::Query => query
                .iter()
                .find(|(name, _)| *name == parameter.name)
                .map(|(_, text)| text),
        };
        match text {
            Some(text) => {
                let value = parameter_value(parameter, text);
                for error in parameter.schema.validator().iter_errors(&value) {
                    errors.push(field_error(
                        &operation.resource,
                        parameter.name.clone(),
                        &error,
                    ));
                }
            }
            None if parameter.required => {
                errors.push(missing(&operation.resource, parameter.name.clone()))
            }
            None => {}
        }
    }
    refuse(operation, errors)
}

/// Converts a parameter's text to the type of its schema. A text that cannot be converted stays text and is refused.
fn parameter_value(parameter: &Parameter, text: &str) -> Value {
    match parameter.schema.kind() {
        Some("integer") => integer(text).map_or_else(|| Value::from(text), Value::from),
        Some("boolean") => text
            .parse::<bool>()
            .map_or_else(|_| Value::from(text), Value::from),
        _ => Value::from(text),
    }
}

/// Parses a whole number. A number that is too large becomes the largest one: as an offset it is past the end of every list.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let limit = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    is_number.then(|| text.parse().unwrap_or(limit))
}

/// Checks and parses the body of an operation that has one.
pub(crate) fn body(
    operation: &Operation,
    headers: &HeaderMap,
    bytes: &[u8],
) -> Result<Value, Refusal> {
    let Some(schema) = &operation.body else {
        return Ok(Value::Null);
    };
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::invalid(format!(
            "Content-Type must be application/json, not '{essence}'"
        )));
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Refusal::invalid(format!("Problems parsing JSON: {error}")))?;
    let errors = schema.validator().iter_errors(&value).take(MAX_ERRORS);
    let errors = errors
        .map(|error| body_error(&operation.resource, &error))
        .collect();
    refuse(operation, errors)?;
    Ok(value)
}

fn refuse(operation: &Operation, errors: Vec<FieldError>) -> Result<(), Refusal> {
    let Some(first) = errors.first() else {
        return Ok(());
    };
    let message = format!("Invalid {}: {}.", operation.resource, first.message);
    Err(errors
        .into_iter()
        .fold(Refusal::invalid(message), Refusal::with))
}

fn body_error(resource: &str, error: &ValidationError<'_>) -> FieldError {
    let mut field = error
        .instance_path()
        .as_str()
        .trim_start_matches('/')
        .replace('/', ".");
    if let ValidationErrorKind::Required { property } = error.kind() {
        let property = property.as_str().unwrap_or_default();
        let field = if field.is_empty() {
            property.to_owned()
        } else {
            format!("{field}.{property}")
        };
        return missing(resource, field);
    }
    if field.is_empty() {
        field.push_str("body");
    }
    field_error(resource, field, error)
}

fn missing(resource: &str, field: String) -> FieldError {
    let message = format!("{} is missing", title(&field));
    FieldError {
        resource: resource.to_owned(),
        field,
        class: INVALID_VALUE,
        code: "blank".to_owned(),
        message,
    }
}

/// The broken rule, in the API's own wording if it is known.
fn field_error(resource: &str, field: String, error: &ValidationError<'_>) -> FieldError {
    let name = title(&field);
    let (code, message) = match error.kind() {
        ValidationErrorKind::MaxLength { limit } => (
            "too_long",
            format!("{name} is too long (maximum is {limit} characters)"),
        ),
        ValidationErrorKind::MinLength { limit: 1 } => ("blank", format!("{name} cannot be empty")),
        ValidationErrorKind::MinLength { limit } => (
            "too_short",
            format!("{name} is too short (minimum is {limit} characters)"),
        ),
        ValidationErrorKind::Minimum { limit } => (
            "greater_than_or_equal_to",
            format!("{name} must be greater than or equal to {limit}"),
        ),
        ValidationErrorKind::Maximum { limit } => (
            "less_than_or_equal_to",
            format!("{name} must be less than or equal to {limit}"),
        ),
        ValidationErrorKind::MinItems { limit } => {
            ("too_few", format!("{name} must hold at least {limit}"))
        }
        ValidationErrorKind::MaxItems { limit } => {
            ("too_many", format!("{name} may hold at most {limit}"))
        }
        ValidationErrorKind::Enum { options } => {
            ("inclusion", format!("{name} must be one of {options}"))
        }
        ValidationErrorKind::Pattern { pattern } => {
            ("invalid", format!("{name} must match {pattern}"))
        }
        ValidationErrorKind::Format { format } => (
            "invalid",
            format!("{name} must have the form of a {format}"),
        ),
        ValidationErrorKind::Type {
            kind: TypeKind::Single(kind),
        } => ("wrong_type", format!("{name} must be of type {kind}")),
        ValidationErrorKind::AnyOf { context } => {
            // An `anyOf` with null comes from a nullable schema: "null or this". The error describes the broken rule of
            // "this".
            if let Some(inner) = context.iter().flatten().find(|inner| !is_type_null(inner)) {
                return field_error(resource, field, inner);
            }
            ("wrong_type", format!("{name} must be of another type"))
        }
        _ => ("invalid", format!("{name} is invalid")),
    };
    FieldError {
        resource: resource.to_owned(),
        field,
        class: INVALID_VALUE,
        code: code.to_owned(),
        message,
    }
}

fn is_type_null(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(kind) } if kind.to_string() == "null")
}

/// `user.first_name` as messages write it: `First name`.
fn title(field: &str) -> String {
    let last = field.rsplit('.').next().unwrap_or(field).replace('_', " ");
    let mut characters = last.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_told_from_other_texts() {
        assert_eq!(
            [integer("0"), integer("-12"), integer("007")],
            [Some(0), Some(-12), Some(7)]
        );
        assert_eq!(
            [
                integer("99999999999999999999"),
                integer("-99999999999999999999")
            ],
            [Some(i64::MAX), Some(i64::MIN)]
        );
        for text in ["", "-", "+1", "1.0", " 1", "1e3", "x"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn fields_are_named_as_messages_name_them() {
        assert_eq!(title("user.first_name"), "First name");
    }
}
