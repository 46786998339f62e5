//! What the operations do: one file a resource.

mod account;
mod account_user;
mod backup;
mod install;
mod site;
mod status;
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
        _ => return None,
    })
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
