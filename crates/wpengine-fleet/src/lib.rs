#![doc = include_str!("../README.md")]

mod check;
mod class;
mod error;
mod fleet;
mod forecast;
mod go_live;
pub mod guide;
mod observed;
mod plan;
mod questions;
mod read;
mod report;
mod resolve;
mod store;
mod sync;

pub use check::{
    Check, Checked, Checks, Code, Evidence, Finding, Findings, Severity, Thresholds, Verdict,
};
pub use class::Class;
pub use error::Error;
pub use fleet::{Fleet, Found, Snapshot, folder_name};
pub use forecast::{Forecast, billing_period, forecast};
pub use go_live::{GoLive, Point, PointStatus};
pub use observed::{Failure, Named, Observed, SCHEMA_VERSION};
pub use plan::{
    Action, Decision, DeleteInstall, Guard, Impact, Outcome, People, Plan, Promote, Restore, SetUp,
    State, Step, StepEvent, StepState, Target, impact,
};
pub use questions::{
    AccountOverview, BackupRecord, CertificateRecord, Diagnosis, Difference, DomainRecord,
    InstallCertificate, Membership, Person, Used, VersionRecord, against_plan,
};
pub use read::{Listing, Unread, listing};
pub use report::{AccountReport, CertificateEnd, Report, ReportRequest, report_classes};
pub use resolve::{Candidate, Kind};
pub use store::{Change, Rows};
pub use sync::{Cost, Progress, Sync, Synced};
