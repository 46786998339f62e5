//! Backups of an install, and restoring one.

use std::time::Duration;

use wpengine_raw::types::{CreateBackupRequest, RestoreBackupRequest};

use super::{collection, handle, texts};
use crate::{
    check,
    error::Error,
    paging::{List, offset_list},
    request::{operation, request},
    requests::{Request, Wait},
    types::{Backup, BackupId, BackupStatus, InstallId},
    wait::{Stage, Work},
};

/// The default deadline of a wait for a backup. The backup of a large site takes half an hour.
const LIMIT: Duration = Duration::from_secs(60 * 60);

collection! {
    /// The backups of one install.
    Backups of install_id: InstallId
}

impl Backups {
    /// Lists the backups.
    ///
    /// Operation `list_backups`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let mut backups = install.backups().list().items();
    /// while let Some(backup) = backups.try_next().await? {
    ///     println!("{:?}: {}", backup.create_time, backup.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<Backup> {
        offset_list!(self, list_backups(install_id))
    }

    /// Creates a backup of the files and the database. The service responds before the backup is completed;
    /// [`wait`](CreateBackup::wait) waits for it. At least one e-mail address is required; the service sends a mail
    /// when the backup has ended.
    ///
    /// Operation `create_backup`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let backup = install.backups().create("before deploy", ["ops@example.com"]).await?;
    /// println!("{}", backup.status);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(
        &self,
        description: impl Into<String>,
        notification_emails: impl IntoIterator<Item = impl Into<String>>,
    ) -> CreateBackup {
        let body = CreateBackupRequest {
            description: description.into(),
            notification_emails: texts(notification_emails),
        };
        CreateBackup::new(&self.client, &self.install_id, body)
    }
}

request! {
    /// A request to create a backup.
    CreateBackup(install_id: InstallId) = create_backup(CreateBackupRequest) -> Backup
}

impl CreateBackup {
    /// Creates the backup and waits until it is completed; see [`BackupHandle::wait`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = wpengine_sim::ClockMode::Accelerated(600.0);
    /// # let simulator = wpengine_sim::Simulator::builder().clock(clock).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::BackupStatus;
    ///
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let backup = install.backups().create("before deploy", ["ops@example.com"]).wait().await?;
    /// assert_eq!(backup.status, BackupStatus::Completed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(self) -> Wait<Backup> {
        let install = self.client.install(&self.install_id);
        let name = format!("the backup of install {}", self.install_id);
        let work = move |backup: &Backup| install.backup(&backup.id).work();
        Wait::starting(self.request(), work, name, LIMIT)
    }

    fn check(&self) -> Result<(), Error> {
        check::text("description of a backup", &self.body.description)?;
        check::emails(&self.body.notification_emails)
    }
}

handle! {
    /// A handle to one backup of an install.
    BackupHandle of backup_id: BackupId, install_id: InstallId
}

impl BackupHandle {
    /// Fetches the backup.
    ///
    /// Operation `get_backup`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let mut backups = install.backups().list().items();
    /// while let Some(backup) = backups.try_next().await? {
    ///     let now = install.backup(backup.id).get().await?;
    ///     println!("{}", now.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<Backup> {
        operation!(self, get_backup(install_id, backup_id))
    }

    /// Waits until the backup is completed; the default [`deadline`](Wait::deadline) is 1 hour.
    ///
    /// Uses the operation `get_backup`. A backup with the status `aborted` is an error of the kind
    /// [`WorkFailed`](crate::ErrorKind::WorkFailed).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().clock(wpengine_sim::ClockMode::Accelerated(600.0)).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::BackupStatus;
    ///
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let backup = install.backups().create("before deploy", ["ops@example.com"]).await?;
    /// let backup = install.backup(&backup.id).wait().await?;
    /// assert_eq!(backup.status, BackupStatus::Completed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<Backup> {
        Wait::new(&self.client, self.work(), LIMIT)
    }

    fn work(&self) -> Work<Backup> {
        let this = self.clone();
        Work::new(
            format!("backup {} of install {}", self.backup_id, self.install_id),
            move || {
                let this = this.clone();
                async move {
                    let backup = this.get().await?;
                    check::same_id("backup", this.backup_id.as_str(), backup.id.as_str())?;
                    Ok(backup)
                }
            },
            stage,
            "take another one; if it fails again, ask WP Engine's support",
        )
    }

    /// Restores the install to the state of the backup. **This overwrites the current content of the install.** By
    /// default the database is restored too, and the service creates a backup of the current state first.
    ///
    /// Operation `restore_backup`. The service responds before the work is done, and the API cannot report its
    /// progress. The service sends a mail to the given addresses when the work has ended.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let backups = install.backups().list().collect().await?;
    /// if let Some(backup) = backups.iter().find(|backup| backup.status.as_str() == "completed") {
    ///     install
    ///         .backup(&backup.id)
    ///         .restore(["ops@example.com"])
    ///         .restore_database(false)
    ///         .await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn restore(
        &self,
        notification_emails: impl IntoIterator<Item = impl Into<String>>,
    ) -> RestoreBackup {
        let body = RestoreBackupRequest {
            notification_emails: texts(notification_emails),
            restore_database: None,
            create_checkpoint: None,
        };
        RestoreBackup::new(&self.client, &self.install_id, &self.backup_id, body)
    }
}

/// See the table of asynchronous work in the documentation of the API before you add a state. `initiated` is an older
/// name for a backup in progress. Like every unknown state, it does not end the wait.
fn stage(backup: &Backup) -> Stage {
    match &backup.status {
        BackupStatus::Completed => Stage::Done,
        BackupStatus::Aborted => Stage::Failed(backup.status.to_string()),
        going => Stage::Going(going.to_string()),
    }
}

request! {
    /// A request to restore an install from a backup.
    RestoreBackup(install_id: InstallId, backup_id: BackupId) = restore_backup(RestoreBackupRequest) -> ()
}

impl RestoreBackup {
    setters! {
        /// Sets whether the database is restored too; true by default.
        restore_database(restore: bool) body.restore_database = Some(restore);

        /// Sets whether the service creates a backup of the current state first; true by default.
        create_checkpoint(create: bool) body.create_checkpoint = Some(create);
    }

    fn check(&self) -> Result<(), Error> {
        check::emails(&self.body.notification_emails)
    }
}
