//! Every operation of the API, made through the facade with the least it takes.

use std::{future::Future, pin::Pin, sync::LazyLock};

use jiff::civil::Date;
use wpengine::{
    Client, Error, NewDomain, S3Settings,
    types::{CacheType, PrivateKey, Roles},
};

pub(crate) const ACCOUNT: &str = "eeda3227-9a39-46ae-9e14-20958bb4e6c9";
pub(crate) const SITE: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
pub(crate) const INSTALL: &str = "294deacc-d8b8-4005-82c4-0727ba8ddde0";

/// A call that is not sent yet. That every call fits is a promise of its own: it can be sent to another thread, and it
/// owns what it needs.
pub(crate) type Call = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'static>>;

macro_rules! calls {
    ($($id:literal: $kind:ident $call:expr;)*) => {
        vec![$(($id, calls!(@$kind $call))),*]
    };
    (@one $call:expr) => {{
        let call = $call;
        Box::pin(async move { call.await.map(drop) }) as Call
    }};
    (@list $call:expr) => {{
        let mut pages = $call.pages();
        Box::pin(async move { pages.try_next().await.map(drop) }) as Call
    }};
}

/// One call of each operation, by its id. Nothing is sent before a call is awaited.
pub(crate) fn calls(client: &Client) -> Vec<(&'static str, Call)> {
    let account = client.account(ACCOUNT);
    let site = client.site(SITE);
    let install = client.install(INSTALL);
    let (first, last) = days();
    calls! {
        "get_status": one client.status();
        "get_swagger": one client.swagger();
        "get_current_user": one client.current_user();
        "list_accounts": list client.accounts().list();
        "get_account": one account.get();
        "get_account_limits": one account.limits();
        "get_account_usage": list account.usage().list();
        "refresh_account_disk_usage": one account.usage().refresh_disk_usage();
        "get_account_usage_summary": one account.usage().summary().between(first, last);
        "get_account_usage_insights": one account.usage().insights().between(first, last);
        "get_install_usage": one install.usage().get().between(first, last);
        "refresh_install_disk_usage": one install.usage().refresh_disk_usage();
        "list_account_users": list account.users().list();
        "create_account_user": one account.users().create("John", "Doe", "john@example.com", Roles::full());
        "get_account_user": one account.user("user-1").get();
        "update_account_user": one account.user("user-1").update(Roles::full());
        "delete_account_user": one account.user("user-1").delete();
        "list_account_site_transfers": list account.list_site_transfers();
        "list_site_transfers": list site.site_transfers().list();
        "create_site_transfer": one site.site_transfers().create(ACCOUNT);
        "get_site_transfer": one site.site_transfer("transfer-1").get();
        "cancel_site_transfer": one site.site_transfer("transfer-1").cancel();
        "list_site_report_templates": list account.list_site_report_templates();
        "list_sites": list client.sites().list();
        "create_site": one client.sites().create("A site", ACCOUNT);
        "get_site": one site.get();
        "update_site": one site.update().name("Another name");
        "delete_site": one site.delete();
        "list_installs": list client.installs().list();
        "create_install": one client.installs().create("torquedev", ACCOUNT);
        "get_install": one install.get();
        "update_install": one install.update().site(SITE);
        "delete_install": one install.delete();
        "copy_install": one install.copy_to("install-2").notification_emails(["ops@example.com"]);
        "get_largefs_validation_file": one install.offload_settings().validation_file();
        "get_offload_settings": one install.offload_settings().get();
        "update_offload_settings": one install.offload_settings().replace(S3Settings::new().bucket("b"));
        "patch_offload_settings": one install.offload_settings().update(S3Settings::new().bucket("b"));
        "list_domains": list install.domains().list();
        "create_domain": one install.domains().create("shop.example.com");
        "create_bulk_domains": one install.domains().create_bulk([NewDomain::new("shop.example.com")]);
        "get_domain": one install.domain("domain-1").get();
        "update_domain": one install.domain("domain-1").update().secure_all_urls(true);
        "delete_domain": one install.domain("domain-1").delete();
        "verify_domain": one install.domain("domain-1").verify();
        "check_domain_status": one install.domain("domain-1").check_status();
        "get_domain_report": one install.domains().report("report-1");
        "list_certificates": list install.certificates().list();
        "import_third_party_certificate": one install.certificates().import_third_party("aGVsbG8K", PrivateKey::new("d29ybGQK"));
        "get_domain_certificate": one install.domain("domain-1").certificate().get();
        "order_domain_certificate": one install.domain("domain-1").certificate().order("jane@example.com", "Jane", "Doe", "US");
        "list_backups": list install.backups().list();
        "create_backup": one install.backups().create("before deploy", ["ops@example.com"]);
        "get_backup": one install.backup("backup-1").get();
        "restore_backup": one install.backup("backup-1").restore(["ops@example.com"]);
        "purge_cache": one install.purge_cache(CacheType::Page);
        "list_archives": list install.list_archives();
        "list_ssh_keys": list client.ssh_keys().list();
        "create_ssh_key": one client.ssh_keys().create("ssh-ed25519 AAAA joe@example.com");
        "delete_ssh_key": one client.ssh_key("key-1").delete();
    }
}

/// The call of one operation.
pub(crate) fn call(client: &Client, id: &str) -> Call {
    calls(client)
        .into_iter()
        .find_map(|(name, call)| (name == id).then_some(call))
        .expect("an operation of the list")
}

/// Two days of the last month, the same ones in the whole of a test, whenever midnight is.
pub(crate) fn days() -> (Date, Date) {
    static TODAY: LazyLock<Date> = LazyLock::new(|| {
        jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date()
    });
    let before = |days: i64| {
        TODAY
            .checked_sub(jiff::Span::new().days(days))
            .expect("a day that there was")
    };
    (before(10), before(2))
}

#[test]
fn every_operation_of_the_table_is_here_once() {
    let client = super::clients::on(super::script::Script::answering("{}"));
    let mut here: Vec<_> = calls(&client).into_iter().map(|(id, _)| id).collect();
    let mut table: Vec<_> = wpengine::operations()
        .iter()
        .map(|operation| operation.id)
        .collect();
    here.sort_unstable();
    table.sort_unstable();
    assert_eq!(here, table);
}
