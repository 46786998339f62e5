//! rsync: the way of many files.

use std::{io::Write as _, os::unix::ffi::OsStrExt as _, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::Command,
    time::timeout,
};

use super::tree::Tree;
use crate::{
    connection::Connection,
    error::{Error, ErrorKind},
};

/// Sends files to a folder. Files in the folder `basis`, seen from that one, save what they have in common.
pub(super) async fn send(
    connection: &Connection,
    tree: &Tree,
    files: &[Vec<u8>],
    to: &str,
    basis: Option<&str>,
    within: Duration,
) -> Result<(), Error> {
    let mut list = tempfile::NamedTempFile::new()
        .map_err(|error| Error::local(&std::env::temp_dir(), &error))?;
    for name in files {
        // A name that begins with # or ; would be a comment.
        list.write_all(b"./")
            .and_then(|()| list.write_all(name))
            .and_then(|()| list.write_all(b"\0"))
            .map_err(|error| Error::local(list.path(), &error))?;
    }
    list.flush()
        .map_err(|error| Error::local(list.path(), &error))?;
    let mut command = Command::new("rsync");
    command
        // The names do not pass a shell: they follow over the connection.
        .args([
            "--protect-args",
            "--from0",
            "--links",
            "--checksum",
            "--compress",
            "--partial",
        ])
        .args(["--chmod=D775,F664", "--8-bit-output", "--timeout=120"])
        .arg("--out-format=%n")
        .arg("--files-from")
        .arg(list.path())
        .arg("--rsh")
        .arg(connection.transport())
        .env("LC_ALL", "C")
        .env_remove("RSYNC_RSH")
        .env_remove("RSYNC_PROTECT_ARGS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(folder) = basis {
        command.arg(format!("--copy-dest={folder}"));
    }
    let mut from = tree.root.as_os_str().as_bytes().to_vec();
    from.push(b'/');
    command
        .arg("--")
        .arg(std::ffi::OsStr::from_bytes(&from))
        .arg(connection.remote(to));
    let mut running = connection.program(&mut command).await?;
    let (stdout, stderr) = (running.child.stdout.take(), running.child.stderr.take());
    let read = async {
        let Some(stdout) = stdout else { return };
        let mut lines = BufReader::new(stdout);
        let (mut line, mut sent) = (Vec::new(), 0);
        while let Ok(1..) = lines.read_until(b'\n', &mut line).await {
            if !line.ends_with(b"/\n") {
                sent += 1;
                let name = String::from_utf8_lossy(&line);
                connection.say(&format!(
                    "sending {sent} of {}: {}",
                    files.len(),
                    name.trim_end()
                ));
            }
            line.clear();
        }
    };
    let complain = async {
        let mut said = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.read_to_end(&mut said).await;
        }
        said
    };
    let work = async { tokio::join!(read, complain, running.child.wait()) };
    let ((), said, status) = timeout(within, work).await.map_err(|_| {
        Error::new(
            ErrorKind::Transfer,
            format!("sending took longer than {} s", within.as_secs()),
        )
    })?;
    let status = status.map_err(|error| Error::program("rsync", &error))?;
    match status.code() {
        Some(0) => Ok(()),
        code => Err(failed(connection, code, &said).await),
    }
}

/// What a code of rsync means, and what to do.
async fn failed(connection: &Connection, code: Option<i32>, said: &[u8]) -> Error {
    let is_open = connection.is_open().await;
    let text = String::from_utf8_lossy(said);
    let (kind, message, hint) = match code {
        _ if text.contains("No space left") || text.contains("Disk quota exceeded") => (
            ErrorKind::Transfer,
            "the disk of the install is full",
            "remove what is not needed, or ask for more storage; `wpengine usage install` says how much is used",
        ),
        Some(255 | 12 | 30 | 35 | 10) if !is_open => (
            ErrorKind::Lost,
            "the connection was lost while files were sent",
            "",
        ),
        Some(1 | 4) if text.contains("unknown option") || text.contains("protect-args") => (
            ErrorKind::Local,
            "this rsync is too old, or it is openrsync",
            "install rsync 3.1 or newer",
        ),
        Some(11) => (
            ErrorKind::Transfer,
            "rsync could not write a file (code 11)",
            "look at the disk of the install, and at who owns the folder",
        ),
        Some(12) => (
            ErrorKind::Transfer,
            "rsync and the gateway do not understand each other (code 12)",
            "is rsync there on the gateway? The container may just have been replaced: try again",
        ),
        Some(23) => (
            ErrorKind::Transfer,
            "some files could not be read or written (code 23)",
            "the lines above name them; mend them and try again",
        ),
        Some(24) => (
            ErrorKind::Transfer,
            "files went away while they were read (code 24)",
            "something changes the folder: wait until it is done, and deploy again",
        ),
        Some(30 | 35) => (
            ErrorKind::TimedOut,
            "the gateway did not answer rsync for two minutes",
            "try again; heavy work on the install slows it down",
        ),
        _ => (ErrorKind::Transfer, "rsync failed", "try again"),
    };
    Error::new(kind, message).said(said).hint(hint)
}
