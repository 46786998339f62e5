//! Site transfers that are not over.

use wpengine::jiff::SignedDuration;

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::class::Class;

const SOON: SignedDuration = SignedDuration::from_hours(24);

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    for account in context.accounts(Class::Transfers) {
        let transfers = facts
            .rows
            .transfers
            .get(account)
            .map_or(&[][..], Vec::as_slice);
        for transfer in transfers {
            let status = transfer.status.as_deref().unwrap_or("unknown");
            if matches!(status, "completed" | "failed" | "cancelled") {
                continue;
            }
            let is_soon = transfer
                .scheduled_at
                .is_some_and(|at| at.duration_since(context.now) < SOON);
            let severity = if is_soon {
                Severity::Warning
            } else {
                Severity::Info
            };
            let when = transfer
                .scheduled_at
                .map_or("at once".to_owned(), |at| format!("at {at}"));
            let words = Words {
                subject: transfer.site.clone().unwrap_or_else(|| transfer.id.clone()),
                observed: format!("transfer {} is {status}, {when}", transfer.id),
                expected: "no transfer, or one that is meant".to_owned(),
                next: "check that the transfer is meant; it can be cancelled until it begins"
                    .to_owned(),
            };
            context.add(
                Code::TransferDue,
                severity,
                Place::Account(account),
                Class::Transfers,
                words,
            );
        }
    }
    facts.accounts.len()
}
