//! Ids: what would change the path of a request.

use wpengine::types::CacheType;

use super::{all_are_refused, refused};
use crate::support::every::{ACCOUNT, INSTALL, SITE};

#[tokio::test]
async fn an_id_that_would_change_the_path() {
    const RULE: &str = "it would change the path of the request";
    for id in [
        ".",
        "..",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "%2e%2e",
        "a b",
        "a\nb",
        "../../sites/x",
        "a\u{a0}b",
    ] {
        all_are_refused(|client| {
            let install = client.install(INSTALL);
            vec![
                refused("get_account", RULE, client.account(id).get()),
                refused("get_account_limits", RULE, client.account(id).limits()),
                refused(
                    "list_account_users",
                    RULE,
                    client.account(id).users().list().all(1),
                ),
                refused(
                    "get_account_user",
                    RULE,
                    client.account(ACCOUNT).user(id).get(),
                ),
                refused(
                    "get_account_usage",
                    RULE,
                    client.account(id).usage().list().all(1),
                ),
                refused(
                    "list_site_report_templates",
                    RULE,
                    client.account(id).list_site_report_templates().all(1),
                ),
                refused("get_site", RULE, client.site(id).get()),
                refused("delete_site", RULE, client.site(id).delete()),
                refused("create_site", RULE, client.sites().create("A site", id)),
                refused(
                    "cancel_site_transfer",
                    RULE,
                    client.site(SITE).site_transfer(id).cancel(),
                ),
                refused(
                    "create_site_transfer",
                    RULE,
                    client.site(SITE).site_transfers().create(id),
                ),
                refused("delete_install", RULE, client.install(id).delete()),
                refused("update_install", RULE, install.update().site(id)),
                refused(
                    "create_install",
                    RULE,
                    client.installs().create("abc", ACCOUNT).site(id),
                ),
                refused("copy_install", RULE, install.copy_to(id)),
                refused(
                    "purge_cache",
                    RULE,
                    client.install(id).purge_cache(CacheType::Page),
                ),
                refused(
                    "list_backups",
                    RULE,
                    client.install(id).backups().list().all(1),
                ),
                refused("get_backup", RULE, install.backup(id).get()),
                refused("get_backup", RULE, install.backup(id).wait()),
                refused(
                    "restore_backup",
                    RULE,
                    install.backup(id).restore(["a@example.com"]),
                ),
                refused("delete_domain", RULE, install.domain(id).delete()),
                refused(
                    "verify_domain",
                    RULE,
                    client.install(id).domain("d1").verify(),
                ),
                refused("get_domain_report", RULE, install.domains().report(id)),
                refused(
                    "get_domain_certificate",
                    RULE,
                    install.domain(id).certificate().get(),
                ),
                refused(
                    "get_offload_settings",
                    RULE,
                    client.install(id).offload_settings().get(),
                ),
                refused("get_install_usage", RULE, client.install(id).usage().get()),
                refused("delete_ssh_key", RULE, client.ssh_key(id).delete()),
            ]
        })
        .await;
    }
    all_are_refused(|client| {
        vec![
            refused("get_site", "the site id is empty", client.site("").get()),
            refused(
                "delete_ssh_key",
                "the SSH key id is empty",
                client.ssh_key("").delete(),
            ),
        ]
    })
    .await;
}
