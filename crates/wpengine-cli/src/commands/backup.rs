//! Backups and their archives.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use wpengine::Download;

use super::{notified, one, run};
use crate::{
    command::{Leaf, leaf},
    context::Ctx,
    failure::{Failure, exit},
    flags::{self, Args},
    output::{Answer, Reply},
    tables,
    target::{Kind, Target},
};

pub(super) fn leaves() -> Vec<Leaf> {
    let install = || flags::install().required(true);
    let limit = || flags::value("for", "TIME", "Longest wait").value_parser(flags::duration);
    let backup = || {
        flags::one(
            "backup",
            "BACKUP",
            "Id of the backup, or `latest` for the newest completed one",
        )
    };
    vec![
        leaf("backup list", "List the backups of an install", &["list_backups"], run!(|c, a| {
            let install = c.install(a).await?;
            Ok(c.list("list_backups", &[&install.id], &[])?.into())
        }))
        .arg(install())
        .table(&tables::BACKUPS)
        .examples(&["wpengine backup list -i torquemag"]),
        leaf("backup get", "Show one backup", &["get_backup"], run!(|c, a| {
            let (install, backup) = find(c, a).await?;
            Ok(one(c.read("get_backup", &[&install.id, &backup.id], &[]).await?))
        }))
        .args([backup(), install()])
        .calls(&["list_backups"])
        .table(&tables::BACKUPS)
        .examples(&["wpengine backup get latest -i torquemag"]),
        leaf("backup wait", "Wait until a backup is completed", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let id = match a.need("backup").as_str() {
                // The newest one, whether it is completed or not: that is what is waited for.
                "latest" => {
                    let all = c.all("list_backups", &[&install.id]).await?;
                    let newest = all.iter().max_by_key(|item| item["create_time"].as_str().unwrap_or_default());
                    super::id_of(newest.ok_or_else(|| Failure::not_found(format!("{} has no backup", install.title())))?)
                }
                id => id.to_owned(),
            };
            let wait = c.client()?.install(install.id.as_str()).backup(id).wait();
            Ok(one(c.wait(&install, "the backup", wait, a.time("for")).await?))
        }))
        .args([flags::one("backup", "BACKUP", "Id of the backup, or `latest` for the newest one"), install(), limit()])
        .calls(&["get_backup", "list_backups"])
        .table(&tables::BACKUPS)
        .examples(&["wpengine backup wait e41fa98f-ea80-4654-b229-a9b765d0863a -i torquemag --for 30m"]),
        leaf("backup restore", "Put a backup back", &["restore_backup"], run!(|c, a| {
            let (install, backup) = find(c, a).await?;
            let mut request = c.client()?.install(install.id.as_str()).backup(backup.id.as_str()).restore(notified(c, a)?);
            request = request.restore_database(!a.flag("no-database")).create_checkpoint(!a.flag("no-checkpoint"));
            let text = |name: &str| backup.value[name].as_str().unwrap_or("?").to_owned();
            let at = crate::output::time(&text("complete_time"), crate::output::Times::Relative);
            let mut notes = vec![format!("the backup is from {at}: {}", text("description"))];
            if text("status") != "completed" {
                notes.push(format!("it is {}, not completed", text("status")));
            }
            if a.flag("no-checkpoint") {
                notes.push("no checkpoint is made: what is there now is lost".to_owned());
            }
            c.confirm("restore_backup", "with a backup, overwrite", std::slice::from_ref(&install), notes).await?;
            let sent = c.write("restore_backup", &install, request.send()).await?;
            if !super::is_planned(&sent) {
                c.terminal.say("the restore was accepted; the API does not say when it ends, only the e-mail does");
            }
            Ok(one(sent))
        }))
        .args([
            backup(),
            install(),
            flags::switch("no-database", "Leave the database as it is"),
            flags::switch("no-checkpoint", "Make no checkpoint of what is there now"),
            flags::notify(),
        ])
        .calls(&["get_install", "list_backups"])
        .examples(&["wpengine backup restore latest -i torqueeventstg --notify ops@example.com --confirm torqueeventstg"]),
        leaf("archive list", "List the archives of an install", &["list_archives"], run!(|c, a| {
            let install = c.install(a).await?;
            Ok(hide_links(c.list("list_archives", &[&install.id], &[])?, "download_uri", a).into())
        }))
        .args([install(), show_links()])
        .table(&tables::ARCHIVES)
        .examples(&["wpengine archive list -i torquemag"]),
        leaf("archive create", "Make an archive of a backup, to download", &["create_archive"], run!(|c, a| {
            let (install, backup) = find(c, a).await?;
            let archives = c.client()?.install(install.id.as_str()).archives();
            let request = archives.create(backup.id.as_str(), notified(c, a)?);
            let mut made = None;
            let sent = c.write("create_archive", &install, async {
                let response = request.send().await?;
                made = Some(response.value.wait());
                Ok(response)
            }).await?;
            match (a.wait(), made) {
                (Some(limit), Some(wait)) => {
                    c.wait_quietly(&install, "the archive", wait, limit).await?;
                    let archives = c.all("list_archives", &[&install.id]).await?;
                    let newest = archives.into_iter().filter(|archive| archive["backup"]["id"].as_str() == Some(&backup.id)).max_by_key(|archive| archive["create_time"].as_str().unwrap_or_default().to_owned());
                    Ok(one(newest.map_or(sent, hidden)))
                }
                _ => Ok(one(sent)),
            }
        }))
        .args([backup(), install(), flags::notify(), flags::wait()])
        .calls(&["get_install", "list_backups", "list_archives"])
        .table(&tables::ARCHIVES)
        .examples(&["wpengine archive create latest -i torquemag --notify ops@example.com --wait"]),
        leaf("archive wait", "Wait until an archive is completed", &[], run!(|c, a| {
            let install = c.install(a).await?;
            c.child(Kind::Other("archive"), "list_archives", &[&install.id], &a.need("archive"), &[]).await?;
            let wait = c.client()?.install(install.id.as_str()).archive(a.need("archive")).wait();
            Ok(one(hidden(c.wait(&install, "the archive", wait, a.time("for")).await.map(|value| {
                // A poll reads the whole list.
                crate::target::items_of(value.clone()).into_iter().find(|item| item["id"].as_str() == Some(&a.need("archive"))).unwrap_or(value)
            })?)))
        }))
        .args([flags::one("archive", "ARCHIVE", "Id of the archive"), install(), limit()])
        .calls(&["list_archives"])
        .table(&tables::ARCHIVES)
        .examples(&["wpengine archive wait a6d86d4b-0860-4e2c-870b-0aae34ecf085 -i torquemag"]),
        leaf("archive download", "Download an archive", &[], run!(|c, a| {
            let install = c.install(a).await?;
            let archive = match a.need("archive").as_str() {
                "latest" => {
                    let all = c.all("list_archives", &[&install.id]).await?;
                    let completed = all.iter().filter(|archive| archive["state"].as_str() == Some("completed"));
                    let newest = completed.max_by_key(|archive| archive["complete_time"].as_str().unwrap_or_default());
                    let newest = newest.ok_or_else(|| Failure::not_found(format!("{} has no completed archive", install.title())).next(format!("wpengine archive create latest -i {}", install.name)))?;
                    super::id_of(newest)
                }
                id => c.child(Kind::Other("archive"), "list_archives", &[&install.id], id, &[]).await?.id,
            };
            let to = PathBuf::from(a.text("to").unwrap_or_else(|| format!("{}-{archive}.zip", install.name)));
            let handle = c.client()?.install(install.id.as_str()).archive(archive.as_str());
            refuse_existing(&to, a)?;
            let download = handle.download().await?;
            save(c, download, &to, a).await
        }))
        .args([flags::one("archive", "ARCHIVE", "Id of the archive, or `latest`"), install(), to(), force()])
        .calls(&["list_archives"])
        .details("The link to an archive gives access to everybody who has it, so it is not shown.")
        .examples(&["wpengine archive download latest -i torquemag --to torquemag.zip"]),
    ]
}

