//! A file that keeps the state from one run to the next.
//!
//! Each write creates a new file next to it and renames it, so the file is never half written. If the file cannot be
//! read at the start, the simulator does not start, so it never overwrites such a file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::Snapshot;
use crate::clock::ClockMode;
use crate::shared::Shared;

/// How long changes are collected before they are written.
const GATHERING: Duration = Duration::from_secs(1);

/// The file, and the task that writes it after changes.
#[derive(Debug)]
pub(crate) struct StateFile {
    place: Arc<Place>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// Locked while the file is written, so that the last write has the newest state.
    writing: Mutex<()>,
    /// The first write after a change that failed, until it is taken.
    failure: Mutex<Option<io::Error>>,
    failed: Notify,
}

impl StateFile {
    /// Restores the state from the file if it exists, and keeps the state in it from now on.
    pub(crate) fn open(path: PathBuf, shared: Arc<Shared>) -> io::Result<Self> {
        load(&path, &shared).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        let place = Arc::new(Place {
            path,
            writing: Mutex::new(()),
            failure: Mutex::new(None),
            failed: Notify::new(),
        });
        // A first write, so that a file that cannot be written is reported now and not when there are changes to lose.
        // It also replaces the temporary file of a run that was killed.
        place.save(&shared)?;
        let task = tokio::spawn(keep(Arc::clone(&place), Arc::clone(&shared)));
        Ok(Self {
            place,
            shared,
            task,
        })
    }

    /// Writes the state now.
    pub(crate) fn save(&self) -> io::Result<()> {
        self.place.save(&self.shared)
    }

    /// Waits until a write fails, and returns each failure once.
    pub(crate) async fn failure(&self) -> io::Error {
        loop {
            let failure = self.place.failure().take();
            if let Some(error) = failure {
                return error;
            }
            self.place.failed.notified().await;
        }
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Place {
    fn failure(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, shared: &Shared) -> io::Result<()> {
        let _guard = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        write(&self.path, shared.snapshot().as_json()).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
        })
    }
}

/// Writes after each change, at most once a second.
async fn keep(place: Arc<Place>, shared: Arc<Shared>) {
    loop {
        shared.changed.notified().await;
        tokio::time::sleep(GATHERING).await;
        let (place, shared) = (Arc::clone(&place), Arc::clone(&shared));
        // A failed write is repeated after the next change and at the end.
        let _ = tokio::task::spawn_blocking(move || {
            if let Err(error) = place.save(&shared) {
                *place.failure() = Some(error);
                place.failed.notify_one();
            }
        })
        .await;
    }
}

fn load(path: &Path, shared: &Shared) -> io::Result<()> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    Snapshot::from_json(text)
        .and_then(|snapshot| shared.restore(&snapshot))
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    // A real clock continues with the present time, unless it was advanced beyond it.
    let present = Timestamp::now();
    if shared.clock.mode() == ClockMode::Real && shared.clock.now() < present {
        shared.clock.set(present);
    }
    Ok(())
}

/// Replaces the whole file. Only its owner may read it, because it contains passwords.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(".new");
    let beside = path.with_file_name(beside);
    let written = write_new(&beside, text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
}
