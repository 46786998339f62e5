//! Backups of an install.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;
use crate::state::{Backup, Time, Work};

/// How long a restore takes.
const RESTORE: SignedDuration = SignedDuration::from_mins(5);

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    status: &'static str,
    description: &'a str,
    create_time: Time,
    complete_time: Option<Time>,
    wordpress_version: &'a str,
}

fn view<'a>(call: &Call<'_>, backup: &'a Backup) -> View<'a> {
    View {
        id: &backup.id,
        status: backup.status(call.now),
        description: &backup.description,
        create_time: Time(backup.requested_at),
        complete_time: backup.completed_at(call.now).map(Time),
        wordpress_version: &backup.content.wp_version,
    }
}

pub(super) fn list_backups(call: &mut Call<'_>) -> Outcome {
    let install = call.install()?;
    call.page(install.backups.values(), |backup| view(call, backup))
}

pub(super) fn get_backup(call: &mut Call<'_>) -> Outcome {
    let backup = call
        .install()?
        .backups
        .get(call.path("backup_id"))
        .ok_or_else(Refusal::not_found)?;
    Answer::json(200, &view(call, backup))
}

pub(super) fn create_backup(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        description: String,
    }
    let content = call.install()?.content.clone();
    let Body { description } = call.body()?;
    let id = call.world.random.uuid();
    let backup = Backup::new(id, description, call.now, content);
    let answer = Answer::json(202, &view(call, &backup));
    call.install_mut()?
        .backups
        .insert(backup.id.clone(), backup);
    answer
}

/// Restores the content of the backup. The API does not show when a restore ends; the simulator's controls do.
pub(super) fn restore_backup(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default = "yes")]
        restore_database: bool,
        #[serde(default = "yes")]
        create_checkpoint: bool,
    }
    let Body {
        restore_database,
        create_checkpoint,
    } = call.body()?;
    let install = call.install()?;
    let backup = install
        .backups
        .get(call.path("backup_id"))
        .ok_or_else(Refusal::not_found)?;
    if backup.status(call.now) != "completed" {
        return Err(Refusal::invalid(
            "Invalid Backup: only a completed backup can be restored.",
        ));
    }
    let details = json!({
        "backup_id": backup.id,
        "restore_database": restore_database,
        "create_checkpoint": create_checkpoint,
    });
    let (install_id, content) = (install.id.clone(), backup.content.clone());
    let checkpoint = create_checkpoint.then(|| install.content.clone());
    let now = call.now;
    if let Some(content) = checkpoint {
        let id = call.world.random.uuid();
        let checkpoint = Backup::new(id, "Checkpoint before restore".to_owned(), now, content);
        call.install_mut()?
            .backups
            .insert(checkpoint.id.clone(), checkpoint);
    }
    let end = now
        .saturating_add(RESTORE)
        .map_err(|_| Refusal::invalid("the clock is at its end"))?;
    let work = Work::Overwrite {
        install_id,
        content,
        files: true,
        database: restore_database,
    };
    call.world.agenda.add(end, work);
    call.install_mut()?.record("restore", now, details);
    Answer::empty(202)
}

fn yes() -> bool {
    true
}
