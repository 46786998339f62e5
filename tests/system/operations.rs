//! The table of operations: a snapshot, and a second list of the operations' classes, written by hand from the
//! documentation.

use std::fmt::Write as _;

use wpengine::operation::{Effect, Operation, Retry, Safety};

/// The idempotent operations other than GET and DELETE. Every GET and DELETE is idempotent.
const SAFE_TO_REPEAT: [&str; 5] = [
    "purge_cache",
    "refresh_account_disk_usage",
    "refresh_install_disk_usage",
    "check_domain_status",
    "verify_domain",
];

/// The destructive operations other than DELETE. Every DELETE is destructive.
const DESTRUCTIVE: [&str; 3] = ["copy_install", "restore_backup", "create_site_transfer"];

const OPEN: [&str; 2] = ["get_status", "get_swagger"];

#[test]
fn the_table_of_operations() {
    let mut table = String::new();
    for operation in wpengine::operations() {
        let _ = writeln!(
            table,
            "{} = {operation} ({})\n    {:?}, {:?}, paging {:?}, effects {:?}",
            operation.id,
            operation.tag,
            operation.safety,
            operation.retry,
            operation.paging,
            operation.effects,
        );
        for (what, value) in [
            (
                "account",
                operation.account.map(|place| format!("{place:?}")),
            ),
            ("limited", operation.limited.map(|time| format!("{time:?}"))),
            ("secret", operation.secret.then(|| "true".to_owned())),
        ] {
            if let Some(value) = value {
                let _ = writeln!(table, "    {what} {value}");
            }
        }
    }
    insta::assert_snapshot!(table);
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

/// The operations with a consequence to consider before use, by the kind of the consequence.
const EFFECTS: [(Effect, &[&str]); 5] = [
    (
        Effect::Access,
        &[
            "create_account_user",
            "update_account_user",
            "delete_account_user",
            "create_ssh_key",
            "delete_ssh_key",
        ],
    ),
    (
        Effect::Traffic,
        &[
            "create_domain",
            "create_bulk_domains",
            "update_domain",
            "delete_domain",
            "order_domain_certificate",
            "import_third_party_certificate",
            "update_install",
            "update_offload_settings",
            "patch_offload_settings",
        ],
    ),
    (Effect::Billable, &["create_site", "create_install"]),
    (Effect::Overwrite, &["copy_install", "restore_backup"]),
    (
        Effect::Loss,
        &["delete_site", "delete_install", "create_site_transfer"],
    ),
];

#[test]
fn every_operation_has_the_effects_that_a_gate_has_to_know() {
    for operation in wpengine::operations() {
        let expected: Vec<Effect> = EFFECTS
            .iter()
            .filter(|(_, ids)| ids.contains(&operation.id))
            .map(|(effect, _)| *effect)
            .collect();
        assert_eq!(operation.effects, expected, "{operation}");
    }
    for id in EFFECTS.iter().flat_map(|(_, ids)| *ids) {
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
