//! Credentials: Basic, a bearer token, or a source of tokens. They are never printed.

use std::{env, fmt, future::Future, pin::Pin, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;

/// The pairs of variables for Basic credentials, in order of precedence.
const PAIRS: [(&str, &str); 4] = [
    ("WPE_API_USER_ID", "WPE_API_PASSWORD"),
    ("WPE_USERNAME", "WPE_PASSWORD"),
    ("WP_ENGINE_API_USERNAME", "WP_ENGINE_API_PASSWORD"),
    ("WPENGINE_USER_ID", "WPENGINE_PASSWORD"),
];

/// The credentials of a client. `Debug` shows their kind, but no secret.
///
/// ```
/// use wpengine::Credentials;
///
/// let credentials = Credentials::basic("my-api-user-id", "my-password");
/// assert_eq!(format!("{credentials:?}"), "Credentials(basic, redacted)");
/// ```
#[derive(Clone)]
pub struct Credentials(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Basic {
        user: SecretString,
        password: SecretString,
        /// The pair of variables that they were read from. The hint names it when the service refuses them.
        variables: Option<(&'static str, &'static str)>,
    },
    Bearer(SecretString),
    Source(Arc<dyn TokenSource>),
}

/// The future that [`TokenSource::token`] returns.
pub type TokenFuture<'a> = Pin<
    Box<
        dyn Future<Output = Result<SecretString, Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'a,
    >,
>;

/// Provides bearer tokens, for example from a vault.
///
/// The client calls the source once, also if several tasks need a token at the same time, and keeps the token. When the
/// service refuses the token with 401, the client calls the source again, at most once for each request. The source
/// must return within the time limit of an attempt, 45 s by default. Otherwise the call fails and no request is sent.
///
/// ```
/// use wpengine::{Credentials, SecretString, TokenFuture, TokenSource};
///
/// #[derive(Debug)]
/// struct Vault;
///
/// impl TokenSource for Vault {
///     fn token(&self) -> TokenFuture<'_> {
///         Box::pin(async { Ok(SecretString::from("a-token-from-the-vault")) })
///     }
/// }
///
/// let credentials = Credentials::token_source(Vault);
/// assert_eq!(format!("{credentials:?}"), "Credentials(token source, redacted)");
/// ```
pub trait TokenSource: Send + Sync + 'static {
    /// Returns a token that is valid now.
    fn token(&self) -> TokenFuture<'_>;

    /// Returns a name for the user of the tokens, if it is always the same user. Clients and processes whose sources
    /// return the same name share the rate limits of that user. The default is `None`: such a source shares rate limits
    /// with no other client.
    fn limit_key(&self) -> Option<&str> {
        None
    }
}

impl Credentials {
    /// Creates credentials from an API user id and its password, as generated in the user portal.
    pub fn basic(user_id: impl Into<String>, password: impl Into<String>) -> Self {
        Self(Kind::Basic {
            user: SecretString::from(user_id.into()),
            password: SecretString::from(password.into()),
            variables: None,
        })
    }

