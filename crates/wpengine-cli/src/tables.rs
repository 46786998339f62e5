//! The table of each noun.

use crate::output::{
    Cell::{
        Account, Counts, Gigabytes, List, Number, Percent, Redirect, Site, Storage, Text, Time,
        YesNo,
    },
    Table, col,
};

pub(crate) const ACCOUNTS: Table = Table::new(
    "account",
    "/name",
    &[
        col("name", "/name", Text),
        col("nickname", "/nickname", Text),
        col("id", "/id", Text),
    ],
);

pub(crate) const LIMITS: Table = Table::new(
    "limits",
    "",
    &[
        col("visitors", "/visitors", Number),
        col("storage_gb", "/storage", Number),
        col("bandwidth_gb", "/bandwidth", Number),
    ],
);

pub(crate) const USAGE: Table = Table::new(
    "usage",
    "/environment_name",
    &[
        col("install", "/environment_name", Text),
        col("visits", "/visit_count", Number),
        col("billable", "/billable_visits", Number),
        col("bandwidth", "/network_total_bytes", Gigabytes),
        col("storage", "/storage_bytes", Storage),
        col("days", "/days", Number).wide(),
    ],
);

pub(crate) const DAYS: Table = Table::new(
    "usage day",
    "/date",
    &[
        col("install", "/environment_name", Text),
        col("date", "/date", Text),
        col("visits", "/visit_count", Number),
        col("billable", "/billable_visits", Number),
        col("bandwidth", "/network_total_bytes", Gigabytes),
        col("files", "/storage_file_bytes", Storage),
        col("database", "/storage_database_bytes", Storage),
        col("origin", "/network_origin_bytes", Gigabytes).wide(),
        col("cdn", "/network_cdn_bytes", Gigabytes).wide(),
        col("requests", "/request_origin_count", Number).wide(),
    ],
);

pub(crate) const METRICS: Table = Table::new(
    "usage metric",
    "/metric",
    &[
        col("metric", "/metric", Text),
        col("sum", "/sum", Number),
        col("average", "/average", Number),
        col("latest", "/latest/value", Number),
        col("measured", "/latest/date", Text),
    ],
);

pub(crate) const INSIGHTS: Table = Table::new(
    "usage insight",
    "/metric",
    &[
        col("metric", "/metric", Text),
        col("total", "/total", Number),
        col("production", "/environment_types/production", Number),
        col("staging", "/environment_types/staging", Number),
        col("development", "/environment_types/development", Number),
        col("transferable", "/site_types/transferable", Number).wide(),
        col("sandbox", "/site_types/sandbox", Number).wide(),
    ],
);

pub(crate) const USERS: Table = Table::new(
    "user",
    "/email",
    &[
        col("email", "/email", Text),
        col("first_name", "/first_name", Text),
        col("last_name", "/last_name", Text),
        col("roles", "/roles", Text),
        col("mfa", "/mfa_enabled", YesNo),
        col("accepted", "/invite_accepted", YesNo),
        col("last_owner", "/last_owner", YesNo),
        col("installs", "/installs", List).wide(),
        col("phone", "/phone", Text).wide(),
        col("id", "/user_id", Text).wide(),
    ],
);

pub(crate) const TRANSFERS: Table = Table::new(
    "transfer",
    "/id",
    &[
        col("site", "/site", Text),
        col("from", "/origin_account", Text),
        col("to", "/destination_account", Text),
        col("status", "/status", Text),
        col("scheduled", "/scheduled_time", Time),
        col("id", "/id", Text),
        col("installs", "/installs", List).wide(),
        col("created", "/created_at", Time).wide(),
        col("updated", "/updated_at", Time).wide(),
    ],
);

pub(crate) const TEMPLATES: Table = Table::new(
    "template",
    "/template_name",
    &[
        col("name", "/template_name", Text),
        col("company", "/company_name", Text),
        col("id", "/template_uuid", Text),
        col("sections", "/sections", List).wide(),
    ],
);

pub(crate) const REPORTS: Table = Table::new(
    "site report",
    "/title",
    &[
        col("title", "/title", Text),
        col("from", "/date_range/start_date", Time),
        col("to", "/date_range/end_date", Time),
        col("created", "/created_at", Time),
        col("recipients", "/recipients", List),
        col("id", "/uuid", Text).wide(),
    ],
);

