//! Moving a site, with all its installs, from one account to another.

use std::{future::IntoFuture, time::Duration};

use jiff::Timestamp;
use wpengine_raw::types::CreateSiteTransferRequest;

use super::{collection, handle};
use crate::{
    Client, check,
    error::Error,
    paging::{List, by_offset},
    request::{operation, request_methods},
    requests::{Request, Wait},
    transport::Options,
    types::{AccountId, SiteId, SiteTransfer, SiteTransferId, SiteTransferStatus},
    wait::{Stage, Work},
};

/// How long to wait for a transfer by default.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

collection! {
    /// The transfers of one site.
    SiteTransfers of site_id: SiteId
}

impl SiteTransfers {
    /// Lists the transfers.
    ///
    /// Operation `list_site_transfers`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// let mut transfers = site.site_transfers().list().items();
    /// while let Some(transfer) = transfers.try_next().await? {
    ///     println!("to {}: {}", transfer.destination_account, transfer.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<SiteTransfer> {
        let id = self.site_id.clone();
        by_offset(
            &self.client,
            "list_site_transfers",
            check::id("site", &self.site_id),
            move |raw, limit, offset| {
                let id = id.clone();
                async move { raw.list_site_transfers(&id, limit, offset).await }
            },
        )
    }

    /// Moves the site to another account: at once, or at the time given with
    /// [`scheduled_time`](CreateSiteTransfer::scheduled_time). Needs an owner, or full access with billing, on both
    /// accounts; a sandbox site cannot be moved.
    ///
    /// Operation `create_site_transfer`. An [`is_conflict`](Error::is_conflict) says that a transfer is already under
    /// way.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// use jiff::ToSpan;
    ///
    /// let accounts = client.accounts().list().collect().await?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// let here = site.get().await?.account.id;
    /// if let Some(other) = accounts.iter().find(|account| Some(&account.id) != here.as_ref()) {
    ///     let transfer = site
    ///         .site_transfers()
    ///         .create(&other.id)
    ///         .scheduled_time(jiff::Timestamp::now() + 24.hours())
    ///         .maintenance_mode(true)
    ///         .await?;
    ///     site.site_transfer(transfer.id).cancel().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, destination: impl Into<AccountId>) -> CreateSiteTransfer {
        CreateSiteTransfer {
            client: self.client.clone(),
            options: Options::default(),
            site_id: self.site_id.clone(),
            body: CreateSiteTransferRequest {
                destination_account_id: destination.into(),
                scheduled_time: None,
                maintenance_mode: None,
            },
        }
    }
}

handle! {
    /// One transfer of a site.
    SiteTransferHandle of site_id: SiteId, transfer_id: SiteTransferId
}

impl SiteTransferHandle {
    fn check(&self) -> Result<(), Error> {
        check::id("site", &self.site_id)?;
        check::id("site transfer", &self.transfer_id)
    }

    /// Asks for the transfer.
    ///
    /// Operation `get_site_transfer`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// let mut transfers = site.site_transfers().list().items();
    /// while let Some(transfer) = transfers.try_next().await? {
    ///     let now = site.site_transfer(transfer.id).get().await?;
    ///     println!("{}", now.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<SiteTransfer> {
        let this = self.clone();
        operation!(
            &self.client,
            self.check(),
            get_site_transfer(&this.site_id, &this.transfer_id)
        )
    }

    /// Waits until the transfer is completed, 2 hours at the most: give one that is scheduled for later a longer
    /// [`deadline`](Wait::deadline).
    ///
    /// Asks with the operation `get_site_transfer`. A transfer that `failed` or was `cancelled` is an error of the kind
    /// [`WorkFailed`](crate::ErrorKind::WorkFailed).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// if let Some(transfer) = site.site_transfers().list().items().try_next().await? {
    ///     let transfer = site.site_transfer(transfer.id).wait().await?;
    ///     println!("{}", transfer.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&self) -> Wait<SiteTransfer> {
        Wait::new(self.work(), LIMIT)
    }

    fn work(&self) -> Work<SiteTransfer> {
        let this = self.clone();
        Work {
            name: format!("transfer {} of site {}", self.transfer_id, self.site_id),
            ask: Box::new(move || this.get().into_future()),
            stage: |transfer| match &transfer.status {
                SiteTransferStatus::Completed => Stage::Done,
                SiteTransferStatus::Failed | SiteTransferStatus::Cancelled => {
                    Stage::Failed(transfer.status.to_string())
                }
                going => Stage::Going(going.to_string()),
            },
            hint: "the site is where it was; start another transfer",
        }
    }

    /// Cancels the transfer, as long as it has not started; after that, an error with
    /// [`is_conflict`](Error::is_conflict).
    ///
    /// Operation `cancel_site_transfer`. If its answer is lost and the repetition is refused, the transfer is asked for: one
    /// that is cancelled is what was wanted.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let site = client.site("28c78b6d-c2da-4f09-85f5-1ad588089b2d");
    /// let mut transfers = site.site_transfers().list().items();
    /// while let Some(transfer) = transfers.try_next().await? {
    ///     match site.site_transfer(transfer.id).cancel().await {
    ///         Err(error) if error.is_conflict() || error.is_forbidden() => println!("{error}"),
    ///         other => other?,
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel(&self) -> Request<()> {
        let (this, look) = (self.clone(), self.clone());
        operation!(
            &self.client,
            self.check(),
            cancel_site_transfer(&this.site_id, &this.transfer_id)
        )
        .recover(|error| async move {
            // The thing is still there after it was cancelled, so that a repetition is refused and not "not found".
            if error.is_conflict()
                && error.may_have_happened()
                && look
                    .get()
                    .await
                    .is_ok_and(|transfer| transfer.status == SiteTransferStatus::Cancelled)
            {
                return Ok(error.into_response());
            }
            Err(error)
        })
    }
}

/// A request to move a site to another account.
#[derive(Debug)]
#[must_use = "a request does nothing until it is awaited or sent"]
pub struct CreateSiteTransfer {
    client: Client,
    options: Options,
    site_id: SiteId,
    body: CreateSiteTransferRequest,
}

impl CreateSiteTransfer {
    /// When to begin: 1 hour to 7 days from now. Without it, at once.
    pub fn scheduled_time(mut self, time: Timestamp) -> Self {
        self.body.scheduled_time = Some(time);
        self
    }

    /// Whether visitors see a maintenance page meanwhile; they don't by default.
    pub fn maintenance_mode(mut self, on: bool) -> Self {
        self.body.maintenance_mode = Some(on);
        self
    }

    /// Starts the transfer and waits until it is completed, as [`SiteTransferHandle::wait`] does.
    pub fn wait(self) -> Wait<SiteTransfer> {
        let site = self.client.site(&self.site_id);
        let name = format!("the transfer of site {}", self.site_id);
        let work = move |transfer: &SiteTransfer| site.site_transfer(&transfer.id).work();
        Wait::starting(self.request(), work, name, LIMIT)
    }

    fn request(self) -> Request<SiteTransfer> {
        let Self { site_id, body, .. } = self;
        let check = check::id("site", &site_id)
            .and_then(|()| check::id("account", &body.destination_account_id))
            .and_then(|()| body.scheduled_time.map_or(Ok(()), check::transfer_time));
        operation!(&self.client, check, create_site_transfer(&site_id, &body)).options(self.options)
    }
}

request_methods!(CreateSiteTransfer -> SiteTransfer);
