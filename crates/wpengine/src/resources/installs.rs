//! Installs: one WordPress environment each.

use std::{future::IntoFuture, time::Duration};

use wpengine_raw::{
    types::{CreateInstallRequest, PurgeCacheRequest},
    values::{Change, UpdateInstallRequest},
};

use super::offload_settings::OffloadSettings;
use super::{
    ArchiveHandle, Archives, BackupHandle, Backups, Certificates, DomainHandle, Domains,
    InstallUsage,
};
use crate::{
    Client, check,
    error::{Error, ErrorKind},
    paging::{List, by_offset_and_account},
    request::{operation, request_methods},
    requests::{Request, Wait},
    transport::Options,
    types::{
        AccountId, ArchiveId, BackupId, CacheType, DomainId, Environment, InstallId, InstallStatus,
        Installation, SiteId,
    },
    wait::{Stage, Work},
};

/// How long to wait for an install by default. It takes 3 to 5 minutes.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// The installs that the credentials can reach.
#[derive(Clone, Debug)]
pub struct Installs {
    client: Client,
}

impl Installs {
    pub(crate) fn new(client: &Client) -> Self {
        Self {
            client: client.clone(),
        }
    }

    /// Lists the installs: those of all accounts, or of one with [`account`](List::account).
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
        by_offset_and_account(
            &self.client,
            "list_installs",
            Ok(()),
            |raw, account, limit, offset| async move {
                raw.list_installs(account.as_ref(), limit, offset).await
            },
        )
    }

    /// Finds the install of that name, which is unique over the whole platform. It lists the installs.
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
    /// [`NotFound`](ErrorKind::NotFound) if the credentials can see no install of that name, and every kind of [`Error`] that a
    /// call can end in.
    pub async fn by_name(&self, name: &str) -> Result<Installation, Error> {
        let named = |error: Error| error.with(|inner| inner.operation = Some("list_installs"));
        check::install_name(name).map_err(named)?;
        let mut installs = self.list().items();
        while let Some(install) = installs.try_next().await? {
            if install.name == name {
                return Ok(install);
            }
        }
        let text = format!("no install is named `{name}`");
        let error = Error::new(ErrorKind::NotFound, text);
        Err(named(error.with_hint(
            "check the name, and that these credentials can see its account",
        )))
    }

    /// Creates an install. Its name takes 3 to 14 lower-case letters and digits, a letter first, and is unique over the
    /// whole platform. The install is `pending` for a few minutes before it is `active`.
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
        CreateInstall {
            client: self.client.clone(),
            options: Options::default(),
            body: CreateInstallRequest {
                name: name.into(),
                account_id: account.into(),
                site_id: None,
                environment: None,
            },
        }
    }
}

/// One install.
#[derive(Clone, Debug)]
pub struct InstallHandle {
    client: Client,
    id: InstallId,
}

impl InstallHandle {
    pub(crate) fn new(client: &Client, id: InstallId) -> Self {
        Self {
            client: client.clone(),
            id,
        }
    }

    /// The id of this handle.
    #[must_use]
    pub fn id(&self) -> &InstallId {
        &self.id
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Asks for the install, with its WordPress version, which lists leave out.
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
        let id = self.id.clone();
        operation!(
            &self.client,
            check::id("install", &self.id),
            get_install(&id)
        )
    }

