//! Who gets events: where, which ones, and signed with what.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::{Error, Event, Secret, address};

/// Which events somebody wants. Each list that is not empty must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Filter {
    /// Types, such as `install.created` or `install.*`.
    pub types: Vec<String>,
    /// Ids of accounts.
    pub accounts: Vec<String>,
    /// Names or ids of installs.
    pub installs: Vec<String>,
}

impl Filter {
    /// Lets these types through, such as `install.created` or `install.*`.
    #[must_use]
    pub fn types<S: Into<String>>(mut self, types: impl IntoIterator<Item = S>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Lets through what is of these accounts.
    #[must_use]
    pub fn accounts<S: Into<String>>(mut self, ids: impl IntoIterator<Item = S>) -> Self {
        self.accounts = ids.into_iter().map(Into::into).collect();
        self
    }

    /// Lets through what is of these installs, by their names or ids.
    #[must_use]
    pub fn installs<S: Into<String>>(mut self, installs: impl IntoIterator<Item = S>) -> Self {
        self.installs = installs.into_iter().map(Into::into).collect();
        self
    }

    /// Whether anything can pass: the types are among [`TYPES`](crate::TYPES), and the accounts are ids.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] says which is not.
    pub fn check(&self) -> Result<(), Error> {
        for wanted in &self.types {
            let start = wanted.strip_suffix('*');
            let fits = |(kind, _): &(&str, &str)| {
                start.map_or(kind == wanted, |start| kind.starts_with(start))
            };
            if !crate::TYPES.iter().any(fits) {
                return Err(Error::settings(format!(
                    "no event has the type `{wanted}`; `wpengine events types` lists them"
                )));
            }
        }
        let is_id = |text: &&String| {
            text.len() == 36
                && text
                    .bytes()
                    .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
        };
        match self.accounts.iter().find(|account| !is_id(account)) {
            Some(account) => Err(Error::settings(format!(
                "`{account}` is no id of an account; `wpengine account list` shows the ids"
            ))),
            None => Ok(()),
        }
    }

    /// Whether an event passes.
    ///
    /// ```
    /// use wpengine_events::{Event, Filter};
    ///
    /// let body = r#"{"type":"install.created","timestamp":"2026-06-01T12:00:00Z","data":{"account_id":"a","install":"torquemag"}}"#;
    /// let event: Event = serde_json::from_str(body)?;
    /// assert!(Filter::default().types(["install.*"]).installs(["torquemag"]).matches(&event));
    /// assert!(!Filter::default().types(["backup.*"]).matches(&event));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let is_type = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => event.kind.starts_with(start),
            None => event.kind == *wanted,
        };
        let is_one_of = |wanted: &[String], fields: [&str; 2]| {
            wanted.is_empty()
                || fields.iter().any(|field| {
                    !event.text(field).is_empty()
                        && wanted.iter().any(|wanted| wanted == event.text(field))
                })
        };
        (self.types.is_empty() || self.types.iter().any(is_type))
            && is_one_of(&self.accounts, ["account_id", "account_id"])
            && is_one_of(&self.installs, ["install_id", "install"])
    }
}

/// The form in which events are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Envelope {
    /// `type`, `timestamp` and `data`, as of Standard Webhooks.
    #[default]
    Webhook,
    /// CloudEvents 1.0, structured.
    CloudEvents,
}

/// Somebody who gets events: a receiver of webhooks, a command, or the standard output.
///
/// It is read from TOML or JSON as well. A secret there is the secret itself, `env:NAME`, or `file:PATH`.
///
/// ```
/// use wpengine_events::{Endpoint, Secret};
///
/// let endpoint = Endpoint::webhook("ops", "https://hooks.example.com/wpengine", [Secret::generate()?])?;
/// assert!(Endpoint::webhook("ops", "https://127.0.0.1/", [Secret::generate()?]).is_err());
/// # Ok::<(), wpengine_events::Error>(())
/// ```
#[derive(Clone, Deserialize)]
#[serde(try_from = "Written")]
#[non_exhaustive]
pub struct Endpoint {
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) filter: Filter,
    pub(crate) envelope: Envelope,
    pub(crate) ordered: bool,
    pub(crate) private: Vec<address::Network>,
    pub(crate) concurrency: usize,
    pub(crate) timeout: Duration,
}

#[derive(Clone, PartialEq)]
pub(crate) enum Target {
    Url(Url),
    Command(Vec<String>),
    Stdout,
}

/// The form in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    url: Option<String>,
    command: Option<Vec<String>>,
    #[serde(default)]
    stdout: bool,
    #[serde(default, deserialize_with = "one_or_more")]
    secrets: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    accounts: Vec<String>,
    #[serde(default)]
    installs: Vec<String>,
    #[serde(default)]
    envelope: Envelope,
    #[serde(default = "yes")]
    ordered: bool,
    #[serde(default)]
    private: Vec<String>,
}

/// One secret, or a list. What it is not is never said: it may be one all the same.
fn one_or_more<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    use serde::de::Error as _;

    match Value::deserialize(deserializer)? {
        Value::String(text) => Ok(vec![text]),
        Value::Array(items) => {
            let texts = items.into_iter().map(|item| match item {
                Value::String(text) => Ok(text),
                _ => Err(D::Error::custom("a secret is a text")),
            });
            texts.collect()
        }
        _ => Err(D::Error::custom("secrets is a list of texts")),
    }
}

fn yes() -> bool {
    true
}