pub(super) fn to() -> clap::Arg {
    flags::value("to", "FILE", "File to write; - is standard output")
        .value_hint(clap::ValueHint::FilePath)
}

pub(super) fn force() -> clap::Arg {
    flags::switch("force", "Replace a file that exists")
}

pub(super) fn show_links() -> clap::Arg {
    flags::switch(
        "show-links",
        "Show the links of downloads, which give access to everybody who has them",
    )
}

async fn find(c: &Ctx, a: Args<'_>) -> Result<(Target, Target), Failure> {
    let install = c.install(a).await?;
    let wanted = a.need("backup");
    let backup = Kind::Other("backup");
    if wanted != "latest" {
        let found = c
            .child(backup, "list_backups", &[&install.id], &wanted, &[])
            .await?;
        return Ok((install, found));
    }
    let all = c.all("list_backups", &[&install.id]).await?;
    let completed = all
        .into_iter()
        .filter(|item| item["status"].as_str() == Some("completed"));
    let newest = completed.max_by_key(|item| {
        item["complete_time"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    });
    let newest = newest.ok_or_else(|| {
        Failure::not_found(format!("{} has no completed backup", install.title()))
    })?;
    let id = super::id_of(&newest);
    let mut target = Target::new(backup, id.clone(), id);
    target.value = newest;
    Ok((install, target))
}

/// Hides the links of a listing, unless they are asked for.
pub(super) fn hide_links(answer: Answer, field: &'static str, a: Args<'_>) -> Answer {
    use futures_util::StreamExt as _;

    match answer {
        Answer::List(items) if !a.flag("show-links") => Answer::List(
            items
                .map(move |item| item.map(|item| hide(item, field)))
                .boxed(),
        ),
        answer => answer,
    }
}

/// Hides a link, wherever it is.
fn hide(mut item: Value, field: &str) -> Value {
    match &mut item {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = hide(item.take(), field)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                *value = match value.take() {
                    Value::String(_) if name == field => json!("(hidden: --show-links shows it)"),
                    other => hide(other, field),
                };
            }
        }
        _ => {}
    }
    item
}