pub(crate) const SECTIONS: Table = Table::new(
    "section",
    "/name",
    &[
        col("name", "/name", Text),
        col("title", "/display_text", Text),
        col("group", "/group_display_text", Text),
        col("mandatory", "/mandatory", YesNo),
        col("order", "/order", Number).wide(),
    ],
);

pub(crate) const SCHEDULES: Table = Table::new(
    "schedule",
    "/title",
    &[
        col("title", "/title", Text),
        col("next", "/next_scheduled_date", Time),
        col("every", "/frequency/value", Number),
        col("unit", "/frequency/unit", Text),
        col("recipients", "/recipients", List),
        col("id", "/uuid", Text),
        col("sections", "/sections", List).wide(),
        col("template", "/template_uuid", Text).wide(),
    ],
);

pub(crate) const SITES: Table = Table::new(
    "site",
    "/name",
    &[
        col("name", "/name", Text),
        col("account", "/account/id", Account),
        col("installs", "/installs", List),
        col("group", "/group_name", Text),
        col("tags", "/tags", List),
        col("created", "/created_at", Time).wide(),
        col("sandbox", "/sandbox", YesNo).wide(),
        col("transferable", "/transferable", YesNo).wide(),
        col("id", "/id", Text).wide(),
    ],
);

pub(crate) const INSTALLS: Table = Table::new(
    "install",
    "/name",
    &[
        col("name", "/name", Text),
        col("environment", "/environment", Text),
        col("site", "/site/id", Site),
        col("account", "/account/id", Account),
        col("php", "/php_version", Text),
        col("status", "/status", Text),
        col("primary_domain", "/primary_domain", Text),
        col("cname", "/cname", Text).wide(),
        col("ips", "/stable_ips", List).wide(),
        col("multisite", "/is_multisite", YesNo).wide(),
        col("created", "/created_at", Time).wide(),
        col("id", "/id", Text).wide(),
    ],
);

pub(crate) const DOMAINS: Table = Table::new(
    "domain",
    "/name",
    &[
        col("name", "/name", Text),
        col("primary", "/primary", YesNo),
        col("redirects_to", "/redirect_to", Redirect),
        col("network", "/network_type", Text),
        col("ownership", "/ownership_status", Text),
        col("secure", "/secure_all_urls", YesNo),
        col("duplicate", "/duplicate", YesNo).wide(),
        col("verified", "/txt_verified_time", Time).wide(),
        col("id", "/id", Text).wide(),
    ],
);

pub(crate) const CERTIFICATES: Table = Table::new(
    "certificate",
    "/common_name",
    &[
        col("name", "/common_name", Text),
        col("domains", "/domains", List),
        col("source", "/cert_source", Text),
        col("status", "/status", Text),
        col("expires", "/expires_time", Time),
        col("renews", "/auto_renew", YesNo),
        col("wildcard", "/wildcard", YesNo).wide(),
        col("ordered", "/ordered_time", Time).wide(),
        col("serial", "/serial_number", Text).wide(),
        col("id", "/id", Text).wide(),
    ],
);

pub(crate) const BACKUPS: Table = Table::new(
    "backup",
    "/id",
    &[
        col("id", "/id", Text),
        col("status", "/status", Text),
        col("description", "/description", Text),
        col("created", "/create_time", Time),
        col("completed", "/complete_time", Time),
        col("wordpress", "/wordpress_version", Text),
    ],
);

pub(crate) const ARCHIVES: Table = Table::new(
    "archive",
    "/id",
    &[
        col("id", "/id", Text),
        col("state", "/state", Text),
        col("backup", "/backup/id", Text),
        col("created", "/create_time", Time),
        col("completed", "/complete_time", Time),
        col("aborted", "/abort_time", Time).wide(),
    ],
);

pub(crate) const SSH_KEYS: Table = Table::new(
    "SSH key",
    "/comment",
    &[
        col("comment", "/comment", Text),
        col("fingerprint", "/fingerprint", Text),
        col("created", "/created_at", Time),
        col("id", "/uuid", Text),
    ],
);

pub(crate) const OPERATIONS: Table = Table::new(
    "operation",
    "/id",
    &[
        col("id", "/id", Text),
        col("method", "/method", Text),
        col("path", "/path", Text),
        col("class", "/class", Text),
        col("effects", "/effects", List),
        col("command", "/command", Text),
        col("summary", "/summary", Text).wide(),
    ],
);

