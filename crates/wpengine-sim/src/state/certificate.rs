//! TLS certificates of an install.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Domain;

/// How long an order takes.
const ISSUING: SignedDuration = SignedDuration::from_mins(5);
const VALIDITY: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Let's Encrypt certificates are renewed a month before they expire.
const RENEWAL: SignedDuration = SignedDuration::from_hours(60 * 24);

/// A certificate or the order of one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Certificate {
    pub(crate) id: u64,
    pub(crate) source: Source,
    pub(crate) domains: Vec<String>,
    pub(crate) ordered_at: Timestamp,
    pub(crate) serial_number: String,
    pub(crate) approver_email: Option<String>,
    /// Base64 of the PEM text.
    pub(crate) certificate: String,
    /// Base64 of the PEM text. Only the request for this certificate shows it.
    pub(crate) private_key: PrivateKey,
}

/// The source of a certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// Ordered for one domain, by the domain's id.
    LetsEncrypt { domain_id: String },
    /// Imported.
    ThirdParty { expires_at: Timestamp },
}

/// A private key. `Debug` does not show it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PrivateKey(pub(crate) String);

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PrivateKey(redacted)")
    }
}

impl Certificate {
    /// The status. `domain` is the domain of the order, if it still exists.
    pub(crate) fn status(&self, now: Timestamp, domain: Option<&Domain>) -> &'static str {
        match &self.source {
            Source::ThirdParty { expires_at } if *expires_at <= now => "EXPIRED",
            Source::ThirdParty { .. } => "ENABLED",
            Source::LetsEncrypt { .. } => match domain {
                None => "CANCELED",
                Some(_) if now < self.decided_at() => "SUBMITTED",
                // Let's Encrypt checks the domain, and an unverified domain does not point to the platform.
                Some(domain) if domain.verified_at(self.decided_at()).is_some() => "ENABLED",
                Some(_) => "REJECTED",
            },
        }
    }

    fn decided_at(&self) -> Timestamp {
        self.ordered_at
            .saturating_add(ISSUING)
            .unwrap_or(Timestamp::MAX)
    }

    /// When the current certificate was issued: at the order or the last renewal.
    pub(crate) fn approved_at(&self, now: Timestamp) -> Timestamp {
        match self.source {
            Source::ThirdParty { .. } => self.ordered_at,
            Source::LetsEncrypt { .. } => {
                let first = self.decided_at();
                let age = now.duration_since(first).as_secs().max(0);
                let renewals = age / RENEWAL.as_secs();
                first
                    .saturating_add(SignedDuration::from_secs(renewals * RENEWAL.as_secs()))
                    .unwrap_or(first)
            }
        }
    }

    pub(crate) fn expires_at(&self, now: Timestamp) -> Timestamp {
        match self.source {
            Source::ThirdParty { expires_at } => expires_at,
            Source::LetsEncrypt { .. } => self
                .approved_at(now)
                .saturating_add(VALIDITY)
                .unwrap_or(Timestamp::MAX),
        }
    }

    /// Whether it covers the domain, by name or by wildcard.
    pub(crate) fn covers(&self, name: &str) -> bool {
        self.domains.iter().any(|domain| {
            let wildcard = domain.strip_prefix("*.");
            domain == name
                || wildcard
                    .is_some_and(|rest| name.split_once('.').is_some_and(|(_, tail)| tail == rest))
        })
    }
}
