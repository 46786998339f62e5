//! The key by which the gateway is known: one for all installs.

use std::{fmt, fs, io::Write as _, path::Path};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, ErrorKind};

/// A fingerprint that users of the service have published, and where.
///
/// WP Engine itself is said to publish it in its portal. Compare, before you accept it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReportedKey {
    /// The host.
    pub host: &'static str,
    /// The kind of the key.
    pub algorithm: &'static str,
    /// The fingerprint.
    pub fingerprint: &'static str,
    /// Who published it. None of the reports has a date.
    pub sources: &'static [&'static str],
}

/// The fingerprint that is reported of `*.ssh.wpengine.net`.
pub const REPORTED: ReportedKey = ReportedKey {
    host: "*.ssh.wpengine.net",
    algorithm: "ssh-rsa",
    fingerprint: "SHA256:T8IoIgBRJ3gDjA6/q7i33+nSrrpVfZipYtxo1rqvww4",
    sources: &[
        "the README of jpowersdev/client-site-update-script on GitHub",
        "skyminds.net, a page on failing host key verification, which shows it partly and under nine installs",
    ],
};

/// The public key of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HostKey {
    /// The kind of the key, such as `ssh-rsa`.
    pub algorithm: String,
    /// `SHA256:` and the hash, as ssh prints it.
    pub fingerprint: String,
    /// The key itself, in base64.
    pub key: String,
}

impl HostKey {
    /// Reads a line of a known_hosts file: names, algorithm, key.
    pub(crate) fn of_line(line: &str, name: &str) -> Option<Self> {
        let mut parts = line.split_ascii_whitespace();
        if parts.next()? != name {
            return None;
        }
        let (algorithm, key) = (parts.next()?, parts.next()?);
        let hash = Sha256::digest(STANDARD.decode(key).ok()?);
        Some(Self {
            algorithm: algorithm.to_owned(),
            fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(hash)),
            key: key.to_owned(),
        })
    }

    /// Whether this is the key that [users report](REPORTED).
    #[must_use]
    pub fn is_reported(&self) -> bool {
        self.fingerprint == REPORTED.fingerprint
    }

    /// Whether a fingerprint means this key. `SHA256:` in front and `=` at the end may be missing or there.
    #[must_use]
    pub fn has(&self, fingerprint: &str) -> bool {
        let bare = |text: &str| {
            let text = text.trim().trim_end_matches('=');
            text.strip_prefix("SHA256:").unwrap_or(text).to_owned()
        };
        bare(fingerprint) == bare(&self.fingerprint)
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.fingerprint)
    }
}

/// The accepted keys of a name.
pub(crate) fn recorded(file: &Path, name: &str) -> Result<Vec<HostKey>, Error> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::local(file, &error)),
    };
    Ok(text
        .lines()
        .filter_map(|line| HostKey::of_line(line, name))
        .collect())
}

/// Accepts a key for a name, instead of all others.
pub(crate) fn record(file: &Path, name: &str, key: &HostKey) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(file);
    let before = fs::read_to_string(file).unwrap_or_default();
    let write = || -> std::io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        let others = before
            .lines()
            .filter(|line| line.split_ascii_whitespace().next() != Some(name));
        for line in others {
            writeln!(new, "{line}")?;
        }
        writeln!(new, "{name} {} {}", key.algorithm, key.key)?;
        new.persist(file)?;
        Ok(())
    };
    write().map_err(|error| Error::local(file, &error))
}

/// What a fingerprint in an error of ssh is: `SHA256:` and what follows.
pub(crate) fn shown_in(text: &str) -> Option<&str> {
    let begin = text.find("SHA256:")?;
    let end = text[begin..]
        .find(|letter: char| letter.is_whitespace())
        .map_or(text.len(), |end| begin + end);
    Some(text[begin..end].trim_end_matches('.'))
}

/// A key that is not the one that was accepted.
pub(crate) fn changed(host: &str, recorded: &[HostKey], shown: &str) -> Error {
    let known: Vec<String> = recorded.iter().map(HostKey::to_string).collect();
    Error::new(
        ErrorKind::HostKeyChanged,
        format!(
            "{host} shows another host key than the one that was accepted; nothing was sent to it\n  accepted: {}\n  shown:    {shown}",
            known.join(", ")
        ),
    )
    .hint("somebody may stand between you and the gateway. If WP Engine says that it has a new key, accept that one: wpengine ssh INSTALL --host-key SHA256:...")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_hash() {
        let line = "gateway ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        let key = HostKey::of_line(line, "gateway").unwrap();
        // As ssh prints it for GitHub's well-known key.
        assert_eq!(
            key.fingerprint,
            "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
        );
        assert!(key.has("+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU="));
        assert!(!key.is_reported());
        assert_eq!(HostKey::of_line(line, "other"), None);
    }

    #[test]
    fn the_fingerprint_in_a_warning_is_found() {
        let text = "The fingerprint for the RSA key sent by the remote host is\nSHA256:abc.\nPlease contact";
        assert_eq!(shown_in(text), Some("SHA256:abc"));
        assert_eq!(shown_in("nothing"), None);
    }
}
