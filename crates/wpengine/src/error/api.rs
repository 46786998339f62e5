//! The body of an error response. It is read leniently: both documented JSON forms, text, HTML, or an empty body.

use serde_json::Value;

use super::display::shortened;

/// The maximum length of an excerpt of a body that is not JSON, in characters.
const EXCERPT: usize = 120;
/// The maximum length of a message, in characters.
const MESSAGE: usize = 400;
/// The maximum length of the whole text in one line, in characters. The service may refuse a hundred fields at once.
const LINE: usize = 1_000;

/// The details in an error response of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The message of the service.
    pub message: Option<String>,
    /// The error code, if the response has the form of the API's older overview or contains one.
    pub code: Option<String>,
    /// The URL of the documentation about this error.
    pub documentation_url: Option<String>,
    /// The fields that the service refused.
    pub errors: Vec<FieldError>,
    /// The beginning of the response body, if it has none of the JSON error formats that the API documents.
    pub excerpt: Option<String>,
}

/// One field that the service refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError {
    /// The type of the resource that the field belongs to, such as `Site`.
    pub resource: Option<String>,
    /// The name of the field.
    pub field: Option<String>,
    /// The class of the error, such as `invalid_value`.
    pub kind: Option<String>,
    /// The rule that was broken, for programs, such as `too_long`.
    pub code: Option<String>,
    /// The rule that was broken, for people.
    pub message: Option<String>,
}

impl ApiError {
    /// Reads the body of an error response. Never fails: a body that cannot be parsed is quoted. `redact` removes the
    /// secrets of each text before it is shortened, because half a secret could not be found any more.
    pub(crate) fn read(body: &[u8], redact: impl Fn(&mut String)) -> Self {
        let json = serde_json::from_slice::<Value>(body).map(|mut json| {
            redact_all(&mut json, &redact);
            json
        });
        match json {
            Ok(Value::Object(object)) => match object.get("error") {
                Some(Value::Object(error)) => Self::overview(error),
                Some(Value::String(message)) if !object.contains_key("message") => Self {
                    message: non_empty(message),
                    ..Self::default()
                },
                _ => Self::current(&object),
            },
            Ok(Value::String(message)) => Self {
                message: non_empty(&message),
                ..Self::default()
            },
            Ok(Value::Null) => Self::default(),
            Ok(other) => Self::excerpt(&other.to_string()),
            Err(_) => {
                let mut text = String::from_utf8_lossy(body).into_owned();
                redact(&mut text);
                Self::excerpt(&text)
            }
        }
    }

    /// The form that the service uses today.
    fn current(object: &serde_json::Map<String, Value>) -> Self {
        let read = Self {
            message: text(object.get("message")).or_else(|| text(object.get("Message"))),
            code: text(object.get("code")),
            documentation_url: text(object.get("documentation_url")),
            errors: object
                .get("errors")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|error| FieldError {
                    resource: text(error.get("resource")),
                    field: text(error.get("field")),
                    kind: text(error.get("type")),
                    code: text(error.get("code")),
                    message: text(error.get("message")).or_else(|| text(Some(error))),
                })
                .collect(),
            excerpt: None,
        };
        if read.message.is_none() && read.errors.is_empty() {
            return Self::excerpt(&Value::Object(object.clone()).to_string());
        }
        read
    }

    /// The form in the API's older overview.
    fn overview(error: &serde_json::Map<String, Value>) -> Self {
        let details = error.get("details");
        let field = details.and_then(|details| text(details.get("field")));
        let reason = details.and_then(|details| text(details.get("reason")));
        Self {
            message: text(error.get("message")),
            code: text(error.get("code")),
            documentation_url: None,
            errors: if field.is_some() || reason.is_some() {
                vec![FieldError {
                    field,
                    message: reason,
                    ..FieldError::default()
                }]
            } else {
                Vec::new()
            },
            excerpt: None,
        }
    }

    /// Extracts the words of HTML or plain text, without the tags.
    fn excerpt(body: &str) -> Self {
        // The head of a page can be long, but the message comes early.
        let body: String = body.chars().take(8192).collect();
        let mut parts = body.split('<');
        let before = parts.next();
        let after_tags = parts.filter_map(|part| Some(part.split_once('>')?.1));
        let texts = before.into_iter().chain(after_tags).map(str::trim);
        let mut texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        // The first heading of an error page often repeats its title.
        texts.dedup();
        let words = shortened(&texts.join(" "), EXCERPT);
        Self {
            excerpt: (!words.is_empty()).then_some(words),
            ..Self::default()
        }
    }

    /// Returns the message and all field errors as one line; none if there are none.
    pub(crate) fn line(&self) -> Option<String> {
        let fields: Vec<String> = self
            .errors
            .iter()
            // The message often contains the text of the only field error.
            .filter(|error| match (&self.message, &error.message) {
                (Some(said), Some(again)) => !said.contains(again.as_str()),
                _ => true,
            })
            .filter_map(FieldError::line)
            .collect();
        let mut line = self
            .message
            .clone()
            .or_else(|| self.excerpt.as_ref().map(|text| format!("\"{text}\"")))
            .unwrap_or_default();
        if !fields.is_empty() {
            if !line.is_empty() {
                line.truncate(line.trim_end_matches(['.', ':', ' ']).len());
                line.push_str(": ");
            }
            line.push_str(&fields.join("; "));
        }
        (!line.is_empty()).then(|| shortened(&line, LINE))
    }
}

