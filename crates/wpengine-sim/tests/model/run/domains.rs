//! Domains: a redirect must have a valid target, and each install has one primary domain.

use serde_json::{Value, json};

use super::{Outcome, Reasons, id_of};
use crate::api::Api;
use crate::model::{Domain, Id, Model, pick, pick_pair};
use crate::step::{Redirect, Step};

/// Returns one of a few names: one is a wildcard, one has capital letters, and one belongs to the platform.
fn domain_name(number: u8) -> String {
    match number {
        0 => "*.example.com".to_owned(),
        1 => "WWW.Example.com".to_owned(),
        2 => "inst3.wpengine.com".to_owned(),
        number => format!("shop{number}.example.com"),
    }
}

pub(super) fn step(model: &mut Model, api: &Api, step: &Step) -> Outcome {
    let mut reasons = Reasons::default();
    match step {
        Step::CreateDomain {
            install,
            name,
            primary,
            redirect,
        } => {
            let install = pick(&model.ever.installs, *install);
            let target = redirect.map(|target| pick_pair(&model.ever.domains, target).1);
            create(model, api, install, &domain_name(*name), *primary, target)
        }
        Step::CreateDomains { install, names } => {
            let install = pick(&model.ever.installs, *install);
            let name =
                |(name, target): &(u8, Option<u8>)| (domain_name(*name), target.map(domain_name));
            create_all(model, api, install, names.iter().map(name).collect())
        }
        Step::UpdateDomain {
            domain,
            primary,
            redirect,
            secure,
        } => {
            let (install, id) = pick_pair(&model.ever.domains, *domain);
            let redirect = match redirect {
                Redirect::Keep => None,
                Redirect::Remove => Some(None),
                Redirect::To(target) => Some(Some(pick_pair(&model.ever.domains, *target).1)),
            };
            update(model, api, &install, &id, *primary, redirect, *secure)
        }
        Step::DeleteDomain { domain } => {
            let (install, id) = pick_pair(&model.ever.domains, *domain);
            let domain = model.domains.get(&id);
            reasons.add(404, domain.is_none());
            reasons.add(400, domain.is_some_and(|it| it.primary || it.is_platforms));
            let answer = api.delete(&format!("/installs/{install}/domains/{id}"));
            let done = reasons.settle(204, &answer)?;
            if done {
                model.domains.remove(&id);
                for other in model.domains.values_mut() {
                    other.redirect = other.redirect.take().filter(|target| *target != id);
                }
            }
            Ok(done)
        }
        Step::VerifyDomain { domain } => {
            let (install, id) = pick_pair(&model.ever.domains, *domain);
            reasons.add(404, !model.domains.contains_key(&id));
            let path = format!("/installs/{install}/domains/{id}/verification");
            let done = reasons.settle(200, &api.post(&path, Value::Null))?;
            if done {
                let domain = model.domains.get_mut(&id).unwrap();
                domain.verification_asked.get_or_insert(model.now);
            }
            Ok(done)
        }
        _ => unreachable!("another module handles {step:?}"),
    }
}

fn has_domain(model: &Model, install: &str, name: &str) -> bool {
    let mut domains = model.domains.values();
    domains.any(|domain| domain.install == install && domain.name == name)
}

fn add(model: &mut Model, install: &str, id: Id, name: &str, primary: bool, redirect: Option<Id>) {
    if primary {
        let others = model.domains.values_mut();
        others
            .filter(|other| other.install == install)
            .for_each(|other| other.primary = false);
    }
    let domain = Domain {
        install: install.to_owned(),
        name: name.to_lowercase(),
        primary,
        redirect,
        secure: false,
        created: model.now,
        verification_asked: None,
        is_platforms: false,
    };
    model.ever.domains.push((install.to_owned(), id.clone()));
    model.domains.insert(id, domain);
}

fn create(
    model: &mut Model,
    api: &Api,
    install: Id,
    name: &str,
    primary: bool,
    target: Option<Id>,
) -> Outcome {
    let mut reasons = Reasons::default();
    let lower = name.to_lowercase();
    // The operation does not document a 404.
    reasons.add(403, !model.installs.contains_key(&install));
    reasons.add(400, has_domain(model, &install, &lower));
    if let Some(target) = &target {
        let found = model.domains.get(target).filter(|it| it.install == install);
        reasons.add(400, found.is_none_or(|it| it.redirect.is_some()));
    }
    let unfit = target.is_some() || lower.starts_with("*.") || model.installs_with(&lower) > 0;
    reasons.add(400, primary && unfit);
    let mut body = json!({ "name": name, "primary": primary });
    if let Some(target) = &target {
        body["redirect_to"] = json!(target);
    }
    let answer = api.post(&format!("/installs/{install}/domains"), body);
    let done = reasons.settle(201, &answer)?;
    if done {
        let id = id_of(&answer.1, "id");
        add(model, &install, id, &lower, primary, target);
    }
    Ok(done)
}

