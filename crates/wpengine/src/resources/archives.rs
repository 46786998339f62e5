//! Archives: downloadable copies of backups.

use std::{
    collections::HashSet,
    future::{Future, IntoFuture},
    sync::{Arc, OnceLock},
    time::Duration,
};

use wpengine_raw::types::CreateArchiveRequest;

use super::{collection, handle, only_new, texts};
use crate::{
    Download, Response, check,
    error::{Error, ErrorKind},
    paging::{List, offset_list},
    request::{option_methods, request_type},
    requests::{RequestFuture, Wait},
    types::{Archive, ArchiveId, ArchiveState, BackupId, InstallId},
    wait::{Stage, Work},
};

/// The default deadline of a wait for an archive.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);
/// The pause before the archives are listed again, if the new archive is not listed yet.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

collection! {
    /// The archives of one install.
    Archives of install_id: InstallId
}

impl Archives {
    /// Lists the archives.
    ///
    /// Operation `list_archives`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let mut archives = install.archives().list().items();
    /// while let Some(archive) = archives.try_next().await? {
    ///     println!("{}: {}", archive.id, archive.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<Archive> {
        offset_list!(self, list_archives(install_id))
    }

    /// Creates an archive: a zip file with the content of a backup. At least one e-mail address is required; the
    /// service sends a mail when the archive is ready. Each call creates another archive.
    ///
    /// Operation `create_archive`. The response does not contain the id of the archive. Therefore the archives are
    /// listed first (`list_archives`), and the returned [`NewArchive`] waits for the archive of this backup that was
    /// not in this list.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().clock(wpengine_sim::ClockMode::Accelerated(600.0)).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let backup = "e41fa98f-ea80-4654-b229-a9b765d0863a";
    /// let archive = install.archives().create(backup, ["ops@example.com"]).await?.wait().await?;
    ///
    /// let mut download = install.archive(&archive.id).download().await?;
    /// let mut bytes = 0;
    /// while let Some(piece) = download.try_next().await? {
    ///     bytes += piece.len() as u64;
    /// }
    /// assert_eq!(download.length(), Some(bytes));
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(
        &self,
        backup: impl Into<BackupId>,
        notification_emails: impl IntoIterator<Item = impl Into<String>>,
    ) -> CreateArchive {
        let body = CreateArchiveRequest {
            backup_id: backup.into(),
            notification_emails: texts(notification_emails),
        };
        CreateArchive::new(&self.client, &self.install_id, body)
    }
}

request_type! {
    /// A request to create an archive of a backup.
    CreateArchive(install_id: InstallId) = create_archive(CreateArchiveRequest) -> ()
}

impl CreateArchive {
    option_methods!();

    /// Lists the existing archives, sends the request, and returns the value with the status and the headers.
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can return.
    pub async fn send(self) -> Result<Response<NewArchive>, Error> {
        let archives = Archives::new(&self.client, &self.install_id);
        let list = archives.list().options(self.options.clone());
        let backup_id = self.body.backup_id.clone();
        let mut request = self.request();
        request.refuse()?;
        let before = list.collect().await?;
        let answer = request.send().await?;
        let new = NewArchive {
            archives,
            backup_id,
            before: before.into_iter().map(|archive| archive.id).collect(),
            known: Arc::default(),
        };
        Ok(answer.with(new))
    }

    fn check(&self) -> Result<(), Error> {
        check::ids(&[&self.body.backup_id])?;
        check::emails(&self.body.notification_emails)
    }
}

impl IntoFuture for CreateArchive {
    type Output = Result<NewArchive, Error>;
    type IntoFuture = RequestFuture<NewArchive>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.send().await.map(Response::into_value) })
    }
}

/// A new archive whose id is not known yet.
#[derive(Clone)]
pub struct NewArchive {
    archives: Archives,
    backup_id: BackupId,
    before: HashSet<ArchiveId>,
    /// The id of the archive, once it was listed.
    known: Arc<OnceLock<ArchiveId>>,
}

debug_fields!(NewArchive as this: install_id = this.archives.install_id, backup_id = this.backup_id);

impl NewArchive {
    /// Returns the backup from which the archive is created.
    pub fn backup_id(&self) -> &BackupId {
        &self.backup_id
    }

