#![doc = include_str!("../README.md")]

mod builder;
mod call;
mod check;
mod client;
mod client_limits;
mod credentials;
mod docs;
mod download;
mod error;
mod escape;
mod limits;
mod many;
mod paging;
mod request;
mod resources;
mod response;
mod transport;
pub mod types;
mod wait;

pub use http;
pub use jiff;

pub use builder::ClientBuilder;
pub use client::Client;
pub use client_limits::ClientLimits;
pub use credentials::{Credentials, TokenFuture, TokenSource};
pub use download::Download;
pub use error::{ApiError, Error, ErrorKind, FieldError};
pub use escape::AnyRequest;
pub use limits::{
    LimitKey, Observation, Permit, PermitFuture, RateLimiter, Window, WindowState, Windows,
};
#[cfg(feature = "redis")]
pub use limits::{RedisWindows, WhenDown};
pub use many::{ForEach, Given, Outcome, Progressed, for_each, for_each_of};
pub use paging::{ByOffset, ByToken, Items, List, Page, Pages, Unpaged};
pub use request::{Request, RequestFuture};
pub use resources::{
    AccountHandle, AccountUsage, AccountUserHandle, AccountUsers, Accounts, ArchiveHandle,
    Archives, BackupHandle, Backups, Certificates, CopyInstall, CreateAccountUser, CreateArchive,
    CreateDomain, CreateInstall, CreateReportSchedule, CreateSiteTransfer, DomainCertificateHandle,
    DomainHandle, Domains, GetInstallUsage, GetUsageInsights, GetUsageSummary, InstallHandle,
    InstallUsage, Installs, NewArchive, NewDomain, OffloadSettings, OrderCertificate, PathSettings,
    Recipient, ReportScheduleHandle, ReportSchedules, RestoreBackup, S3Settings, SiteHandle,
    SiteReports, SiteTransferHandle, SiteTransfers, Sites, SshKeyHandle, SshKeys,
    UpdateAccountUser, UpdateDomain, UpdateInstall, UpdateReportSchedule, UpdateSite,
};
pub use response::{RateLimit, Response};
pub use secrecy::SecretString;
pub use transport::{Counters, RetryPolicy};
#[doc(hidden)]
pub use transport::{Wire, WireBody, WireError, WireFuture, WireHead};
pub use wait::{Progress, Wait};
pub use wpengine_raw::{AccountPlace, Effect, Operation, Paging, Retry, Safety};

/// Every operation of the API, with what code has to know about each: method, path, and whether it may be repeated.
///
/// ```
/// let backup = wpengine::operations()
///     .iter()
///     .find(|operation| operation.id == "create_backup")
///     .ok_or("no such operation")?;
/// assert_eq!(backup.to_string(), "POST /installs/{install_id}/backups");
/// assert_eq!(backup.retry, wpengine::Retry::Unsent);
/// # Ok::<(), &str>(())
/// ```
#[must_use]
pub fn operations() -> &'static [Operation] {
    &wpengine_raw::OPERATIONS
}
