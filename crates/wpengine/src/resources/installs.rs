//! Installs: each is one WordPress environment.

use std::time::Duration;

use wpengine_raw::{
    types::{CreateInstallRequest, PurgeCacheRequest},
    values::{Change, UpdateInstallRequest},
};

use super::offload_settings::OffloadSettings;
use super::{
    ArchiveHandle, Archives, BackupHandle, Backups, Certificates, DomainHandle, Domains,
    InstallUsage, collection, handle,
};
use crate::{
    Client, check,
    error::{Error, ErrorKind},
    paging::{List, offset_list},
    request::{operation, request},
    requests::{Request, Wait},
    types::{
        AccountId, ArchiveId, BackupId, CacheType, DomainId, Environment, InstallId, InstallStatus,
        Installation, SiteId,
    },
    wait::{Stage, Work},
};

/// The default deadline of a wait for an install. Creating one takes 3 to 5 minutes.
const LIMIT: Duration = Duration::from_secs(30 * 60);

collection! {
    /// The installs that the credentials can access.
    Installs
}

impl Installs {
    /// Lists the installs of all accounts, or of one account with [`account`](List::account).
    ///
    /// Operation `list_installs`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let mut installs = client.installs().list().items();
    /// while let Some(install) = installs.try_next().await? {
    ///     println!("{} ({:?})", install.name, install.environment);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<Installation> {
        offset_list!(self, list_installs by account)
    }

    /// Finds the install with this name, which is unique on the whole platform. It reads the list of installs until it
    /// finds the name.
    ///
    /// Operation `list_installs`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.installs().by_name("torquemag").await?;
    /// let install = client.install(&install.id).get().await?;
    /// println!("{} runs WordPress {:?}", install.name, install.wp_version);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if the credentials can see no install with this name, and every kind of
    /// [`Error`] that a call can return.
    pub async fn by_name(&self, name: &str) -> Result<Installation, Error> {
        let named = |error: Error| error.of("list_installs");
        check::install_name(name).map_err(named)?;
        let found = self.list().find(|install| install.name == name).await?;
        found.ok_or_else(|| {
            let text = format!("no install is named `{name}`");
            let hint = "check the name, and that these credentials can see its account";
            named(Error::new(ErrorKind::NotFound, text).with_hint(hint))
        })
    }

    /// Creates an install. Its name has 3 to 14 lower-case letters and digits, starts with a letter, and must be unique
    /// on the whole platform. The install is `pending` for a few minutes before it is `active`.
    ///
    /// Operation `create_install`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::Environment;
    ///
    /// let install = client
    ///     .installs()
    ///     .create("torquedev", "eeda3227-9a39-46ae-9e14-20958bb4e6c9")
    ///     .site("28c78b6d-c2da-4f09-85f5-1ad588089b2d")
    ///     .environment(Environment::Development)
    ///     .await?;
    /// println!("{:?}", install.status);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, name: impl Into<String>, account: impl Into<AccountId>) -> CreateInstall {
        let body = CreateInstallRequest {
            name: name.into(),
            account_id: account.into(),
            site_id: None,
            environment: None,
        };
        CreateInstall::new(&self.client, body)
    }
}

handle! {
    /// A handle to one install.
    InstallHandle of id: InstallId
}

