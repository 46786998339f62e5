//! TLS certificates: list them, order one from Let's Encrypt, import one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::page_of_tokens;
use crate::call::{Answer, Call, Outcome};
use crate::error::{INVALID_VALUE, Kind, Refusal};
use crate::state::{Certificate, Domain, Install, Network, PrivateKey, Source, Time};

const RESOURCE: &str = "Certificate";
/// The validity of an imported certificate. The dates in the certificate are not read.
const IMPORTED_VALIDITY: SignedDuration = SignedDuration::from_hours(365 * 24);

#[derive(Serialize)]
struct View<'a> {
    id: u64,
    account: &'a str,
    auto_renew: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    approver_email: Option<&'a str>,
    common_name: &'a str,
    cert_source: &'static str,
    ordered_time: Time,
    wildcard: bool,
    domains: &'a [String],
    status: &'static str,
    #[serde(flatten)]
    issued: Option<Issued<'a>>,
}

/// The fields of an order that was approved.
#[derive(Serialize)]
struct Issued<'a> {
    approved_time: Time,
    expires_time: Time,
    serial_number: &'a str,
}

fn view<'a>(call: &'a Call<'_>, install: &'a Install, certificate: &'a Certificate) -> View<'a> {
    let status = status(install, certificate, call.now);
    let is_order = matches!(certificate.source, Source::LetsEncrypt { .. });
    View {
        id: certificate.id,
        account: call
            .world
            .accounts
            .get(&install.account_id)
            .map_or("", |account| &account.name),
        auto_renew: is_order,
        approver_email: certificate.approver_email.as_deref(),
        common_name: certificate.domains.first().map_or("", String::as_str),
        cert_source: if is_order {
            "LETS_ENCRYPT"
        } else {
            "THIRD_PARTY"
        },
        ordered_time: Time(certificate.ordered_at),
        wildcard: certificate
            .domains
            .iter()
            .any(|domain| domain.starts_with("*.")),
        domains: &certificate.domains,
        status,
        issued: matches!(status, "ENABLED" | "EXPIRED").then(|| Issued {
            approved_time: Time(certificate.approved_at(call.now)),
            expires_time: Time(certificate.expires_at(call.now)),
            serial_number: &certificate.serial_number,
        }),
    }
}

fn status(install: &Install, certificate: &Certificate, now: Timestamp) -> &'static str {
    let domain = match &certificate.source {
        Source::LetsEncrypt { domain_id } => install.domains.get(domain_id),
        Source::ThirdParty { .. } => None,
    };
    certificate.status(now, domain)
}

pub(super) fn list_certificates(call: &mut Call<'_>) -> Outcome {
    #[derive(Serialize)]
    struct List<'a> {
        certificates: Vec<View<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    let install = call.install()?;
    if install.certificates.is_empty() {
        // The real API answers an empty list like this.
        let message = format!("No SSL certs found for environment '{}'", install.name);
        return Err(Refusal {
            kind: Kind::NotFound,
            message,
            errors: Vec::new(),
        });
    }
    let limit = call.page_request().limit;
    let offset = match call.query("offset").unwrap_or("0").parse::<usize>() {
        Ok(offset) => offset,
        Err(_) => {
            return Err(Refusal::invalid(
                "offset is no token that this list has given",
            ));
        }
    };
    let (certificates, next) = page_of_tokens(&install.certificates, limit, offset);
    let certificates = certificates
        .iter()
        .map(|certificate| view(call, install, certificate))
        .collect();
    Answer::json(
        200,
        &List {
            certificates,
            next_page_token: next.map(|next| next.to_string()),
        },
    )
}

