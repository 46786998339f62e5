//! Creates up to twenty domains at once: all of them or none.

use serde::Deserialize;

use super::view::BulkView;
use super::{RESOURCE, free_name, new_domain};
use crate::call::{Answer, Call, Outcome};
use crate::error::{ACCESS_ERROR, INVALID_VALUE, Refusal, VALUE_UNAVAILABLE};
use crate::state::Install;

#[derive(Deserialize)]
struct Body {
    domains: Vec<New>,
}

#[derive(Deserialize)]
struct New {
    name: String,
    /// The name of the target, which may be another domain of the same body.
    redirect_to: Option<String>,
}

/// Answers with the first of the domains, because the document has a single object.
pub(in crate::handlers) fn create_bulk_domains(call: &mut Call<'_>) -> Outcome {
    let Body { mut domains } = call.body()?;
    let install = call.install()?;
    let install_id = install.id.clone();
    for index in 0..domains.len() {
        let field = format!("domains.{index}.name");
        let name = free_name(install, &domains[index].name, &field)?;
        if domains[..index].iter().any(|other| other.name == name) {
            let message = "Name is given twice";
            return Err(Refusal::field(
                RESOURCE,
                &field,
                VALUE_UNAVAILABLE,
                "taken",
                message,
            ));
        }
        domains[index].name = name;
        domains[index].redirect_to = domains[index]
            .redirect_to
            .take()
            .map(|target| target.to_lowercase());
    }
    check_targets(install, &domains)?;
    let mut ids = Vec::new();
    for new in &domains {
        let domain = new_domain(call, &install_id, new.name.clone());
        ids.push(domain.id.clone());
        call.world.add_domain(&install_id, domain);
    }
    let install = &mut call.world.installs[&install_id];
    for (id, new) in ids.iter().zip(&domains) {
        let Some(target) = &new.redirect_to else {
            continue;
        };
        let target = install
            .domains
            .values()
            .find(|other| other.name == *target)
            .map(|other| other.id.clone());
        install.domains[id].redirect_to = target;
    }
    let install = &call.world.installs[&install_id];
    let first = ids
        .first()
        .and_then(|id| install.domains.get(id))
        .ok_or_else(Refusal::not_found)?;
    Answer::json(201, &BulkView::new(call, install, first))
}

/// A target must be a domain of the install or of the body, and must not be a redirect itself.
fn check_targets(install: &Install, domains: &[New]) -> Result<(), Refusal> {
    for (index, new) in domains.iter().enumerate() {
        let Some(target) = &new.redirect_to else {
            continue;
        };
        let here = install.domains.values().find(|other| other.name == *target);
        let is_redirect = match here {
            Some(found) => Some(found.redirect_to.is_some()),
            None => domains
                .iter()
                .find(|other| other.name == *target)
                .map(|found| found.redirect_to.is_some()),
        };
        let field = format!("domains.{index}.redirect_to");
        match is_redirect {
            Some(false) => {}
            Some(true) => {
                let message = "Redirect to is itself a redirect";
                return Err(Refusal::field(
                    RESOURCE,
                    &field,
                    INVALID_VALUE,
                    "invalid",
                    message,
                ));
            }
            None => {
                let message = "Redirect to is no domain of this install";
                return Err(Refusal::field(
                    RESOURCE,
                    &field,
                    ACCESS_ERROR,
                    "not_found",
                    message,
                ));
            }
        }
    }
    Ok(())
}
