//! The calls of the soak test: one for every operation. Each call succeeds any number of times, concurrently with all
//! other calls.

use std::future::IntoFuture;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Span, Timestamp};
use wpengine::{Client, Error, requests::NewDomain, types::Roles};

use super::things::{self, Thing};
use crate::support::calls::{self, ACCOUNT, ADVANCED_DOMAIN, ADVANCED_INSTALL, INSTALL, SITE};

const OTHER_ACCOUNT: &str = "5cc8e1fa-6a7c-4b2e-9d53-0e9b6f5a2c11";
/// One of the two installs of the other site. No other call changes it.
const MOVABLE_INSTALL: &str = "qada3227-9a39-46ae-9e14-20958bb4e45y";

/// The resource that a call created, if other operations can use it.
pub(super) type Made = Result<Option<Thing>, Error>;

/// The input of a call: the client, the number of the call, a resource, and the time.
pub(super) struct Task<'a> {
    pub(super) client: &'a Client,
    pub(super) number: u64,
    /// The resource that the operation uses, if it needs one that another call has created.
    pub(super) thing: Option<Thing>,
    pub(super) now: Timestamp,
}

macro_rules! one {
    ($call:expr) => {
        done($call).await
    };
}

macro_rules! page {
    ($list:expr) => {
        $list.pages().try_next().await.map(|_| None)
    };
}

impl Task<'_> {
    /// Calls an operation.
    pub(super) async fn call(self, operation: &'static str) -> Made {
        match &self.thing {
            Some(thing) => self.with(operation, thing).await,
            None => self.read_or_write(operation).await,
        }
    }

    /// Calls an operation that uses a resource of another call.
    async fn with(&self, operation: &'static str, thing: &Thing) -> Made {
        let client = self.client;
        let id = thing.id.as_str();
        match operation {
            "delete_site" => one!(client.site(id).delete()),
            "delete_install" => one!(client.install(id).delete()),
            "delete_domain" => one!(client.install(INSTALL).domain(id).delete()),
            "delete_site_report_schedule" => one!(client.report_schedule(id).delete()),
            "delete_ssh_key" => one!(client.ssh_key(id).delete()),
            "delete_account_user" => one!(client.account(ACCOUNT).user(id).delete()),
            "create_site_transfer" => {
                let transfer = client
                    .site(id)
                    .site_transfers()
                    .create(OTHER_ACCOUNT)
                    .scheduled_time(self.now + Span::new().hours(48));
                transfer.await.map(|transfer| {
                    Some(Thing {
                        site: id.to_owned(),
                        ..self.made(transfer.id.to_string())
                    })
                })
            }
            "cancel_site_transfer" => {
                one!(client.site(thing.site.as_str()).site_transfer(id).cancel())
            }
            other => panic!("nothing is known that `{other}` is done to"),
        }
    }

    fn made(&self, id: String) -> Thing {
        Thing {
            number: self.number,
            id,
            site: String::new(),
        }
    }

    async fn read_or_write(&self, operation: &'static str) -> Made {
        let client = self.client;
        match operation {
            // Only one of the two accounts fits on a page, so there is a next page.
            "list_accounts" => page!(client.accounts().list().page_size(2)),
            // The offset is not 0, so the page can shift.
            "list_archives" => {
                page!(
                    client
                        .install(INSTALL)
                        .archives()
                        .list()
                        .page_size(10)
                        .offset(1)
                )
            }
            "create_domain_sharing_link" => {
                let domain = client.install(ADVANCED_INSTALL).domain(ADVANCED_DOMAIN);
                one!(domain.create_sharing_link())
            }
            "update_install" => one!(client.install(MOVABLE_INSTALL).update().clear_environment()),
            other => self.create(other).await,
        }
    }

    /// Calls an operation whose new resource has the number of the call in its name.
    async fn create(&self, operation: &'static str) -> Made {
        let (client, name) = (self.client, things::name(self.number));
        let install = client.install(INSTALL);
        match operation {
            "create_site" => {
                let site = client.sites().create(name, ACCOUNT).await?;
                Ok(Some(self.made(site.id.to_string())))
            }
            "create_install" => {
                let install = client.installs().create(name, ACCOUNT).await?;
                Ok(Some(self.made(install.id.to_string())))
            }
            "create_domain" => {
                let domain = install.domains().create(format!("{name}.example")).await?;
                Ok(Some(self.made(domain.id.to_string())))
            }
            "create_bulk_domains" => {
                let domains = [NewDomain::new(format!("{name}.example"))];
                one!(install.domains().create_bulk(domains))
            }
            "create_backup" => one!(install.backups().create(name, ["ops@example.com"])),
            "create_site_report_schedule" => {
                let schedules = client.site(SITE).report_schedules();
                let schedule = schedules.create(name, ["ops@example.com"]).found().await?;
                Ok(Some(self.made(schedule.uuid.to_string())))
            }
            "create_ssh_key" => {
                let key = format!("ssh-ed25519 {} {name}", STANDARD.encode(&name));
                let key = client.ssh_keys().create(key).await?;
                Ok(Some(self.made(key.uuid.to_string())))
            }
            "create_account_user" => {
                let email = format!("{name}@example.com");
                let users = client.account(ACCOUNT).users();
                let change = users
                    .create(email, Roles::full())
                    .name("John", "Doe")
                    .await?;
                let id = change.account_user.map(|user| user.user_id.to_string());
                Ok(id.map(|id| self.made(id)))
            }
            other => calls::call(client, other).await.map(|()| None),
        }
    }
}

async fn done<T, R>(request: R) -> Made
where
    R: IntoFuture<Output = Result<T, Error>>,
{
    request.await.map(|_| None)
}
