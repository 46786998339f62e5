//! Certificates, matched to the domains of their install.
//!
//! Certificates that no domain of the install uses are not reported: lists hold some that expired years ago.

use std::collections::HashSet;

use wpengine::jiff::SignedDuration;

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::{
    class::Class,
    store::{CertificateRow, DomainRow, InstallRow, covers, is_of_platform},
};

/// Until then, the end of a certificate is critical.
const CRITICAL_DAYS: i64 = 3;

/// An order takes hours at most.
const SUBMITTED: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    // Both listings are needed: what the domains are, and what covers them.
    let with_domains: HashSet<&str> = context
        .installs(Class::Domains)
        .into_iter()
        .map(|install| install.id.as_str())
        .collect();
    let installs = context.installs(Class::Certificates);
    for install in &installs {
        if with_domains.contains(install.id.as_str()) {
            let certificates = facts
                .rows
                .certificates
                .get(&install.id)
                .map_or(&[][..], Vec::as_slice);
            let domains = facts
                .rows
                .domains
                .get(&install.id)
                .map_or(&[][..], Vec::as_slice);
            judge(context, install, certificates, domains);
        }
    }
    context.subjects()
}

fn judge(
    context: &mut Context<'_>,
    install: &InstallRow,
    certificates: &[CertificateRow],
    domains: &[DomainRow],
) {
    let live: Vec<&str> = domains
        .iter()
        .filter(|domain| is_live(domain))
        .map(|domain| domain.name.as_str())
        .collect();
    let is_valid = |certificate: &CertificateRow| {
        let is_good = !matches!(
            certificate.status.as_deref(),
            Some("EXPIRED" | "REJECTED" | "SUBMITTED" | "CANCELED" | "DISABLED")
        );
        is_good && certificate.expires_at.is_some_and(|end| end > context.now)
    };
    let valid: Vec<&CertificateRow> = certificates.iter().filter(|one| is_valid(one)).collect();
    let now = context.now;
    for certificate in certificates {
        let used: Vec<&str> = live
            .iter()
            .copied()
            .filter(|domain| covers(certificate, domain))
            .collect();
        let ordered: Vec<&str> = domains
            .iter()
            .map(|domain| domain.name.as_str())
            .filter(|domain| covers(certificate, domain))
            .collect();
        // Another certificate that is valid for longer has taken its place.
        let has_other = |domain: &&str| {
            valid.iter().any(|other| {
                other.id != certificate.id
                    && covers(other, domain)
                    && other.expires_at > certificate.expires_at
            })
        };
        let is_replaced = used.iter().all(has_other);
        let names = if used.is_empty() {
            ordered.join(", ")
        } else {
            used.join(", ")
        };
        let mut add = |code, severity, observed: String, expected: &str, next: String| {
            let words = Words {
                subject: format!("certificate {} for {names}", certificate.id),
                observed,
                expected: expected.to_owned(),
                next,
            };
            context.add(
                code,
                severity,
                Place::Install(install),
                Class::Certificates,
                words,
            );
        };
        match certificate.status.as_deref() {
            Some("REJECTED")
                if !ordered
                    .iter()
                    .all(|domain| is_ordered_again(&valid, certificate, domain)) =>
            {
                let next = "prove the ownership of the domain, then order the certificate again"
                    .to_owned();
                add(
                    Code::CertRejected,
                    Severity::Warning,
                    "status REJECTED".to_owned(),
                    "an issued certificate",
                    next,
                );
                continue;
            }
            Some("SUBMITTED") if !ordered.is_empty() => {
                let is_late = certificate
                    .ordered_at
                    .is_some_and(|at| now.duration_since(at) > SUBMITTED);
                let severity = if is_late {
                    Severity::Warning
                } else {
                    Severity::Info
                };
                let since = certificate
                    .ordered_at
                    .map_or("an unknown time".to_owned(), |at| at.to_string());
                let next = "check that the domain points at the install".to_owned();
                add(
                    Code::CertSubmitted,
                    severity,
                    format!("status SUBMITTED since {since}"),
                    "an issued certificate",
                    next,
                );
                continue;
            }
            _ => {}
        }
        if used.is_empty() || is_replaced {
            continue;
        }
        let Some(end) = certificate.expires_at else {
            let text = certificate.expires_text.as_deref().unwrap_or("none");
            let next = "look at the certificate in the user portal".to_owned();
            add(
                Code::CertUnreadable,
                Severity::Warning,
                format!("end: {text}"),
                "a time",
                next,
            );
            continue;
        };
        let seconds = end.duration_since(now).as_secs();
        let days = seconds.div_euclid(24 * 3_600);
        if seconds <= 0 || certificate.status.as_deref() == Some("EXPIRED") {
            let next = format!("order or import a certificate for {names}");
            add(
                Code::CertExpired,
                Severity::Critical,
                format!("expired at {end}"),
                "a valid certificate",
                next,
            );
        } else if days <= context.thresholds.certificate_days {
            let severity = match (certificate.auto_renew, days) {
                (Some(true), _) => Severity::Info,
                (_, ..=CRITICAL_DAYS) => Severity::Critical,
                _ => Severity::Warning,
            };
            let renews = match certificate.auto_renew {
                Some(true) => "it renews itself",
                Some(false) => "it does not renew itself",
                None => "it is not known whether it renews itself",
            };
            let words = Words {
                subject: format!("certificate {} for {names}", certificate.id),
                observed: format!("expires at {end}, in {days} days; {renews}"),
                expected: format!("more than {} days", context.thresholds.certificate_days),
                next: format!("renew the certificate for {names}"),
            };
            context.add(
                Code::CertExpiring,
                severity,
                Place::Install(install),
                Class::Certificates,
                words,
            );
        }
    }
    if install.is_production() {
        uncovered(context, install, certificates, &live);
    }
}

/// Whether a certificate for the domain was issued after this one was rejected.
fn is_ordered_again(valid: &[&CertificateRow], rejected: &CertificateRow, domain: &str) -> bool {
    let mut others = valid.iter().filter(|other| covers(other, domain));
    others.any(|other| other.ordered_at > rejected.ordered_at)
}

/// Live domains that no certificate names at all. One that is expired is another finding.
fn uncovered(
    context: &mut Context<'_>,
    install: &InstallRow,
    certificates: &[CertificateRow],
    live: &[&str],
) {
    let counts = |certificate: &&CertificateRow| {
        !matches!(
            certificate.status.as_deref(),
            Some("REJECTED" | "SUBMITTED" | "CANCELED" | "DISABLED")
        )
    };
    let named: Vec<&CertificateRow> = certificates.iter().filter(counts).collect();
    for domain in live {
        if named.iter().any(|certificate| covers(certificate, domain)) {
            continue;
        }
        let words = Words {
            subject: (*domain).to_owned(),
            observed: "no certificate names it".to_owned(),
            expected: "a certificate that names it".to_owned(),
            next: format!("order a certificate for {domain}"),
        };
        context.add(
            Code::CertUncovered,
            Severity::Warning,
            Place::Install(install),
            Class::Certificates,
            words,
        );
    }
}

/// A domain that visitors reach: proven, and not one of the platform's.
fn is_live(domain: &DomainRow) -> bool {
    domain.ownership.as_deref() != Some("TXT_VERIFICATION_PENDING") && !is_of_platform(&domain.name)
}
