//! Reports on the DNS, HTTP and TLS of a domain.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::find;
use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;
use crate::state::{Install, Report, Time};

const EVENT: &str = "domain_status_check";
const BETWEEN: SignedDuration = SignedDuration::from_secs(5);

pub(in crate::handlers) fn check_domain_status(call: &mut Call<'_>) -> Outcome {
    let (install, domain) = find(call)?;
    let domain = domain.name.clone();
    let too_soon = install
        .last(EVENT)
        .is_some_and(|last| call.now.duration_since(last) < BETWEEN);
    if call.world.install_limits && too_soon {
        return Err(Refusal::too_many_requests(
            "Domain status checks are rate-limited to one request every 5 seconds for each install",
        ));
    }
    let (now, id) = (call.now, call.world.random.uuid());
    let install = call.install_mut()?;
    install.record(EVENT, now, json!({ "domain": domain, "report_id": id }));
    install.reports.insert(
        id.clone(),
        Report {
            id: id.clone(),
            domain,
            asked_at: now,
        },
    );
    Answer::json(202, &json!({ "report_id": id }))
}

pub(in crate::handlers) fn get_domain_report(call: &mut Call<'_>) -> Outcome {
    let install = call.install()?;
    let report = install
        .reports
        .get(call.path("report_id"))
        .ok_or_else(Refusal::not_found)?;
    let complete = report.is_complete(call.now);
    let domains = if complete {
        vec![findings(call, install, report)]
    } else {
        Vec::new()
    };
    let body = json!({ "report": {
        "complete": complete,
        "id": report.id,
        "install_name": install.name,
        "install_ip": "192.0.2.10",
        "admin": false,
        "domains": domains,
    } });
    Answer::json(200, &body)
}

/// The result of the check. A verified domain points to the platform; any other domain points nowhere.
fn findings(call: &Call<'_>, install: &Install, report: &Report) -> Value {
    let name = &report.domain;
    let domain = install.domains.values().find(|domain| domain.name == *name);
    let points_here = domain.is_some_and(|domain| domain.verified_at(call.now).is_some());
    let addresses: &[&str] = if points_here {
        &["192.0.2.10", "192.0.2.11"]
    } else {
        &[]
    };
    let certificate = install
        .certificates
        .iter()
        .find(|certificate| points_here && certificate.covers(name));
    let ssl = match certificate {
        Some(certificate) => json!({
            "status": "verified",
            "issuer": "Let's Encrypt",
            "not_before": Time(certificate.approved_at(call.now)),
            "not_after": Time(certificate.expires_at(call.now)),
            "error": "",
            "dns_names": certificate.domains,
            "serial_number": certificate.serial_number,
            "common_name": certificate.domains.first(),
            "sans": certificate.domains,
        }),
        None => json!({ "status": "error", "error": "no certificate for this name" }),
    };
    json!({
        "name": name,
        "cname": if points_here { "wp.wpenginepowered.com" } else { "" },
        "a_record": addresses.first().unwrap_or(&""),
        "aaaa_record": "",
        "complete": true,
        "result": if points_here { "ok" } else { "not_pointed" },
        "dns_provider": "example",
        "dns_error": !points_here,
        "install_name": install.name,
        "http_error": !points_here,
        "ns": [{ "host": "ns1.example.com." }, { "host": "ns2.example.com." }],
        "mx": [],
        "txt": domain.filter(|_| points_here).map(|domain| &domain.txt_value).into_iter().collect::<Vec<_>>(),
        "ip": addresses,
        "address": addresses,
        "ssl": ssl,
    })
}
