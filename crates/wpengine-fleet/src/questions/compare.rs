//! What can be compared of two installs.

use std::collections::{BTreeMap, BTreeSet};

use super::newest;
use crate::{
    class::Class,
    store::{DomainRow, Facts, InstallRow, covers},
};

/// A text of an install that only its own response has.
pub(super) fn detail(facts: &Facts, install: &InstallRow, field: &str) -> Option<String> {
    let details = facts
        .rows
        .figures
        .get(&(Class::Details, install.id.clone()))?;
    Some(details[field].as_str()?.to_owned())
}

/// What can be compared of an install.
pub(super) fn comparable(
    facts: &Facts,
    install: &InstallRow,
) -> BTreeMap<&'static str, Option<String>> {
    let rows = &facts.rows;
    let domains = rows.domains.get(&install.id).map_or(&[][..], Vec::as_slice);
    let certificates = rows
        .certificates
        .get(&install.id)
        .map_or(&[][..], Vec::as_slice);
    let has_backup = newest(rows.backups.get(&install.id).map_or(&[][..], Vec::as_slice)).is_some();
    let is_read = |class: Class| facts.read(class, &install.id).read_at.is_some();
    let count = |is_counted: &dyn Fn(&DomainRow) -> bool| {
        let counted = domains.iter().filter(|domain| is_counted(domain)).count();
        is_read(Class::Domains).then(|| counted.to_string())
    };
    let is_covered = |domain: &DomainRow| certificates.iter().any(|one| covers(one, &domain.name));
    let networks: BTreeSet<&str> = domains
        .iter()
        .filter_map(|domain| domain.network.as_deref())
        .collect();
    let networks = networks.into_iter().collect::<Vec<_>>().join(", ");
    let of_details = |field: &str, missing: &str| {
        let value = detail(facts, install, field).unwrap_or_else(|| missing.to_owned());
        is_read(Class::Details).then_some(value)
    };
    let offload = rows.figures.get(&(Class::Offload, install.id.clone()));
    BTreeMap::from([
        ("php_version", install.php_version.clone()),
        ("status", install.status.clone()),
        ("environment", install.environment.clone()),
        (
            "is_multisite",
            install.is_multisite.map(|is| is.to_string()),
        ),
        ("wp_version", of_details("wp_version", "not known")),
        (
            "defer_wordpress_upgrades_until",
            of_details("defer_wordpress_upgrades_until", "not deferred"),
        ),
        ("domains", count(&|_| true)),
        ("redirects", count(&|domain| domain.redirect_id.is_some())),
        (
            "primary domains",
            count(&|domain| domain.is_primary == Some(true)),
        ),
        ("network types", is_read(Class::Domains).then_some(networks)),
        (
            "domains with a certificate",
            count(&is_covered).filter(|_| is_read(Class::Certificates)),
        ),
        (
            "has a completed backup",
            is_read(Class::Backups).then(|| has_backup.to_string()),
        ),
        ("offload settings", offload.map(words)),
    ])
}

/// The settings in one line.
fn words(settings: &serde_json::Value) -> String {
    let inner = &settings["largefs_settings"];
    match inner.is_null() {
        true => "none".to_owned(),
        false => inner.to_string(),
    }
}
