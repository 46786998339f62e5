//! Every operation of the API, made through the facade with everything it takes, and what becomes of the answer.

use std::{
    fmt::Debug,
    future::{Future, IntoFuture},
    pin::Pin,
};

use jiff::{Span, Timestamp};
use wpengine::{
    ByToken, Client, Error, List, NewDomain, Page, PathSettings, S3Settings,
    types::{CacheType, Environment, EnvironmentMetrics, LargeFsRedirectType, PrivateKey, Roles},
};

use super::every::{ACCOUNT, INSTALL, SITE, days};

const USER: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
const TRANSFER: &str = "7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4";
const DOMAIN: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";
const OTHER_DOMAIN: &str = "6977805b-1f65-4a5d-8d36-6fe609a4d9f3";
const REPORT: &str = "6a6d5dbd-5cac-41d5-8f3f-14a3e8ae6f76";
const BACKUP: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";
const SSH_KEY: &str = "e41fa98f-ea80-1f16-a7b7-d748bcc9e64d";
const OTHER_INSTALL: &str = "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98";

/// A call, and in the end the facade's value as `Debug` shows it.
pub(crate) type Told = Pin<Box<dyn Future<Output = Result<String, Error>> + Send>>;

/// The call of one operation. Nothing is sent before it is awaited.
pub(crate) fn call(client: &Client, id: &str) -> Told {
    let account = client.account(ACCOUNT);
    let site = client.site(SITE);
    let install = client.install(INSTALL);
    let (first, last) = days();
    match id {
        "get_status" => one(client.status()),
        "get_swagger" => one(client.swagger()),
        "list_accounts" => page(client.accounts().list().limit(50).offset(100)),
        "get_account" => one(account.get()),
        "get_account_limits" => one(account.limits()),
        "get_account_usage" => usage(account.usage().list().limit(50).between(first, last)),
        "refresh_account_disk_usage" => one(account.usage().refresh_disk_usage()),
        "get_account_usage_summary" => one(account.usage().summary().between(first, last)),
        "get_account_usage_insights" => one(account.usage().insights().between(first, last)),
        "get_install_usage" => one(install.usage().get().between(first, last)),
        "refresh_install_disk_usage" => one(install.usage().refresh_disk_usage()),
        "list_account_users" => page(account.users().list()),
        "create_account_user" => one(account
            .users()
            .create(
                "Joe",
                "Smith",
                "joe@gmail.com",
                Roles::partial_and_billing(),
            )
            .installs([INSTALL])),
        "get_account_user" => one(account.user(USER).get()),
        "update_account_user" => one(account
            .user(USER)
            .update(Roles::partial())
            .installs([INSTALL])),
        "delete_account_user" => one(account.user(USER).delete()),
        "list_account_site_transfers" => page(account.list_site_transfers().limit(50).offset(100)),
        "list_site_transfers" => page(site.site_transfers().list().limit(50).offset(100)),
        "create_site_transfer" => one(site
            .site_transfers()
            .create(ACCOUNT)
            .scheduled_time(Timestamp::now() + Span::new().hours(48))
            .maintenance_mode(true)),
        "get_site_transfer" => one(site.site_transfer(TRANSFER).get()),
        "cancel_site_transfer" => one(site.site_transfer(TRANSFER).cancel()),
        "list_site_report_templates" => page(account.list_site_report_templates()),
        "list_sites" => page(client.sites().list().limit(50).offset(100).account(ACCOUNT)),
        "create_site" => one(client.sites().create("Torque Magazine", ACCOUNT)),
        "get_site" => one(site.get()),
        "update_site" => one(site.update().name("My New Name")),
        "delete_site" => one(site.delete()),
        "list_installs" => page(
            client
                .installs()
                .list()
                .limit(50)
                .offset(100)
                .account(ACCOUNT),
        ),
        "create_install" => one(client
            .installs()
            .create("torquemag", ACCOUNT)
            .site(SITE)
            .environment(Environment::Staging)),
        "get_install" => one(install.get()),
        "update_install" => one(install
            .update()
            .site(SITE)
            .environment(Environment::Development)),
        "delete_install" => one(install.delete()),
        "copy_install" => one(install
            .copy_to(OTHER_INSTALL)
            .notification_emails(["ops@example.com"])
            .include_files(false)
            .include_database(true)
            .tables(["wp_posts", "wp_comments"])),
        "get_largefs_validation_file" => one(install.offload_settings().validation_file()),
        "get_offload_settings" => one(install.offload_settings().get()),
        "update_offload_settings" => one(install.offload_settings().replace(offload())),
        "patch_offload_settings" => one(install.offload_settings().update(offload())),
        "list_domains" => page(install.domains().list().limit(50).offset(100)),
        "create_domain" => one(install
            .domains()
            .create("www.example.com")
            .primary(false)
            .redirect_to(OTHER_DOMAIN)),
        "create_bulk_domains" => one(install.domains().create_bulk([
            NewDomain::new("example.com"),
            NewDomain::new("www.example.com").redirect_to("example.com"),
        ])),
        "get_domain" => one(install.domain(DOMAIN).get()),
        "update_domain" => one(install
            .domain(DOMAIN)
            .update()
            .primary(false)
            .redirect_to(OTHER_DOMAIN)
            .secure_all_urls(true)),
        "delete_domain" => one(install.domain(DOMAIN).delete()),
        "verify_domain" => one(install.domain(DOMAIN).verify()),
        "check_domain_status" => one(install.domain(DOMAIN).check_status()),
        "get_domain_report" => one(install.domains().report(REPORT)),
        "list_certificates" => two_pages(install.certificates().list().limit(50)),
        "import_third_party_certificate" => one(install
            .certificates()
            .import_third_party("aGVsbG8K", PrivateKey::new("d29ybGQK"))),
        "get_domain_certificate" => one(install.domain(DOMAIN).certificate().get()),
        "order_domain_certificate" => one(install
            .domain(DOMAIN)
            .certificate()
            .order("jane@example.com", "Jane", "Doe", "US")
            .state("Texas")
            .city("Austin")
            .phone("800-123-4567")),
        "list_backups" => page(install.backups().list().limit(50).offset(100)),
        "create_backup" => one(install
            .backups()
            .create("Before the new theme goes live", ["myself@torquemag.com"])),
        "get_backup" => one(install.backup(BACKUP).get()),
        "restore_backup" => one(install
            .backup(BACKUP)
            .restore(["myself@torquemag.com"])
            .restore_database(false)
            .create_checkpoint(true)),
        "purge_cache" => one(install.purge_cache(CacheType::Object)),
        "list_archives" => page(install.list_archives().limit(50).offset(100)),
        "get_current_user" => one(client.current_user()),
        "list_ssh_keys" => page(client.ssh_keys().list().limit(50).offset(100)),
        "create_ssh_key" => one(client
            .ssh_keys()
            .create("ssh-ed25519 AAAAC3Nz joe@gmail.com")),
        "delete_ssh_key" => one(client.ssh_key(SSH_KEY).delete()),
        other => panic!("no call of the operation `{other}` is written here"),
    }
}

