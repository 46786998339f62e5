//! Signatures of Standard Webhooks 1.0.0: HMAC-SHA256 over the id, the time and the body.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Deserializer, de};
use sha2::Sha256;
use wpengine::{SecretString, jiff::Timestamp};

use crate::Error;

const PREFIX: &str = "whsec_";

/// The bytes of a secret, as the standard allows them.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// How far the time of a delivery may be from the clock of the receiver.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A secret of an endpoint: `whsec_` and 24 to 64 bytes in base64. It is never printed.
///
/// ```
/// use wpengine::jiff::Timestamp;
/// use wpengine_events::Secret;
///
/// let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
/// let now = Timestamp::from_second(1_614_265_330)?;
/// let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", now, br#"{"test": 2432232314}"#);
/// assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Makes a new secret of 32 random bytes of the operating system.
    ///
    /// # Errors
    ///
    /// If the operating system gives no random bytes.
    pub fn generate() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| Error::settings(format!("no random bytes for a secret: {error}")))?;
        Ok(Self(format!("{PREFIX}{}", STANDARD.encode(bytes)).into()))
    }

    /// The secret as text, to hand it to the receiver once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn key(&self) -> Vec<u8> {
        // It was decoded when it was read.
        let text = self.expose();
        STANDARD
            .decode(text.strip_prefix(PREFIX).unwrap_or(text))
            .unwrap_or_default()
    }

    fn mac(&self, id: &str, at: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key()).ok()?;
        mac.update(format!("{id}.{at}.").as_bytes());
        mac.update(body);
        Some(mac)
    }

    /// Signs a delivery. `at` is the time of this attempt, not of the event.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mac = self.mac(id, at.as_second(), body);
        let code = mac.map(|mac| STANDARD.encode(mac.finalize().into_bytes()));
        format!("v1,{}", code.unwrap_or_default())
    }

    /// Checks what a receiver got: the values of `webhook-id`, `webhook-timestamp` and `webhook-signature`, and the body as it
    /// came. A time more than five minutes away is refused. The comparison takes the same time wherever it fails.
    #[must_use]
    pub fn verify(
        &self,
        id: &str,
        at: &str,
        signatures: &str,
        body: &[u8],
        now: Timestamp,
    ) -> bool {
        let Some(at) = at.parse::<i64>().ok() else {
            return false;
        };
        if now.as_second().abs_diff(at) > TOLERANCE.as_secs() {
            return false;
        }
        signatures.split(' ').any(|signature| {
            let code = signature
                .strip_prefix("v1,")
                .map(|code| STANDARD.decode(code));
            let (Some(Ok(code)), Some(mac)) = (code, self.mac(id, at, body)) else {
                return false;
            };
            mac.verify_slice(&code).is_ok()
        })
    }
}

/// All signatures of a delivery: one for each secret, so that a secret can be replaced without a lost delivery.
pub(crate) fn header(secrets: &[Secret], id: &str, at: Timestamp, body: &[u8]) -> String {
    let each = secrets.iter().map(|secret| secret.sign(id, at, body));
    each.collect::<Vec<_>>().join(" ")
}

impl Secret {
    /// Reads a secret as it is written in settings.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let (place, read) = if let Some(name) = text.strip_prefix("env:") {
            let read = std::env::var(name)
                .map_err(|_| Error::settings(format!("the variable {name} is not set")))?;
            (name, read)
        } else if let Some(path) = text.strip_prefix("file:") {
            let read = std::fs::read_to_string(path)
                .map_err(|error| Error::settings(format!("{path}: {error}")))?;
            (path, read)
        } else {
            return text.parse();
        };
        match read.trim().is_empty() {
            true => Err(Error::settings(format!("{place} is empty"))),
            false => read.parse(),
        }
    }
}

impl std::str::FromStr for Secret {
    type Err = Error;

    /// # Errors
    ///
    /// If it is not `whsec_` and 24 to 64 bytes in base64. The text is not in the error.
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let bytes = text.strip_prefix(PREFIX).map(|code| STANDARD.decode(code));
        match bytes {
            Some(Ok(bytes)) if BYTES.contains(&bytes.len()) => Ok(Self(text.to_owned().into())),
            Some(Ok(bytes)) => Err(Error::settings(format!(
                "a secret has {} bytes; it needs {} to {}",
                bytes.len(),
                BYTES.start(),
                BYTES.end()
            ))),
            _ => Err(Error::settings(
                "a secret is not `whsec_` and base64; `wpengine events secret` makes one",
            )),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// From a text: the secret itself, `env:NAME` for a variable of the environment, or `file:PATH`.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use wpengine::jiff::Timestamp;

    use super::{Secret, header};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_delivery_is_accepted_with_any_of_the_secrets_and_with_no_other() {
        let [old, new, other] = std::array::from_fn(|_| Secret::generate().expect("a secret"));
        let (now, body) = (at(1_800_000_000), br#"{"a":1}"#);
        let signatures = header(&[old.clone(), new.clone()], "evt_1", now, body);
        let check = |secret: &Secret, id, time, body: &[u8], late: i64| {
            secret.verify(id, time, &signatures, body, at(1_800_000_000 + late))
        };
        for secret in [&old, &new] {
            assert!(check(secret, "evt_1", "1800000000", body, 300));
            assert!(!check(secret, "evt_1", "1800000000", body, 301));
            assert!(!check(secret, "evt_1", "1800000000", body, -301));
            assert!(!check(secret, "evt_2", "1800000000", body, 0));
            assert!(!check(secret, "evt_1", "1800000001", body, 0));
            assert!(!check(secret, "evt_1", "1800000000", br#"{"a":2}"#, 0));
            assert!(!check(secret, "evt_1", "soon", body, 0));
        }
        assert!(!check(&other, "evt_1", "1800000000", body, 0));
    }

    #[test]
    fn a_secret_that_is_none_is_refused_and_not_said_again() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "secret", "whsec_!!!!"] {
            let error = text.parse::<Secret>().expect_err("refused").to_string();
            assert!(
                text.is_empty() || text == "whsec_" || text == "secret" || !error.contains(text)
            );
        }
    }
}
