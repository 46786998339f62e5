//! TLS certificates.

use std::{fs::OpenOptions, io::Write as _, sync::Arc};

use serde_json::{Value, json};
use wpengine::types::PrivateKey;

use super::{domain, one, run};
use crate::{
    command::{Leaf, leaf},
    context::read_input,
    failure::Failure,
    flags,
    output::Answer,
    tables,
    tap::{CALL, Call},
};

pub(super) fn leaves() -> Vec<Leaf> {
    let domain_arg = || flags::one("domain", "DOMAIN", "Domain: name or id");
    vec![
        leaf("certificate list", "List the certificates of an install", &["list_certificates"], run!(|c, a| {
            let install = c.install(a).await?;
            let list = c.client()?.install(install.id.as_str()).certificates().list();
            let call = Arc::new(Call::default());
            // The library knows that a 404 can mean that there are none.
            CALL.scope(Arc::clone(&call), list.collect()).await?;
            let pages = call.bodies();
            let items = pages.iter().filter_map(|page| page["certificates"].as_array()).flatten().cloned();
            Ok(Answer::items(items.collect()).into())
        }))
        .arg(flags::install().required(true))
        .table(&tables::CERTIFICATES)
        .examples(&["wpengine certificate list -i torquemag"]),
        leaf("certificate get", "Show the certificate of a domain", &["get_domain_certificate"], run!(|c, a| {
            let (install, domain) = domain::find(c, a).await?;
            let mut value = c.read("get_domain_certificate", &[&install.id, &domain.id], &[]).await?;
            let key = value.pointer_mut("/cert_info/key").map(Value::take).unwrap_or_default();
            if let (Some(path), Value::String(key)) = (a.text("save-key"), &key) {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let path = std::path::PathBuf::from(path);
                let written = options.open(&path).and_then(|mut file| file.write_all(key.as_bytes()));
                written.map_err(|error| Failure::file(&path, &error))?;
                c.terminal.say(&format!("the private key is in {}", path.display()));
            } else if a.text("save-key").is_some() {
                return Err(Failure::not_found("the service returned no private key for this certificate"));
            }
            if key.is_string() {
                value["cert_info"]["key"] = json!("(hidden: --save-key FILE writes it)");
            }
            Ok(one(value))
        }))
        .args([
            domain_arg(),
            flags::install(),
            flags::value("save-key", "FILE", "Write the private key to a new file that only you can read"),
        ])
        .calls(&["list_domains"])
        .details("The private key is never printed.")
        .examples(&["wpengine certificate get torquemag.com -i torquemag"]),
        leaf("certificate order", "Order a certificate for a domain", &["order_domain_certificate"], run!(|c, a| {
            let (install, domain) = domain::find(c, a).await?;
            let handle = c.client()?.install(install.id.as_str()).domain(domain.id.as_str()).certificate();
            let mut request = handle.order(a.need("email")).name(a.need("given-name"), a.need("family-name")).region(a.need("region"));
            if let Some(text) = a.text("state") {
                request = request.state(text);
            }
            if let Some(text) = a.text("city") {
                request = request.city(text);
            }
            if let Some(text) = a.text("phone") {
                request = request.phone(text);
            }
            c.confirm("order_domain_certificate", "order a certificate for", std::slice::from_ref(&domain), Vec::new()).await?;
            let sent = c.write("order_domain_certificate", &domain, request.send()).await?;
            if let Some(limit) = a.wait() && !super::is_planned(&sent) {
                c.wait_quietly(&domain, "the certificate", handle.wait(), limit).await?;
            }
            Ok(one(sent))
        }))
        .args([
            domain_arg(),
            flags::install(),
            flags::value("email", "EMAIL", "E-mail address of the contact").required(true),
            flags::value("given-name", "NAME", "First name of the contact").required(true),
            flags::value("family-name", "NAME", "Last name of the contact").required(true),
            flags::value("region", "CODE", "Country of the contact: two letters").required(true),
            flags::value("state", "STATE", "State or province of the contact"),
            flags::value("city", "CITY", "City of the contact"),
            flags::value("phone", "NUMBER", "Telephone number of the contact"),
            flags::wait(),
        ])
        .calls(&["get_install", "list_domains", "get_domain_certificate"])
        .details("Only domains on the legacy network need it; the others get their certificates by themselves.")
        .examples(&["wpengine certificate order torquemag.com -i torquemag --email jo@example.com --given-name Jo --family-name Lee --region US --confirm torquemag.com"]),
        leaf("certificate import", "Install a certificate from another authority", &["import_third_party_certificate"], run!(|c, a| {
            let install = c.install(a).await?;
            let (chain, key) = (a.need("chain"), a.need("key"));
            if chain == "-" && key == "-" {
                return Err(Failure::usage("standard input can be the chain or the key, not both"));
            }
            let (chain, key) = (read_input(&chain).await?, read_input(&key).await?);
            c.confirm("import_third_party_certificate", "install a certificate on", std::slice::from_ref(&install), Vec::new()).await?;
            let request = c.client()?.install(install.id.as_str()).certificates().import_third_party(&chain, PrivateKey::new(key));
            Ok(one(c.write("import_third_party_certificate", &install, request.send()).await?))
        }))
        .args([
            flags::install().required(true),
            flags::value("chain", "FILE", "Certificate with its whole chain, as PEM; - is standard input").required(true).value_hint(clap::ValueHint::FilePath),
            flags::value("key", "FILE", "Private key, as PEM; - is standard input").required(true).value_hint(clap::ValueHint::FilePath),
        ])
        .calls(&["get_install"])
        .examples(&["wpengine certificate import -i acmestg --chain fullchain.pem --key key.pem --yes"]),
    ]
}
