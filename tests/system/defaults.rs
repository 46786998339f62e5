//! The defaults of the library, as a snapshot.

use std::{fmt::Write, time::Duration};

use wpengine::{Client, limits::Windows};

use crate::support::{
    calls::{ACCOUNT, INSTALL, SITE},
    clients,
    script::Script,
};

#[test]
fn the_defaults_are_the_ones_of_the_snapshot() {
    let client = clients::of_the_service(Script::answering("{}"));
    let (install, site) = (client.install(INSTALL), client.site(SITE));
    let mut told = String::new();
    let mut tell = |what: &dyn std::fmt::Debug| writeln!(told, "{what:#?}").expect("a string");
    tell(Client::builder().config());
    tell(&Windows::default().per_credentials());
    tell(&Windows::default().per_account());
    tell(&client.installs().list());
    tell(&client.account(ACCOUNT).usage().list());
    tell(&wpengine::for_each_of([1]));
    tell(&client.account(ACCOUNT).usage().wait());
    tell(&install.archive("a1").wait());
    tell(&install.backup("b1").wait());
    tell(&install.domain("d1").certificate().wait());
    tell(&install.domain("d1").wait());
    tell(&install.domains().report("r1").wait());
    tell(&install.wait());
    tell(&site.site_transfer("t1").wait());
    insta::assert_snapshot!("defaults", told);
}

#[test]
fn a_client_tells_its_settings() {
    let second = Duration::from_secs(1);
    let builder = clients::at(clients::BASE_URL)
        .connect_timeout(second)
        .attempt_timeout(2 * second)
        .timeout(3 * second)
        .rate_limit_wait(4 * second)
        .retry_budget(9)
        .pool_idle_timeout(10 * second)
        .pool_max_idle(3)
        .max_response_size(11)
        .background_leaving(30);
    let set = builder.config().clone();
    let client = builder.build().expect("a client");
    assert_eq!(*client.config(), set);
    assert_eq!(
        [
            set.connect_timeout,
            set.attempt_timeout,
            set.timeout,
            set.rate_limit_wait,
            set.pool_idle_timeout,
        ]
        .map(|time| time.as_secs()),
        [1, 2, 3, 4, 10]
    );
    assert_eq!((set.retry_budget, set.max_response_size), (9, 11));
    assert_eq!((set.pool_max_idle, set.background), (Some(3), Some(30)));
}