fn hidden(item: Value) -> Value {
    hide(item, "download_uri")
}

/// A file that exists is not replaced without a word. What is no file, such as `/dev/null`, is written to.
pub(super) fn refuse_existing(to: &Path, a: Args<'_>) -> Result<(), Failure> {
    let is_file =
        std::fs::symlink_metadata(to).is_ok_and(|found| found.is_file() || found.is_symlink());
    match is_file && !a.flag("force") {
        true => Err(Failure::usage(format!(
            "{} exists already; give another file with --to, or --force",
            to.display()
        ))),
        false => Ok(()),
    }
}

/// Gives a temporary file its name. A link stays a link, and what is no file stays what it is: they are written to.
pub(super) fn keep(
    file: tempfile::NamedTempFile,
    to: &Path,
    replaces: bool,
) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(
            exit::FAILED,
            "file",
            format!("cannot write {}: {error}", to.display()),
        )
    };
    let is_plain = std::fs::symlink_metadata(to).is_ok_and(|found| found.is_file());
    if to.symlink_metadata().is_ok() && !is_plain {
        let mut from = file.reopen().map_err(failed)?;
        let mut there = std::fs::OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(to)
            .map_err(failed)?;
        std::io::copy(&mut from, &mut there).map_err(failed)?;
        return Ok(());
    }
    let kept = if replaces {
        file.persist(to)
    } else {
        file.persist_noclobber(to)
    };
    kept.map(drop).map_err(|error| failed(error.error))
}

/// Writes a download. The file has its name only when it is whole.
pub(super) async fn save(
    c: &Ctx,
    mut download: Download,
    to: &Path,
    a: Args<'_>,
) -> Result<Reply, Failure> {
    let length = download.length();
    let mut written: u64 = 0;
    let mut file = None;
    if to != Path::new("-") {
        let folder = match to.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        file = Some(
            tempfile::NamedTempFile::new_in(folder).map_err(|error| Failure::file(to, &error))?,
        );
    }
    while let Some(chunk) = download.try_next().await? {
        written += chunk.len() as u64;
        match &mut file {
            Some(file) => file
                .write_all(&chunk)
                .map_err(|error| Failure::file(to, &error))?,
            None => crate::output::print(&chunk)?,
        }
        let of = length.map_or(String::new(), |length| {
            format!(" of {:.1}", length as f64 / 1e6)
        });
        c.terminal
            .progress(&format!("{:.1}{of} MB", written as f64 / 1e6));
    }
    c.terminal.clear();
    let Some(file) = file else {
        return Ok(Answer::Nothing.into());
    };
    file.as_file()
        .sync_all()
        .map_err(|error| Failure::file(to, &error))?;
    keep(file, to, a.flag("force"))?;
    Ok(one(json!({ "file": to, "bytes": written })))
}
