//! Domains of an install and the verification of their ownership. Reports are in [`report`].

mod bulk;
pub(super) mod report;
mod view;

use serde::Deserialize;

pub(super) use self::bulk::create_bulk_domains;
use self::view::{Verification, View};
use crate::call::{Answer, Call, Outcome};
use crate::error::{ACCESS_ERROR, INVALID_VALUE, Refusal, VALUE_UNAVAILABLE};
use crate::state::{Domain, Install, Network, is_domain_name};

const RESOURCE: &str = "Domain";

/// The value that removes a redirect.
const NO_REDIRECT: &str = "nil";

fn find<'a>(call: &'a Call<'_>) -> Result<(&'a Install, &'a Domain), Refusal> {
    let install = call.install()?;
    let domain = install
        .domains
        .get(call.path("domain_id"))
        .ok_or_else(Refusal::not_found)?;
    Ok((install, domain))
}

pub(super) fn list_domains(call: &mut Call<'_>) -> Outcome {
    let install = call.install()?;
    call.page(install.domains.values(), |domain| {
        View::new(call, install, domain)
    })
}

/// Creates a link for the person who manages the domain's DNS. It is not available on the legacy network.
pub(super) fn create_domain_sharing_link(call: &mut Call<'_>) -> Outcome {
    let (_, domain) = find(call)?;
    if domain.network == Network::Legacy {
        return Err(Refusal::invalid(
            "Invalid Domain: a sharing link needs the network type AN or GES, and this domain's is LEGACY.",
        ));
    }
    let name = domain.name.clone();
    let (now, key) = (call.now, call.world.random.hex(32));
    let details = serde_json::json!({ "domain": name });
    call.install_mut()?.record("sharing_link", now, details);
    let url = format!("https://app.goentri.com/share/{key}");
    Answer::json(200, &serde_json::json!({ "url": url }))
}

pub(super) fn get_domain(call: &mut Call<'_>) -> Outcome {
    let (install, domain) = find(call)?;
    Answer::json(200, &View::new(call, install, domain))
}

pub(super) fn create_domain(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        name: String,
        #[serde(default)]
        primary: bool,
        redirect_to: Option<String>,
    }
    let body: Body = call.body()?;
    let install = call.install()?;
    let name = free_name(install, &body.name, "name")?;
    if let Some(target) = &body.redirect_to {
        check_target(install, None, target)?;
    }
    if body.primary {
        let is_redirect = body.redirect_to.is_some();
        check_primary(
            &name,
            is_redirect,
            call.world.installs_with_domain(&name) > 0,
        )?;
    }
    let install_id = install.id.clone();
    let mut domain = new_domain(call, &install_id, name);
    domain.primary = body.primary;
    domain.redirect_to = body.redirect_to;
    let id = domain.id.clone();
    call.world.add_domain(&install_id, domain);
    let install = &call.world.installs[&install_id];
    Answer::json(201, &View::new(call, install, &install.domains[&id]))
}

pub(super) fn update_domain(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        primary: Option<bool>,
        redirect_to: Option<String>,
        secure_all_urls: Option<bool>,
    }
    let body: Body = call.body()?;
    let (install, domain) = find(call)?;
    let (install_id, id) = (install.id.clone(), domain.id.clone());
    let redirect = match body.redirect_to.as_deref() {
        None => domain.redirect_to.clone(),
        Some(NO_REDIRECT) => None,
        Some(target) => Some(check_target(install, Some(domain), target)?),
    };
    let primary = body.primary.unwrap_or(domain.primary);
    if domain.primary && !primary {
        let message = "Primary cannot be taken away; make another domain primary";
        return Err(Refusal::field(
            RESOURCE,
            "primary",
            INVALID_VALUE,
            "invalid",
            message,
        ));
    }
    if primary {
        let is_duplicate = call.world.installs_with_domain(&domain.name) > 1;
        // A domain that is primary stays primary, even if another install has the same domain now.
        check_primary(
            &domain.name,
            redirect.is_some(),
            is_duplicate && !domain.primary,
        )?;
    }
    let install = &mut call.world.installs[&install_id];
    if primary {
        install
            .domains
            .values_mut()
            .for_each(|other| other.primary = false);
    }
    let domain = &mut install.domains[&id];
    domain.primary = primary;
    domain.redirect_to = redirect;
    domain.secure_all_urls = body.secure_all_urls.unwrap_or(domain.secure_all_urls);
    let install = &call.world.installs[&install_id];
    Answer::json(200, &View::new(call, install, &install.domains[&id]))
}

