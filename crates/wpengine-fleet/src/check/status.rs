//! Installs that are not active.

use wpengine::jiff::SignedDuration;

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::class::Class;

const PENDING: SignedDuration = SignedDuration::from_mins(15);

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    for install in &facts.installs {
        let status = install.status.as_deref().unwrap_or("unknown");
        let is_stuck = status == "pending"
            && install
                .created_at
                .is_some_and(|created| context.is_older_than(created, PENDING));
        let code = match status {
            "active" => continue,
            "pending" if is_stuck => Code::InstallPendingLong,
            "pending" => continue,
            _ => Code::InstallStatus,
        };
        let created = install
            .created_at
            .map_or("an unknown time".to_owned(), |at| at.to_string());
        let words = Words {
            subject: install.name.clone(),
            observed: format!("status {status}, created at {created}"),
            expected: "status active".to_owned(),
            next: format!(
                "look at the install {} in the user portal, or ask WP Engine's support",
                install.name
            ),
        };
        context.add(
            code,
            Severity::Warning,
            Place::Install(install),
            Class::Installs,
            words,
        );
    }
    context.subjects()
}
