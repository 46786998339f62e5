#![doc = include_str!("../README.md")]

mod check;
mod class;
mod error;
mod fleet;
mod observed;
mod plan;
mod read;
mod resolve;
mod store;
mod sync;

pub use check::{
    Check, Checked, Checks, Code, Evidence, Finding, Findings, Named, Severity, Thresholds, Verdict,
};
pub use class::Class;
pub use error::Error;
pub use fleet::{Fleet, Found, Snapshot};
pub use observed::{Failure, Observed, SCHEMA_VERSION};
pub use plan::{
    Action, Decision, DeleteInstall, Guard, Impact, Outcome, People, Plan, Promote, Restore, State,
    Step, StepState, Target, impact,
};
pub use resolve::{Candidate, Kind};
pub use store::{Change, Read, Rows};
pub use sync::{Cost, Sync, Synced};
