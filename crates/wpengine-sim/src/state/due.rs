//! Work that changes the world at a certain time, without a request.
//!
//! Most asynchronous work does not need this, because its state is computed from the clock. It is for work that
//! overwrites other data: a copy, a restore, a transfer, new offload settings.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Content, World};

/// The work to do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    /// The end of a restore or a copy: the new content replaces the old one.
    Overwrite {
        install_id: String,
        content: Content,
        files: bool,
        database: bool,
    },
    /// The end of a transfer: the site moves to its new account.
    Transfer { transfer_id: String },
    /// A report on a site is created.
    SiteReport {
        site_id: String,
        schedule_id: String,
    },
    /// Offload settings take effect.
    Offload {
        install_id: String,
        settings: Map<String, Value>,
        replace: bool,
    },
}

/// Work and its time.
#[derive(Debug, Serialize, Deserialize)]
struct Due {
    at: Timestamp,
    work: Work,
}

/// All pending work, in the order of time.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Agenda(Vec<Due>);

impl Agenda {
    /// Adds work. Work with the same time is done in the order in which it was added.
    pub(crate) fn add(&mut self, at: Timestamp, work: Work) {
        let index = self.0.partition_point(|due| due.at <= at);
        self.0.insert(index, Due { at, work });
    }

    /// Removes and returns the next work that is due.
    fn take(&mut self, now: Timestamp) -> Option<Due> {
        (self.0.first()?.at <= now).then(|| self.0.remove(0))
    }
}

impl World {
    /// Does all work that is due. It is called before each request, so that handlers see the current world.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        while let Some(due) = self.agenda.take(now) {
            match due.work {
                Work::Overwrite {
                    install_id,
                    content,
                    files,
                    database,
                } => {
                    if let Some(install) = self.installs.get_mut(&install_id) {
                        install.content.overwrite(content, files, database);
                    }
                }
                Work::SiteReport {
                    site_id,
                    schedule_id,
                } => self.make_report(&site_id, &schedule_id, due.at, now),
                Work::Transfer { transfer_id } => self.finish_transfer(&transfer_id, due.at),
                Work::Offload {
                    install_id,
                    settings,
                    replace,
                } => {
                    if let Some(install) = self.installs.get_mut(&install_id) {
                        if replace {
                            install.offload_settings.clear();
                        }
                        install.offload_settings.extend(settings);
                    }
                }
            }
        }
    }

    fn finish_transfer(&mut self, id: &str, at: Timestamp) {
        let Some(transfer) = self
            .transfers
            .get_mut(id)
            .filter(|transfer| transfer.cancelled_at.is_none())
        else {
            return;
        };
        debug_assert_eq!(transfer.ends_at(), at);
        let (site_id, destination) = (transfer.site_id.clone(), transfer.destination.id.clone());
        if self.sites.contains_key(&site_id) && self.accounts.contains_key(&destination) {
            self.move_site(&site_id, &destination);
        } else if let Some(transfer) = self.transfers.get_mut(id) {
            transfer.failed = true;
        }
    }
}
