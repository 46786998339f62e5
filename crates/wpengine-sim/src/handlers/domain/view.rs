//! Domains as the API shows them.

use jiff::Timestamp;
use serde::Serialize;

use crate::call::Call;
use crate::state::{Domain, Install, Network, TXT_KEY, Time};

/// The target of a redirect, or `{}` if there is none.
#[derive(Serialize, Clone, Copy)]
pub(super) struct Target<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> Target<'a> {
    fn new(install: &'a Install, domain: &'a Domain) -> Self {
        let id = domain.redirect_to.as_deref();
        Self {
            id,
            // `None` if the target was deleted.
            name: id.and_then(|id| Some(install.domains.get(id)?.name.as_str())),
        }
    }
}

/// The state of the ownership.
#[derive(Serialize)]
struct Ownership<'a> {
    txt_verified_time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txt_verified_domain: Option<&'a str>,
    txt_verification_key: &'static str,
    txt_verification_value: &'a str,
}

impl<'a> Ownership<'a> {
    fn new(domain: &'a Domain, now: Timestamp) -> Self {
        let verified_at = domain.verified_at(now);
        Self {
            txt_verified_time: verified_at.map(Time),
            txt_verified_domain: verified_at.map(|_| domain.name.as_str()),
            txt_verification_key: TXT_KEY,
            txt_verification_value: &domain.txt_value,
        }
    }

    fn status(&self) -> &'static str {
        if self.txt_verified_time.is_some() {
            "TXT_VERIFIED"
        } else {
            "TXT_VERIFICATION_PENDING"
        }
    }
}

/// One domain. The redirect is shown in two fields: the documented one, and the one that real answers have.
#[derive(Serialize)]
pub(super) struct View<'a> {
    id: &'a str,
    name: &'a str,
    duplicate: bool,
    primary: bool,
    network_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_details: Option<NetworkDetails>,
    redirect_to: Target<'a>,
    redirects_to: Vec<Target<'a>>,
    secure_all_urls: bool,
    #[serde(flatten)]
    ownership: Ownership<'a>,
    ownership_status: &'static str,
}

#[derive(Serialize)]
struct NetworkDetails {
    dns_config_info: DnsConfigInfo,
    network_info: NetworkInfo,
}

#[derive(Serialize)]
struct DnsConfigInfo {
    cname: &'static str,
    a_records: [&'static str; 2],
}

#[derive(Serialize)]
struct NetworkInfo {
    status: &'static str,
    ssl: Ssl,
}

#[derive(Serialize)]
struct Ssl {
    status: &'static str,
}

impl<'a> View<'a> {
    pub(super) fn new(call: &Call<'_>, install: &'a Install, domain: &'a Domain) -> Self {
        let target = Target::new(install, domain);
        let ownership = Ownership::new(domain, call.now);
        let verified = ownership.txt_verified_time.is_some();
        let network_details = (domain.network == Network::Advanced).then_some(NetworkDetails {
            dns_config_info: DnsConfigInfo {
                cname: "wp.wpenginepowered.com",
                a_records: ["192.0.2.10", "192.0.2.11"],
            },
            network_info: NetworkInfo {
                status: if verified { "ACTIVE" } else { "PENDING" },
                ssl: Ssl {
                    status: if verified { "active" } else { "pending" },
                },
            },
        });
        Self {
            id: &domain.id,
            name: &domain.name,
            duplicate: call.world.installs_with_domain(&domain.name) > 1,
            primary: domain.primary,
            network_type: if domain.network == Network::Advanced {
                "AN"
            } else {
                "LEGACY"
            },
            network_details,
            redirect_to: target,
            redirects_to: target.id.map(|_| target).into_iter().collect(),
            secure_all_urls: domain.secure_all_urls,
            ownership_status: ownership.status(),
            ownership,
        }
    }
}

/// A domain in the answer to a bulk request. Both redirect fields are one object here.
#[derive(Serialize)]
pub(super) struct BulkView<'a> {
    id: &'a str,
    name: &'a str,
    duplicate: bool,
    primary: bool,
    redirect_to: Target<'a>,
    redirects_to: Target<'a>,
    #[serde(flatten)]
    ownership: Ownership<'a>,
    ownership_status: &'static str,
}

impl<'a> BulkView<'a> {
    pub(super) fn new(call: &Call<'_>, install: &'a Install, domain: &'a Domain) -> Self {
        let view = View::new(call, install, domain);
        Self {
            id: view.id,
            name: view.name,
            duplicate: view.duplicate,
            primary: view.primary,
            redirect_to: view.redirect_to,
            redirects_to: view.redirect_to,
            ownership: view.ownership,
            ownership_status: view.ownership_status,
        }
    }
}

/// The answer to a request for verification.
#[derive(Serialize)]
pub(super) struct Verification<'a> {
    id: &'a str,
    name: &'a str,
    #[serde(flatten)]
    ownership: Ownership<'a>,
}

impl<'a> Verification<'a> {
    pub(super) fn new(domain: &'a Domain, now: Timestamp) -> Self {
        Self {
            id: &domain.id,
            name: &domain.name,
            ownership: Ownership::new(domain, now),
        }
    }
}
