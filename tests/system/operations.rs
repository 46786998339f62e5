//! The table of operations, against the facts of the API's documentation, written out once more.

use std::collections::BTreeMap;

use wpengine::{Operation, Paging, Retry, Safety};

/// Id, method and path, and paging.
#[rustfmt::skip] // a table
const DOCUMENTED: [(&str, &str, Paging); 60] = [
    ("get_status", "GET /status", Paging::None),
    ("get_swagger", "GET /swagger", Paging::None),
    ("list_accounts", "GET /accounts", Paging::Offset),
    ("get_account", "GET /accounts/{account_id}", Paging::None),
    ("get_account_limits", "GET /accounts/{account_id}/limits", Paging::None),
    ("get_account_usage", "GET /accounts/{account_id}/usage", Paging::Token),
    ("refresh_account_disk_usage", "POST /accounts/{account_id}/usage/refresh_disk_usage", Paging::None),
    ("get_account_usage_summary", "GET /accounts/{account_id}/usage/summary", Paging::None),
    ("get_account_usage_insights", "GET /accounts/{account_id}/usage/insights", Paging::None),
    ("get_install_usage", "GET /installs/{install_id}/usage", Paging::None),
    ("refresh_install_disk_usage", "POST /installs/{install_id}/usage/refresh_disk_usage", Paging::None),
    ("list_account_users", "GET /accounts/{account_id}/account_users", Paging::None),
    ("create_account_user", "POST /accounts/{account_id}/account_users", Paging::None),
    ("get_account_user", "GET /accounts/{account_id}/account_users/{user_id}", Paging::None),
    ("update_account_user", "PATCH /accounts/{account_id}/account_users/{user_id}", Paging::None),
    ("delete_account_user", "DELETE /accounts/{account_id}/account_users/{user_id}", Paging::None),
    ("list_account_site_transfers", "GET /accounts/{account_id}/site_transfers", Paging::Offset),
    ("list_site_transfers", "GET /sites/{site_id}/site_transfers", Paging::Offset),
    ("create_site_transfer", "POST /sites/{site_id}/site_transfers", Paging::None),
    ("get_site_transfer", "GET /sites/{site_id}/site_transfers/{transfer_id}", Paging::None),
    ("cancel_site_transfer", "DELETE /sites/{site_id}/site_transfers/{transfer_id}", Paging::None),
    ("list_site_report_templates", "GET /site_reports/templates", Paging::None),
    ("list_sites", "GET /sites", Paging::Offset),
    ("create_site", "POST /sites", Paging::None),
    ("get_site", "GET /sites/{site_id}", Paging::None),
    ("update_site", "PATCH /sites/{site_id}", Paging::None),
    ("delete_site", "DELETE /sites/{site_id}", Paging::None),
    ("list_installs", "GET /installs", Paging::Offset),
    ("create_install", "POST /installs", Paging::None),
    ("get_install", "GET /installs/{install_id}", Paging::None),
    ("delete_install", "DELETE /installs/{install_id}", Paging::None),
    ("update_install", "PATCH /installs/{install_id}", Paging::None),
    ("copy_install", "POST /install_copy", Paging::None),
    ("get_largefs_validation_file", "GET /installs/{install_id}/offload_settings/largefs_validation_file", Paging::None),
    ("get_offload_settings", "GET /installs/{install_id}/offload_settings/files", Paging::None),
    ("update_offload_settings", "POST /installs/{install_id}/offload_settings/files", Paging::None),
    ("patch_offload_settings", "PATCH /installs/{install_id}/offload_settings/files", Paging::None),
    ("list_domains", "GET /installs/{install_id}/domains", Paging::Offset),
    ("create_domain", "POST /installs/{install_id}/domains", Paging::None),
    ("create_bulk_domains", "POST /installs/{install_id}/domains/bulk", Paging::None),
    ("get_domain", "GET /installs/{install_id}/domains/{domain_id}", Paging::None),
    ("update_domain", "PATCH /installs/{install_id}/domains/{domain_id}", Paging::None),
    ("delete_domain", "DELETE /installs/{install_id}/domains/{domain_id}", Paging::None),
    ("verify_domain", "POST /installs/{install_id}/domains/{domain_id}/verification", Paging::None),
    ("check_domain_status", "POST /installs/{install_id}/domains/{domain_id}/check_status", Paging::None),
    ("get_domain_report", "GET /installs/{install_id}/domains/check_status/{report_id}", Paging::None),
    ("list_certificates", "GET /installs/{install_id}/ssl_certificates", Paging::Token),
    ("get_domain_certificate", "GET /installs/{install_id}/domains/{domain_id}/ssl_certificate", Paging::None),
    ("order_domain_certificate", "POST /installs/{install_id}/domains/{domain_id}/ssl_certificate", Paging::None),
    ("import_third_party_certificate", "POST /installs/{install_id}/ssl_certificates/third_party", Paging::None),
    ("list_backups", "GET /installs/{install_id}/backups", Paging::Offset),
    ("create_backup", "POST /installs/{install_id}/backups", Paging::None),
    ("get_backup", "GET /installs/{install_id}/backups/{backup_id}", Paging::None),
    ("restore_backup", "POST /installs/{install_id}/backups/{backup_id}/restore", Paging::None),
    ("purge_cache", "POST /installs/{install_id}/purge_cache", Paging::None),
    ("list_archives", "GET /installs/{install_id}/archives", Paging::Offset),
    ("get_current_user", "GET /user", Paging::None),
    ("list_ssh_keys", "GET /ssh_keys", Paging::Offset),
    ("create_ssh_key", "POST /ssh_keys", Paging::None),
    ("delete_ssh_key", "DELETE /ssh_keys/{ssh_key_id}", Paging::None),
];

