//! The users of each account.

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::{class::Class, store::PersonRow};

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    for account in context.accounts(Class::People) {
        let people = facts
            .rows
            .people
            .get(account)
            .map_or(&[][..], Vec::as_slice);
        for person in people {
            multi_factor(context, account, person);
            if person.invite_accepted == Some(false) {
                let words = words(
                    person,
                    "the invitation is not accepted",
                    "an accepted invitation",
                    "remind the person, or remove the invitation",
                );
                context.add(
                    Code::InviteOpen,
                    Severity::Info,
                    Place::Account(account),
                    Class::People,
                    words,
                );
            }
        }
        let owners: Vec<&PersonRow> = people.iter().filter(|person| is_owner(person)).collect();
        let last = owners.iter().find(|owner| owner.last_owner == Some(true));
        let sole = if owners.len() == 1 {
            owners.first()
        } else {
            last
        };
        if let Some(owner) = sole {
            let words = words(
                owner,
                "the only owner of the account",
                "two owners at least",
                "make another person an owner, so that nobody is locked out",
            );
            context.add(
                Code::SoleOwner,
                Severity::Info,
                Place::Account(account),
                Class::People,
                words,
            );
        }
    }
    facts.accounts.len()
}

fn is_owner(person: &PersonRow) -> bool {
    let roles = person.roles.as_deref().unwrap_or_default();
    roles.split(',').any(|role| role.trim() == "owner")
}

/// A flag that the answer leaves out is unknown, and not off.
fn multi_factor(context: &mut Context<'_>, account: &str, person: &PersonRow) {
    let next = "ask the person to turn multi-factor authentication on";
    let (code, severity, observed) = match (person.mfa_enabled, is_owner(person)) {
        (Some(true), _) => return,
        (Some(false), true) => (
            Code::OwnerWithoutMfa,
            Severity::Critical,
            "an owner, multi-factor authentication is off",
        ),
        (Some(false), false) => (
            Code::MfaOff,
            Severity::Warning,
            "multi-factor authentication is off",
        ),
        (None, _) => (
            Code::MfaUnknown,
            Severity::Info,
            "the answer does not say whether multi-factor authentication is on",
        ),
    };
    let words = words(person, observed, "multi-factor authentication is on", next);
    context.add(
        code,
        severity,
        Place::Account(account),
        Class::People,
        words,
    );
}

fn words(person: &PersonRow, observed: &str, expected: &str, next: &str) -> Words {
    Words {
        subject: person.email.clone().unwrap_or_else(|| {
            let names = [person.first_name.as_deref(), person.last_name.as_deref()];
            let names: Vec<&str> = names.into_iter().flatten().collect();
            format!("{} (no e-mail address)", names.join(" "))
        }),
        observed: observed.to_owned(),
        expected: expected.to_owned(),
        next: next.to_owned(),
    }
}