impl FieldError {
    fn line(&self) -> Option<String> {
        let what = self
            .message
            .as_deref()
            .or(self.code.as_deref())
            .or(self.kind.as_deref());
        match (self.field.as_deref(), what) {
            (Some(field), Some(what)) => Some(format!("{field}: {what}")),
            (one, other) => one.or(other).map(str::to_owned),
        }
    }
}

fn redact_all(json: &mut Value, redact: &impl Fn(&mut String)) {
    match json {
        Value::String(text) => redact(text),
        Value::Array(items) => items.iter_mut().for_each(|item| redact_all(item, redact)),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(mut name, mut value)| {
                    redact(&mut name);
                    redact_all(&mut value, redact);
                    (name, value)
                })
                .collect();
        }
        _ => {}
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    non_empty(value?.as_str()?)
}

fn non_empty(text: &str) -> Option<String> {
    let text = shortened(text, MESSAGE);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(body: &str) -> Option<String> {
        ApiError::read(body.as_bytes(), |_| {}).line()
    }

    #[test]
    fn the_form_of_today_is_read() {
        let body = r#"{"message":"Invalid Site","documentation_url":"https://x","errors":[{"resource":"Site","field":"name","type":"invalid_value","code":"too_long","message":"Name is too long"}]}"#;
        let read = ApiError::read(body.as_bytes(), |_| {});
        assert_eq!(read.errors[0].code.as_deref(), Some("too_long"));
        assert_eq!(read.errors[0].kind.as_deref(), Some("invalid_value"));
        assert_eq!(
            read.line().as_deref(),
            Some("Invalid Site: name: Name is too long")
        );
    }

    #[test]
    fn the_form_of_the_overview_is_read() {
        let body = r#"{"error":{"code":"invalid_request","message":"The site ID is invalid","details":{"field":"site_id","reason":"must be a valid UUID"}}}"#;
        let read = ApiError::read(body.as_bytes(), |_| {});
        assert_eq!(read.code.as_deref(), Some("invalid_request"));
        assert_eq!(
            read.line().as_deref(),
            Some("The site ID is invalid: site_id: must be a valid UUID")
        );
    }

    #[test]
    fn text_html_other_json_and_nothing_are_read() {
        assert_eq!(
            line("<html><head><title>502 Bad Gateway</title></head>\n<h1>502 Bad Gateway</h1>x</html>")
                .as_deref(),
            Some("\"502 Bad Gateway x\"")
        );
        assert_eq!(
            line("upstream went away").as_deref(),
            Some("\"upstream went away\"")
        );
        assert_eq!(
            line(r#"{"Message":"Forbidden"}"#).as_deref(),
            Some("Forbidden")
        );
        assert_eq!(line(r#"{"error":"nope"}"#).as_deref(), Some("nope"));
        assert_eq!(line("[1]").as_deref(), Some("\"[1]\""));
        assert_eq!(line(r#"{"a":1}"#).as_deref(), Some(r#""{"a":1}""#));
        for nothing in ["", "null", "{}", "  ", "<html></html>"] {
            let read = line(nothing);
            assert!(read.is_none() || nothing == "{}", "{nothing}: {read:?}");
        }
    }

    #[test]
    fn secrets_are_taken_out_before_a_text_is_shortened() {
        let redact = |text: &mut String| *text = text.replace("secret", "(redacted)");
        for body in [
            format!("{}secret", "x".repeat(117)),
            format!(r#"{{"message":"{}secret"}}"#, "x".repeat(397)),
            r#"{"secret":["secret",{"a":"secret"}]}"#.to_owned(),
        ] {
            let read = ApiError::read(body.as_bytes(), redact);
            assert!(!format!("{read:?}").contains("sec"), "{read:?}");
        }
    }

    #[test]
    fn a_long_body_is_quoted_shortened() {
        let read = ApiError::read("x".repeat(100_000).as_bytes(), |_| {});
        assert!(read.line().expect("an excerpt").len() < 200);
    }
}
