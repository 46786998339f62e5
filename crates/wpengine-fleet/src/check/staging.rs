//! The environments of each site.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::class::Class;

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    let mut environments: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for install in &facts.installs {
        let Some(site) = &install.site_id else {
            let words = Words {
                subject: install.name.clone(),
                observed: "no site".to_owned(),
                expected: "a site".to_owned(),
                next: format!(
                    "assign the install {} to a site in the user portal",
                    install.name
                ),
            };
            context.add(
                Code::InstallOrphan,
                Severity::Info,
                Place::Install(install),
                Class::Installs,
                words,
            );
            continue;
        };
        let known = environments.entry(site).or_default();
        known.extend(install.environment.as_deref());
    }
    // Without the installs nobody can say what a site has.
    let installs_are_known = facts.read(Class::Installs, "").read_at.is_some();
    for site in facts.sites.iter().filter(|_| installs_are_known) {
        let has = environments.get(site.id.as_str());
        for (environment, code) in [
            ("staging", Code::SiteNoStaging),
            ("production", Code::SiteNoProduction),
        ] {
            if has.is_some_and(|has| has.contains(environment)) {
                continue;
            }
            let seen: Vec<&str> = has.into_iter().flatten().copied().collect();
            let words = Words {
                subject: site.name.clone(),
                observed: format!(
                    "environments: {}",
                    if seen.is_empty() {
                        "none".to_owned()
                    } else {
                        seen.join(", ")
                    }
                ),
                expected: format!("a {environment} environment"),
                next: format!("create a {environment} install for the site {}", site.name),
            };
            let place = Place::Site(&site.id, site.account_id.as_deref());
            context.add(code, Severity::Info, place, Class::Installs, words);
        }
    }
    facts.sites.len()
}