pub(super) fn delete_domain(call: &mut Call<'_>) -> Outcome {
    let (install, domain) = find(call)?;
    if domain.primary {
        let message = "Primary domain cannot be deleted; make another domain primary";
        return Err(Refusal::field(
            RESOURCE,
            "primary",
            INVALID_VALUE,
            "invalid",
            message,
        ));
    }
    if domain.name == install.cname() {
        return Err(Refusal::field(
            RESOURCE,
            "name",
            INVALID_VALUE,
            "invalid",
            "Name belongs to the platform",
        ));
    }
    let (install_id, id) = (install.id.clone(), domain.id.clone());
    call.world.remove_domain(&install_id, &id);
    Answer::empty(204)
}

pub(super) fn verify_domain(call: &mut Call<'_>) -> Outcome {
    let (_, domain) = find(call)?;
    let (now, id) = (call.now, domain.id.clone());
    let domain = call
        .install_mut()?
        .domains
        .get_mut(&id)
        .ok_or_else(Refusal::not_found)?;
    domain.verification_asked_at.get_or_insert(now);
    Answer::json(200, &Verification::new(domain, now))
}

/// A new domain.
fn new_domain(call: &mut Call<'_>, install_id: &str, name: String) -> Domain {
    let (id, txt_value) = (call.world.random.uuid(), call.world.random.hex(32));
    Domain::new(
        id,
        name,
        call.world.installs[install_id].network,
        txt_value,
        call.now,
    )
}

/// The name in lower case, if it is valid and the install does not have it yet.
fn free_name(install: &Install, name: &str, field: &str) -> Result<String, Refusal> {
    let name = name.to_lowercase();
    if !is_domain_name(&name) {
        let message = "Name is not the name of a domain";
        return Err(Refusal::field(
            RESOURCE,
            field,
            INVALID_VALUE,
            "invalid",
            message,
        ));
    }
    if install.domains.values().any(|other| other.name == name) {
        let message = "Name is already a domain of this install";
        return Err(Refusal::field(
            RESOURCE,
            field,
            VALUE_UNAVAILABLE,
            "taken",
            message,
        ));
    }
    Ok(name)
}

/// A target must be another domain of the install that is not a redirect itself. A domain that is the target of a redirect
/// cannot become a redirect.
fn check_target(
    install: &Install,
    domain: Option<&Domain>,
    target: &str,
) -> Result<String, Refusal> {
    let refuse = |class, code, message| {
        Err(Refusal::field(
            RESOURCE,
            "redirect_to",
            class,
            code,
            message,
        ))
    };
    let Some(found) = install.domains.get(target) else {
        return refuse(
            ACCESS_ERROR,
            "not_found",
            "Redirect to is no domain of this install",
        );
    };
    if domain.is_some_and(|domain| domain.id == target) {
        return refuse(
            INVALID_VALUE,
            "invalid",
            "Redirect to must be another domain",
        );
    }
    if found.redirect_to.is_some() {
        return refuse(INVALID_VALUE, "invalid", "Redirect to is itself a redirect");
    }
    if let Some(domain) = domain
        && install
            .domains
            .values()
            .any(|other| other.redirect_to.as_ref() == Some(&domain.id))
    {
        return refuse(
            INVALID_VALUE,
            "invalid",
            "Redirect to cannot be set while other domains redirect to this one",
        );
    }
    Ok(found.id.clone())
}

/// A duplicate, a wildcard or a redirect cannot be primary.
fn check_primary(name: &str, is_redirect: bool, is_duplicate: bool) -> Result<(), Refusal> {
    let message = match () {
        () if is_redirect => "Primary domain cannot be a redirect",
        () if name.starts_with("*.") => "Primary domain cannot be a wildcard",
        () if is_duplicate => "Primary domain cannot be a duplicate of a domain of another install",
        () => return Ok(()),
    };
    Err(Refusal::field(
        RESOURCE,
        "primary",
        INVALID_VALUE,
        "invalid",
        message,
    ))
}