pub(crate) const RESULTS: Table = Table::new(
    "result",
    "/target/name",
    &[
        col("target", "/target/name", Text),
        col("ok", "/ok", YesNo),
        col("id", "/result/id", Text),
        col("status", "/result/status", Text),
        col("error", "/error/message", Text),
    ],
);

pub(crate) const FINDINGS: Table = Table::new(
    "finding",
    "/code",
    &[
        col("severity", "/severity", Text),
        col("code", "/code", Text),
        col("account", "/account/name", Text),
        col("install", "/install/name", Text),
        col("subject", "/subject", Text),
        col("observed", "/evidence/observed", Text),
        col("next", "/next", Text),
        col("environment", "/install/environment", Text).wide(),
        col("site", "/site/name", Text).wide(),
        col("expected", "/evidence/expected", Text).wide(),
        col("as_of", "/evidence/as_of", Time).wide(),
    ],
);

/// Whose a domain is.
pub(crate) const WHOIS: Table = Table::new(
    "owner of a domain",
    "/domain",
    &[
        col("domain", "/domain", Text),
        col("install", "/install/name", Text),
        col("environment", "/install/environment", Text),
        col("site", "/site/name", Text),
        col("account", "/account/name", Text),
        col("primary", "/is_primary", YesNo),
        col("redirects_to", "/redirects_to", Text),
        col("ownership", "/ownership", Text),
        col("certificates", "/certificates", List).wide(),
    ],
);

/// What a dry run of several targets would send.
pub(crate) const PLANNED: Table = Table::new(
    "planned change",
    "/target/name",
    &[
        col("target", "/target/name", Text),
        col("operation", "/result/operation", Text),
        col("method", "/result/method", Text),
        col("url", "/result/url", Text),
        col("body", "/result/body", Text),
    ],
);

pub(crate) const OVERVIEW: Table = Table::new(
    "account overview",
    "/account/name",
    &[
        col("account", "/account/name", Text),
        col("sites", "/sites", Number),
        col("installs", "/installs", Number),
        col("environments", "/by_environment", Counts),
        col("php", "/by_php", Counts),
        col("status", "/by_status", Counts),
    ],
);

pub(crate) const FLEET_USAGE: Table = Table::new(
    "usage of an account",
    "/account",
    &[
        col("account", "/account", Text),
        col("metric", "/metric", Text),
        col("used", "/used", Number),
        col("allowed", "/allowed", Number),
        col("share", "/percent", Percent),
        col("unit", "/unit", Text),
    ],
);

pub(crate) const FLEET_CERTIFICATES: Table = Table::new(
    "certificate in the fleet",
    "/install/name",
    &[
        col("install", "/install/name", Text),
        col("names", "/names", List),
        col("status", "/status", Text),
        col("expires", "/expires_at", Time),
        col("renews", "/auto_renew", YesNo),
        col("account", "/account/name", Text).wide(),
        col("environment", "/install/environment", Text).wide(),
        col("covers", "/covers", List).wide(),
    ],
);

pub(crate) const FLEET_DOMAINS: Table = Table::new(
    "domain in the fleet",
    "/domain",
    &[
        col("domain", "/domain", Text),
        col("install", "/install/name", Text),
        col("environment", "/install/environment", Text),
        col("primary", "/is_primary", YesNo),
        col("redirects_to", "/redirects_to", Text),
        col("ownership", "/ownership", Text),
        col("account", "/account/name", Text).wide(),
        col("site", "/site/name", Text).wide(),
    ],
);

pub(crate) const PEOPLE: Table = Table::new(
    "person",
    "/email",
    &[
        col("email", "/email", Text),
        col("name", "/name", Text),
        col("mfa", "/mfa_enabled", YesNo),
        col("accepted", "/invite_accepted", YesNo),
        col("accounts", "/memberships", List),
    ],
);

pub(crate) const FLEET_BACKUPS: Table = Table::new(
    "backups of an install",
    "/install/name",
    &[
        col("install", "/install/name", Text),
        col("environment", "/install/environment", Text),
        col("completed", "/completed_at", Time),
        col("last_status", "/last_status", Text),
        col("count", "/count", Number),
        col("backup", "/completed", Text).wide(),
        col("account", "/account/name", Text).wide(),
    ],
);

