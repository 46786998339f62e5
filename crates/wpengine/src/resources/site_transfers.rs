//! Transfers of a site, with all its installs, from one account to another.

use std::time::Duration;

use jiff::Timestamp;
use wpengine_raw::types::CreateSiteTransferRequest;

use super::{collection, handle};
use crate::{
    check,
    error::Error,
    paging::{List, offset_list},
    request::{operation, request},
    requests::{Request, Wait},
    types::{AccountId, SiteId, SiteTransfer, SiteTransferId, SiteTransferStatus},
    wait::{Stage, Work},
};

/// The default deadline of a wait for a transfer.
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
        offset_list!(self, list_site_transfers(site_id))
    }

    /// Transfers the site to another account: immediately, or at the
    /// [`scheduled_time`](CreateSiteTransfer::scheduled_time). The user must be an owner, or have full access with
    /// billing, on both accounts. A sandbox site cannot be transferred.
    ///
    /// Operation `create_site_transfer`. If a transfer of the site is already in progress, the call fails with an error
    /// for which [`is_conflict`](Error::is_conflict) is true.
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
        let body = CreateSiteTransferRequest {
            destination_account_id: destination.into(),
            scheduled_time: None,
            maintenance_mode: None,
        };
        CreateSiteTransfer::new(&self.client, &self.site_id, body)
    }
}

handle! {
    /// A handle to one transfer of a site.
    SiteTransferHandle of transfer_id: SiteTransferId, site_id: SiteId
}

impl SiteTransferHandle {
    /// Fetches the transfer.
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
        operation!(self, get_site_transfer(site_id, transfer_id))
    }

    /// Waits until the transfer is completed; the default [`deadline`](Wait::deadline) is 2 hours. Set a longer one for
    /// a transfer that is scheduled for later.
    ///
    /// Uses the operation `get_site_transfer`. A transfer with the status `failed` or `cancelled` is an error of the
    /// kind [`WorkFailed`](crate::ErrorKind::WorkFailed).
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
        Wait::new(&self.client, self.work(), LIMIT)
    }

    fn work(&self) -> Work<SiteTransfer> {
        let this = self.clone();
        Work::new(
            format!("transfer {} of site {}", self.transfer_id, self.site_id),
            move || this.get(),
            |transfer| match &transfer.status {
                SiteTransferStatus::Completed => Stage::Done,
                SiteTransferStatus::Failed | SiteTransferStatus::Cancelled => {
                    Stage::Failed(transfer.status.to_string())
                }
                going => Stage::Going(going.to_string()),
            },
            "the site was not transferred; start another transfer",
        )
    }

    /// Cancels the transfer if it has not started. Otherwise the call fails with an error for which
    /// [`is_conflict`](Error::is_conflict) is true.
    ///
    /// Operation `cancel_site_transfer`. If the response is lost and the retry is refused with a 409, the client
    /// fetches the transfer. The call succeeds if the transfer is cancelled.
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
        let look = self.clone();
        operation!(self, cancel_site_transfer(site_id, transfer_id)).recover(|error| async move {
            // A cancelled transfer still exists, so the service refuses the retry with a 409 and not with a 404.
            if error.is_conflict() && error.may_have_happened() {
                let seen = look.get().await;
                if seen.is_ok_and(|transfer| transfer.status == SiteTransferStatus::Cancelled) {
                    return Ok(error.into_response());
                }
            }
            Err(error)
        })
    }
}

request! {
    /// A request to transfer a site to another account.
    CreateSiteTransfer(site_id: SiteId) = create_site_transfer(CreateSiteTransferRequest) -> SiteTransfer
}

impl CreateSiteTransfer {
    setters! {
        /// Sets when the transfer starts, 1 hour to 7 days from now. Without it, the transfer starts immediately.
        scheduled_time(time: Timestamp) body.scheduled_time = Some(time);

        /// Sets whether visitors see a maintenance page during the transfer; false by default.
        maintenance_mode(on: bool) body.maintenance_mode = Some(on);
    }

    /// Starts the transfer and waits until it is completed; see [`SiteTransferHandle::wait`].
    pub fn wait(self) -> Wait<SiteTransfer> {
        let site = self.client.site(&self.site_id);
        let name = format!("the transfer of site {}", self.site_id);
        let work = move |transfer: &SiteTransfer| site.site_transfer(&transfer.id).work();
        Wait::starting(self.request(), work, name, LIMIT)
    }

    fn check(&self) -> Result<(), Error> {
        check::ids(&[&self.body.destination_account_id])?;
        let time = self.body.scheduled_time;
        time.map_or(Ok(()), check::transfer_time)
    }
}
