//! The facts of a call, and the errors that are created from them.

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;

use crate::{
    credentials::redact,
    error::{ApiError, Error, ErrorKind, shortened},
    response::{self, Response},
    transport::{Core, History, is_json},
};

/// The maximum length of two names in an error, in characters: the path of a field that cannot be decoded, and the
/// request id. Both come from the response.
const NAME: usize = 100;

/// The maximum length of a decoding problem in an error, in characters. It may quote the response.
const PROBLEM: usize = 200;

/// The function [`explain`] for the expected type.
pub(crate) type Explain = fn(&[u8]) -> Option<Explanation>;

/// Where decoding fails, and why.
pub(crate) struct Explanation {
    path: String,
    problem: String,
}

/// Decodes a body again that could not be decoded, to find out which field fails.
pub(crate) fn explain<T: DeserializeOwned>(body: &[u8]) -> Option<Explanation> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err()?;
    Some(Explanation {
        path: error.path().to_string(),
        problem: error.into_inner().to_string(),
    })
}

/// Removes URLs from the text of a decoding error: a link may give access to what it leads to.
fn without_addresses(problem: &str) -> String {
    let is_end = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '`' | '\'' | ',');
    let mut rest = problem;
    let mut text = String::new();
    while let Some(at) = rest.find("://") {
        let start = rest[..at].rfind(is_end).map_or(0, |before| before + 1);
        let end = rest[at..]
            .find(is_end)
            .map_or(rest.len(), |after| at + after);
        text.push_str(&rest[..start]);
        text.push_str("(an address)");
        rest = &rest[end..];
    }
    text.push_str(rest);
    text
}

/// The request of a call, and what is known of its response.
#[derive(Default)]
pub(crate) struct Record {
    /// The method and the path, as shown in errors.
    pub(crate) request: Option<String>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) history: History,
    /// The `Authorization` header that was sent. It is removed from every text that is quoted.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Record {
    pub(crate) fn response<T>(self, value: T) -> Response<T> {
        Response::new(value, self.status, self.headers, self.history.attempts)
    }
}

/// The facts of a call, for its error.
pub(crate) struct Facts<'a> {
    pub(crate) core: &'a Core,
    pub(crate) operation: &'static str,
    pub(crate) is_read: bool,
    /// Whether the bodies may contain secrets. Then nothing of the response is quoted.
    pub(crate) is_secret: bool,
    pub(crate) record: Record,
}

