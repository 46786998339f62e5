//! Domains of an install: which one is primary, which ones redirect, and whether their ownership is verified.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Network;

/// The time until the TXT record of a new domain is visible in the DNS. The simulated user creates the record at once.
const DNS_DELAY: SignedDuration = SignedDuration::from_mins(2);

/// The name of the TXT record that verifies ownership.
pub(crate) const TXT_KEY: &str = "_wpe_verification";

/// A domain.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Domain {
    pub(crate) id: String,
    /// In lower case.
    pub(crate) name: String,
    pub(crate) primary: bool,
    /// Id of the redirect's target, a domain of the same install.
    pub(crate) redirect_to: Option<String>,
    pub(crate) secure_all_urls: bool,
    pub(crate) network: Network,
    /// The required value of the TXT record.
    pub(crate) txt_value: String,
    pub(crate) txt_visible_at: Timestamp,
    /// When verification was first requested. From then on the service checks until it finds the record.
    pub(crate) verification_asked_at: Option<Timestamp>,
}

impl Domain {
    pub(crate) fn new(
        id: String,
        name: String,
        network: Network,
        txt_value: String,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            name,
            primary: false,
            redirect_to: None,
            secure_all_urls: false,
            network,
            txt_value,
            txt_visible_at: now.saturating_add(DNS_DELAY).unwrap_or(Timestamp::MAX),
            verification_asked_at: None,
        }
    }

    /// Sets when ownership was verified. The platform's own domains are verified from the start.
    pub(crate) fn verified_since(mut self, time: Timestamp) -> Self {
        self.txt_visible_at = time;
        self.verification_asked_at = Some(time);
        self
    }

    /// When ownership was verified, if it was.
    pub(crate) fn verified_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.verification_asked_at
            .map(|asked| asked.max(self.txt_visible_at))
            .filter(|at| *at <= now)
    }

    pub(crate) fn is_wildcard(&self) -> bool {
        self.name.starts_with("*.")
    }
}

/// Whether a text is a valid domain name in lower case: `example.com`, `*.example.com`.
pub(crate) fn is_domain_name(name: &str) -> bool {
    let rest = name.strip_prefix("*.").unwrap_or(name);
    let is_label = |label: &str| {
        let letters = label
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        (1..=63).contains(&label.len())
            && letters
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    rest.contains('.') && name.len() <= 253 && rest.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_other_texts() {
        for name in ["example.com", "*.example.com", "a-b.xn--bcher-kva.example"] {
            assert!(is_domain_name(name), "{name}");
        }
        for name in [
            "",
            "example",
            "example..com",
            "-a.com",
            "a b.com",
            "https://a.com",
            "a.*.com",
            "Example.com",
        ] {
            assert!(!is_domain_name(name), "{name}");
        }
    }

    #[test]
    fn a_domain_is_verified_once_it_was_asked_for_and_the_record_is_there() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut domain = Domain::new(
            "d".into(),
            "a.com".into(),
            Network::Advanced,
            "v".into(),
            at(0),
        );
        assert_eq!(domain.verified_at(at(1000)), None);
        domain.verification_asked_at = Some(at(10));
        assert_eq!(domain.verified_at(at(119)), None);
        assert_eq!(domain.verified_at(at(120)), Some(at(120)));
    }
}
