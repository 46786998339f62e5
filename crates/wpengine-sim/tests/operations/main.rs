//! Every operation through plain HTTP, with its effect, not only its status.

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
mod gateway;
mod installs;
mod offload;
mod site_reports;
mod sites;
mod ssh_keys;
mod transfers;
mod usage;
mod user;