    /// Creates credentials from a bearer token. There is no public way to get such a token. Some operations refuse the
    /// tokens that WP Engine issues to its own applications.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self(Kind::Bearer(SecretString::from(token.into())))
    }

    /// Creates credentials from a source of bearer tokens.
    pub fn token_source(source: impl TokenSource) -> Self {
        Self(Kind::Source(Arc::new(source)))
    }

    /// Reads Basic credentials from the environment.
    ///
    /// The pairs of variables, in order of precedence, are `WPE_API_USER_ID` and `WPE_API_PASSWORD` (the names in the
    /// documentation of the API), `WPE_USERNAME` and `WPE_PASSWORD`, `WP_ENGINE_API_USERNAME` and
    /// `WP_ENGINE_API_PASSWORD`, `WPENGINE_USER_ID` and `WPENGINE_PASSWORD`. The first pair with at least one variable
    /// set is used, and both of its variables must be set. An empty variable counts as unset.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration) if no pair is set, or only one variable of the pair. The
    /// error names the missing variable.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_lookup(env::var_os)
    }

    fn from_lookup(
        lookup: impl Fn(&'static str) -> Option<std::ffi::OsString>,
    ) -> Result<Self, Error> {
        let get = |name: &'static str| {
            let value = lookup(name).filter(|value| !value.is_empty());
            let text = value.map(std::ffi::OsString::into_string).transpose();
            let secret = text.map(|text| text.map(SecretString::from));
            secret.map_err(|_| {
                let text = format!("the environment variable {name} is not valid UTF-8");
                Error::configuration(text)
                    .with_hint("set it to the text that the user portal shows")
            })
        };
        for variables @ (user_name, password_name) in PAIRS {
            let (missing, set) = match (get(user_name)?, get(password_name)?) {
                (None, None) => continue,
                (Some(user), Some(password)) => {
                    return Ok(Self(Kind::Basic {
                        user,
                        password,
                        variables: Some(variables),
                    }));
                }
                (None, Some(_)) => (user_name, password_name),
                (Some(_), None) => (password_name, user_name),
            };
            let text = format!("the environment has {set} but not {missing}");
            let hint = format!("set {missing} too, or unset {set}");
            return Err(Error::configuration(text).with_hint(hint));
        }
        let (user, password) = PAIRS[0];
        let hint =
            format!("set {user} and {password} to what the user portal shows under API Access");
        Err(
            Error::configuration("the environment has no credentials for the WP Engine API")
                .with_hint(hint),
        )
    }

    /// Checks whether the credentials can be sent in a header.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match &self.0 {
            Kind::Basic { user, password, .. } => {
                let refuse =
                    |text: &str, hint: &str| Err(Error::configuration(text).with_hint(hint));
                if user.expose_secret().is_empty() || password.expose_secret().is_empty() {
                    let hint = "give both as the user portal shows them";
                    return refuse("the API user id or its password is empty", hint);
                }
                spaces("API user id", user)?;
                spaces("password", password)?;
                if user.expose_secret().contains(':') {
                    let hint = "give the id and the password separately";
                    return refuse("an API user id cannot contain a colon", hint);
                }
                Ok(())
            }
            Kind::Bearer(token) => bearer_header(token).map(drop),
            Kind::Source(_) => Ok(()),
        }
    }

    /// Returns a hint for when the service refuses the credentials.
    pub(crate) fn hint(&self) -> String {
        match &self.0 {
            Kind::Basic {
                variables: Some((user, password)),
                ..
            } => format!("check {user} and {password}"),
            Kind::Basic { .. } => {
                "check the API user id and the password that were given to the client".to_owned()
            }
            Kind::Bearer(_) => "the bearer token may have expired".to_owned(),
            Kind::Source(_) => "the token source gave a token that is not accepted".to_owned(),
        }
    }
}

/// Refuses white space around a secret and control characters in it: they are copying mistakes. A space inside is
/// allowed.
fn spaces(what: &str, secret: &SecretString) -> Result<(), Error> {
    let text = secret.expose_secret();
    let (rule, hint) = if text.trim_end_matches(['\r', '\n']) != text {
        let hint = "remove it; a secret that is read from a file often ends in one";
        ("ends in a line break", hint)
    } else if text.trim() != text {
        ("has white space around it", "remove it")
    } else if text.chars().any(char::is_control) {
        let hint = "copy it again from the user portal";
        ("holds a line break or another control character", hint)
    } else {
        return Ok(());
    };
    Err(Error::configuration(format!("the {what} {rule}")).with_hint(hint))
}

/// Removes every secret of an `Authorization` header from a text, because some servers repeat what they were sent.
///
/// It uses the header of the request and not the credentials of the client, which may have been replaced since.
pub(crate) fn redact(text: &mut String, sent: Option<&HeaderValue>) {
    let Some((scheme, content)) = sent
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.split_once(' '))
    else {
        return;
    };
    let mut take_out = |secret: &str| {
        // A text of one or two letters occurs everywhere and is not a real secret.
        if secret.len() > 2 && text.contains(secret) {
            *text = text.replace(secret, "(redacted)");
        }
    };
    take_out(content);
    if scheme != "Basic" {
        return;
    }
    let decoded = STANDARD
        .decode(content)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some((_, password)) = decoded.as_deref().and_then(|text| text.split_once(':')) {
        take_out(password);
        // As Rust and JSON escape it.
        take_out(&password.escape_debug().to_string());
        take_out(&escaped_for_ascii(password));
    }
}

/// Escapes a text as PHP and Python do in JSON, with ASCII only. A body that is cut off is quoted in this form, without
/// being decoded.
fn escaped_for_ascii(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' | '/' => escaped.extend(['\\', letter]),
            ' '..='~' => escaped.push(letter),
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    escaped
}

