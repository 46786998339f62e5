//! Domains of installs.

use serde_json::json;
use wpengine::requests::NewDomain;

use super::{one, run};
use crate::{
    command::{Leaf, leaf},
    context::{Ctx, code_of},
    failure::Failure,
    flags::{self, Args},
    output::Answer,
    tables,
    target::{Kind, Target, unique},
};

/// The API takes this many new domains in one request.
const MOST_AT_ONCE: usize = 20;

pub(super) fn leaves() -> Vec<Leaf> {
    let domain = || flags::one("domain", "DOMAIN", "Domain: name or id");
    let install = || flags::install();
    vec![
        leaf("domain list", "List the domains of an install", &["list_domains"], run!(|c, a| {
            let install = c.install(a).await?;
            Ok(c.list("list_domains", &[&install.id], &[])?.into())
        }))
        .arg(install().required(true))
        .table(&tables::DOMAINS)
        .examples(&["wpengine domain list -i torquemag"]),
        leaf("domain get", "Show one domain", &["get_domain"], run!(|c, a| {
            let (install, domain) = find(c, a).await?;
            Ok(one(c.read("get_domain", &[&install.id, &domain.id], &[]).await?))
        }))
        .args([domain(), install()])
        .calls(&["list_domains"])
        .table(&tables::DOMAINS)
        .details("Without --install the mirror says which install has the domain; `wpengine fleet sync --only domains` reads it.")
        .examples(&["wpengine domain get torquemag.com -i torquemag"]),
        leaf("domain add", "Add domains to an install", &["create_domain", "create_bulk_domains"], run!(|c, a| {
            let install = c.install(a).await?;
            let mut names = a.all("domain");
            names.dedup();
            let redirect = match a.text("redirect-to") {
                Some(name) => Some(c.child(Kind::Domain, "list_domains", &[&install.id], &name, &["name"]).await?),
                None => None,
            };
            let targets: Vec<Target> = names.iter().map(|name| Target::new(Kind::Domain, "", name).within(&install)).collect();
            c.confirm("create_domain", &format!("to {}, add", install.title()), &targets, Vec::new()).await?;
            let domains = c.client()?.install(install.id.as_str()).domains();
            if let [target] = targets.as_slice() {
                let mut request = domains.create(&target.name);
                if a.flag("primary") {
                    request = request.primary(true);
                }
                if let Some(redirect) = &redirect {
                    request = request.redirect_to(redirect.id.as_str());
                }
                return Ok(one(c.write("create_domain", target, request.send()).await?));
            }
            if a.flag("primary") {
                return Err(Failure::usage("only one domain can be the primary one"));
            }
            let (mut rows, mut done, mut codes) = (Vec::new(), 0, Vec::new());
            for chunk in targets.chunks(MOST_AT_ONCE) {
                let new = chunk.iter().map(|target| match &redirect {
                    Some(redirect) => NewDomain::new(&target.name).redirect_to(&redirect.name),
                    None => NewDomain::new(&target.name),
                });
                match c.write("create_bulk_domains", &install, domains.create_bulk(new).send()).await {
                    Ok(sent) if super::is_planned(&sent) => rows.push(sent),
                    Ok(sent) => {
                        done += chunk.len();
                        let answers = crate::target::items_of(sent);
                        rows.extend(chunk.iter().map(|target| {
                            let answer = answers.iter().find(|answer| answer["name"].as_str() == Some(&target.name));
                            json!({ "target": target.short(), "ok": true, "result": answer })
                        }));
                    }
                    // Nothing was done, and this is why.
                    Err(failure) if targets.len() <= MOST_AT_ONCE => return Err(failure),
                    Err(failure) => {
                        c.terminal.error(&failure);
                        codes.push(failure.exit);
                        let error = failure.json()["error"].clone();
                        rows.extend(chunk.iter().map(|target| json!({ "target": target.short(), "ok": false, "error": error })));
                    }
                }
            }
            if c.globals.dry_run {
                return Ok(Answer::items(rows).into());
            }
            let failed = rows.len() - done;
            let document = json!({ "results": rows, "done": done, "failed": failed });
            Ok(Answer::Document(document, "/results").table(&tables::RESULTS).exit(code_of(done, &codes)))
        }))
        .arg(flags::many("domain", "NAME", "Names of the domains").required(true))
        .args([
            install().required(true),
            flags::switch("primary", "Make it the primary domain"),
            flags::value("redirect-to", "DOMAIN", "Redirect to this domain of the install"),
        ])
        .calls(&["get_install", "list_domains"])
        .table(&tables::DOMAINS)
        .examples(&[
            "wpengine domain add shop.example.com -i acmestg --yes",
            "wpengine domain add www.example.com -i acme --redirect-to example.com --confirm www.example.com",
        ]),
        leaf("domain update", "Change a domain", &["update_domain"], run!(|c, a| {
            let (install, domain) = find(c, a).await?;
            let mut request = c.client()?.install(install.id.as_str()).domain(domain.id.as_str()).update();
            let mut words = Vec::new();
            if a.flag("primary") {
                words.push("make it the primary domain".to_owned());
                request = request.primary(true);
            }
            if let Some(name) = a.text("redirect-to") {
                let to = c.child(Kind::Domain, "list_domains", &[&install.id], &name, &["name"]).await?;
                words.push(format!("redirect it to {}", to.name));
                request = request.redirect_to(to.id);
            }
            if a.flag("no-redirect") {
                words.push("remove its redirect".to_owned());
                request = request.remove_redirect();
            }
            if let Some(secure) = a.truth("secure-all-urls") {
                words.push(format!("{} HTTPS for all its URLs", if secure { "force" } else { "do not force" }));
                request = request.secure_all_urls(secure);
            }
            if words.is_empty() {
                return Err(Failure::usage("nothing to change: give --primary, --redirect-to, --no-redirect or --secure-all-urls"));
            }
            c.confirm("update_domain", &format!("{}:", words.join(", ")), std::slice::from_ref(&domain), Vec::new()).await?;
            Ok(one(c.write("update_domain", &domain, request.send()).await?))
        }))
        .args([
            domain(),
            install(),
            flags::switch("primary", "Make it the primary domain"),
            flags::value("redirect-to", "DOMAIN", "Redirect to this domain of the install").conflicts_with("no-redirect"),
            flags::switch("no-redirect", "Remove the redirect"),
            flags::value("secure-all-urls", "BOOL", "Force HTTPS: true or false").value_parser(clap::value_parser!(bool)),
        ])
        .calls(&["get_install", "list_domains"])
        .table(&tables::DOMAINS)
        .examples(&["wpengine domain update shop.example.com -i acmestg --secure-all-urls true --yes"]),
        leaf("domain remove", "Remove domains from an install", &["delete_domain"], run!(|c, a| {
            let mut found = Vec::new();
            for name in a.all("domain") {
                found.push(find_named(c, a, &name).await?);
            }
            let targets = unique(found.iter().map(|(_, domain)| domain.clone()).collect());
            c.confirm("delete_domain", "remove", &targets, vec!["visitors cannot reach the install by it any more".to_owned()]).await?;
            c.each(&targets, |domain| {
                let install = found.iter().find(|(_, other)| other.id == domain.id).map(|(install, _)| install.id.clone());
                async move {
                    let request = c.client()?.install(install.unwrap_or_default()).domain(domain.id.as_str()).delete();
                    c.write("delete_domain", domain, request.send()).await
                }
            })
            .await
        }))
        .args([flags::many("domain", "DOMAIN", "Domains: names or ids").required(true), install()])
        .calls(&["get_install", "list_domains"])
        .examples(&["wpengine domain remove old.example.com -i acmestg --yes"]),
        leaf("domain verify", "Verify that a domain is yours", &["verify_domain"], run!(|c, a| {
            let (install, domain) = find(c, a).await?;
            let handle = c.client()?.install(install.id.as_str()).domain(domain.id.as_str());
            let sent = c.write("verify_domain", &domain, handle.verify().send()).await?;
            let text = |name: &str| sent[name].as_str().unwrap_or_default();
            if !text("txt_verification_value").is_empty() && text("txt_verified_time").is_empty() {
                c.terminal.say(&format!(
                    "set this DNS record, then verify again: {}.{} TXT {}",
                    text("txt_verification_key"), domain.name, text("txt_verification_value"),
                ));
            }
            match a.wait() {
                Some(limit) if !super::is_planned(&sent) => Ok(one(c.wait(&domain, "the proof", handle.wait(), limit).await?)),
                _ => Ok(one(sent)),
            }
        }))
        .args([domain(), install(), flags::wait()])
        .calls(&["get_install", "list_domains", "get_domain"])
        .table(&tables::DOMAINS)
        .examples(&["wpengine domain verify shop.example.com -i acme --wait=30m"]),
        leaf("domain check", "Check the DNS, HTTP and TLS of a domain", &["check_domain_status"], run!(|c, a| {
            let (install, domain) = find(c, a).await?;
            let handle = c.client()?.install(install.id.as_str());
            let sent = c.write("check_domain_status", &domain, handle.domain(domain.id.as_str()).check_status().send()).await?;
            match a.wait() {
                Some(limit) if !super::is_planned(&sent) => {
                    let id = sent["report_id"].as_str().unwrap_or_default();
                    c.goes_on_with(format!("wpengine domain report {id} -i {}", install.name));
                    Ok(one(c.wait(&domain, "the report", handle.domains().report(id).wait(), limit).await?))
                }
                _ => Ok(one(sent)),
            }
        }))
        .args([domain(), install(), flags::wait()])
        .calls(&["get_install", "list_domains", "get_domain_report"])
        .details("The service makes one check of an install in five seconds; a second one waits for it.")
        .examples(&["wpengine domain check torquemag.com -i torquemag --wait"]),
        leaf("domain report", "Show the report of a check", &["get_domain_report"], run!(|c, a| {
            let install = c.install(a).await?;
            Ok(one(c.read("get_domain_report", &[&install.id, &a.need("report")], &[]).await?))
        }))
        .args([flags::one("report", "REPORT", "Id of the report, from `domain check`"), install().required(true)])
        .examples(&["wpengine domain report 1e0f6f4c-2f3a-4b7d-9c55-1d2e3f4a5b6c -i torquemag"]),
        leaf("domain share", "Make a link to the DNS settings of a domain, for whoever sets them", &["create_domain_sharing_link"], run!(|c, a| {
            let (install, domain) = find(c, a).await?;
            let request = c.client()?.install(install.id.as_str()).domain(domain.id.as_str()).create_sharing_link();
            let sent = c.write("create_domain_sharing_link", &domain, request.send()).await?;
            if !super::is_planned(&sent) {
                c.terminal.say("everybody who has this link can see the DNS settings");
            }
            Ok(one(sent))
        }))
        .args([domain(), install()])
        .calls(&["get_install", "list_domains"])
        .examples(&["wpengine domain share torquemag.com -i torquemag --jq .url"]),
    ]
}

