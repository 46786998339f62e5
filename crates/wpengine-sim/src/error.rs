//! Refusals: why a request is refused, and the API's answer.

use http::StatusCode;
use serde::Serialize;

use crate::document::Operation;

/// Why a request is refused. The status depends on what the operation documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Invalid,
    Forbidden,
    NotFound,
    Conflict,
    Unprocessable,
    TooManyRequests,
}

/// One refused field, an entry of `errors` in the answer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FieldError {
    pub(crate) resource: String,
    pub(crate) field: String,
    #[serde(rename = "type")]
    pub(crate) class: &'static str,
    pub(crate) code: String,
    pub(crate) message: String,
}

/// A request that is refused.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) errors: Vec<FieldError>,
}

/// The value of a field breaks a rule.
pub(crate) const INVALID_VALUE: &str = "invalid_value";
/// The value of a field is already used by another resource.
pub(crate) const VALUE_UNAVAILABLE: &str = "value_unavailable";
/// The value of a field names something that the caller cannot access.
pub(crate) const ACCESS_ERROR: &str = "access_error";

impl Refusal {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            errors: Vec::new(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(Kind::NotFound, "Not Found")
    }

    /// A 404 whose message names what was not found.
    pub(crate) fn not_there(message: &str) -> Self {
        Self::new(Kind::NotFound, message)
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(
            Kind::Forbidden,
            "You don't have permission to perform that action",
        )
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }

    pub(crate) fn too_many_requests(message: impl Into<String>) -> Self {
        Self::new(Kind::TooManyRequests, message)
    }

    /// A 422 of a transfer, with the field that is refused.
    pub(crate) fn unprocessable(field: &str, code: &str, message: &str) -> Self {
        Self::new(
            Kind::Unprocessable,
            "Validation failed on transfer parameters",
        )
        .with(FieldError {
            resource: "SiteTransfer".to_owned(),
            field: field.to_owned(),
            class: INVALID_VALUE,
            code: code.to_owned(),
            message: message.to_owned(),
        })
    }

    /// A refused field: `Invalid Site: Name cannot be empty.`
    pub(crate) fn field(
        resource: &str,
        field: &str,
        class: &'static str,
        code: &str,
        message: &str,
    ) -> Self {
        Self::new(Kind::Invalid, format!("Invalid {resource}: {message}.")).with(FieldError {
            resource: resource.to_owned(),
            field: field.to_owned(),
            class,
            code: code.to_owned(),
            message: message.to_owned(),
        })
    }

    pub(crate) fn with(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    /// The status of the refusal: the usual one if the operation documents it, else the nearest documented one. An
    /// operation that documents no 404 refuses an unknown parent with its 403 or its 400.
    pub(crate) fn status(&self, operation: &Operation) -> StatusCode {
        let candidates: &[u16] = match self.kind {
            Kind::Invalid => &[400, 422, 403, 404],
            Kind::Forbidden => &[403, 404, 400],
            Kind::NotFound => &[404, 403, 400],
            Kind::Conflict => &[409, 400, 422, 403],
            Kind::Unprocessable => &[422, 400, 403],
            Kind::TooManyRequests => &[429],
        };
        let status = candidates
            .iter()
            .copied()
            .find(|status| operation.answers_with(*status))
            .unwrap_or(candidates[0]);
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
    }

    /// The body: `message`, and `errors` if fields are refused.
    pub(crate) fn body(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            message: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldError],
        }
        serde_json::to_vec(&Body {
            message: &self.message,
            errors: &self.errors,
        })
        .unwrap_or_default()
    }
}
