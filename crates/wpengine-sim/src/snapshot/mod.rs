//! Snapshots: the world and its time as readable JSON.

mod check;
mod file;

use std::fmt;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limits::Limiter;
use crate::shared::Shared;
use crate::state::World;

pub(crate) use file::StateFile;

/// Distinguishes a snapshot from other JSON.
const FORMAT: &str = "wpengine-sim snapshot";
/// Increased when older snapshots can no longer be read.
const VERSION: u32 = 1;

/// A simulator's world and time at a moment, from [`Simulator::snapshot`](crate::Simulator::snapshot).
///
/// It contains everything that the API shows, and also the additional users with their passwords, and private keys. It
/// does not contain the credentials of the main user, faults, limits and the log of requests.
///
/// ```
/// # fn main() -> Result<(), wpengine_sim::SnapshotError> {
/// use wpengine_sim::{Simulator, Snapshot};
///
/// let simulator = Simulator::builder().build();
/// let before = simulator.snapshot();
/// // ... a test ...
/// simulator.restore(&before)?;
/// // As text, for another process:
/// let other = Simulator::builder().build();
/// other.restore(&Snapshot::from_json(before.as_json())?)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot(String);

#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    version: u32,
    /// The virtual time.
    now: Timestamp,
    /// The number of requests so far, which determines the ids in the headers of the next answers.
    requests: u64,
    world: &'a World,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    now: Timestamp,
    requests: u64,
    world: World,
}

/// The part that every version of the format has.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Snapshot {
    /// Parses a snapshot.
    ///
    /// # Errors
    ///
    /// If the text is not a snapshot, has another version, or is inconsistent.
    pub fn from_json(text: impl Into<String>) -> Result<Self, SnapshotError> {
        let snapshot = Self(text.into());
        snapshot.read()?;
        Ok(snapshot)
    }

    /// The snapshot as indented JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The snapshot as indented JSON.
    #[must_use]
    pub fn into_json(self) -> String {
        self.0
    }

    fn read(&self) -> Result<Read, SnapshotError> {
        let head: Head = serde_json::from_str(&self.0)
            .map_err(|error| SnapshotError(format!("this is no snapshot: {error}")))?;
        if head.format != FORMAT {
            let message = format!("this is no snapshot: its format is {:?}", head.format);
            return Err(SnapshotError(message));
        }
        if head.version != VERSION {
            let message = format!(
                "this snapshot has version {}, and only version {VERSION} can be read",
                head.version
            );
            return Err(SnapshotError(message));
        }
        let read: Read = serde_json::from_str(&self.0)
            .map_err(|error| SnapshotError(format!("the snapshot is damaged: {error}")))?;
        check::check(&read.world)
            .map_err(|problem| SnapshotError(format!("the snapshot is damaged: {problem}")))?;
        Ok(read)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It contains passwords.
        write!(formatter, "Snapshot({} bytes)", self.0.len())
    }
}

/// Why a snapshot cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotError(String);

impl fmt::Display for SnapshotError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for SnapshotError {}

impl Shared {
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        world.settle(now);
        let written = Written {
            format: FORMAT,
            version: VERSION,
            now,
            requests: self.request_count(),
            world: &world,
        };
        // Fails only for maps with keys that are not text. The world has none.
        let mut text = serde_json::to_string_pretty(&written).unwrap_or_default();
        text.push('\n');
        Snapshot(text)
    }

    pub(crate) fn restore(&self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let mut read = snapshot.read()?;
        read.world.index_names();
        // Keeps the credentials that the main user has in this simulator; the snapshot may come from another one.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut logins, further) = (world.logins.clone(), read.world.logins);
        logins.retain(|login| login.user_id == crate::state::MAIN_USER);
        logins.extend(further);
        read.world.logins = logins;
        let limits = self.rate_limits();
        read.world.install_limits = limits.install;
        *world = read.world;
        self.clock.set(read.now);
        self.set_request_count(read.requests);
        // The counted requests belong to another time.
        *self.limiter.lock().unwrap_or_else(PoisonError::into_inner) = Limiter::new(limits);
        self.changed.notify_one();
        Ok(())
    }
}
