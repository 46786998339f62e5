//! Backups of an install.

use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call, Outcome};
use crate::error::Refusal;
use crate::state::{Backup, Time};

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
