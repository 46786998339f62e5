//! One line for each operation of the API, in the world of the documentation.

use wpengine::operation::{Operation, Safety};

use crate::harness::{Cli, write};

/// A line that uses an operation.
pub(crate) struct Case {
    pub(crate) operation: &'static str,
    pub(crate) line: &'static str,
    /// What confirms it, where it must be confirmed.
    pub(crate) confirm: &'static str,
}

const fn case(operation: &'static str, line: &'static str, confirm: &'static str) -> Case {
    Case {
        operation,
        line,
        confirm,
    }
}

/// The lines. `{report}`, `{transfer}` and the like are filled in by [`Case::prepare`].
pub(crate) const CASES: [Case; 68] = [
    case("get_status", "status", ""),
    case("get_swagger", "api spec", ""),
    case("list_accounts", "account list", ""),
    case("get_account", "account get joesaccount", ""),
    case("get_account_limits", "account limits joesaccount", ""),
    case("get_account_usage", "usage account joesaccount", ""),
    case(
        "refresh_account_disk_usage",
        "usage refresh --account joesaccount",
        "",
    ),
    case("get_account_usage_summary", "usage summary joesaccount", ""),
    case(
        "get_account_usage_insights",
        "usage insights joesaccount --last 7d",
        "",
    ),
    case("get_install_usage", "usage install torquemag --last 7d", ""),
    case(
        "refresh_install_disk_usage",
        "usage refresh -i torquemag",
        "",
    ),
    case("list_account_users", "user list --account joesaccount", ""),
    case(
        "create_account_user",
        "user add new@example.com --first-name New --last-name One --role full --account joesaccount",
        "--yes",
    ),
    case(
        "get_account_user",
        "user get joeSmith@test.com --account joesaccount",
        "",
    ),
    case(
        "update_account_user",
        "user update joeSmith@test.com --role full --account joesaccount",
        "--yes",
    ),
    case(
        "delete_account_user",
        "user remove joeSmith@test.com --account joesaccount",
        "--yes",
    ),
    case(
        "list_account_site_transfers",
        "transfer list --account joesaccount",
        "",
    ),
    case(
        "list_site_transfers",
        "transfer list --site 'Torque Magazine'",
        "",
    ),
    case(
        "create_site_transfer",
        "transfer create --site 'Torque Events' --to 'New Owner Inc'",
        "--confirm 'Torque Events'",
    ),
    case(
        "get_site_transfer",
        "transfer get 7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4 --site 'Torque Magazine'",
        "",
    ),
    case(
        "cancel_site_transfer",
        "transfer cancel {transfer} --site 'Torque Events'",
        "--yes",
    ),
    case(
        "list_site_report_templates",
        "site-report template list --account joesaccount",
        "",
    ),
    case(
        "list_site_reports",
        "site-report list --site 'Torque Magazine'",
        "",
    ),
    case("list_site_report_sections", "site-report section list", ""),
    case(
        "list_site_report_schedules",
        "site-report schedule list --site 'Torque Magazine'",
        "",
    ),
    case(
        "create_site_report_schedule",
        "site-report schedule create --site 'Torque Magazine' --title Weekly --recipient a@example.com --section cover --every week --first 72h",
        "",
    ),
    case(
        "update_site_report_schedule",
        "site-report schedule update 'Weekly Site Report' --site 'Torque Magazine' --title Other",
        "",
    ),
    case(
        "delete_site_report_schedule",
        "site-report schedule delete 'Weekly Site Report' --site 'Torque Magazine'",
        "--yes",
    ),
    case("list_sites", "site list", ""),
    case(
        "create_site",
        "site create Shop --account joesaccount",
        "--yes",
    ),
    case("get_site", "site get 'Torque Magazine'", ""),
    case(
        "update_site",
        "site rename 'Torque Magazine' 'Torque Weekly'",
        "",
    ),
    case(
        "delete_site",
        "site delete 'Torque Events'",
        "--confirm 'Torque Events'",
    ),
    case("list_installs", "install list", ""),
    case(
        "create_install",
        "install create newone --account joesaccount --site 'Torque Magazine' --environment staging",
        "--yes",
    ),
    case("get_install", "install get torquemag", ""),
    case(
        "delete_install",
        "install delete torqueeventstg",
        "--confirm torqueeventstg",
    ),
    case(
        "update_install",
        "install update torqueeventstg --environment development",
        "--yes",
    ),
    case(
        "copy_install",
        "install copy --from torqueevents --to torqueeventstg",
        "--confirm torqueeventstg",
    ),
    case(
        "get_largefs_validation_file",
        "offload validation-file torquemag",
        "",
    ),
    case("get_offload_settings", "offload get torquemag", ""),
    case(
        "update_offload_settings",
        "offload replace torqueeventstg --bucket acme-media --region us-east-1 --path /wp-content/uploads",
        "--yes",
    ),
    case(
        "patch_offload_settings",
        "offload update torqueeventstg --bucket acme-media-2 --region us-east-1",
        "--yes",
    ),
    case("list_domains", "domain list -i torquemag", ""),
    case(
        "create_domain",
        "domain add new.example.com -i torqueeventstg",
        "--yes",
    ),
    case(
        "create_bulk_domains",
        "domain add one.example.com two.example.com -i torqueeventstg",
        "--confirm one.example.com --confirm two.example.com",
    ),
    case("get_domain", "domain get torquemag.com -i torquemag", ""),
    case(
        "update_domain",
        "domain update torqueevents.com -i torqueevents --secure-all-urls true",
        "--confirm torqueevents.com",
    ),
    case(
        "delete_domain",
        "domain remove torqueevents.com -i torqueevents",
        "--confirm torqueevents.com",
    ),
    case(
        "verify_domain",
        "domain verify torquemag.com -i torquemag",
        "",
    ),
    case(
        "check_domain_status",
        "domain check torquemag.com -i torquemag",
        "",
    ),
    case(
        "create_domain_sharing_link",
        "domain share torqueevents.com -i torqueevents",
        "",
    ),
    case(
        "get_domain_report",
        "domain report {report} -i torquemag",
        "",
    ),
    case("list_certificates", "certificate list -i torquemag", ""),
    case(
        "import_third_party_certificate",
        "certificate import -i torqueeventstg --chain chain.pem --key key.pem",
        "--yes",
    ),
    case(
        "get_domain_certificate",
        "certificate get torquemag.com -i torquemag",
        "",
    ),
    case(
        "order_domain_certificate",
        "certificate order www.torquemag.com -i torquemag --email a@example.com --given-name A --family-name B --region US",
        "--confirm www.torquemag.com",
    ),
    case("list_archives", "archive list -i torquemag", ""),
    case(
        "create_archive",
        "archive create latest -i torquemag --notify a@example.com",
        "",
    ),
    case("list_backups", "backup list -i torquemag", ""),
    case(
        "create_backup",
        "backup create torquemag -m 'before the update' --notify a@example.com",
        "",
    ),
    case(
        "get_backup",
        "backup get e41fa98f-ea80-4654-b229-a9b765d0863a -i torquemag",
        "",
    ),
    case(
        "restore_backup",
        "backup restore latest -i torquemag --notify a@example.com",
        "--confirm torquemag",
    ),
    case("purge_cache", "cache purge torquemag", ""),
    case("get_current_user", "whoami", ""),
    case("list_ssh_keys", "ssh-key list", ""),
    case("create_ssh_key", "ssh-key add key.pub", "--yes"),
    case("delete_ssh_key", "ssh-key remove joe@gmail.com", "--yes"),
];

