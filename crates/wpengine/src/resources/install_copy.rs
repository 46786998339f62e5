//! Copying one install to another.

use wpengine_raw::types::{CopyInstallRequest, CopyOptions};

use super::{InstallHandle, texts};
use crate::{check, error::Error, request::request, types::InstallId};

impl InstallHandle {
    /// Copies this install to another install of the same account. **This overwrites the other install.** Back it up
    /// first, and wait until the backup is completed.
    ///
    /// Operation `copy_install`. The service responds before the copy is done, and the API cannot report its progress.
    /// The service sends a mail to the [`notification_emails`](CopyInstall::notification_emails) when the copy has
    /// ended.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let staging = client
    ///     .installs()
    ///     .create("torquestg2", "eeda3227-9a39-46ae-9e14-20958bb4e6c9")
    ///     .await?;
    /// client
    ///     .install("294deacc-d8b8-4005-82c4-0727ba8ddde0")
    ///     .copy_to(staging.id)
    ///     .notification_emails(["ops@example.com"])
    ///     .include_files(false)
    ///     .tables(["wp_posts", "wp_comments"])
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn copy_to(&self, destination: impl Into<InstallId>) -> CopyInstall {
        let body = CopyInstallRequest {
            source_environment_id: self.id().clone(),
            destination_environment_id: destination.into(),
            notification_emails: Vec::new(),
            custom_options: None,
        };
        CopyInstall::new(self.client(), body)
    }
}

request! {
    /// A request to copy an install to another one.
    CopyInstall() = copy_install(CopyInstallRequest) -> ()
}

impl CopyInstall {
    /// Sets the addresses that get a mail when the copy has ended.
    pub fn notification_emails(
        mut self,
        emails: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.body.notification_emails = texts(emails);
        self
    }

    /// Sets whether the files are copied.
    pub fn include_files(mut self, include: bool) -> Self {
        self.custom().include_files = Some(include);
        self
    }

    /// Sets whether the database is copied.
    pub fn include_database(mut self, include: bool) -> Self {
        self.custom().include_db = Some(include);
        self
    }

    /// Copies only these tables of the database.
    pub fn tables(mut self, tables: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let custom = self.custom();
        custom.db_tables = texts(tables);
        custom.include_db.get_or_insert(true);
        self
    }

    fn custom(&mut self) -> &mut CopyOptions {
        self.body.custom_options.get_or_insert_default()
    }

    fn check(&self) -> Result<(), Error> {
        let body = &self.body;
        check::ids(&[
            &body.source_environment_id,
            &body.destination_environment_id,
        ])?;
        if body.source_environment_id == body.destination_environment_id {
            return Err(Error::invalid("an install cannot be copied over itself"));
        }
        body.notification_emails
            .iter()
            .try_for_each(|address| check::email(address))?;
        if let Some(custom) = &body.custom_options {
            if !custom.db_tables.is_empty() && custom.include_db == Some(false) {
                return Err(Error::invalid(
                    "tables of the database are to be copied, but the database is not",
                )
                .with_hint("leave the tables out, or include the database"));
            }
            if custom.include_db == Some(false) && custom.include_files == Some(false) {
                return Err(Error::invalid(
                    "neither the files nor the database are to be copied",
                ));
            }
        }
        Ok(())
    }
}
