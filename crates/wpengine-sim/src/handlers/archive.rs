//! Archives of an install.

use serde::{Deserialize, Serialize};

use crate::call::{Answer, Call, Outcome};
use crate::downloads;
use crate::error::Refusal;
use crate::state::{Archive, Time};

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    backup: Reference<'a>,
    notification_emails: &'a [String],
    state: &'static str,
    create_time: Time,
    /// Absent until the archive starts: the document does not allow null here.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<Time>,
    complete_time: Option<Time>,
    abort_time: Option<Time>,
    download_uri: Option<String>,
}

#[derive(Serialize)]
struct Reference<'a> {
    id: &'a str,
}

pub(super) fn list_archives(call: &mut Call<'_>) -> Outcome {
    let install = call.install()?;
    call.page(install.archives.values(), |archive| view(call, archive))
}

/// Creates an archive of a completed backup. The answer does not contain its id.
pub(super) fn create_archive(call: &mut Call<'_>) -> Outcome {
    #[derive(Deserialize)]
    struct Body {
        backup_id: String,
        notification_emails: Vec<String>,
    }
    let body: Body = call.body()?;
    let backup = call.install()?.backups.get(&body.backup_id);
    match backup.map(|backup| backup.status(call.now)) {
        None => return Err(Refusal::not_found()),
        Some("completed") => {}
        Some(_) => {
            return Err(Refusal::invalid(
                "Invalid Backup: only a completed backup can be made into an archive.",
            ));
        }
    }
    let archive = Archive {
        id: call.world.random.uuid(),
        backup_id: body.backup_id,
        notification_emails: body.notification_emails,
        requested_at: call.now,
        fails: false,
        key: call.world.random.token(32),
    };
    call.install_mut()?
        .archives
        .insert(archive.id.clone(), archive);
    Answer::empty(202)
}

fn view<'a>(call: &Call<'_>, archive: &'a Archive) -> View<'a> {
    let state = archive.state(call.now);
    let ended_as = |wanted| (state == wanted).then(|| Time(archive.ends_at()));
    View {
        id: &archive.id,
        backup: Reference {
            id: &archive.backup_id,
        },
        notification_emails: &archive.notification_emails,
        state,
        create_time: Time(archive.requested_at),
        start_time: (state != "requested").then(|| Time(archive.starts_at())),
        complete_time: ended_as("completed"),
        abort_time: ended_as("aborted"),
        download_uri: ended_as("completed")
            .map(|_| downloads::link(call.origin(), "archives", &archive.id, "zip", &archive.key)),
    }
}
