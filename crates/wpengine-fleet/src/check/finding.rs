//! One finding.

use std::{cmp::Ordering, fmt};

use serde::Serialize;
use wpengine::jiff::Timestamp;

use crate::Named;

/// How severe a finding is, the most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// Visitors or data are affected, or soon will be.
    Critical,
    /// It needs attention.
    Warning,
    /// It could not be looked at.
    Unknown,
    /// Good to know.
    Info,
}

macro_rules! codes {
    ($($code:ident $text:literal $doc:literal,)*) => {
        /// What kind of finding it is. The codes are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $doc] $code,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$code),*];

            /// The code as text.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $text,)*
                }
            }
        }
    };
}

codes! {
    CertExpired "cert_expired" "A certificate of a live domain is expired.",
    CertExpiring "cert_expiring" "A certificate of a live domain expires soon.",
    CertUncovered "cert_uncovered" "No certificate names a live domain of a production install.",
    CertRejected "cert_rejected" "An order of a certificate was rejected.",
    CertSubmitted "cert_submitted" "An order of a certificate is under way.",
    CertUnreadable "cert_unreadable" "The end of a certificate cannot be read.",
    DomainUnverified "domain_unverified" "The ownership of a domain is not proven.",
    DomainDuplicate "domain_duplicate" "Two installs have the same domain.",
    DomainNoPrimary "domain_no_primary" "A production install has no primary domain.",
    DomainDnsElsewhere "domain_dns_elsewhere" "The DNS of a domain does not point at the install.",
    RedirectDangling "redirect_dangling" "A domain redirects to a domain that does not exist.",
    OverLimit "over_limit" "An account uses more than its plan allows.",
    NearLimit "near_limit" "An account uses nearly as much as its plan allows.",
    StorageStale "storage_stale" "The storage of an account is not measured.",
    PhpEol "php_eol" "The PHP version gets no security fixes, or soon will not.",
    PhpMismatch "php_mismatch" "The environments of a site have different PHP versions.",
    PhpUnknown "php_unknown" "The PHP version is not known.",
    InstallPendingLong "install_pending_long" "An install has been pending for more than 15 minutes.",
    InstallStatus "install_status" "The status of an install is not active.",
    BackupNone "backup_none" "An install has no completed backup.",
    BackupOld "backup_old" "The last completed backup of an install is old.",
    BackupLastAborted "backup_last_aborted" "The last backup of an install was aborted.",
    SiteNoStaging "site_no_staging" "A site has no staging environment.",
    SiteNoProduction "site_no_production" "A site has no production environment.",
    InstallOrphan "install_orphan" "An install belongs to no site.",
    OwnerWithoutMfa "owner_without_mfa" "An owner does not use multi-factor authentication.",
    MfaOff "mfa_off" "A user does not use multi-factor authentication.",
    MfaUnknown "mfa_unknown" "It is not known whether a user uses multi-factor authentication.",
    InviteOpen "invite_open" "A user has not accepted the invitation.",
    SoleOwner "sole_owner" "An account has one owner only.",
    TransferDue "transfer_due" "A site transfer is scheduled or under way.",
    CheckFailed "check_failed" "Something could not be looked at.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What a finding is based on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// What was seen.
    pub observed: String,
    /// What should have been seen.
    pub expected: String,
    /// When it was read; `None` if it never was.
    pub as_of: Option<Timestamp>,
}

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The kind of finding.
    pub code: Code,
    /// How severe it is.
    pub severity: Severity,
    /// The account.
    pub account: Option<Named>,
    /// The site, if it is about one.
    pub site: Option<Named>,
    /// The install, if it is about one.
    pub install: Option<Named>,
    /// What it is about: a domain, a person, an install.
    pub subject: String,
    /// What it is based on.
    pub evidence: Evidence,
    /// What to do next.
    pub next: String,
}

impl Finding {
    /// Severity, production first, then account, install, code and subject.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        fn name(named: &Option<Named>) -> &str {
            named.as_ref().map_or("", |named| named.name.as_str())
        }
        let key = |finding: &Self| {
            let environment = finding
                .install
                .as_ref()
                .and_then(|install| install.environment.clone());
            (
                finding.severity,
                environment.as_deref() != Some("production"),
            )
        };
        key(self)
            .cmp(&key(other))
            .then_with(|| name(&self.account).cmp(name(&other.account)))
            .then_with(|| name(&self.install).cmp(name(&other.install)))
            .then_with(|| self.code.as_str().cmp(other.code.as_str()))
            .then_with(|| self.subject.cmp(&other.subject))
    }
}