pub(crate) const VERSIONS: Table = Table::new(
    "versions of an install",
    "/install/name",
    &[
        col("install", "/install/name", Text),
        col("environment", "/install/environment", Text),
        col("php", "/php", Text),
        col("wordpress", "/wordpress", Text),
        col("plugins", "/plugins", Counts).wide(),
        col("account", "/account/name", Text).wide(),
    ],
);

/// What was deployed.
#[cfg(all(unix, feature = "ssh"))]
pub(crate) const RELEASED: Table = Table::new(
    "deployment",
    "/release",
    &[
        col("release", "/release", Text),
        col("install", "/install", Text),
        col("created", "/counts/created", Number),
        col("changed", "/counts/changed", Number),
        col("deleted", "/counts/deleted", Number),
        col("commit", "/commit", Text).wide(),
        col("seconds", "/seconds", Number).wide(),
    ],
);

#[cfg(all(unix, feature = "ssh"))]
pub(crate) const PLANNED_FILES: Table = Table::new(
    "file of a deployment",
    "/path",
    &[
        col("change", "/change", Text),
        col("path", "/path", Text),
        col("why", "/why", Text),
    ],
);

#[cfg(all(unix, feature = "ssh"))]
pub(crate) const RELEASES: Table = Table::new(
    "deployment in the log",
    "/id",
    &[
        col("id", "/id", Text),
        col("result", "/result", Text),
        col("kept", "/kept", YesNo),
        col("to", "/target", Text),
        col("created", "/created", Number),
        col("changed", "/changed", Number),
        col("deleted", "/deleted", Number),
        col("by", "/by", Text),
        col("note", "/note", Text),
        col("at", "/at", Time).wide(),
        col("commit", "/commit", Text).wide(),
        col("files", "/files", Number).wide(),
    ],
);

#[cfg(all(unix, feature = "ssh"))]
pub(crate) const LOGS: Table = Table::new(
    "entry of a log",
    "/source",
    &[
        col("time", "/at", Time),
        col("install", "/install", Text),
        col("level", "/level", Text),
        col("status", "/status", Number),
        col("message", "/message", Text),
        col("source", "/source", Text).wide(),
        col("host", "/host", Text).wide(),
        col("ip", "/ip", Text).wide(),
    ],
);

#[cfg(all(unix, feature = "ssh"))]
pub(crate) const LOG_SOURCES: Table = Table::new(
    "log",
    "/path",
    &[
        col("install", "/install", Text),
        col("path", "/path", Text),
        col("kind", "/kind", Text),
        col("size", "/size", Number),
        col("written", "/written", Time),
        col("rotated_from", "/rotated_from", Text).wide(),
    ],
);

/// What WP-CLI said on several installs.
#[cfg(all(unix, feature = "ssh"))]
pub(crate) const WP: Table = Table::new(
    "result of WP-CLI",
    "/install",
    &[
        col("install", "/install", Text),
        col("code", "/code", Number),
        col("stdout", "/stdout", Text),
        col("stderr", "/stderr", Text),
    ],
);

pub(crate) const CHANGES: Table = Table::new(
    "change",
    "/name",
    &[
        col("at", "/at", Time),
        col("kind", "/kind", Text),
        col("name", "/name", Text),
        col("field", "/field", Text),
        col("before", "/before", Text),
        col("after", "/after", Text),
        col("id", "/id", Text).wide(),
    ],
);

pub(crate) const FOUND: Table = Table::new(
    "result of a search",
    "/words",
    &[
        col("kind", "/kind", Text),
        col("words", "/words", Text),
        col("id", "/id", Text),
    ],
);

pub(crate) const DIFFERENCES: Table = Table::new(
    "difference",
    "/field",
    &[
        col("field", "/field", Text),
        col("first", "/first", Text),
        col("second", "/second", Text),
    ],
);

pub(crate) const POINTS: Table = Table::new(
    "point of a launch",
    "/point",
    &[
        col("status", "/status", Text),
        col("point", "/point", Text),
        col("detail", "/detail", Text),
    ],
);

pub(crate) const STEPS: Table = Table::new(
    "step",
    "/title",
    &[
        col("step", "/step", Number),
        col("title", "/title", Text),
        col("impact", "/impact", Text),
        col("done", "/is_done", YesNo),
        col("made", "/made", Text).wide(),
    ],
);