impl TryFrom<Written> for Endpoint {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self, Error> {
        let of = |error: Error| Error::settings(format!("endpoint `{}`: {error}", written.name));
        let private = written.private.iter().map(|text| text.parse());
        let private = private.collect::<Result<Vec<_>, Error>>().map_err(of)?;
        let secrets = written.secrets.iter().map(|text| Secret::read(text));
        let secrets = secrets.collect::<Result<Vec<_>, Error>>().map_err(of)?;
        let endpoint = match (written.url, written.command, written.stdout) {
            (Some(url), None, false) => {
                Self::webhook_to(&written.name, &url, secrets, private).map_err(of)?
            }
            (None, Some(command), false) => Self::command(&written.name, command).map_err(of)?,
            (None, None, true) => Self::stdout(&written.name),
            _ => {
                return Err(of(Error::settings(
                    "it needs one of url, command and stdout = true",
                )));
            }
        };
        check_name(&endpoint.name)?;
        let filter = Filter {
            types: written.types,
            accounts: written.accounts,
            installs: written.installs,
        };
        filter.check().map_err(of)?;
        Ok(Self {
            ordered: written.ordered,
            envelope: written.envelope,
            ..endpoint.filter(filter)
        })
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let is_fit = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    match name.chars().all(is_fit) && !name.is_empty() {
        true => Ok(()),
        false => Err(Error::settings(format!(
            "`{name}` is no name of an endpoint: use letters, digits, - and _"
        ))),
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Endpoint");
        shown
            .field("name", &self.name)
            .field("place", &self.place())
            .field("filter", &self.filter);
        shown.finish_non_exhaustive()
    }
}

impl Endpoint {
    fn new(name: &str, target: Target, secrets: Vec<Secret>) -> Self {
        Self {
            name: name.to_owned(),
            target,
            secrets,
            filter: Filter::default(),
            envelope: Envelope::default(),
            ordered: true,
            private: Vec::new(),
            concurrency: 4,
            timeout: Duration::from_secs(20),
        }
    }

    /// A receiver of webhooks at a public address, by HTTPS. With several secrets each delivery has a signature of each, so that a
    /// secret can be replaced: add the new one, give it to the receiver, remove the old one.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] if the address cannot be used, or without a secret.
    pub fn webhook(
        name: &str,
        url: &str,
        secrets: impl IntoIterator<Item = Secret>,
    ) -> Result<Self, Error> {
        Self::webhook_to(name, url, secrets.into_iter().collect(), Vec::new())
    }

    /// The same, where private addresses are reached that are named here: addresses or networks such as `127.0.0.1` or `10.0.0.0/8`.
    /// HTTP without TLS is allowed to these alone.
    ///
    /// # Errors
    ///
    /// As of [`webhook`](Self::webhook), and if an address is none.
    pub fn private_webhook<'a>(
        name: &str,
        url: &str,
        secrets: impl IntoIterator<Item = Secret>,
        addresses: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let addresses = addresses
            .into_iter()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Self::webhook_to(name, url, secrets.into_iter().collect(), addresses)
    }

    fn webhook_to(
        name: &str,
        url: &str,
        secrets: Vec<Secret>,
        private: Vec<address::Network>,
    ) -> Result<Self, Error> {
        check_name(name)?;
        let url = address::check(url, &private)?;
        if secrets.is_empty() {
            return Err(Error::settings(
                "it has no secret; `wpengine events secret` makes one",
            ));
        }
        Ok(Self {
            private,
            ..Self::new(name, Target::Url(url), secrets)
        })
    }

    /// A command that is run for each event, with the event as JSON on its standard input. It is delivered if the command ends with 0.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] without a word.
    pub fn command<S: Into<String>>(
        name: &str,
        command: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        check_name(name)?;
        let command: Vec<String> = command.into_iter().map(Into::into).collect();
        match command.is_empty() {
            true => Err(Error::settings("the command is empty")),
            false => Ok(Self::new(name, Target::Command(command), Vec::new())),
        }
    }

    /// The standard output of this process: one line of JSON for each event.
    #[must_use]
    pub fn stdout(name: &str) -> Self {
        Self::new(name, Target::Stdout, Vec::new())
    }

    /// Sets which events it gets; all by default.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Sets the form of the events.
    #[must_use]
    pub fn envelope(mut self, envelope: Envelope) -> Self {
        self.envelope = envelope;
        self
    }

    /// Delivers also what comes after an event of the same object that could not be delivered yet.
    #[must_use]
    pub fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it leads, for people. The rest of an address may be secret.
    pub(crate) fn place(&self) -> String {
        match &self.target {
            Target::Url(url) => format!("{}/...", url.origin().ascii_serialization()),
            Target::Command(words) => words.first().cloned().unwrap_or_default(),
            Target::Stdout => "stdout".to_owned(),
        }
    }

    /// What tells this place from every other one, without saying it.
    pub(crate) fn identity(&self) -> String {
        let place = match &self.target {
            Target::Url(url) => url.as_str().to_owned(),
            Target::Command(words) => words.join("\0"),
            Target::Stdout => "stdout".to_owned(),
        };
        crate::event::id(&["endpoint", &place])
    }

    /// The body, and its media type.
    pub(crate) fn written(&self, event: &Event) -> (Vec<u8>, &'static str) {
        match (&self.target, self.envelope) {
            (_, Envelope::CloudEvents) => (
                bytes_of(&event.fitted().cloud_event()),
                "application/cloudevents+json",
            ),
            (Target::Url(_), Envelope::Webhook) => (event.fitted().body(), "application/json"),
            (_, Envelope::Webhook) => (bytes_of(&event.to_json()), "application/json"),
        }
    }
}

fn bytes_of(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
