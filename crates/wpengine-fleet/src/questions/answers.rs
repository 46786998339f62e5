//! What the questions return.

use std::{collections::BTreeMap, sync::Arc};

use serde::Serialize;
use wpengine::jiff::Timestamp;

use crate::{Candidate, Finding, Named, Verdict};

/// One account, in figures. A figure that is not known is `None`, and never 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AccountOverview {
    /// The account.
    pub account: Arc<Named>,
    /// The number of its sites.
    pub sites: usize,
    /// The number of its installs.
    pub installs: usize,
    /// The installs by environment.
    pub by_environment: BTreeMap<String, usize>,
    /// The installs by PHP version.
    pub by_php: BTreeMap<String, usize>,
    /// The installs by status.
    pub by_status: BTreeMap<String, usize>,
    /// The usage of the last 30 days, against the plan.
    pub usage: Vec<Used>,
}

/// How much of a limit is used.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Used {
    /// `visits`, `bandwidth` or `storage`.
    pub metric: String,
    /// The unit: `visits`, or `GB` of 2^30 bytes.
    pub unit: String,
    /// What is used; `None` if it is not known or not measured.
    pub used: Option<f64>,
    /// What the plan allows; `None` if that is not known.
    pub allowed: Option<f64>,
    /// The percentage; `None` if one of the two is not known.
    pub percent: Option<f64>,
}

/// A person, over all accounts, by the e-mail address in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Person {
    /// The e-mail address; `None` for users without one.
    pub email: Option<String>,
    /// The name.
    pub name: String,
    /// Whether multi-factor authentication is on, everywhere: `None` if an answer does not say it and none says no.
    pub mfa_enabled: Option<bool>,
    /// Whether all invitations are accepted: `None` if an answer does not say it and none says no.
    pub invite_accepted: Option<bool>,
    /// The accounts, with the roles in each.
    pub accounts: Vec<Membership>,
}

/// The roles of a person in an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Membership {
    /// The account.
    pub account: Arc<Named>,
    /// The roles, as the API writes them.
    pub roles: String,
    /// Whether the account would have no owner without this person.
    pub last_owner: Option<bool>,
}

/// Where a domain is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DomainRecord {
    /// The domain.
    pub domain: String,
    /// The install.
    pub install: Arc<Named>,
    /// The site.
    pub site: Option<Arc<Named>>,
    /// The account.
    pub account: Option<Arc<Named>>,
    /// Whether it is the primary domain.
    pub is_primary: Option<bool>,
    /// Whether the ownership is proven, in the words of the API.
    pub ownership: Option<String>,
    /// The domain to which it redirects.
    pub redirects_to: Option<String>,
    /// Every certificate of the install that names it; `None` if the certificates are not known.
    pub certificates: Option<Vec<Arc<CertificateRecord>>>,
}

/// A certificate of an install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InstallCertificate {
    /// The install.
    pub install: Arc<Named>,
    /// The account.
    pub account: Option<Arc<Named>>,
    /// The certificate.
    #[serde(flatten)]
    pub certificate: CertificateRecord,
    /// The domains that it names, in lower case.
    pub names: Vec<String>,
    /// The domains of the install that it covers; `None` if the domains are not known. Without any, visitors do not need it.
    pub covers: Option<Vec<String>>,
}

/// A certificate that names a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CertificateRecord {
    /// The number of the certificate.
    pub id: String,
    /// The status, in the words of the API.
    pub status: Option<String>,
    /// When it ends; `None` if that cannot be read.
    pub expires_at: Option<Timestamp>,
    /// Whether it renews itself.
    pub auto_renew: Option<bool>,
}

/// The backups of an install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackupRecord {
    /// The install.
    pub install: Arc<Named>,
    /// The account.
    pub account: Option<Arc<Named>>,
    /// How many backups there are; `None` if that is not known.
    pub count: Option<usize>,
    /// When the newest completed one was completed.
    pub completed_at: Option<Timestamp>,
    /// Its id.
    pub completed: Option<String>,
    /// The status of the newest one.
    pub last_status: Option<String>,
}

/// The versions of an install.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VersionRecord {
    /// The install.
    pub install: Arc<Named>,
    /// The account.
    pub account: Option<Arc<Named>>,
    /// The PHP version.
    pub php: Option<String>,
    /// The WordPress version; `None` if it is not known.
    pub wordpress: Option<String>,
    /// The plugins, as they were [recorded](crate::Fleet::record_versions); `None` if nobody did.
    pub plugins: Option<serde_json::Value>,
}

/// A difference between two installs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// What is different.
    pub field: String,
    /// What the first install has.
    pub first: Option<String>,
    /// What the second install has.
    pub second: Option<String>,
}

/// What is wrong with one install.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The install.
    pub install: Candidate,
    /// Healthy only if every check could judge it.
    pub verdict: Verdict,
    /// The findings, the most severe first.
    pub findings: Vec<Finding>,
}
