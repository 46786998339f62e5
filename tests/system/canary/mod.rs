//! A password, a token and a private key that contain a recognisable text are sent through everything that prints. The text
//! must not occur in any output.

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
/// With what JSON and Rust escape when they quote it.
pub(crate) const PASSWORD: &str = "kanarienvogel\"7\\f3a-password";
pub(crate) const TOKEN: &str = "kanarienvogel.token~91";
/// The base64 of `kanarienvogel-private-key`, which is what a private key is sent as.
pub(crate) const PRIVATE_KEY: &str = "a2FuYXJpZW52b2dlbC1wcml2YXRlLWtleQ==";

/// Every form in which a secret could stand somewhere, and parts of it that would be enough to know it.
fn forms() -> Vec<String> {
    let basic = format!("{USER}:{PASSWORD}");
    let mut forms = vec![
        // Part of all of them.
        "kanarienvogel".to_owned(),
        PRIVATE_KEY.trim_end_matches('=').to_owned(),
        // Its beginning, too, in case something cuts it.
        PRIVATE_KEY[..16].to_owned(),
    ];
    for text in [basic.as_str(), PASSWORD, TOKEN] {
        forms.push(STANDARD.encode(text));
        forms.push(STANDARD_NO_PAD.encode(text));
        forms.push(URL_SAFE_NO_PAD.encode(text));
    }
    // The header breaks off somewhere: what is before the last bytes of the password says all the same.
    forms.push(STANDARD.encode(&basic[..24]));
    // As bytes in a list.
    forms.push(
        format!("{:?}", "kanarien".as_bytes())
            .trim_matches(['[', ']'])
            .to_owned(),
    );
    forms
}

/// Fails if a secret is anywhere in a text.
#[track_caller]
pub(crate) fn nowhere_in(what: &str, text: &str) {
    for form in forms() {
        assert!(!text.contains(&form), "{what} shows `{form}`: {text}");
    }
}

/// Everything that can be printed of an error, down its causes.
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

/// Gives the token with the recognisable text.
#[derive(Debug)]
pub(crate) struct Vault;

impl TokenSource for Vault {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Ok(SecretString::from(TOKEN)) })
    }
}

/// Every kind of credentials.
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