pub(super) async fn find(c: &Ctx, a: Args<'_>) -> Result<(Target, Target), Failure> {
    find_named(c, a, &a.need("domain")).await
}

/// A domain and its install. Without `--install`, the mirror says which install has it.
async fn find_named(c: &Ctx, a: Args<'_>, wanted: &str) -> Result<(Target, Target), Failure> {
    let install = match a.text("install") {
        Some(_) => c.install(a).await?,
        None => {
            let name = wanted.to_lowercase().replace('\'', "''");
            let sql = format!(
                "SELECT DISTINCT install_id FROM domains WHERE gone_at IS NULL AND (name = '{name}' OR id = '{name}')"
            );
            let rows = c.fleet()?.sql(&sql).await?.rows;
            let ids: Vec<&str> = rows
                .iter()
                .filter_map(|row| row.first()?.as_str())
                .collect();
            match ids.as_slice() {
                [id] => c.install_named(id).await?,
                [] => {
                    return Err(Failure::usage(format!("which install has the domain {wanted}? Give --install, or read the domains of the fleet"))
                        .next("wpengine fleet sync --only domains"));
                }
                _ => {
                    return Err(Failure::new(
                        crate::failure::exit::NOT_FOUND,
                        "ambiguous",
                        format!("several installs have the domain {wanted}; give --install"),
                    )
                    .candidates(ids.iter().map(|id| (*id).to_owned())));
                }
            }
        }
    };
    let domain = c
        .child(
            Kind::Domain,
            "list_domains",
            &[&install.id],
            wanted,
            &["name"],
        )
        .await?;
    let domain = domain.within(&install);
    Ok((install, domain))
}
