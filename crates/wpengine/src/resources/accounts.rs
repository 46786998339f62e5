//! Accounts and the limits of their plans.

use super::{AccountUsage, AccountUserHandle, AccountUsers, collection, handle};
use crate::{
    paging::{List, Unpaged, offset_list, whole_list},
    request::operation,
    requests::Request,
    types::{Account, AccountId, AccountLimits, SiteTransfer, Template, UserId},
};

collection! {
    /// The accounts that the credentials can access.
    Accounts
}

impl Accounts {
    /// Lists the accounts for which an owner has enabled API access. If there is no such account, the list is empty,
    /// even with valid credentials.
    ///
    /// Operation `list_accounts`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let mut accounts = client.accounts().list().items();
    /// while let Some(account) = accounts.try_next().await? {
    ///     println!("{} {}", account.id, account.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<Account> {
        offset_list!(self, list_accounts())
    }
}

handle! {
    /// A handle to one account.
    AccountHandle of id: AccountId
}

impl AccountHandle {
    /// Fetches the account.
    ///
    /// Operation `get_account`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let account = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9").get().await?;
    /// println!("{}", account.name);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self) -> Request<Account> {
        operation!(self, get_account(id))
    }

    /// Fetches the limits of the account's plan: visits per month, and storage and bandwidth in GB.
    ///
    /// Operation `get_account_limits`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let limits = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9").plan_limits().await?;
    /// println!("{:?} visits a month", limits.visitors);
    /// # Ok(())
    /// # }
    /// ```
    pub fn plan_limits(&self) -> Request<AccountLimits> {
        operation!(self, get_account_limits(id))
    }

    /// Returns the usage figures of the account.
    pub fn usage(&self) -> AccountUsage {
        AccountUsage::new(&self.client, &self.id)
    }

    /// Returns the users of the account.
    pub fn users(&self) -> AccountUsers {
        AccountUsers::new(&self.client, &self.id)
    }

    /// Returns a handle to one user of the account.
    pub fn user(&self, id: impl Into<UserId>) -> AccountUserHandle {
        AccountUserHandle::new(&self.client, &self.id, id.into())
    }

    /// Lists the transfers of sites from and to the account. To start a transfer, use
    /// [`SiteTransfers::create`](crate::resources::SiteTransfers::create).
    ///
    /// Operation `list_account_site_transfers`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let account = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9");
    /// let mut transfers = account.list_site_transfers().items();
    /// while let Some(transfer) = transfers.try_next().await? {
    ///     println!("{} to {}: {}", transfer.site, transfer.destination_account, transfer.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_site_transfers(&self) -> List<SiteTransfer> {
        offset_list!(self, list_account_site_transfers(id))
    }

    /// Lists the templates for reports on sites of the account. The API returns them without pages.
    ///
    /// Operation `list_site_report_templates`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let account = client.account("eeda3227-9a39-46ae-9e14-20958bb4e6c9");
    /// for template in account.list_site_report_templates().collect().await? {
    ///     println!("{}", template.template_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_site_report_templates(&self) -> List<Template, Unpaged> {
        whole_list!(self, list_site_report_templates(id).templates)
    }
}
