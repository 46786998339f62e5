//! Archives of an install.

use serde::Serialize;

use crate::call::{Call, Outcome};
use crate::state::{Archive, Time};

#[derive(Serialize)]
struct View<'a> {
    id: &'a str,
    backup: Reference<'a>,
    notification_emails: &'a [String],
    state: &'static str,
    create_time: Time,
    /// Absent while it waits: the document has no null here.
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
    call.page(install.archives.values(), |archive| {
        view(call, &install.name, archive)
    })
}

fn view<'a>(call: &Call<'_>, install: &str, archive: &'a Archive) -> View<'a> {
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
        download_uri: ended_as("completed").map(|_| {
            format!(
                "https://storage.googleapis.com/example-bucket/{install}-{}.zip",
                archive.id
            )
        }),
    }
}
