//! Tests every operation over plain HTTP: its effect, not only its status.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod api;

mod access;
mod account_users;
mod accounts;
mod archives;
mod backups;
mod cache;
mod certificates;
mod controls;
mod copies;
mod domains;
mod examples;
mod faults;
mod gateway;
mod in_memory;
mod installs;
mod limits;
mod offload;
mod same_bytes;
mod site_reports;
mod sites;
mod snapshots;
mod ssh_keys;
mod transfers;
mod usage;
mod user;
mod users;
