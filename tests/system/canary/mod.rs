//! A password, a token and a private key that contain a recognisable text are sent through everything that prints. The
//! text must not occur in any output.

mod answers;
mod logs;
mod values;
mod work;

use std::fmt::{Debug, Write};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use wpengine::{Credentials, Error, SecretString, TokenFuture, TokenSource};

pub(crate) const USER: &str = "canary-user";
/// A password with characters that JSON and Rust escape.
pub(crate) const PASSWORD: &str = "kanarienvogel\"7\\f3a-password";
pub(crate) const TOKEN: &str = "kanarienvogel.token~91";
/// The base64 of `kanarienvogel-private-key`. A private key is sent in base64.
pub(crate) const PRIVATE_KEY: &str = "a2FuYXJpZW52b2dlbC1wcml2YXRlLWtleQ==";

/// Returns every form in which a secret could be printed, and the parts that would be enough to recognise it.
fn forms() -> Vec<String> {
    let basic = format!("{USER}:{PASSWORD}");
    let mut forms = vec![
        // This text is part of all secrets.
        "kanarienvogel".to_owned(),
        PRIVATE_KEY.trim_end_matches('=').to_owned(),
        // The beginning of the key, because output may be cut.
        PRIVATE_KEY[..16].to_owned(),
    ];
    for text in [basic.as_str(), PASSWORD, TOKEN] {
        forms.push(STANDARD.encode(text));
        forms.push(STANDARD_NO_PAD.encode(text));
        forms.push(URL_SAFE_NO_PAD.encode(text));
    }
    // The beginning of the header. Even without its last bytes it gives most of the password away.
    forms.push(STANDARD.encode(&basic[..24]));
    // The bytes of the secret, printed as a list.
    forms.push(
        format!("{:?}", "kanarien".as_bytes())
            .trim_matches(['[', ']'])
            .to_owned(),
    );
    forms
}

/// Fails if the text contains a secret.
#[track_caller]
pub(crate) fn nowhere_in(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{what} shows `{form}`: {text}");
    }
}

/// Returns everything that can be printed of an error and its sources.
pub(crate) fn told(error: &Error) -> String {
    let mut told = format!(
        "{error}\n{error:?}\n{error:#?}\n{:?}\n{:?}",
        error.api(),
        error.rate_limit()
    );
    if let Some(api) = error.api() {
        write!(told, "{api:#?}").expect("a string");
    }
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        write!(told, "\n{deeper}\n{deeper:?}\n{deeper:#?}").expect("a string");
        cause = deeper.source();
    }
    told
}

pub(crate) fn shown(value: &impl Debug) -> String {
    format!("{value:?}\n{value:#?}")
}

/// A token source that returns the recognisable token.
#[derive(Debug)]
pub(crate) struct Vault;

impl TokenSource for Vault {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok(SecretString::from(TOKEN)) })
    }
}

/// Returns each kind of credentials.
pub(crate) fn credentials() -> [Credentials; 3] {
    [
        Credentials::basic(USER, PASSWORD),
        Credentials::bearer(TOKEN),
        Credentials::token_source(Vault),
    ]
}

#[test]
fn the_search_finds_what_it_looks_for() {
    let found = |text: &str| std::panic::catch_unwind(|| nowhere_in("a test", text)).is_err();
    assert!(!found("nothing to see here"));
    assert!(found(PASSWORD) && found(TOKEN) && found(PRIVATE_KEY));
    assert!(found(&format!(
        "Basic {}",
        STANDARD.encode(format!("{USER}:{PASSWORD}"))
    )));
    assert!(found(&format!("{:?}", PASSWORD.as_bytes())));
    assert!(found(&format!("{PASSWORD:?}")));
}