fn offload() -> S3Settings {
    S3Settings::new()
        .bucket("torquemag-media")
        .bucket_region("us-east-1")
        .path(
            PathSettings::new("/wp-content/uploads")
                .exclude(["/wp-content/uploads/private"])
                .redirect_type(LargeFsRedirectType::Permanent),
        )
}

fn one<T, R>(request: R) -> Told
where
    T: Debug,
    R: IntoFuture<Output = Result<T, Error>>,
    R::IntoFuture: Send + 'static,
{
    let answer = request.into_future();
    Box::pin(async move { answer.await.map(|value| show(&value)) })
}

/// The first page of a listing.
fn page<T: Debug + Send + 'static, Style>(list: List<T, Style>) -> Told {
    let mut pages = list.pages();
    Box::pin(async move {
        let page = pages.try_next().await?;
        Ok(page.as_ref().map(show_page).unwrap_or_default())
    })
}

/// The first page. The second is asked for, since only its request carries a token, and not shown.
fn two_pages<T: Debug + Send + 'static>(list: List<T, ByToken>) -> Told {
    told(list, show_page)
}

fn usage(list: List<EnvironmentMetrics, ByToken>) -> Told {
    told(list, |page| {
        format!(
            "{}\nall environments included: {}\nstorage refreshed: {}\nstorage refresh expected: {}",
            show_page(page),
            show(&page.all_environments_included()),
            show(&page.storage_refreshed()),
            show(&page.storage_refresh_expected()),
        )
    })
}

fn told<T: Send + 'static>(list: List<T, ByToken>, show: fn(&Page<T>) -> String) -> Told {
    let mut pages = list.pages();
    Box::pin(async move {
        let first = pages.try_next().await?;
        if first.is_some() {
            pages.try_next().await?;
        }
        Ok(first.as_ref().map(show).unwrap_or_default())
    })
}

fn show_page<T: Debug>(page: &Page<T>) -> String {
    format!("total: {:?}\nitems: {}", page.total(), show(&page.items))
}

/// `Debug`, with what wraps a single value on one line.
fn show(value: &impl Debug) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in format!("{value:#?}").lines() {
        let closes = line.trim_start().starts_with(')');
        let depth = |line: &str| line.len() - line.trim_start().len();
        if closes
            && let [.., opening, content] = &lines[..]
            && opening.ends_with('(')
            && depth(opening) == depth(line)
        {
            let joined = format!(
                "{opening}{}{}",
                content.trim().trim_end_matches(','),
                line.trim()
            );
            lines.truncate(lines.len() - 2);
            lines.push(joined);
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}
