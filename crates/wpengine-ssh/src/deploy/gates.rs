//! What the API says before and after a deployment.

use std::time::Duration;

use jiff::Timestamp;
use wpengine::{
    Client,
    types::{BackupStatus, CacheType, InstallStatus},
};

use crate::error::{Error, ErrorKind};

/// The rules of the API's side: the install is active, nothing is being backed up, and a backup is recent enough.
#[derive(Clone, Debug)]
pub struct Gates<'a> {
    client: &'a Client,
    install_id: &'a str,
    backup_within: Option<Duration>,
}

impl<'a> Gates<'a> {
    /// Rules for an install, by its id.
    #[must_use]
    pub fn new(client: &'a Client, install_id: &'a str) -> Self {
        Self {
            client,
            install_id,
            backup_within: None,
        }
    }

    /// Asks for a completed backup that is not older than this.
    #[must_use]
    pub fn backup_within(mut self, age: Duration) -> Self {
        self.backup_within = Some(age);
        self
    }

    /// Whether all rules are kept. A restore or a copy that was started in the portal is not seen: the API does not say it.
    ///
    /// Operations: `get_install`, `list_backups`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] with the rule, [`ErrorKind::Api`].
    pub async fn pass(&self) -> Result<(), Error> {
        let install = self.client.install(self.install_id).get().await?;
        let refused = |why: String| {
            Err(Error::new(
                ErrorKind::Refused,
                format!("{why}; nothing was sent"),
            ))
        };
        match &install.status {
            Some(InstallStatus::Active) | None => {}
            Some(status) => {
                return refused(format!("{} is {status} and not active", install.name));
            }
        }
        let backups = self
            .client
            .install(self.install_id)
            .backups()
            .list()
            .collect()
            .await?;
        let running = backups.iter().find(|backup| {
            matches!(
                backup.status,
                BackupStatus::InProgress | BackupStatus::Requested
            )
        });
        if let Some(backup) = running {
            return refused(format!(
                "a backup of {} is in progress ({})",
                install.name,
                backup
                    .description
                    .as_deref()
                    .unwrap_or("without description")
            ));
        }
        if let Some(age) = self.backup_within {
            let newest = backups
                .iter()
                .filter(|backup| backup.status == BackupStatus::Completed)
                .filter_map(|backup| backup.complete_time.as_ref()?.timestamp())
                .max();
            let limit = Timestamp::now().checked_sub(age).unwrap_or(Timestamp::MIN);
            if newest.is_none_or(|newest| newest < limit) {
                let newest = newest.map_or("there is none".to_owned(), |at| {
                    format!("the last one is of {at}")
                });
                return refused(format!(
                    "no backup of {} is recent enough: {newest}",
                    install.name
                ));
            }
        }
        Ok(())
    }

    /// Purges the page cache and the network cache, so that visitors see the release.
    ///
    /// Operation: `purge_cache`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Api`].
    pub async fn purge(&self) -> Result<(), Error> {
        for kind in [CacheType::Page, CacheType::Cdn] {
            self.client
                .install(self.install_id)
                .purge_cache(kind)
                .await?;
        }
        Ok(())
    }
}
