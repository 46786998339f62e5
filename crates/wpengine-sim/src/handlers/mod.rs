//! The handlers of the operations: one file for each resource.

mod account;
mod account_user;
mod archive;
mod backup;
mod cache;
mod certificate;
mod copy;
mod domain;
mod install;
mod offload;
mod site;
mod site_report;
mod ssh_key;
mod status;
mod transfer;
mod usage;
mod user;

use std::sync::OnceLock;

use crate::call::Handler;
use crate::document::document;

/// The handler of an operation, by its index in the document.
pub(crate) fn handler(operation: usize) -> Option<Handler> {
    static HANDLERS: OnceLock<Vec<Option<Handler>>> = OnceLock::new();
    let handlers = HANDLERS.get_or_init(|| {
        document()
            .operations
            .iter()
            .map(|operation| find(&operation.id))
            .collect()
    });
    handlers.get(operation).copied().flatten()
}

fn find(operation_id: &str) -> Option<Handler> {
    Some(match operation_id {
        "get_status" => status::get_status,
        "get_swagger" => status::get_swagger,
        "get_current_user" => user::get_current_user,
        "list_accounts" => account::list_accounts,
        "get_account" => account::get_account,
        "get_account_limits" => account::get_account_limits,
        "list_account_users" => account_user::list_account_users,
        "create_account_user" => account_user::create_account_user,
        "get_account_user" => account_user::get_account_user,
        "update_account_user" => account_user::update_account_user,
        "delete_account_user" => account_user::delete_account_user,
        "list_sites" => site::list_sites,
        "create_site" => site::create_site,
        "get_site" => site::get_site,
        "update_site" => site::update_site,
        "delete_site" => site::delete_site,
        "list_installs" => install::list_installs,
        "create_install" => install::create_install,
        "get_install" => install::get_install,
        "update_install" => install::update_install,
        "delete_install" => install::delete_install,
        "list_backups" => backup::list_backups,
        "create_backup" => backup::create_backup,
        "get_backup" => backup::get_backup,
        "restore_backup" => backup::restore_backup,
        "list_archives" => archive::list_archives,
        "create_archive" => archive::create_archive,
        "purge_cache" => cache::purge_cache,
        "copy_install" => copy::copy_install,
        "get_account_usage" => usage::get_account_usage,
        "refresh_account_disk_usage" => usage::refresh_account_disk_usage,
        "get_account_usage_summary" => usage::get_account_usage_summary,
        "get_account_usage_insights" => usage::get_account_usage_insights,
        "get_install_usage" => usage::get_install_usage,
        "refresh_install_disk_usage" => usage::refresh_install_disk_usage,
        "list_account_site_transfers" => transfer::list_account_site_transfers,
        "list_site_transfers" => transfer::list_site_transfers,
        "create_site_transfer" => transfer::create_site_transfer,
        "get_site_transfer" => transfer::get_site_transfer,
        "cancel_site_transfer" => transfer::cancel_site_transfer,
        "list_site_report_templates" => site_report::list_site_report_templates,
        "list_site_reports" => site_report::list_site_reports,
        "list_site_report_sections" => site_report::list_site_report_sections,
        "list_site_report_schedules" => site_report::list_site_report_schedules,
        "create_site_report_schedule" => site_report::create_site_report_schedule,
        "update_site_report_schedule" => site_report::update_site_report_schedule,
        "delete_site_report_schedule" => site_report::delete_site_report_schedule,
        "get_largefs_validation_file" => offload::get_largefs_validation_file,
        "get_offload_settings" => offload::get_offload_settings,
        "update_offload_settings" => offload::update_offload_settings,
        "patch_offload_settings" => offload::patch_offload_settings,
        "list_domains" => domain::list_domains,
        "create_domain" => domain::create_domain,
        "create_bulk_domains" => domain::create_bulk_domains,
        "get_domain" => domain::get_domain,
        "update_domain" => domain::update_domain,
        "delete_domain" => domain::delete_domain,
        "create_domain_sharing_link" => domain::create_domain_sharing_link,
        "verify_domain" => domain::verify_domain,
        "check_domain_status" => domain::report::check_domain_status,
        "get_domain_report" => domain::report::get_domain_report,
        "list_certificates" => certificate::list_certificates,
        "get_domain_certificate" => certificate::get_domain_certificate,
        "order_domain_certificate" => certificate::order_domain_certificate,
        "import_third_party_certificate" => certificate::import_third_party_certificate,
        "list_ssh_keys" => ssh_key::list_ssh_keys,
        "create_ssh_key" => ssh_key::create_ssh_key,
        "delete_ssh_key" => ssh_key::delete_ssh_key,
        _ => return None,
    })
}

/// The items from a token's offset, and the offset of the next token if there are more.
fn page_of_tokens<T>(items: &[T], limit: usize, offset: usize) -> (&[T], Option<usize>) {
    let start = offset.min(items.len());
    let end = offset.saturating_add(limit).min(items.len()).max(start);
    (
        &items[start..end],
        (limit > 0 && end < items.len()).then_some(end),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_document_has_a_handler() {
        let missing: Vec<_> = document()
            .operations
            .iter()
            .filter(|one| find(&one.id).is_none())
            .collect();
        let missing: Vec<_> = missing.iter().map(|operation| &operation.id).collect();
        assert!(missing.is_empty(), "no handler for {missing:?}");
    }
}
