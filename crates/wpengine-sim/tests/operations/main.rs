//! Every operation through plain HTTP, with its effect, not only its status.

mod api;

mod account_users;
mod accounts;
mod backups;
mod gateway;
mod installs;
mod sites;
mod user;
