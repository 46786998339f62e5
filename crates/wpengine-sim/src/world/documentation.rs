//! The world of the documentation's examples: the commands in it can be copied and work.

use jiff::{SignedDuration, Timestamp};

use super::{MAIN_ACCOUNT, add_account};
use crate::state::{
    AccountUser, Backup, Content, Environment, Install, Level, Network, Roles, Site, World,
};

const OTHER_ACCOUNT: &str = "5cc8e1fa-6a7c-4b2e-9d53-0e9b6f5a2c11";
const TORQUE_MAGAZINE: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
const TORQUEMAG: &str = "294deacc-d8b8-4005-82c4-0727ba8ddde0";

/// Fills the world.
pub(super) fn fill(world: &mut World, _now: Timestamp) {
    add_account(world, MAIN_ACCOUNT, "joesaccount");
    add_account(world, OTHER_ACCOUNT, "New Owner Inc");
    let partial = AccountUser {
        user_id: "28c78b6d-c2da-4f09-85f5-1ad588089b2d".to_owned(),
        first_name: "Joe".to_owned(),
        last_name: "Smith".to_owned(),
        email: "joeSmith@test.com".to_owned(),
        phone: Some("1234567890".to_owned()),
        invite_accepted: true,
        mfa_enabled: true,
        roles: Roles {
            level: Level::Partial,
            billing: true,
        },
        install_ids: vec![TORQUEMAG.to_owned()],
    };
    world.accounts[MAIN_ACCOUNT]
        .users
        .insert(partial.user_id.clone(), partial);

    site(world, TORQUE_MAGAZINE, "Torque Magazine", &["production"]);
    install(
        world,
        TORQUEMAG,
        "torquemag",
        TORQUE_MAGAZINE,
        Environment::Production,
    );
    // The two of the example of a copy, and the two of the example of an account user.
    let events = site_id(world);
    site(world, &events, "Torque Events", &["events"]);
    install(
        world,
        "8f14e45f-ceea-4b5b-9f6d-8f14e45fceea",
        "torqueevents",
        &events,
        Environment::Production,
    );
    install(
        world,
        "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98",
        "torqueeventstg",
        &events,
        Environment::Staging,
    );
    let my_site = site_id(world);
    site(world, &my_site, "my-wordpress-site", &[]);
    install(
        world,
        "ddda3227-9a39-46ae-9e14-20958bb4e6c9",
        "mysite",
        &my_site,
        Environment::Production,
    );
    install(
        world,
        "qada3227-9a39-46ae-9e14-20958bb4e45y",
        "mysitestg",
        &my_site,
        Environment::Staging,
    );

    let torquemag = &mut world.installs[TORQUEMAG];
    torquemag.network = Network::Legacy;
    torquemag.stable_ips = Some(vec!["1.2.3.2".to_owned(), "1.1.1.2".to_owned()]);
    backup(
        torquemag,
        "e41fa98f-ea80-4654-b229-a9b765d0863a",
        "Pre-deploy snapshot",
        time("2024-01-15T10:00:00Z"),
    );
}

fn site_id(world: &mut World) -> String {
    world.random.uuid()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

fn site(world: &mut World, id: &str, name: &str, tags: &[&str]) {
    let site = Site {
        id: id.to_owned(),
        name: name.to_owned(),
        account_id: MAIN_ACCOUNT.to_owned(),
        group_name: None,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        created_at: time("2025-07-10T09:59:58.684Z"),
        sandbox: false,
        transferable: false,
        installs: Vec::new(),
    };
    world.sites.insert(site.id.clone(), site);
}

fn install(world: &mut World, id: &str, name: &str, site_id: &str, environment: Environment) {
    let created_at = time("2025-06-12T09:56:42.386Z");
    let install = Install::new(
        world,
        id.to_owned(),
        name.to_owned(),
        MAIN_ACCOUNT.to_owned(),
        created_at,
    );
    let install = Install {
        site_id: Some(site_id.to_owned()),
        environment: Some(environment),
        ..install
    };
    world.add_install(install);
}

fn backup(install: &mut Install, id: &str, description: &str, requested_at: Timestamp) {
    let content = Content {
        wp_version: "6.4.2".to_owned(),
        ..install.content.clone()
    };
    let backup = Backup::new(id.to_owned(), description.to_owned(), requested_at, content);
    let backup = Backup {
        duration: SignedDuration::from_mins(30),
        ..backup
    };
    install.backups.insert(backup.id.clone(), backup);
}