    /// Waits until the archive is completed; the default [`deadline`](Wait::deadline) is 2 hours.
    ///
    /// Uses the operation `list_archives` and looks for the archive of the backup that did not exist before. Two such
    /// archives are an error of the kind [`Ambiguous`](crate::ErrorKind::Ambiguous): somebody else has created one at
    /// the same time, and the client cannot know which one is its own. An archive with the state `aborted` is an error
    /// of the kind [`WorkFailed`](crate::ErrorKind::WorkFailed).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// let new = install
    ///     .archives()
    ///     .create("e41fa98f-ea80-4654-b229-a9b765d0863a", ["ops@example.com"])
    ///     .await?;
    /// # simulator.advance(std::time::Duration::from_secs(3600));
    /// let archive = new.wait().await?;
    /// println!("{}", archive.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<Archive> {
        let this = self.clone();
        Wait::new(
            &self.archives.client,
            Work::new(
                format!(
                    "the new archive of backup {} of install {}",
                    self.backup_id, self.archives.install_id
                ),
                move || this.clone().find(),
                stage,
                "make another one",
            ),
            LIMIT,
        )
    }

    /// Returns the archive of the backup that did not exist before, as soon as it is listed. Once its id is known,
    /// other new archives are ignored.
    async fn find(self) -> Result<Archive, Error> {
        let is_new = |archive: &Archive| {
            archive.backup.id.as_ref() == Some(&self.backup_id)
                && !self.before.contains(&archive.id)
        };
        let what = format!("archives of backup {} are there", self.backup_id);
        loop {
            let list = self.archives.list();
            let found = match self.known.get() {
                Some(known) => list.find(|archive| archive.id == *known).await?,
                None => {
                    let mut archives = list.collect().await?;
                    archives.retain(is_new);
                    only_new(archives, |archive| archive.id.as_str(), &what).map_err(|error| {
                        error.with_hint("somebody else has made one at the same time; wait for either with `install.archive(id).wait()`")
                    })?
                }
            };
            if let Some(archive) = found
                && *self.known.get_or_init(|| archive.id.clone()) == archive.id
            {
                return Ok(archive);
            }
            // The deadline of the wait ends this loop.
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

handle! {
    /// A handle to one archive of an install.
    ArchiveHandle of archive_id: ArchiveId, install_id: InstallId
}

impl ArchiveHandle {
    /// Waits until the archive is completed; the default [`deadline`](Wait::deadline) is 2 hours.
    ///
    /// Uses the operation `list_archives`. An archive with the state `aborted` is an error of the kind
    /// [`WorkFailed`](crate::ErrorKind::WorkFailed).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// if let Some(archive) = install.archives().list().items().try_next().await? {
    ///     let archive = install.archive(archive.id).wait().await?;
    ///     println!("{:?}", archive.complete_time);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<Archive> {
        let this = self.clone();
        Wait::new(
            &self.client,
            Work::new(
                format!("archive {} of install {}", self.archive_id, self.install_id),
                move || this.clone().find(),
                stage,
                "make another one",
            ),
            LIMIT,
        )
    }

    /// Starts to download the archive, which is a zip file. An archive that does not exist is an error of the kind
    /// [`NotFound`](crate::ErrorKind::NotFound), and one without a file yet of the kind
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest).
    ///
    /// Gets the link with the operation `list_archives` and opens it without the credentials; see
    /// [`Client::download`](crate::Client::download).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0");
    /// if let Some(archive) = install.archives().list().items().try_next().await? {
    ///     let mut download = install.archive(archive.id).download().await?;
    ///     let mut zip = Vec::new();
    ///     while let Some(bytes) = download.try_next().await? {
    ///         zip.extend_from_slice(&bytes);
    ///     }
    ///     assert!(zip.starts_with(b"PK"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn download(&self) -> impl Future<Output = Result<Download, Error>> + Send + 'static {
        let this = self.clone();
        async move {
            let archive = this.clone().find().await?;
            if let Some(link) = &archive.download_uri {
                return this.client.download(link).await;
            }
            let hint = match stage(&archive) {
                Stage::Going(_) => "wait for it with `wait()`",
                Stage::Done | Stage::Failed(_) => "make another one",
            };
            let (id, state) = (&archive.id, &archive.state);
            let text = format!("archive {id} is `{state}`, and there is nothing to download");
            Err(Error::invalid(text).of("list_archives").with_hint(hint))
        }
    }

    async fn find(self) -> Result<Archive, Error> {
        check::ids(&[&self.archive_id])?;
        let archives = Archives::new(&self.client, &self.install_id).list();
        let found = archives
            .find(|archive| archive.id == self.archive_id)
            .await?;
        found.ok_or_else(|| {
            let text = format!(
                "install {} has no archive {}",
                self.install_id, self.archive_id
            );
            Error::new(ErrorKind::NotFound, text)
                .of("list_archives")
                .with_hint("take its id from `install.archives().list()`")
        })
    }
}

fn stage(archive: &Archive) -> Stage {
    match &archive.state {
        ArchiveState::Completed => Stage::Done,
        ArchiveState::Aborted => Stage::Failed(archive.state.to_string()),
        going => Stage::Going(going.to_string()),
    }
}
