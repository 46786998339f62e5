//! rsync: what would change, and the way files take.

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

/// A line of rsync's list of changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Whether it was not there before.
    pub(super) is_new: bool,
    /// Relative to the folder that is sent.
    pub(super) name: Vec<u8>,
}

/// What files are compared with, or sent to.
pub(super) struct Way<'a> {
    /// The folder on the gateway.
    pub(super) to: &'a str,
    /// Files that are the same in this folder, seen from the other one, are not sent.
    pub(super) unless_in: Option<String>,
    pub(super) dry_run: bool,
}

/// Sends files, or says which it would send.
pub(super) async fn run(
    connection: &Connection,
    tree: &Tree,
    files: &[Vec<u8>],
    way: Way<'_>,
    within: Duration,
) -> Result<Vec<Item>, Error> {
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
        ])
        // A checkout gives every file a new time. Here the content counts, and what stays keeps its time.
        .args(["--chmod=D775,F664", "--8-bit-output", "--timeout=120"])
        .arg("--out-format=%i %n")
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
    if way.dry_run {
        command.arg("--dry-run");
    }
    if let Some(folder) = &way.unless_in {
        command.arg(format!("--compare-dest={folder}"));
    }
    let mut from = tree.root.as_os_str().as_bytes().to_vec();
    from.push(b'/');
    command
        .arg("--")
        .arg(std::ffi::OsStr::from_bytes(&from))
        .arg(connection.remote(way.to));
    let mut running = connection.program(&mut command).await?;
    let (stdout, stderr) = (running.child.stdout.take(), running.child.stderr.take());
    let read = async {
        let mut items = Vec::new();
        let Some(stdout) = stdout else { return items };
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        while let Ok(1..) = lines.read_until(b'\n', &mut line).await {
            if let Some(item) = item(line.trim_ascii_end()) {
                if !way.dry_run {
                    connection.say(&format!("sending {}", String::from_utf8_lossy(&item.name)));
                }
                items.push(item);
            }
            line.clear();
        }
        items
    };
    let complain = async {
        let mut said = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.read_to_end(&mut said).await;
        }
        said
    };
    let work = async { tokio::join!(read, complain, running.child.wait()) };
    let (items, said, status) = timeout(within, work).await.map_err(|_| {
        Error::new(
            ErrorKind::TimedOut,
            format!("rsync took longer than {} s", within.as_secs()),
        )
    })?;
    let status = status.map_err(|error| Error::program("rsync", &error))?;
    match status.code() {
        Some(0) => Ok(items),
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

/// Reads a line such as `<f+++++++++ a.php`. Folders and what only has another time are none.
fn item(line: &[u8]) -> Option<Item> {
    let (flags, name) = (line.get(..11)?, line.get(12..)?);
    if line.get(11) != Some(&b' ') || !matches!(flags[0], b'<' | b'>' | b'c' | b'h') {
        return None;
    }
    matches!(flags[1], b'f' | b'L').then(|| Item {
        is_new: flags[2] == b'+',
        name: unescaped(name.strip_prefix(b"./").unwrap_or(name)),
    })
}

/// rsync writes what cannot be printed as `\#` and three octal digits.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        if let [
            b'\\',
            b'#',
            a @ b'0'..=b'3',
            b @ b'0'..=b'7',
            c @ b'0'..=b'7',
            ..,
        ] = rest
        {
            name.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = &rest[5..];
        } else {
            name.push(*first);
            rest = behind;
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_links_are_changes_and_folders_are_not() {
        let read = |line: &str| item(line.as_bytes());
        let some = |is_new, name: &[u8]| {
            Some(Item {
                is_new,
                name: name.to_vec(),
            })
        };
        assert_eq!(read("<f+++++++++ a b.php"), some(true, b"a b.php"));
        assert_eq!(read("<fcsT...... a.php"), some(false, b"a.php"));
        assert_eq!(read("cL+++++++++ link"), some(true, b"link"));
        assert_eq!(read("cd+++++++++ folder/"), None);
        assert_eq!(read(".f..t...... a.php"), None);
        assert_eq!(read("<f+++++++++ a\\#012b"), some(true, b"a\nb"));
        assert_eq!(read("<f+++++++++ a\\#134#012b"), some(true, b"a\\#012b"));
        assert_eq!(read("sent 12 bytes"), None);
    }
}
