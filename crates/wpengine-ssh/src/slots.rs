//! At most four connections of one user, whichever processes they belong to: the gateway takes five, and one is left for a person.
//!
//! A slot is a locked file, so it is free again when its process ends, in whatever way. An ssh that its process left behind is ended
//! by whoever takes the slot next.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use crate::error::{Error, ErrorKind};

/// How many connections are open at most.
pub(crate) const MOST: usize = 4;

/// A path of a socket has less than 104 bytes on macOS; the rest is `/.ssh-connectionXXXXXX/master.` and 16 letters.
const LONGEST: usize = 55;

/// The right to one connection.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Where the socket of the connection is.
    pub(crate) folder: PathBuf,
    _lock: File,
}

/// Takes a slot. Says once that it waits, if it must.
pub(crate) async fn take(folder: &Path, within: Duration, waits: impl Fn()) -> Result<Slot, Error> {
    let slots = folder.join("slots");
    private(&slots)?;
    let began = Instant::now();
    let mut said = false;
    loop {
        for number in 0..MOST {
            let path = slots.join(format!("{number}.lock"));
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(|error| Error::local(&path, &error))?;
            match file.try_lock() {
                Ok(()) => {
                    let folder = sockets(&slots, number)?;
                    end_leftovers(&folder).await;
                    return Ok(Slot {
                        folder,
                        _lock: file,
                    });
                }
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(Error::local(&path, &error)),
            }
        }
        if began.elapsed() >= within {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "{MOST} connections to the gateway are in use on this machine, and none became free within {} s; nothing was sent",
                    within.as_secs()
                ),
            )
            .hint("wait for the other commands, or end one of them: the gateway takes 5 connections of a user"));
        }
        if !std::mem::replace(&mut said, true) {
            waits();
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Makes a folder that only this user can read.
pub(crate) fn private(path: &Path) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Error::local(path, &error))
}

fn sockets(slots: &Path, number: usize) -> Result<PathBuf, Error> {
    let here = slots.join(number.to_string());
    if here.as_os_str().len() <= LONGEST {
        private(&here)?;
        return Ok(here);
    }
    // Too long for a socket: a folder with a short name that belongs to the same user.
    let owner = fs::metadata(slots).map_err(|error| Error::local(slots, &error))?;
    let name = format!("wpengine-{}-{:x}-{number}", owner.uid(), owner.ino());
    let short = Path::new("/tmp").join(name);
    private(&short)?;
    let found = fs::symlink_metadata(&short).map_err(|error| Error::local(&short, &error))?;
    if !found.is_dir() || found.uid() != owner.uid() || found.mode() & 0o077 != 0 {
        return Err(Error::local(&short, &"it belongs to somebody else"));
    }
    Ok(short)
}

/// Ends what a process left behind that was killed.
async fn end_leftovers(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let mut ssh = tokio::process::Command::new("ssh");
        let end = ssh
            .args(["-F", "/dev/null", "-O", "exit", "-S"])
            .arg(entry.path().join("master"))
            .arg("none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status();
        let _ = timeout(Duration::from_secs(5), end).await;
        let _ = fs::remove_dir_all(entry.path());
    }
}
