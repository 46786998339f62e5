//! Sites: each is a group of up to three installs.

use wpengine_raw::types::{CreateSiteRequest, UpdateSiteRequest};

use super::{ReportSchedules, SiteReports, SiteTransferHandle, SiteTransfers, collection, handle};
use crate::{
    check,
    error::Error,
    paging::{List, offset_list},
    request::{operation, request},
    requests::Request,
    types::{AccountId, Site, SiteId, SiteTransferId},
};

collection! {
    /// The sites that the credentials can access.
    Sites
}

impl Sites {
    /// Lists the sites of all accounts, or of one account with [`account`](List::account).
    ///
    /// Operation `list_sites`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let mut sites = client.sites().list().items();
    /// while let Some(site) = sites.try_next().await? {
    ///     println!("{}: {} installs", site.name, site.installs.unwrap_or_default().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<Site> {
        offset_list!(self, list_sites by account)
    }

    /// Creates a site without installs. Its name has at most 40 characters.
    ///
    /// Operation `create_site`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client
    ///     .sites()
    ///     .create("Torque Magazine", "eeda3227-9a39-46ae-9e14-20958bb4e6c9")
    ///     .await?;
    /// println!("{}", site.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, name: impl Into<String>, account: impl Into<AccountId>) -> Request<Site> {
        let body = CreateSiteRequest {
            name: name.into(),
            account_id: account.into(),
        };
        let check = check::site_name(&body.name).and_then(|()| check::ids(&[&body.account_id]));
        operation!(&self.client, check, create_site(&body))
    }
}

handle! {
    /// A handle to one site.
    SiteHandle of id: SiteId
}

impl SiteHandle {
    /// Fetches the site.
    ///
    /// Operation `get_site`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d").get().await?;
    /// println!("{}", site.name);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<Site> {
        operation!(self, get_site(id))
    }

    /// Updates the site. At least one setter must be called.
    ///
    /// Operation `update_site`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client
    ///     .site("28c78b6d-c2da-4f09-85f5-1ad588089b2d")
    ///     .update()
    ///     .name("My new name")
    ///     .await?;
    /// assert_eq!(site.name, "My new name");
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self) -> UpdateSite {
        UpdateSite::new(&self.client, &self.id, UpdateSiteRequest { name: None })
    }

    /// Deletes the site **and every install in it**.
    ///
    /// Operation `delete_site`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client
    ///     .sites()
    ///     .create("A passing thought", "eeda3227-9a39-46ae-9e14-20958bb4e6c9")
    ///     .await?;
    /// client.site(site.id).delete().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete(&self) -> Request<()> {
        operation!(self, delete_site(id))
    }

    /// Returns the reports on the site.
    pub fn reports(&self) -> SiteReports {
        SiteReports::new(&self.client, &self.id)
    }

    /// Returns the schedules that create reports on the site.
    pub fn report_schedules(&self) -> ReportSchedules {
        ReportSchedules::new(&self.client, &self.id)
    }

    /// Returns the transfers of the site between accounts.
    pub fn site_transfers(&self) -> SiteTransfers {
        SiteTransfers::new(&self.client, &self.id)
    }

    /// Returns a handle to one transfer of the site.
    pub fn site_transfer(&self, id: impl Into<SiteTransferId>) -> SiteTransferHandle {
        SiteTransferHandle::new(&self.client, &self.id, id.into())
    }
}

request! {
    /// A request to update a site.
    UpdateSite(id: SiteId) = update_site(UpdateSiteRequest) -> Site
}

impl UpdateSite {
    /// Sets the name of the site, which has at most 40 characters.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.body.name = Some(name.into());
        self
    }

    fn check(&self) -> Result<(), Error> {
        check::changes_something(&self.body)?;
        self.body.name.as_deref().map_or(Ok(()), check::site_name)
    }
}