impl InstallHandle {
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Fetches the install. Unlike lists, the response contains the WordPress version.
    ///
    /// Operation `get_install`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").get().await?;
    /// println!("{} runs WordPress {:?}", install.name, install.wp_version);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<Installation> {
        operation!(self, get_install(id))
    }

    /// Waits until the install is active; the default [`deadline`](Wait::deadline) is 30 minutes. The SSH gateway
    /// accepts connections about 3 minutes after that.
    ///
    /// Uses the operation `get_install`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder()
    /// #     .clock(wpengine_sim::ClockMode::Accelerated(600.0))
    /// #     .start()
    /// #     .await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client
    ///     .installs()
    ///     .create("torquewait", "eeda3227-9a39-46ae-9e14-20958bb4e6c9")
    ///     .await?;
    /// let install = client.install(install.id).wait().await?;
    /// println!("{:?}", install.php_version);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<Installation> {
        Wait::new(&self.client, self.work(), LIMIT)
    }

    fn work(&self) -> Work<Installation> {
        let this = self.clone();
        Work::new(
            format!("install {}", self.id),
            move || this.get(),
            |install| match &install.status {
                Some(InstallStatus::Active) => Stage::Done,
                Some(going) => Stage::Going(going.to_string()),
                None => Stage::Going("of no known status".to_owned()),
            },
            "ask WP Engine's support",
        )
    }

    /// Moves the install to another site or to another environment. At least one setter must be called.
    ///
    /// Operation `update_install`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::Environment;
    ///
    /// let install = client
    ///     .installs()
    ///     .create("torquemove", "eeda3227-9a39-46ae-9e14-20958bb4e6c9")
    ///     .await?;
    /// let install = client
    ///     .install(install.id)
    ///     .update()
    ///     .site("28c78b6d-c2da-4f09-85f5-1ad588089b2d")
    ///     .environment(Environment::Development)
    ///     .await?;
    /// assert_eq!(install.environment, Some(Environment::Development));
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self) -> UpdateInstall {
        let body = UpdateInstallRequest::default();
        UpdateInstall::new(&self.client, &self.id, body)
    }

    /// Deletes the install, with its files and its database.
    ///
    /// Operation `delete_install`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let install = client
    ///     .installs()
    ///     .create("torquegone", "eeda3227-9a39-46ae-9e14-20958bb4e6c9")
    ///     .await?;
    /// client.install(install.id).delete().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self) -> Request<()> {
        operation!(self, delete_install(id))
    }

    /// Purges a cache of the install. The service purges it soon after its response. It allows one purge of the object
    /// cache per minute for each install; if it refuses a purge, the client waits a minute and retries.
    ///
    /// Operation `purge_cache`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::CacheType;
    ///
    /// client
    ///     .install("294deacc-d8b8-4005-82c4-0727ba8ddde0")
    ///     .purge_cache(CacheType::Page)
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn purge_cache(&self, cache: CacheType) -> Request<()> {
        let check = check::known("cache", cache.as_str(), cache.is_unknown());
        let body = PurgeCacheRequest { type_: cache };
        operation!(self, check, purge_cache(id; body))
    }

    /// Returns the backups of the install.
    pub fn backups(&self) -> Backups {
        Backups::new(&self.client, &self.id)
    }

    /// Returns a handle to one backup of the install.
    pub fn backup(&self, id: impl Into<BackupId>) -> BackupHandle {
        BackupHandle::new(&self.client, &self.id, id.into())
    }

    /// Returns the archives of the install: downloadable copies of its backups.
    pub fn archives(&self) -> Archives {
        Archives::new(&self.client, &self.id)
    }

    /// Returns a handle to one archive of the install.
    pub fn archive(&self, id: impl Into<ArchiveId>) -> ArchiveHandle {
        ArchiveHandle::new(&self.client, &self.id, id.into())
    }

    /// Returns the domains of the install.
    pub fn domains(&self) -> Domains {
        Domains::new(&self.client, &self.id)
    }

    /// Returns a handle to one domain of the install.
    pub fn domain(&self, id: impl Into<DomainId>) -> DomainHandle {
        DomainHandle::new(&self.client, &self.id, id.into())
    }

    /// Returns the certificates of the install.
    pub fn certificates(&self) -> Certificates {
        Certificates::new(&self.client, &self.id)
    }

    /// Returns the settings that serve large files of the install from object storage.
    pub fn offload_settings(&self) -> OffloadSettings {
        OffloadSettings::new(&self.client, &self.id)
    }

    /// Returns the usage figures of the install.
    pub fn usage(&self) -> InstallUsage {
        InstallUsage::new(&self.client, &self.id)
    }
}

request! {
    /// A request to create an install.
    CreateInstall() = create_install(CreateInstallRequest) -> Installation
}

impl CreateInstall {
    setters! {
        /// Sets the site of the install.
        site(site: impl Into<SiteId>) body.site_id = Some(site.into());

        /// Sets the environment of the install in its site.
        environment(environment: Environment) body.environment = Some(environment);
    }

    /// Creates the install and waits until it is active; see [`InstallHandle::wait`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let clock = wpengine_sim::ClockMode::Accelerated(600.0);
    /// # let simulator = wpengine_sim::Simulator::builder().clock(clock).start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use wpengine::types::InstallStatus;
    ///
    /// let account = "eeda3227-9a39-46ae-9e14-20958bb4e6c9";
    /// let install = client.installs().create("torquedev", account).wait().await?;
    /// assert_eq!(install.status, Some(InstallStatus::Active));
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(self) -> Wait<Installation> {
        let (client, name) = (self.client.clone(), format!("install {}", self.body.name));
        let work = move |install: &Installation| client.install(&install.id).work();
        Wait::starting(self.request(), work, name, LIMIT)
    }

    fn check(&self) -> Result<(), Error> {
        check::install_name(&self.body.name)?;
        check::ids(&[&self.body.account_id, &self.body.site_id])?;
        self.body
            .environment
            .as_ref()
            .map_or(Ok(()), check_environment)
    }
}

request! {
    /// A request to update an install.
    UpdateInstall(id: InstallId) = update_install(UpdateInstallRequest) -> Installation
}

impl UpdateInstall {
    setters! {
        /// Moves the install to another site of its account.
        site(site: impl Into<SiteId>) body.site_id = Some(site.into());

        /// Moves the install to another environment of its site.
        environment(environment: Environment) body.environment = Change::Set(environment);

        /// Removes the install from its environment.
        clear_environment() body.environment = Change::Clear;
    }

    fn check(&self) -> Result<(), Error> {
        check::changes_something(&self.body)?;
        check::ids(&[&self.body.site_id])?;
        match &self.body.environment {
            Change::Set(environment) => check_environment(environment),
            _ => Ok(()),
        }
    }
}

fn check_environment(environment: &Environment) -> Result<(), Error> {
    check::known(
        "environment",
        environment.as_str(),
        environment.is_unknown(),
    )
}
