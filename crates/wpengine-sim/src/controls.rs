//! Controls for what the API has no operation for: the clock, actions in the user portal, and effects that the API
//! does not show.
//!
//! Each control is a method of [`Simulator`](crate::Simulator) and a request under `/_sim`.

use std::sync::PoisonError;

use serde::Serialize;
use serde_json::Value;

use crate::shared::Shared;
use crate::state::Time;

/// The content of an install and what was done to it, as `GET /_sim/installs/{install_id}` returns it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct InstallContent {
    /// The WordPress version.
    pub wp_version: String,
    /// Represents the files. The text changes if the files change.
    pub files: String,
    /// Represents the database. The text changes if the database changes.
    pub database: String,
    /// Purges, copies, restores and checks, oldest first.
    pub events: Vec<InstallEvent>,
}

/// Something that was done to an install.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct InstallEvent {
    /// `cache_purge`, `object_cache_purge`, `copy`, `restore`, `domain_status_check` or `sharing_link`.
    pub kind: String,
    /// When it was requested, in virtual time.
    pub at: jiff::Timestamp,
    /// The request's details.
    pub details: Value,
}

/// The clock, as `GET /_sim/clock` returns it.
#[derive(Debug, Serialize)]
pub(crate) struct ClockReading {
    now: Time,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
}

impl Shared {
    pub(crate) fn clock_reading(&self) -> ClockReading {
        let (mode, factor) = match self.clock.mode() {
            crate::ClockMode::Real => ("real", None),
            crate::ClockMode::Manual => ("manual", None),
            crate::ClockMode::Accelerated(factor) => ("accelerated", Some(factor)),
        };
        ClockReading {
            now: Time(self.clock.now()),
            mode,
            factor,
        }
    }

    pub(crate) fn install_content(&self, id: &str) -> Option<InstallContent> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(self.clock.now());
        let install = world.installs.get(id)?;
        let events = install.events.iter().map(|event| InstallEvent {
            kind: event.kind.to_string(),
            at: event.at,
            details: event.details.clone(),
        });
        Some(InstallContent {
            wp_version: install.content.wp_version.clone(),
            files: install.content.files.clone(),
            database: install.content.database.clone(),
            events: events.collect(),
        })
    }

    /// Makes a backup that is in progress end as `aborted`.
    pub(crate) fn abort_backup(&self, install_id: &str, backup_id: &str) -> bool {
        let now = self.clock.now();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let backup = world
            .installs
            .get_mut(install_id)
            .and_then(|install| install.backups.get_mut(backup_id));
        match backup.filter(|backup| backup.status(now) != "completed") {
            Some(backup) => {
                backup.fails = true;
                self.changed.notify_one();
                true
            }
            None => false,
        }
    }

    /// Makes an archive that is in progress end as `aborted`.
    pub(crate) fn abort_archive(&self, install_id: &str, archive_id: &str) -> bool {
        let now = self.clock.now();
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let archive = world
            .installs
            .get_mut(install_id)
            .and_then(|install| install.archives.get_mut(archive_id));
        match archive.filter(|archive| archive.state(now) != "completed") {
            Some(archive) => {
                archive.fails = true;
                self.changed.notify_one();
                true
            }
            None => false,
        }
    }

    /// Enables or disables the two rate limits for each install.
    pub(crate) fn set_install_limits(&self, on: bool) {
        let mut limits = self.rate_limits();
        limits.install = on;
        self.set_rate_limits(limits);
    }
}
