//! The backups of each install.

use wpengine::jiff::SignedDuration;

use super::{
    context::{Context, Place, Words},
    finding::{Code, Severity},
};
use crate::{
    class::Class,
    store::{BackupRow, InstallRow},
};

pub(super) fn run(context: &mut Context<'_>) -> usize {
    let facts = context.facts;
    for install in context.installs(Class::Backups) {
        let backups = facts
            .rows
            .backups
            .get(&install.id)
            .map_or(&[][..], Vec::as_slice);
        judge(context, install, backups);
    }
    context.subjects()
}

fn judge(context: &mut Context<'_>, install: &InstallRow, backups: &[BackupRow]) {
    let completed = backups
        .iter()
        .filter(|backup| backup.status.as_deref() == Some("completed"))
        .max_by_key(|backup| backup.completed_at.or(backup.created_at));
    let age = SignedDuration::from_hours(24 * context.thresholds.backup_days.clamp(0, 36_500));
    let next = format!("create a backup of {}", install.name);
    let finding = match completed {
        None => {
            let severity = if install.is_production() {
                Severity::Critical
            } else {
                Severity::Info
            };
            let observed = if backups.is_empty() {
                "no backup".to_owned()
            } else {
                format!("none of {} backups is completed", backups.len())
            };
            Some((Code::BackupNone, severity, observed))
        }
        Some(backup) => match backup.completed_at.or(backup.created_at) {
            Some(at) if !context.is_older_than(at, age) => None,
            Some(at) => Some((
                Code::BackupOld,
                Severity::Warning,
                format!("the last one was completed at {at}"),
            )),
            None => Some((
                Code::BackupOld,
                Severity::Warning,
                "the last one has no time".to_owned(),
            )),
        },
    };
    if let Some((code, severity, observed)) = finding {
        let words = Words {
            subject: install.name.clone(),
            observed,
            expected: format!(
                "a backup that was completed in the last {} days",
                context.thresholds.backup_days
            ),
            next: next.clone(),
        };
        context.add(
            code,
            severity,
            Place::Install(install),
            Class::Backups,
            words,
        );
    }
    let last = backups.iter().max_by_key(|backup| backup.created_at);
    if let Some(last) = last.filter(|last| last.status.as_deref() == Some("aborted")) {
        let words = Words {
            subject: install.name.clone(),
            observed: format!("the last backup ({}) was aborted", last.id),
            expected: "a completed backup".to_owned(),
            next,
        };
        context.add(
            Code::BackupLastAborted,
            Severity::Warning,
            Place::Install(install),
            Class::Backups,
            words,
        );
    }
}