impl Facts<'_> {
    /// Adds the request and the operation to an error.
    pub(crate) fn name(self, error: Error) -> Error {
        error.with(|inner| {
            inner.operation = Some(self.operation);
            // An error without a request already says what the request was to be.
            if self.record.request.is_some() {
                inner.request = self.record.request;
            }
        })
    }

    /// Returns the request id in a printable form. The header is redacted, because a service may repeat there what it
    /// was sent.
    fn request_id(&self) -> Option<String> {
        let mut id = response::request_id(&self.record.headers)?.to_owned();
        self.redact(&mut id);
        Some(shortened(&id, NAME))
    }

    fn redact(&self, text: &mut String) {
        redact(text, self.record.authorization.as_ref());
    }

    /// Reads what an error response says.
    fn api_error(&self, body: &[u8]) -> ApiError {
        if self.is_secret {
            return ApiError::default();
        }
        ApiError::read(body, |text| self.redact(text))
    }

    /// Adds the response to an error.
    fn answered(self, error: Error) -> Error {
        let error = self.record.history.note(error).with(|inner| {
            inner.status = Some(self.record.status);
            inner.request_id = self.request_id();
            inner.headers = self.record.headers.clone();
        });
        self.name(error)
    }

    /// Creates the error for an error response of the service.
    pub(crate) fn api(self, body: &[u8]) -> Error {
        let api = self.api_error(body);
        let mut message = match self.record.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.record.status.as_u16()),
            None => self.record.status.as_u16().to_string(),
        };
        if let Some(said) = api.line()
            && !message.ends_with(&said)
        {
            message.push_str(": ");
            message.push_str(&said);
        }
        let mut error = Error::new(ErrorKind::Api, message);
        let session = self.core.authenticator.session();
        if let Some(hint) = self.hint(session.credentials(), api.message.as_deref()) {
            error = error.with_hint(hint);
        }
        self.answered(error).with(|inner| {
            inner.retry_after = response::retry_after(&inner.headers);
            inner.api = Some(api);
        })
    }

    /// Returns a hint for an error response, if the service's own message does not say what to do.
    fn hint(&self, credentials: &crate::Credentials, message: Option<&str>) -> Option<String> {
        let hint = match self.record.status {
            StatusCode::UNAUTHORIZED => return Some(credentials.hint()),
            // The gateway says this of a path that it does not know, whatever the credentials are.
            StatusCode::FORBIDDEN if message == Some("Missing Authentication Token") => {
                return Some(format!(
                    "there is no such path below {}: check the base URL, which ends in `/v1`",
                    self.core.base_url()
                ));
            }
            StatusCode::FORBIDDEN => {
                "the user of these credentials may not do this, or has no access to an id in the request, or the path does not exist"
            }
            StatusCode::NOT_FOUND => "nothing has this id, or these credentials cannot see it",
            StatusCode::TOO_MANY_REQUESTS => "send requests less often",
            status if status.is_redirection() => {
                "redirects are not followed, because that would send the credentials to another address; check the base URL"
            }
            // For a write that may have happened, the error text already says to check the state first.
            status if status.is_server_error() && !self.record.history.may_have_happened => {
                "the service failed: try again later, or ask WP Engine's support"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Creates the error for a success that contradicts the documentation.
    pub(crate) fn contradicted(self, how: &str, body: &[u8]) -> Error {
        let api = self.api_error(body);
        let mut message = format!("{}, but {how}", self.record.status.as_u16());
        if let Some(said) = api.line() {
            message.push_str(": ");
            message.push_str(&said);
        }
        let error = Error::new(ErrorKind::Decode, message).with_hint(
            "a proxy may have answered instead of the service: check the base URL and the proxy",
        );
        self.of_success(error)
    }

    /// Adds the facts of a successful response to an error.
    fn of_success(self, error: Error) -> Error {
        // The service reported a success; only the response is lost.
        let may_have_happened = !self.is_read;
        self.answered(error)
            .with(|inner| inner.may_have_happened = may_have_happened)
    }

    /// Creates the error for a success that cannot be decoded.
    pub(crate) fn decode(self, body: &[u8], explain: Explain, error: &serde_json::Error) -> Error {
        let (mut path, mut problem) = match explain(body) {
            Some(explanation) => (explanation.path, explanation.problem),
            None => (String::new(), error.to_string()),
        };
        self.redact(&mut path);
        self.redact(&mut problem);
        let path = shortened(&path, NAME);
        let problem = shortened(&without_addresses(&problem), PROBLEM);
        // If the JSON is cut off, the error belongs to no single field, so the message names no path.
        let place = match path.as_str() {
            "" | "." | "?" => String::new(),
            path => format!(" at `{path}`"),
        };
        let is_json = is_json(body);
        let what = if body.is_empty() {
            "has no body".to_owned()
        } else if !is_json {
            format!("is not JSON: {problem}")
        } else if self.is_secret {
            format!("cannot be read{place}")
        } else {
            format!("cannot be read{place}: {problem}")
        };
        let message = format!("{}, but the answer {what}", self.record.status.as_u16());
        let hint = if is_json {
            "the API may have changed: look for a newer version of this crate"
        } else {
            "a proxy may have answered instead of the service, or cut the answer off: check the base URL and the proxy"
        };
        self.of_success(Error::new(ErrorKind::Decode, message).with_hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_a_decoder_quotes_is_not_shown() {
        let problem =
            r#"invalid type: string "https://a.example/b?c=d", expected struct X at line 1"#;
        assert_eq!(
            without_addresses(problem),
            r#"invalid type: string "(an address)", expected struct X at line 1"#
        );
        assert_eq!(
            without_addresses("x://y and z://"),
            "(an address) and (an address)"
        );
        assert_eq!(
            without_addresses("missing field `id`"),
            "missing field `id`"
        );
    }
}