impl Case {
    pub(crate) fn operation(&self) -> &'static Operation {
        let found = wpengine::operations()
            .iter()
            .find(|operation| operation.id == self.operation);
        found.expect("an operation")
    }

    pub(crate) fn is_write(&self) -> bool {
        self.operation().safety != Safety::Read
    }

    /// Whether the gate holds it back.
    pub(crate) fn is_gated(&self) -> bool {
        !self.confirm.is_empty()
    }

    /// Makes the files that lines name.
    pub(crate) fn prepare_files(&self, cli: &Cli) {
        let pem = |what: &str| format!("-----BEGIN {what}-----\nMIIB\n-----END {what}-----\n");
        write(&cli.path("chain.pem"), &pem("CERTIFICATE"));
        write(&cli.path("key.pem"), &pem("PRIVATE KEY"));
        write(
            &cli.path("key.pub"),
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmcVQ5xKDmHsb0RcNsGLxAZ7dOiNLsXO8hHMMCJmCAh jo@example.com\n",
        );
    }

    /// Makes what the line needs, and returns the line.
    pub(crate) async fn prepare(&self, cli: &Cli) -> String {
        self.prepare_files(cli);
        let mut line = self.line.to_owned();
        if line.contains("{report}") {
            let ran = cli
                .run("domain check torquemag.com -i torquemag -o json")
                .await
                .ends(0);
            line = line.replace("{report}", ran.json()["report_id"].as_str().expect("an id"));
        }
        if line.contains("{transfer}") {
            let create = "transfer create --site 'Torque Events' --to 'New Owner Inc' --at 48h --confirm 'Torque Events' -o json";
            let ran = cli.run(create).await.ends(0);
            line = line.replace("{transfer}", ran.json()["id"].as_str().expect("an id"));
        }
        line
    }
}