/// Creates all domains or none. Here a redirect contains the name of its target, which can be in the same request.
fn create_all(
    model: &mut Model,
    api: &Api,
    install: Id,
    names: Vec<(String, Option<String>)>,
) -> Outcome {
    let mut reasons = Reasons::default();
    reasons.add(403, !model.installs.contains_key(&install));
    let lower = |text: &String| text.to_lowercase();
    let new: Vec<_> = names
        .iter()
        .map(|(name, to)| (lower(name), to.as_ref().map(lower)))
        .collect();
    for (index, (name, target)) in new.iter().enumerate() {
        reasons.add(400, has_domain(model, &install, name));
        reasons.add(400, new[..index].iter().any(|(other, _)| other == name));
        if let Some(target) = target {
            let mut there = model.domains.values();
            let there = there.find(|it| it.install == install && it.name == *target);
            let coming = new.iter().find(|(other, _)| other == target);
            let leads_on = there.map(|it| it.redirect.is_some());
            let leads_on = leads_on.or(coming.map(|(_, further)| further.is_some()));
            reasons.add(400, leads_on.unwrap_or(true));
        }
    }
    let domains = names.iter().map(|(name, target)| match target {
        Some(target) => json!({ "name": name, "redirect_to": target }),
        None => json!({ "name": name }),
    });
    let body = json!({ "domains": domains.collect::<Vec<_>>() });
    let answer = api.post(&format!("/installs/{install}/domains/bulk"), body);
    let done = reasons.settle(201, &answer)?;
    if done {
        // The response contains only the first domain.
        let list = api.get(&format!("/installs/{install}/domains")).1;
        let ids = |name: &str| {
            let mut all = list["results"].as_array().unwrap().iter();
            let found = all.find(|it| it["name"] == name);
            found
                .map(|it| id_of(it, "id"))
                .ok_or(format!("{name} was not made"))
        };
        for (name, target) in &new {
            let target = target.as_deref().map(ids).transpose()?;
            add(model, &install, ids(name)?, name, false, target);
        }
    }
    Ok(done)
}

fn update(
    model: &mut Model,
    api: &Api,
    install: &str,
    id: &str,
    primary: Option<bool>,
    redirect: Option<Option<Id>>,
    secure: Option<bool>,
) -> Outcome {
    let mut reasons = Reasons::default();
    reasons.add(404, !model.domains.contains_key(id));
    if let Some(domain) = model.domains.get(id) {
        if let Some(Some(target)) = &redirect {
            let found = model.domains.get(target).filter(|it| it.install == install);
            reasons.add(400, target == id);
            reasons.add(400, found.is_none_or(|it| it.redirect.is_some()));
            let mut others = model.domains.values();
            reasons.add(400, others.any(|it| it.redirect.as_deref() == Some(id)));
        }
        reasons.add(400, domain.primary && primary == Some(false));
        let redirects = redirect.as_ref().unwrap_or(&domain.redirect).is_some();
        let stays = domain.primary;
        let unfit = redirects
            || domain.name.starts_with("*.")
            || (!stays && model.installs_with(&domain.name) > 1);
        reasons.add(400, primary.unwrap_or(stays) && unfit);
    }
    let mut body = json!({});
    if let Some(primary) = primary {
        body["primary"] = json!(primary);
    }
    if let Some(redirect) = &redirect {
        body["redirect_to"] = json!(redirect.as_deref().unwrap_or("nil"));
    }
    if let Some(secure) = secure {
        body["secure_all_urls"] = json!(secure);
    }
    let answer = api.patch(&format!("/installs/{install}/domains/{id}"), body);
    let done = reasons.settle(200, &answer)?;
    if done {
        if primary == Some(true) {
            let others = model.domains.values_mut();
            others
                .filter(|other| other.install == install)
                .for_each(|other| other.primary = false);
        }
        let domain = model.domains.get_mut(id).unwrap();
        domain.primary = primary.unwrap_or(domain.primary);
        domain.redirect = redirect.unwrap_or(domain.redirect.take());
        domain.secure = secure.unwrap_or(domain.secure);
    }
    Ok(done)
}