    /// Waits until the install is active, 30 minutes at the most unless another [`deadline`](Wait::deadline) is given. The SSH
    /// gateway lets one in about 3 minutes after that.
    ///
    /// Asks with the operation `get_install`.
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
        Wait::new(self.work(), LIMIT)
    }

    fn work(&self) -> Work<Installation> {
        let this = self.clone();
        Work {
            name: format!("install {}", self.id),
            ask: Box::new(move || this.get().into_future()),
            stage: |install| match &install.status {
                Some(InstallStatus::Active) => Stage::Done,
                Some(going) => Stage::Going(going.to_string()),
                None => Stage::Going("of no known status".to_owned()),
            },
            hint: "ask WP Engine's support",
        }
    }

    /// Moves the install to another site or into another environment. At least one setter must be called.
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
        UpdateInstall {
            client: self.client.clone(),
            options: Options::default(),
            id: self.id.clone(),
            body: UpdateInstallRequest::default(),
        }
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
        let id = self.id.clone();
        operation!(
            &self.client,
            check::id("install", &self.id),
            delete_install(&id)
        )
    }

    /// Empties a cache of the install, soon after the answer. The object cache takes one purge a minute for each
    /// install: a further one waits that long before it is repeated.
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
        let id = self.id.clone();
        let check = check::id("install", &self.id)
            .and_then(|()| check::known("cache", cache.as_str(), cache.is_unknown()));
        let body = PurgeCacheRequest { type_: cache };
        operation!(&self.client, check, purge_cache(&id, &body))
    }

    /// The backups of the install.
    #[must_use]
    pub fn backups(&self) -> Backups {
        Backups::new(&self.client, &self.id)
    }

    /// One backup of the install, by its id.
    pub fn backup(&self, id: impl Into<BackupId>) -> BackupHandle {
        BackupHandle::new(&self.client, &self.id, id.into())
    }

    /// The archives of the install: downloadable copies of its backups.
    #[must_use]
    pub fn archives(&self) -> Archives {
        Archives::new(&self.client, &self.id)
    }

    /// One archive of the install, by its id.
    pub fn archive(&self, id: impl Into<ArchiveId>) -> ArchiveHandle {
        ArchiveHandle::new(&self.client, &self.id, id.into())
    }

    /// The domains of the install.
    #[must_use]
    pub fn domains(&self) -> Domains {
        Domains::new(&self.client, &self.id)
    }

    /// One domain of the install, by its id.
    pub fn domain(&self, id: impl Into<DomainId>) -> DomainHandle {
        DomainHandle::new(&self.client, &self.id, id.into())
    }

    /// The certificates of the install.
    #[must_use]
    pub fn certificates(&self) -> Certificates {
        Certificates::new(&self.client, &self.id)
    }

    /// How the install serves its large files.
    #[must_use]
    pub fn offload_settings(&self) -> OffloadSettings {
        OffloadSettings::new(&self.client, &self.id)
    }

    /// The usage figures of the install.
    #[must_use]
    pub fn usage(&self) -> InstallUsage {
        InstallUsage::new(&self.client, &self.id)
    }
}

/// A request to create an install.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct CreateInstall {
    client: Client,
    options: Options,
    body: CreateInstallRequest,
}

impl CreateInstall {
    /// The site that the install belongs to.
    pub fn site(mut self, site: impl Into<SiteId>) -> Self {
        self.body.site_id = Some(site.into());
        self
    }

    /// The environment of the site that the install fills.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.body.environment = Some(environment);
        self
    }

    /// Creates the install and waits until it is active, as [`InstallHandle::wait`] does.
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
        check::id("account", &self.body.account_id)?;
        if let Some(site) = &self.body.site_id {
            check::id("site", site)?;
        }
        self.body
            .environment
            .as_ref()
            .map_or(Ok(()), check_environment)
    }

    fn request(self) -> Request<Installation> {
        let check = self.check();
        let body = self.body;
        operation!(&self.client, check, create_install(&body)).options(self.options)
    }
}

request_methods!(CreateInstall -> Installation);

/// A request to change an install.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct UpdateInstall {
    client: Client,
    options: Options,
    id: InstallId,
    body: UpdateInstallRequest,
}

impl UpdateInstall {
    /// Moves the install to another site of its account.
    pub fn site(mut self, site: impl Into<SiteId>) -> Self {
        self.body.site_id = Some(site.into());
        self
    }

    /// Moves the install into another environment of its site.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.body.environment = Change::Set(environment);
        self
    }

    /// Takes the install out of its environment.
    pub fn clear_environment(mut self) -> Self {
        self.body.environment = Change::Clear;
        self
    }

    fn check(&self) -> Result<(), Error> {
        check::id("install", &self.id)?;
        check::changes_something(&self.body)?;
        if let Some(site) = &self.body.site_id {
            check::id("site", site)?;
        }
        match &self.body.environment {
            Change::Set(environment) => check_environment(environment),
            _ => Ok(()),
        }
    }

    fn request(self) -> Request<Installation> {
        let check = self.check();
        let Self { id, body, .. } = self;
        operation!(&self.client, check, update_install(&id, &body)).options(self.options)
    }
}

request_methods!(UpdateInstall -> Installation);

fn check_environment(environment: &Environment) -> Result<(), Error> {
    check::known(
        "environment",
        environment.as_str(),
        environment.is_unknown(),
    )
}
