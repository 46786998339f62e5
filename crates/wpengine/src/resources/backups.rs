//! Backups of an install, and restoring one.

use std::time::Duration;

use wpengine_raw::types::{CreateBackupRequest, RestoreBackupRequest};

use super::{collection, handle, texts};
use crate::{
    Client, check,
    error::Error,
    paging::{List, offset_list},
    request::{operation, request_methods},
    requests::{Request, Wait},
    transport::Options,
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
        offset_list!(
            self,
            check::id("install", &self.install_id),
            list_backups(install_id)
        )
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
    pub fn create<I>(&self, description: impl Into<String>, notification_emails: I) -> CreateBackup
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        CreateBackup {
            client: self.client.clone(),
            options: Options::default(),
            install_id: self.install_id.clone(),
            body: CreateBackupRequest {
                description: description.into(),
                notification_emails: texts(notification_emails),
            },
        }
    }
}

/// A request to create a backup.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct CreateBackup {
    client: Client,
    options: Options,
    install_id: InstallId,
    body: CreateBackupRequest,
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

    fn request(self) -> Request<Backup> {
        let Self {
            install_id, body, ..
        } = self;
        let check = check::id("install", &install_id)
            .and_then(|()| check::text("description of a backup", &body.description))
            .and_then(|()| check::emails(&body.notification_emails));
        operation!(&self.client, check, create_backup(&install_id, &body)).options(self.options)
    }
}

request_methods!(CreateBackup -> Backup);

handle! {
    /// A handle to one backup of an install.
    BackupHandle of install_id: InstallId, backup_id: BackupId
}

impl BackupHandle {
    fn check(&self) -> Result<(), Error> {
        check::id("install", &self.install_id)?;
        check::id("backup", &self.backup_id)
    }

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
        Wait::new(self.work(), LIMIT)
    }

    fn work(&self) -> Work<Backup> {
        let this = self.clone();
        Work {
            name: format!("backup {} of install {}", self.backup_id, self.install_id),
            ask: Box::new(move || {
                let (asked, id) = (this.get(), this.backup_id.clone());
                Box::pin(async move {
                    let backup = asked.await?;
                    check::same_id("backup", id.as_str(), backup.id.as_str())?;
                    Ok(backup)
                })
            }),
            stage,
            hint: "take another one; if it fails again, ask WP Engine's support",
        }
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
    pub fn restore<I>(&self, notification_emails: I) -> RestoreBackup
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        RestoreBackup {
            client: self.client.clone(),
            options: Options::default(),
            handle: self.clone(),
            body: RestoreBackupRequest {
                notification_emails: texts(notification_emails),
                restore_database: None,
                create_checkpoint: None,
            },
        }
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

/// A request to restore an install from a backup.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct RestoreBackup {
    client: Client,
    options: Options,
    handle: BackupHandle,
    body: RestoreBackupRequest,
}

impl RestoreBackup {
    /// Sets whether the database is restored too; true by default.
    pub fn restore_database(mut self, restore: bool) -> Self {
        self.body.restore_database = Some(restore);
        self
    }

    /// Sets whether the service creates a backup of the current state first; true by default.
    pub fn create_checkpoint(mut self, create: bool) -> Self {
        self.body.create_checkpoint = Some(create);
        self
    }

    fn request(self) -> Request<()> {
        let Self { handle, body, .. } = self;
        let check = handle
            .check()
            .and_then(|()| check::emails(&body.notification_emails));
        operation!(
            &self.client,
            check,
            restore_backup(&handle.install_id, &handle.backup_id, &body)
        )
        .options(self.options)
    }
}

request_methods!(RestoreBackup -> ());