/// The newest certificate for the domain.
pub(super) fn get_domain_certificate(call: &mut Call<'_>) -> Outcome {
    #[derive(Serialize)]
    struct DomainCertificate<'a> {
        cert_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cert_info: Option<Info<'a>>,
        certificate: View<'a>,
        criteria: &'a str,
    }
    #[derive(Serialize)]
    struct Info<'a> {
        key: &'a str,
        cert: &'a str,
    }
    let install = call.install()?;
    let domain = install
        .domains
        .get(call.path("domain_id"))
        .ok_or_else(Refusal::not_found)?;
    let certificate = newest(install, domain).ok_or_else(Refusal::not_found)?;
    let view = view(call, install, certificate);
    let answer = DomainCertificate {
        cert_name: view.common_name,
        cert_info: view.issued.is_some().then(|| Info {
            key: &certificate.private_key.0,
            cert: &certificate.certificate,
        }),
        certificate: view,
        criteria: &domain.name,
    };
    Answer::json(200, &answer)
}

fn newest<'a>(install: &'a Install, domain: &Domain) -> Option<&'a Certificate> {
    install
        .certificates
        .iter()
        .rev()
        .find(|certificate| certificate.covers(&domain.name))
}

pub(super) fn order_domain_certificate(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        email_address: String,
    }
    let Body { email_address } = call.body()?;
    let install = call.install()?;
    let domain = install
        .domains
        .get(call.path("domain_id"))
        .ok_or_else(Refusal::not_found)?;
    if domain.network != Network::Legacy || domain.is_wildcard() {
        return Err(Refusal::invalid(
            "Certificates can only be ordered for domains on the legacy network",
        ));
    }
    let current = newest(install, domain).map(|certificate| status(install, certificate, call.now));
    if matches!(current, Some("SUBMITTED" | "ENABLED")) {
        // There is a certificate or a pending order already, so a second one is not created.
        return Answer::empty(202);
    }
    let (domain_id, name) = (domain.id.clone(), domain.name.clone());
    let source = Source::LetsEncrypt { domain_id };
    let (certificate, private_key) = (pem(call, "CERTIFICATE"), pem(call, "PRIVATE KEY"));
    add(
        call,
        source,
        vec![name],
        Some(email_address),
        certificate,
        private_key,
    )?;
    Answer::empty(202)
}

pub(super) fn import_third_party_certificate(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize, Serialize)]
    struct Body {
        certificate: String,
        private_key: String,
    }
    let body: Body = call.body()?;
    let install = call.install()?;
    for (field, title, text) in [
        ("certificate", "Certificate", &body.certificate),
        ("private_key", "Private key", &body.private_key),
    ] {
        let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
        if bytes.is_empty() {
            let message = format!("{title} must be the base64 of a PEM text");
            return Err(Refusal::field(
                RESOURCE,
                field,
                INVALID_VALUE,
                "invalid",
                &message,
            ));
        }
    }
    let domains = install
        .primary_domain()
        .map(str::to_owned)
        .into_iter()
        .collect();
    let expires_at = call
        .now
        .saturating_add(IMPORTED_VALIDITY)
        .unwrap_or(Timestamp::MAX);
    let (certificate, private_key) = (body.certificate.clone(), body.private_key.clone());
    add(
        call,
        Source::ThirdParty { expires_at },
        domains,
        None,
        certificate,
        private_key,
    )?;
    Answer::json(200, &body)
}

fn add(
    call: &mut Call<'_>,
    source: Source,
    domains: Vec<String>,
    approver_email: Option<String>,
    certificate: String,
    private_key: String,
) -> Result<(), Refusal> {
    let certificate = Certificate {
        id: call.world.next_certificate(),
        source,
        domains,
        ordered_at: call.now,
        serial_number: call.world.random.hex(32).to_uppercase(),
        approver_email,
        certificate,
        private_key: PrivateKey(private_key),
    };
    call.install_mut()?.certificates.push(certificate);
    Ok(())
}

/// A text in PEM form, as base64. It does not contain a real certificate.
fn pem(call: &mut Call<'_>, kind: &str) -> String {
    let body = STANDARD.encode(call.world.random.hex(96));
    STANDARD.encode(format!(
        "-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"
    ))
}
