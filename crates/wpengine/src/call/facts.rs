//! The facts of a call, and the errors that are created from them.

use http::{HeaderMap, HeaderValue, StatusCode};
use serde::de::DeserializeOwned;

use crate::{
    credentials::redact,
    error::{ApiError, Error, ErrorKind, shortened},
    response,
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

/// The facts of a call that failed.
pub(crate) struct Facts<'a> {
    pub(crate) core: &'a Core,
    pub(crate) operation: &'static str,
    pub(crate) request: Option<String>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) history: History,
    /// The `Authorization` header that was sent. It is removed from every text that is quoted.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) is_read: bool,
    /// Whether the bodies may contain secrets. Then nothing of the response is quoted.
    pub(crate) is_secret: bool,
}

impl Facts<'_> {
    /// Adds the request and the operation to an error.
    pub(crate) fn name(self, error: Error) -> Error {
        error.with(|inner| {
            inner.operation = Some(self.operation);
            // An error without a request already says what the request was to be.
            if self.request.is_some() {
                inner.request = self.request;
            }
        })
    }

    /// Returns the request id in a printable form. The header is redacted, because a service may repeat there what it
    /// was sent.
    fn request_id(&self) -> Option<String> {
        let mut id = response::request_id(&self.headers)?.to_owned();
        redact(&mut id, self.authorization.as_ref());
        Some(shortened(&id, NAME))
    }

    /// Creates the error for an error response of the service.
    pub(crate) fn api(self, body: &[u8]) -> Error {
        let api = if self.is_secret {
            ApiError::default()
        } else {
            ApiError::read(body, |text| redact(text, self.authorization.as_ref()))
        };
        let mut message = match self.status.canonical_reason() {
            Some(reason) => format!("{} {reason}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
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
        let error = self.history.note(error).with(|inner| {
            inner.status = Some(self.status);
            inner.retry_after = response::retry_after(&self.headers);
            inner.request_id = self.request_id();
            inner.headers = self.headers.clone();
            inner.api = Some(api);
        });
        self.name(error)
    }

    /// Returns a hint for an error response, if the service's own message does not say what to do.
    fn hint(&self, credentials: &crate::Credentials, message: Option<&str>) -> Option<String> {
        let hint = match self.status {
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
            status if status.is_server_error() && !self.history.may_have_happened => {
                "the service failed: try again later, or ask WP Engine's support"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Creates the error for a success that contradicts the documentation.
    pub(crate) fn contradicted(self, how: &str, body: &[u8]) -> Error {
        let api = if self.is_secret {
            ApiError::default()
        } else {
            ApiError::read(body, |text| redact(text, self.authorization.as_ref()))
        };
        let mut message = format!("{}, but {how}", self.status.as_u16());
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
        let error = self.history.note(error).with(|inner| {
            // The service reported a success; only the response is lost.
            inner.may_have_happened = !self.is_read;
            inner.status = Some(self.status);
            inner.request_id = self.request_id();
            inner.headers = self.headers.clone();
        });
        self.name(error)
    }

    /// Creates the error for a success that cannot be decoded.
    pub(crate) fn decode(self, body: &[u8], explain: Explain, error: &serde_json::Error) -> Error {
        let secret = self.is_secret;
        let (mut path, mut problem) = match explain(body) {
            Some(explanation) => (explanation.path, explanation.problem),
            None => (String::new(), error.to_string()),
        };
        redact(&mut path, self.authorization.as_ref());
        let path = shortened(&path, NAME);
        redact(&mut problem, self.authorization.as_ref());
        let problem = shortened(&without_addresses(&problem), PROBLEM);
        // If the text ends too early, no field is at fault.
        let place = if matches!(path.as_str(), "" | "." | "?") {
            String::new()
        } else {
            format!(" at `{path}`")
        };
        let is_json = is_json(body);
        let message = if body.is_empty() {
            format!("{}, but the answer has no body", self.status.as_u16())
        } else if !is_json {
            format!(
                "{}, but the answer is not JSON: {problem}",
                self.status.as_u16()
            )
        } else if secret {
            format!(
                "{}, but the answer cannot be read{place}",
                self.status.as_u16()
            )
        } else {
            format!(
                "{}, but the answer cannot be read{place}: {problem}",
                self.status.as_u16()
            )
        };
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
