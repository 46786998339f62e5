//! Domains: proof of ownership, duplicates, primary domains and redirects.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::{
    class::Class,
    store::{DomainRow, InstallRow, is_of_platform},
};

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    let installs = context.installs(Class::Domains);
    let mut by_name: BTreeMap<&str, Vec<&InstallRow>> = BTreeMap::new();
    for install in &installs {
        let domains = facts
            .rows
            .domains
            .get(&install.id)
            .map_or(&[][..], Vec::as_slice);
        for domain in domains
            .iter()
            .filter(|domain| !is_of_platform(&domain.name))
        {
            by_name.entry(&domain.name).or_default().push(install);
            unverified(context, install, domain);
        }
        dangling(context, install, domains);
        if install.is_production() && !domains.iter().any(|domain| domain.is_primary == Some(true))
        {
            let words = Words {
                subject: install.name.clone(),
                observed: "no primary domain".to_owned(),
                expected: "a primary domain".to_owned(),
                next: format!(
                    "make one of the domains of {} the primary one",
                    install.name
                ),
            };
            context.add(
                Code::DomainNoPrimary,
                Severity::Warning,
                Place::Install(install),
                Class::Domains,
                words,
            );
        }
    }
    for (name, installs) in by_name {
        duplicates(context, name, &installs);
    }
    context.subjects()
}

fn unverified(context: &mut Context<'_>, install: &InstallRow, domain: &DomainRow) {
    let observed = match domain.ownership.as_deref() {
        Some("TXT_VERIFIED") => return,
        // Not every answer says it.
        None => return,
        Some(status) => format!("ownership {status}"),
    };
    let severity = if install.is_production() && domain.is_primary == Some(true) {
        Severity::Critical
    } else {
        Severity::Warning
    };
    let words = Words {
        subject: domain.name.clone(),
        observed,
        expected: "ownership TXT_VERIFIED".to_owned(),
        next: format!(
            "set the TXT record of {}, then ask for its verification",
            domain.name
        ),
    };
    context.add(
        Code::DomainUnverified,
        severity,
        Place::Install(install),
        Class::Domains,
        words,
    );
}

/// Both installs are named, each in a finding of its own.
fn duplicates(context: &mut Context<'_>, name: &str, installs: &[&InstallRow]) {
    let others = context.facts.rows.elsewhere.get(name).into_iter().flatten();
    let names = installs.iter().map(|install| &install.name).chain(others);
    let all: BTreeSet<&str> = names.map(String::as_str).collect();
    if all.len() < 2 {
        return;
    }
    let all = all.into_iter().collect::<Vec<_>>().join(" and ");
    for install in installs {
        let words = Words {
            subject: name.to_owned(),
            observed: format!("on the installs {all}"),
            expected: "on one install".to_owned(),
            next: format!("remove {name} from the install that does not serve it"),
        };
        context.add(
            Code::DomainDuplicate,
            Severity::Warning,
            Place::Install(install),
            Class::Domains,
            words,
        );
    }
}

/// A redirect leads to a domain of the same install.
fn dangling(context: &mut Context<'_>, install: &InstallRow, domains: &[DomainRow]) {
    for domain in domains {
        let Some(target) = &domain.redirect_id else {
            continue;
        };
        if domains.iter().any(|other| other.id == *target) {
            continue;
        }
        let name = domain.redirect_name.as_deref().unwrap_or(target);
        let words = Words {
            subject: domain.name.clone(),
            observed: format!("redirects to {name}, which the install does not have"),
            expected: "a redirect to a domain of the install".to_owned(),
            next: format!("change or remove the redirect of {}", domain.name),
        };
        context.add(
            Code::RedirectDangling,
            Severity::Warning,
            Place::Install(install),
            Class::Domains,
            words,
        );
    }
}