/// Every GET and every DELETE may be repeated, and of the rest these.
const SAFE_TO_REPEAT: [&str; 5] = [
    "purge_cache",
    "refresh_account_disk_usage",
    "refresh_install_disk_usage",
    "check_domain_status",
    "verify_domain",
];

/// Every DELETE destroys something, and of the rest these.
const DESTRUCTIVE: [&str; 3] = ["copy_install", "restore_backup", "create_site_transfer"];

const OPEN: [&str; 2] = ["get_status", "get_swagger"];

#[test]
fn the_operations_are_the_sixty_that_are_documented() {
    let known: BTreeMap<_, _> = wpengine::operations()
        .iter()
        .map(|operation| (operation.to_string(), (operation.id, operation.paging)))
        .collect();
    let documented: BTreeMap<_, _> = DOCUMENTED
        .iter()
        .map(|(id, method_and_path, paging)| ((*method_and_path).to_owned(), (*id, *paging)))
        .collect();
    assert_eq!(known, documented);
    assert_eq!(wpengine::operations().len(), documented.len());
}

#[test]
fn every_operation_has_the_class_that_the_documentation_gives_it() {
    for operation in wpengine::operations() {
        let method = operation.method.as_str();
        let safety = match method {
            "GET" => Safety::Read,
            "DELETE" => Safety::Destructive,
            _ if DESTRUCTIVE.contains(&operation.id) => Safety::Destructive,
            _ => Safety::Write,
        };
        assert_eq!(operation.safety, safety, "{operation}");
        let safe = matches!(method, "GET" | "DELETE") || SAFE_TO_REPEAT.contains(&operation.id);
        let retry = if safe { Retry::Safe } else { Retry::Unsent };
        assert_eq!(operation.retry, retry, "{operation}");
        let authenticated = !OPEN.contains(&operation.id);
        assert_eq!(operation.authenticated, authenticated, "{operation}");
    }
    for id in SAFE_TO_REPEAT.iter().chain(&DESTRUCTIVE).chain(&OPEN) {
        assert!(find(id).is_some(), "{id}");
    }
}

#[test]
fn every_operation_says_what_it_is_for() {
    for operation in wpengine::operations() {
        assert!(!operation.tag.is_empty(), "{operation}");
        assert!(operation.summary.len() > 8, "{operation}");
        assert!(!operation.summary.ends_with('.'), "{operation}");
    }
}

fn find(id: &str) -> Option<&'static Operation> {
    wpengine::operations()
        .iter()
        .find(|operation| operation.id == id)
}
