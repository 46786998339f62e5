//! Numbers, days, and values that exclude each other.

use jiff::{Span, Timestamp, civil::Date, tz::TimeZone};
use wpengine::{
    requests::{NewDomain, PathSettings, S3Settings},
    types::{CacheType, Environment, LargeFsRedirectType},
};

use super::{all_are_refused, refused};
use crate::support::{
    calls::{ACCOUNT, INSTALL, SITE},
    clients,
    script::Script,
};

#[tokio::test]
async fn domains_that_cannot_be() {
    let many =
        |count: usize| (0..count).map(|number| NewDomain::new(format!("d{number}.example.com")));
    all_are_refused(|client| {
        let install = client.install(INSTALL);
        let domains = install.domains();
        let domain = install.domain("d1");
        vec![
            refused(
                "create_bulk_domains",
                "1 to 20 domains, not 0",
                domains.create_bulk([]),
            ),
            refused(
                "create_bulk_domains",
                "1 to 20 domains, not 21",
                domains.create_bulk(many(21)),
            ),
            refused(
                "create_bulk_domains",
                "is no name of a domain",
                domains.create_bulk([NewDomain::new("")]),
            ),
            refused(
                "create_bulk_domains",
                "redirect to itself",
                domains.create_bulk([NewDomain::new("a.example").redirect_to("a.example")]),
            ),
            refused(
                "create_domain",
                "is no name of a domain",
                domains.create(""),
            ),
            refused(
                "create_domain",
                "cannot be the primary one",
                domains.create("a.example").primary(true).redirect_to("d2"),
            ),
            refused(
                "create_domain",
                "`nil` is no id",
                domains.create("a.example").redirect_to("nil"),
            ),
            refused(
                "update_domain",
                "`nil` is no id",
                domain.update().redirect_to("nil"),
            ),
            refused(
                "update_domain",
                "the domain id is empty",
                domain.update().redirect_to(""),
            ),
            refused(
                "update_domain",
                "cannot be the primary one",
                domain.update().primary(true).redirect_to("d2"),
            ),
        ]
    })
    .await;
    // Twenty is the maximum.
    let script = Script::answering("[]");
    let added = clients::on(script.clone())
        .install(INSTALL)
        .domains()
        .create_bulk(many(20))
        .await;
    assert_eq!((added.is_ok(), script.count()), (true, 1));
}

#[tokio::test]
async fn copies_that_make_no_sense() {
    all_are_refused(|client| {
        let copy = || client.install(INSTALL).copy_to("i2");
        vec![
            refused(
                "copy_install",
                "over itself",
                client.install(INSTALL).copy_to(INSTALL),
            ),
            refused(
                "copy_install",
                "but the database is not",
                copy().tables(["wp_posts"]).include_database(false),
            ),
            refused(
                "copy_install",
                "but the database is not",
                copy().include_database(false).tables(["wp_posts"]),
            ),
            refused(
                "copy_install",
                "neither the files nor the database",
                copy().include_database(false).include_files(false),
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn values_that_the_api_does_not_document() {
    let unknown: Environment = "moon".parse().expect("anything parses");
    let cache: CacheType = "moon".parse().expect("anything parses");
    let redirect: LargeFsRedirectType = "moon".parse().expect("anything parses");
    all_are_refused(|client| {
        let install = client.install(INSTALL);
        let paths = |path: PathSettings| S3Settings::new().path(path);
        vec![
            refused(
                "create_install",
                "`moon` is no environment",
                client
                    .installs()
                    .create("abc", ACCOUNT)
                    .environment(unknown.clone()),
            ),
            refused(
                "update_install",
                "`moon` is no environment",
                install.update().environment(unknown.clone()),
            ),
            refused(
                "purge_cache",
                "`moon` is no cache",
                install.purge_cache(cache),
            ),
            refused(
                "update_offload_settings",
                "`moon` is no redirect type",
                install.offload_settings().replace(paths(
                    PathSettings::new("/a").redirect_type(redirect.clone()),
                )),
            ),
            refused(
                "patch_offload_settings",
                "`moon` is no redirect type",
                install
                    .offload_settings()
                    .update(paths(PathSettings::new("/a").redirect_type(redirect))),
            ),
            refused(
                "patch_offload_settings",
                "path cannot be empty",
                install
                    .offload_settings()
                    .update(paths(PathSettings::new(""))),
            ),
        ]
    })
    .await;
}

fn days_ago(days: i64) -> Date {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    today.checked_sub(Span::new().days(days)).expect("a day")
}

#[tokio::test]
async fn ranges_of_days_that_usage_has_none_of() {
    all_are_refused(|client| {
        let (account, install) = (
            client.account(ACCOUNT).usage(),
            client.install(INSTALL).usage(),
        );
        vec![
            refused(
                "get_account_usage_summary",
                "before it begins",
                account.summary().between(days_ago(1), days_ago(2)),
            ),
            refused(
                "get_account_usage_insights",
                "before it begins",
                account.insights().between(days_ago(1), days_ago(2)),
            ),
            refused(
                "get_install_usage",
                "before it begins",
                install.get().between(days_ago(1), days_ago(2)),
            ),
            refused(
                "get_account_usage",
                "before it begins",
                account
                    .list()
                    .between(days_ago(1), days_ago(2))
                    .collect_at_most(1),
            ),
            refused(
                "get_account_usage_summary",
                "has 32 days, but one request covers at most 31",
                account.summary().between(days_ago(32), days_ago(1)),
            ),
            refused(
                "get_account_usage_insights",
                "has 32 days, but one request covers at most 31",
                account.insights().between(days_ago(32), days_ago(1)),
            ),
            refused(
                "get_install_usage",
                "usage goes back 13 months",
                install.get().between(days_ago(420), days_ago(1)),
            ),
            refused(
                "get_account_usage",
                "usage goes back 13 months",
                account
                    .list()
                    .between(days_ago(420), days_ago(1))
                    .collect_at_most(1),
            ),
        ]
    })
    .await;
    // 31 days is the maximum. The other operations have no such limit.
    let script = Script::answering("{}");
    let client = clients::on(script.clone());
    client
        .account(ACCOUNT)
        .usage()
        .summary()
        .between(days_ago(31), days_ago(1))
        .await
        .expect("31 days");
    client
        .install(INSTALL)
        .usage()
        .get()
        .between(days_ago(380), days_ago(1))
        .await
        .expect("a year");
    assert_eq!(script.count(), 2);
}

#[tokio::test]
async fn a_transfer_at_a_time_that_is_too_soon_or_too_late() {
    const RULE: &str = "1 hour to 7 days ahead";
    let in_hours = |hours: i64| Timestamp::now() + Span::new().hours(hours);
    all_are_refused(|client| {
        let create = |hours| {
            client
                .site(SITE)
                .site_transfers()
                .create(ACCOUNT)
                .scheduled_time(in_hours(hours))
        };
        vec![
            refused("create_site_transfer", RULE, create(0)),
            refused("create_site_transfer", RULE, create(-24)),
            refused("create_site_transfer", RULE, create(8 * 24)),
        ]
    })
    .await;
}