pub(crate) const PLANS: Table = Table::new(
    "plan",
    "/id",
    &[
        col("id", "/id", Text),
        col("kind", "/kind", Text),
        col("targets", "/targets", List),
        col("created", "/created_at", Time),
        col("state", "/state", Text),
    ],
);

pub(crate) const PROFILES: Table = Table::new(
    "profile",
    "/name",
    &[
        col("name", "/name", Text),
        col("user_id", "/user_id", Text),
        col("credentials", "/credentials", Text),
        col("default", "/default", YesNo),
        col("base_url", "/base_url", Text).wide(),
    ],
);

pub(crate) const SETTINGS: Table = Table::new(
    "setting",
    "/key",
    &[
        col("key", "/key", Text),
        col("value", "/value", Text),
        col("origin", "/origin", Text),
    ],
);

pub(crate) const EXAMINED: Table = Table::new(
    "point of the doctor",
    "/point",
    &[
        col("status", "/status", Text),
        col("point", "/point", Text),
        col("detail", "/detail", Text),
        col("next", "/next", Text),
    ],
);

pub(crate) const COMMANDS: Table = Table::new(
    "command",
    "/command",
    &[
        col("command", "/command", Text),
        col("class", "/class", Text),
        col("confirmation", "/confirmation", Text),
        col("operations", "/operations", List),
        col("about", "/about", Text).wide(),
    ],
);

/// All of them, for the test that holds them together.
#[cfg(feature = "events")]
pub(crate) const EVENTS: Table = Table::new(
    "event",
    "/id",
    &[
        col("at", "/timestamp", Time),
        col("type", "/type", Text),
        col("install", "/data/install", Text),
        col("subject", "/data/subject", Text),
        col("id", "/id", Text),
        col("account", "/data/account_id", Account).wide(),
        col("occurred", "/data/occurred_at", Time).wide(),
        col("not_before", "/data/not_before", Time).wide(),
    ],
);

#[cfg(feature = "events")]
pub(crate) const ENDPOINTS: Table = Table::new(
    "endpoint",
    "/name",
    &[
        col("name", "/name", Text),
        col("target", "/target", Text),
        col("pending", "/pending", Number),
        col("delivered", "/delivered", Number),
        col("dead", "/dead", Number),
        col("failing_since", "/failing_since", Time),
        col("disabled", "/disabled_at", Time),
        col("reason", "/reason", Text),
    ],
);

#[cfg(feature = "events")]
pub(crate) const EVENT_TYPES: Table = Table::new(
    "event type",
    "/type",
    &[col("type", "/type", Text), col("meaning", "/meaning", Text)],
);

#[cfg(test)]
pub(crate) const ALL: [&Table; 50] = [
    #[cfg(feature = "events")]
    &EVENTS,
    #[cfg(feature = "events")]
    &ENDPOINTS,
    #[cfg(feature = "events")]
    &EVENT_TYPES,
    &ACCOUNTS,
    &LIMITS,
    &USAGE,
    &DAYS,
    &METRICS,
    &INSIGHTS,
    &USERS,
    &TRANSFERS,
    &TEMPLATES,
    &REPORTS,
    &SECTIONS,
    &SCHEDULES,
    &SITES,
    &INSTALLS,
    &DOMAINS,
    &CERTIFICATES,
    &BACKUPS,
    &ARCHIVES,
    &SSH_KEYS,
    &OPERATIONS,
    &RESULTS,
    &FINDINGS,
    &OVERVIEW,
    &FLEET_USAGE,
    &FLEET_CERTIFICATES,
    &FLEET_DOMAINS,
    &PEOPLE,
    &FLEET_BACKUPS,
    &VERSIONS,
    &RELEASED,
    &PLANNED_FILES,
    &RELEASES,
    &LOGS,
    &LOG_SOURCES,
    &WP,
    &WHOIS,
    &PLANNED,
    &CHANGES,
    &FOUND,
    &DIFFERENCES,
    &POINTS,
    &STEPS,
    &PLANS,
    &PROFILES,
    &SETTINGS,
    &EXAMINED,
    &COMMANDS,
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_table_has_a_column_twice_and_each_has_one_by_default() {
        for table in ALL {
            let ids: BTreeSet<&str> = table.columns.iter().map(|column| column.id).collect();
            assert_eq!(ids.len(), table.columns.len(), "{}", table.noun);
            assert!(
                table.columns.iter().any(|column| !column.wide),
                "{}",
                table.noun
            );
        }
    }
}