#[cfg(test)]
impl Credentials {
    pub(crate) fn basic_pair(&self) -> Option<(&str, &str)> {
        match &self.0 {
            Kind::Basic { user, password, .. } => {
                Some((user.expose_secret(), password.expose_secret()))
            }
            _ => None,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            Kind::Basic { .. } => "basic",
            Kind::Bearer(_) => "bearer token",
            Kind::Source(_) => "token source",
        };
        write!(f, "Credentials({kind}, redacted)")
    }
}

fn basic_text(user: &SecretString, password: &SecretString) -> String {
    STANDARD.encode(format!(
        "{}:{}",
        user.expose_secret(),
        password.expose_secret()
    ))
}

pub(crate) fn basic_header(
    user: &SecretString,
    password: &SecretString,
) -> Result<HeaderValue, Error> {
    sensitive(&format!("Basic {}", basic_text(user, password)))
}

pub(crate) fn bearer_header(token: &SecretString) -> Result<HeaderValue, Error> {
    let token = token.expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(unusable_token());
    }
    sensitive(&format!("Bearer {token}"))
}

pub(crate) fn unusable_token() -> Error {
    Error::configuration(
        "a bearer token must not be empty and must hold only visible ASCII characters",
    )
    .with_hint("check for a line break at its end")
}

fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::configuration("the credentials cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn from(variables: &[(&'static str, &str)]) -> Result<Credentials, Error> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        Credentials::from_lookup(|name| variables.get(name).map(Into::into))
    }

    fn user(credentials: &Credentials) -> &str {
        match &credentials.0 {
            Kind::Basic { user, .. } => user.expose_secret(),
            _ => panic!("not Basic"),
        }
    }

    #[test]
    fn every_pair_is_read_and_the_documented_one_comes_first() {
        for (name, password) in PAIRS {
            assert_eq!(user(&from(&[(name, "u"), (password, "p")]).unwrap()), "u");
        }
        let both = from(&[
            ("WPE_USERNAME", "second"),
            ("WPE_PASSWORD", "p"),
            ("WPE_API_USER_ID", "first"),
            ("WPE_API_PASSWORD", "p"),
        ]);
        assert_eq!(user(&both.unwrap()), "first");
    }

    #[test]
    fn halves_of_two_pairs_are_never_mixed() {
        let error = from(&[("WPE_API_USER_ID", "u"), ("WPE_PASSWORD", "p")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment has WPE_API_USER_ID but not WPE_API_PASSWORD; set WPE_API_PASSWORD too, or unset WPE_API_USER_ID"
        );
    }

    #[test]
    fn an_empty_variable_is_an_unset_one() {
        let credentials = from(&[
            ("WPE_API_USER_ID", ""),
            ("WPE_API_PASSWORD", ""),
            ("WPENGINE_USER_ID", "u"),
            ("WPENGINE_PASSWORD", "p"),
        ]);
        assert_eq!(user(&credentials.unwrap()), "u");
        assert!(from(&[("WPE_API_USER_ID", "u"), ("WPE_API_PASSWORD", "")]).is_err());
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for credentials in [
            Credentials::basic("", "p"),
            Credentials::basic("u", ""),
            Credentials::basic("u:v", "p"),
            Credentials::basic("u\n", "p"),
            Credentials::basic(" u", "p"),
            Credentials::basic("u", "p\r\n"),
            Credentials::basic("u", "p\tq"),
            Credentials::bearer(""),
            Credentials::bearer("abc\n"),
            Credentials::bearer("a b"),
        ] {
            assert!(credentials.check().is_err());
        }
        assert!(Credentials::basic("u", "pä:ss word").check().is_ok());
        let error = Credentials::basic("u", "p\n").check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the password ends in a line break; remove it; a secret that is read from a file often ends in one"
        );
        let error = Credentials::basic(" u", "p").check().unwrap_err();
        let text = "the API user id has white space around it; remove it";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn secrets_are_taken_out_of_texts() {
        let header = basic_header(&"user".into(), &"canary:\"password".into()).unwrap();
        let encoded = STANDARD.encode("user:canary:\"password");
        let mut text = format!(
            "a canary:\"password b {encoded} c {:?}",
            "canary:\"password"
        );
        redact(&mut text, Some(&header));
        assert_eq!(text, "a (redacted) b (redacted) c \"(redacted)\"");

        let mut text = "a token-1 b".to_owned();
        redact(&mut text, None);
        assert_eq!(text, "a token-1 b");
        redact(&mut text, Some(&bearer_header(&"token-1".into()).unwrap()));
        assert_eq!(text, "a (redacted) b");
    }
}
