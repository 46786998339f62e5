//! A call of every operation that succeeds however often and beside whatever else it is made.

use std::future::IntoFuture;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Span, Timestamp};
use wpengine::{
    Client, Error, NewDomain, S3Settings,
    types::{CacheType, PrivateKey, Roles},
};

use super::things::{self, Thing};
use crate::support::every::{ACCOUNT, INSTALL, SITE};

const OTHER_ACCOUNT: &str = "5cc8e1fa-6a7c-4b2e-9d53-0e9b6f5a2c11";
const OTHER_INSTALL: &str = "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98";
/// One of the two installs of the other site: nothing else is done to it.
const MOVABLE_INSTALL: &str = "qada3227-9a39-46ae-9e14-20958bb4e45y";
const USER: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
const DOMAIN: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";
const BACKUP: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";
const TRANSFER: &str = "7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4";
const REPORT: &str = "6a6d5dbd-5cac-41d5-8f3f-14a3e8ae6f76";

/// What a call has made, for those that can do with it.
pub(super) type Made = Result<Option<Thing>, Error>;

/// Who asks, by what number, with what, and when.
pub(super) struct Task<'a> {
    pub(super) client: &'a Client,
    pub(super) number: u64,
    /// What the operation takes, if it takes something that another call has made.
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
    /// Makes the call of one operation.
    pub(super) async fn call(self, operation: &'static str) -> Made {
        match &self.thing {
            Some(thing) => self.with(operation, thing).await,
            None => self.read_or_write(operation).await,
        }
    }

    /// What is done to something that another call has made.
    async fn with(&self, operation: &'static str, thing: &Thing) -> Made {
        let client = self.client;
        let id = thing.id.as_str();
        match operation {
            "delete_site" => one!(client.site(id).delete()),
            "delete_install" => one!(client.install(id).delete()),
            "delete_domain" => one!(client.install(INSTALL).domain(id).delete()),
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
        let account = client.account(ACCOUNT);
        let site = client.site(SITE);
        let install = client.install(INSTALL);
        let domain = install.domain(DOMAIN);
        let settings = || S3Settings::new().bucket("torquemag-media");
        match operation {
            "get_status" => one!(client.status()),
            "get_swagger" => one!(client.swagger()),
            "get_current_user" => one!(client.current_user()),
            // One of two, so that there is a next page.
            "list_accounts" => page!(client.accounts().list().limit(1)),
            "get_account" => one!(account.get()),
            "get_account_limits" => one!(account.limits()),
            "get_account_usage" => page!(account.usage().list().limit(5)),
            "refresh_account_disk_usage" => one!(account.usage().refresh_disk_usage()),
            "get_account_usage_summary" => one!(account.usage().summary()),
            "get_account_usage_insights" => one!(account.usage().insights()),
            "get_install_usage" => one!(install.usage().get()),
            "refresh_install_disk_usage" => one!(install.usage().refresh_disk_usage()),
            "list_account_users" => page!(account.users().list()),
            "get_account_user" => one!(account.user(USER).get()),
            "update_account_user" => one!(account.user(USER).update(Roles::full())),
            "list_account_site_transfers" => page!(account.list_site_transfers()),
            "list_site_transfers" => page!(site.site_transfers().list()),
            "get_site_transfer" => one!(site.site_transfer(TRANSFER).get()),
            "list_site_report_templates" => page!(account.list_site_report_templates()),
            "list_sites" => page!(client.sites().list().limit(10).account(ACCOUNT)),
            "get_site" => one!(site.get()),
            "update_site" => one!(site.update().name("Torque Magazine")),
            "list_installs" => page!(client.installs().list().limit(10)),
            "get_install" => one!(install.get()),
            "update_install" => one!(client.install(MOVABLE_INSTALL).update().clear_environment()),
            "copy_install" => {
                one!(
                    install
                        .copy_to(OTHER_INSTALL)
                        .notification_emails(["ops@example.com"])
                )
            }
            "get_largefs_validation_file" => one!(install.offload_settings().validation_file()),
            "get_offload_settings" => one!(install.offload_settings().get()),
            "update_offload_settings" => one!(install.offload_settings().replace(settings())),
            "patch_offload_settings" => one!(install.offload_settings().update(settings())),
            "list_domains" => page!(install.domains().list().limit(10)),
            "get_domain" => one!(domain.get()),
            "update_domain" => one!(domain.update().secure_all_urls(true)),
            "verify_domain" => one!(domain.verify()),
            "check_domain_status" => one!(domain.check_status()),
            "get_domain_report" => one!(install.domains().report(REPORT)),
            "list_certificates" => page!(install.certificates().list().limit(10)),
            "get_domain_certificate" => one!(domain.certificate().get()),
            "order_domain_certificate" => {
                let certificate = domain.certificate();
                one!(certificate.order("jane@example.com", "Jane", "Doe", "US"))
            }
            "import_third_party_certificate" => {
                let key = PrivateKey::new("d29ybGQK");
                one!(install.certificates().import_third_party("aGVsbG8K", key))
            }
            "list_backups" => page!(install.backups().list().limit(10)),
            "get_backup" => one!(install.backup(BACKUP).get()),
            "restore_backup" => one!(install.backup(BACKUP).restore(["ops@example.com"])),
            "purge_cache" => one!(install.purge_cache(CacheType::Page)),
            // Not the first page: one that can shift.
            "list_archives" => page!(install.list_archives().limit(10).offset(1)),
            "list_ssh_keys" => page!(client.ssh_keys().list().limit(10)),
            other => self.create(other).await,
        }
    }

    /// What leaves something behind that has the number of the call in its name.
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
            "create_ssh_key" => {
                let key = format!("ssh-ed25519 {} {name}", STANDARD.encode(&name));
                let key = client.ssh_keys().create(key).await?;
                Ok(Some(self.made(key.uuid.to_string())))
            }
            "create_account_user" => {
                let email = format!("{name}@example.com");
                let users = client.account(ACCOUNT).users();
                let change = users.create("John", "Doe", email, Roles::full()).await?;
                let id = change.account_user.map(|user| user.user_id.to_string());
                Ok(id.map(|id| self.made(id)))
            }
            other => panic!("no call of the operation `{other}` is written here"),
        }
    }
}

async fn done<T, R>(request: R) -> Made
where
    R: IntoFuture<Output = Result<T, Error>>,
{
    request.await.map(|_| None)
}
