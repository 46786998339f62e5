//! Failures with any body: the error is one short line and shows no secret.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderValue;
use wpengine::{Error, ErrorKind, error::ApiError};

use super::{
    calls::{CALLS, Call},
    desk::{self, Caller, USER},
    line,
    tape::Tape,
};

const STATUSES: [u16; 18] = [
    400, 401, 403, 404, 405, 409, 422, 429, 500, 501, 502, 503, 504, 302, 304, 418, 499, 599,
];

/// The length limit of a text of the service.
const LONGEST: usize = 400 + 1;

/// A part of every secret.
const PART: &str = "7f3a";

fn says_none(text: &str) -> bool {
    let letters: String = text
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect();
    letters.starts_with("NoSSLcertsfound")
}

/// Whether any text in a JSON value fits.
fn any_text(json: &serde_json::Value, fits: &impl Fn(&str) -> bool) -> bool {
    match json {
        serde_json::Value::String(text) => fits(text),
        serde_json::Value::Array(items) => items.iter().any(|item| any_text(item, fits)),
        serde_json::Value::Object(fields) => fields.values().any(|field| any_text(field, fits)),
        _ => false,
    }
}

/// A failure. The input is the call, the status, the caller (0 to 2), whether the first part of the rest is the
/// request id (0 or 1), and the body. In the body `{{password}}`, `{{ascii}}` and `{{basic}}` are replaced by the
/// secret, by the secret as ASCII JSON, and by the value of the `Authorization` header.
pub fn error_body(input: &[u8]) {
    let mut tape = Tape::new(input);
    let call = tape.pick(&CALLS);
    let status = tape.pick(&STATUSES);
    let caller = tape.pick(&[Caller::Plain, Caller::Odd, Caller::Token]);
    let has_id = tape.choice(2) == 1;
    let mut parts = tape.parts(if has_id { 2 } else { 1 });
    let body = echo(parts.pop().unwrap_or_default(), caller);
    let id = parts
        .pop()
        .and_then(|id| HeaderValue::from_bytes(&echo(id, caller)).ok());

    let (client, desk) = desk::client(caller);
    let played = Bytes::from(body.clone());
    desk.play(1, move |_, _| {
        let mut answer = desk::answer(status, played.clone());
        if let Some(id) = &id {
            answer.headers_mut().insert("x-amzn-requestid", id.clone());
        }
        answer
    });
    let error = match desk::run((call.ask)(&client)) {
        Err(error) => error,
        // The SDK treats only this failure as a success: an install without certificates.
        Ok(()) => {
            assert_eq!((call.name, status), ("list_certificates", 404));
            // The SDK separates the words at control characters, too, which JSON escapes in many ways.
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            assert!(any_text(&json, &says_none), "{json}");
            return;
        }
    };
    assert_keeps_what_is_known(&error, call, status);
    line::assert_readable(&error);
    let api = error.api().expect("the service answered");
    if call.is_secret {
        assert_eq!(api, &ApiError::default(), "{}", call.name);
    }
    for text in texts(api) {
        line::assert_tame("what the service said", text);
        assert!(text.chars().count() <= LONGEST, "{text}");
        assert!(!text.trim().is_empty(), "a text that says nothing is none");
    }
    // If the input contains the part of a secret itself, finding it proves nothing.
    let part = (!input
        .windows(PART.len())
        .any(|part| part == PART.as_bytes()))
    .then_some(PART);
    assert_gives_nothing_away(&error, caller, part);
}

fn assert_keeps_what_is_known(error: &Error, call: Call, status: u16) {
    assert_eq!(error.kind(), ErrorKind::Api, "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
    assert_eq!(error.attempts(), 1);
    let is_open = !call.is_read && (status >= 500 || matches!(status, 302 | 303 | 408 | 499));
    assert_eq!(error.may_have_happened(), is_open, "{error}");
    assert!(error.to_string().contains(&status.to_string()), "{error}");
}

/// Every text of the service in the error.
fn texts(api: &ApiError) -> impl Iterator<Item = &str> {
    let fields = api.errors.iter().flat_map(|error| {
        [
            &error.resource,
            &error.field,
            &error.kind,
            &error.code,
            &error.message,
        ]
    });
    [
        &api.message,
        &api.code,
        &api.documentation_url,
        &api.excerpt,
    ]
    .into_iter()
    .chain(fields)
    .filter_map(|text| text.as_deref())
}

/// Checks that no printed form of the error contains the secret, whatever the service repeats.
fn assert_gives_nothing_away(error: &Error, caller: Caller, part: Option<&str>) {
    let told = format!("{error}\n{error:?}\n{error:#?}\n{:?}", error.api());
    let secret = caller.secret();
    let quoted = secret.escape_debug().to_string();
    let (ascii, basic) = (ascii(secret), basic(caller));
    let whole = [secret, &quoted, &ascii, &basic];
    for form in whole.into_iter().chain(part) {
        assert!(!told.contains(form), "`{form}` in {told}");
    }
}

/// The part of the `Authorization` header after the scheme.
fn basic(caller: Caller) -> String {
    match caller {
        Caller::Token => caller.secret().to_owned(),
        Caller::Plain | Caller::Odd => STANDARD.encode(format!("{USER}:{}", caller.secret())),
    }
}

/// Escapes the text as ASCII JSON, as PHP and Python do.
fn ascii(text: &str) -> String {
    let mut written = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' | '/' => written.extend(['\\', letter]),
            ' '..='~' => written.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    written.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    written
}

/// Replaces the placeholders in a body by the secrets.
fn echo(body: &[u8], caller: Caller) -> Vec<u8> {
    let mut body = body.to_vec();
    for (mark, secret) in [
        ("{{password}}", caller.secret().to_owned()),
        ("{{ascii}}", ascii(caller.secret())),
        ("{{basic}}", basic(caller)),
    ] {
        while let Some(at) = body
            .windows(mark.len())
            .position(|part| part == mark.as_bytes())
        {
            body.splice(at..at + mark.len(), secret.bytes());
        }
    }
    body
}
