//! Collections and handles for the resources of the API, named as in its documentation.

mod account_users;
mod accounts;
mod archives;
mod backups;
mod certificates;
mod domains;
mod install_copy;
mod installs;
mod offload_settings;
mod service;
mod site_reports;
mod site_transfers;
mod sites;
mod ssh_keys;
mod usage;

pub use account_users::{AccountUserHandle, AccountUsers};
pub use accounts::{AccountHandle, Accounts};
pub use archives::{ArchiveHandle, Archives};
pub use backups::{BackupHandle, Backups};
pub use certificates::{Certificates, DomainCertificateHandle};
pub use domains::{DomainHandle, DomainReportHandle, Domains};
pub use installs::{InstallHandle, Installs};
pub use site_reports::{ReportScheduleHandle, ReportSchedules, SiteReports};
pub use site_transfers::{SiteTransferHandle, SiteTransfers};
pub use sites::{SiteHandle, Sites};
pub use ssh_keys::{SshKeyHandle, SshKeys};
pub use usage::{AccountUsage, InstallUsage};

/// The request types that have options of their own.
pub(crate) mod requests {
    pub use super::{
        account_users::{CreateAccountUser, UpdateAccountUser},
        archives::{CreateArchive, NewArchive},
        backups::{CreateBackup, RestoreBackup},
        certificates::OrderCertificate,
        domains::{CreateDomain, NewDomain, UpdateDomain},
        install_copy::CopyInstall,
        installs::{CreateInstall, UpdateInstall},
        offload_settings::{OffloadSettings, PathSettings, S3Settings},
        site_reports::{CreateReportSchedule, Recipient, UpdateReportSchedule},
        site_transfers::CreateSiteTransfer,
        sites::UpdateSite,
        usage::{GetInstallUsage, GetUsageInsights, GetUsageSummary},
    };
}

use crate::{
    Client,
    error::{Error, ErrorKind},
};

/// Defines a collection. It has the client, and the id of the account, site or install that it belongs to.
macro_rules! collection {
    ($(#[$doc:meta])* $name:ident $(of $id:ident: $id_type:ty)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            client: crate::Client,
            $($id: $id_type,)?
        }

        impl $name {
            pub(crate) fn new(client: &crate::Client $(, $id: &$id_type)?) -> Self {
                Self {
                    client: client.clone(),
                    $($id: $id.clone(),)?
                }
            }
        }
    };
}

/// Defines a handle to a resource. The handle has the client, its own id, and the id of the account, site or install
/// that the resource belongs to.
macro_rules! handle {
    ($(#[$doc:meta])* $name:ident of $id:ident: $id_type:ty $(, $parent:ident: $parent_type:ty)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            client: crate::Client,
            $($parent: $parent_type,)?
            $id: $id_type,
        }

        impl $name {
            pub(crate) fn new(client: &crate::Client, $($parent: &$parent_type,)? $id: $id_type) -> Self {
                Self {
                    client: client.clone(),
                    $($parent: $parent.clone(),)?
                    $id,
                }
            }

            /// Returns the id of this handle.
            pub fn id(&self) -> &$id_type {
                &self.$id
            }
        }
    };
}

use {collection, handle};

/// Converts a list of anything that becomes a `String`.
fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    texts.into_iter().map(Into::into).collect()
}

/// Returns the only new resource, or none if there is none yet. Several are an error: `2 new {what}: a, b`.
fn only_new<T>(mut new: Vec<T>, id: fn(&T) -> &str, what: &str) -> Result<Option<T>, Error> {
    if new.len() > 1 {
        let ids: Vec<&str> = new.iter().map(id).collect();
        let text = format!("{} new {what}: {}", ids.len(), ids.join(", "));
        return Err(Error::new(ErrorKind::Ambiguous, text));
    }
    Ok(new.pop())
}

impl Client {
    /// Returns the accounts that the credentials can access.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(self)
    }

    /// Returns a handle to one account.
    pub fn account(&self, id: impl Into<crate::types::AccountId>) -> AccountHandle {
        AccountHandle::new(self, id.into())
    }

    /// Returns the sites that the credentials can access.
    pub fn sites(&self) -> Sites {
        Sites::new(self)
    }

    /// Returns a handle to one site.
    pub fn site(&self, id: impl Into<crate::types::SiteId>) -> SiteHandle {
        SiteHandle::new(self, id.into())
    }

    /// Returns the installs that the credentials can access.
    pub fn installs(&self) -> Installs {
        Installs::new(self)
    }

    /// Returns a handle to one install.
    pub fn install(&self, id: impl Into<crate::types::InstallId>) -> InstallHandle {
        InstallHandle::new(self, id.into())
    }

    /// Returns the SSH keys of the user of the credentials.
    pub fn ssh_keys(&self) -> SshKeys {
        SshKeys::new(self)
    }

    /// Returns a handle to one SSH key of the user. In responses, the id of a key is in the field `uuid`.
    pub fn ssh_key(&self, id: impl Into<crate::types::SshKeyId>) -> SshKeyHandle {
        SshKeyHandle::new(self, id.into())
    }
}
