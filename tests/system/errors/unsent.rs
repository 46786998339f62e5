//! Errors from requests that were not sent.

use std::time::Duration;

use http::Method;
use jiff::civil::date;
use wpengine::{
    Client, ClientBuilder, Credentials, ErrorKind, TokenFuture, TokenSource,
    types::{CacheType, Environment, PrivateKey, Roles},
};

use super::Sheet;
use crate::support::{
    calls::{ACCOUNT, INSTALL, SITE},
    clients,
    script::Script,
};

fn builder() -> ClientBuilder {
    clients::at(clients::BASE_URL)
}

#[test]
fn a_client_that_cannot_be_configured_says_what_to_change() {
    let mut sheet = Sheet::default();
    let mut note = |what: &str, builder: ClientBuilder| sheet.note(what, builder.build());
    note("no credentials", Client::builder());
    note(
        "an empty password",
        builder().credentials(Credentials::basic("user", "")),
    );
    note(
        "both in one",
        builder().credentials(Credentials::basic("user:password", "x")),
    );
    note(
        "a line break in a token",
        builder().credentials(Credentials::bearer("abc\n")),
    );
    note("no URL", builder().base_url("api.wpengineapi.com/v1"));
    note(
        "plain HTTP",
        builder().base_url("http://api.wpengineapi.com/v1"),
    );
    note(
        "another scheme",
        builder().base_url("ftp://api.wpengineapi.com/v1"),
    );
    note(
        "credentials in the URL",
        builder().base_url("https://user:password@api.wpengineapi.com/v1"),
    );
    note(
        "a query in the URL",
        builder().base_url("https://api.wpengineapi.com/v1?x=1"),
    );
    note("no time", builder().timeout(Duration::ZERO));
    note("no proxy", builder().proxy("::"));
    note(
        "no PEM",
        builder().root_certificates_pem("nothing of that kind"),
    );
    note("a suffix of two lines", builder().user_agent_suffix("a\nb"));
    sheet.check("configuration", &[ErrorKind::Configuration]);
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_says_which() {
    let wire = Script::answering("{}");
    let client = clients::on(wire.clone());
    let install = client.install(INSTALL);
    let mut sheet = Sheet::default();
    sheet.note(
        "an id that leads elsewhere",
        client.site("../user").get().await,
    );
    sheet.note("no id", client.site("").get().await);
    sheet.note(
        "an install's name",
        client.installs().create("Torque", ACCOUNT).await,
    );
    sheet.note(
        "a site's name",
        client.sites().create("x".repeat(41), ACCOUNT).await,
    );
    sheet.note(
        "nobody to tell",
        install
            .backups()
            .create("before deploy", Vec::<String>::new())
            .await,
    );
    sheet.note(
        "an address",
        install.backups().create("before deploy", ["ops"]).await,
    );
    sheet.note(
        "a page of nothing",
        client.sites().list().page_size(0).collect_at_most(1).await,
    );
    let usage = client.account(ACCOUNT).usage();
    sheet.note(
        "days in the wrong order",
        usage
            .summary()
            .between(date(2026, 5, 2), date(2026, 5, 1))
            .await,
    );
    sheet.note(
        "too many days",
        usage
            .summary()
            .between(date(2026, 5, 1), date(2026, 6, 1))
            .await,
    );
    sheet.note(
        "long ago",
        usage
            .summary()
            .between(date(2020, 5, 1), date(2020, 5, 2))
            .await,
    );
    sheet.note("no domains", install.domains().create_bulk([]).await);
    sheet.note(
        "a primary domain that redirects",
        install
            .domains()
            .create("a.com")
            .primary(true)
            .redirect_to("d")
            .await,
    );
    sheet.note(
        "tables without a database",
        install
            .copy_to("other")
            .include_database(false)
            .tables(["wp_posts"])
            .await,
    );
    sheet.note("a copy over itself", install.copy_to(INSTALL).await);
    sheet.note(
        "a role that is not documented",
        client
            .account(ACCOUNT)
            .user("u")
            .update(Roles::from("owner,billing"))
            .await,
    );
    sheet.note(
        "installs for someone who reaches all",
        client
            .account(ACCOUNT)
            .user("u")
            .update(Roles::full())
            .installs([INSTALL])
            .await,
    );
    sheet.note(
        "a word that is not documented",
        install
            .update()
            .environment(Environment::Unknown("qa".into()))
            .await,
    );
    sheet.note(
        "a cache that is not documented",
        install
            .purge_cache(CacheType::Unknown("redis".into()))
            .await,
    );
    sheet.note(
        "a private key for a public one",
        client
            .ssh_keys()
            .create("-----BEGIN OPENSSH PRIVATE KEY-----\nsecret")
            .await,
    );
    sheet.note(
        "base64 for PEM",
        install
            .certificates()
            .import_third_party(
                clients::pem("CERTIFICATE", "a"),
                PrivateKey::new("c2VjcmV0Cg=="),
            )
            .await,
    );
    sheet.note(
        "a transfer of long ago",
        client
            .site(SITE)
            .site_transfers()
            .create(ACCOUNT)
            .scheduled_time(
                date(2020, 1, 1)
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .expect("a day")
                    .timestamp(),
            )
            .await,
    );
    sheet.note(
        "a path without a slash",
        client.request(Method::GET, "@evil.example/").send().await,
    );
    sheet.note(
        "a path upwards",
        client.request(Method::GET, "/../secret").send().await,
    );
    sheet.check("invalid_request", &[ErrorKind::InvalidRequest]);
    assert_eq!(wire.count(), 0, "nothing was sent");
}

#[tokio::test]
async fn a_read_only_client_says_that_it_is_one() {
    let wire = Script::answering("{}");
    let client = clients::builder_on(wire.clone())
        .read_only()
        .build()
        .expect("a client");
    let mut sheet = Sheet::default();
    sheet.note("a deletion", client.site(SITE).delete().await);
    sheet.note(
        "a path of one's own",
        client.request(Method::POST, "/brand/new").send().await,
    );
    sheet.check("read_only", &[ErrorKind::ReadOnly]);
    assert_eq!(wire.count(), 0, "nothing was sent");
}

struct Locked;

impl TokenSource for Locked {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async { Err("the vault is locked".into()) })
    }
}

struct Asleep;

impl TokenSource for Asleep {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_without_a_token_is_named_and_so_is_its_reason() {
    let wire = Script::answering("{}");
    let client = |credentials| {
        clients::builder_on(wire.clone())
            .credentials(credentials)
            .build()
            .expect("a client")
    };
    let mut sheet = Sheet::default();
    let locked = client(Credentials::token_source(Locked));
    sheet.note("no token", locked.current_user().await);
    let asleep = client(Credentials::token_source(Asleep));
    sheet.note("no token in time", asleep.current_user().await);
    sheet.check(
        "token_source",
        &[ErrorKind::Credentials, ErrorKind::Timeout],
    );
    assert_eq!(wire.count(), 0, "nothing was sent");
}
