//! The world of the documentation's examples: commands that are copied from the documentation work.
//!
//! Ids are those of the documentation, and so are names if they do not contradict each other. Two values differ, so that the
//! examples of writes succeed: the current user has another e-mail address than the new account user of the example, and the
//! domain of the examples is not primary.

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{MAIN_ACCOUNT, MAIN_USER, add_account};
use crate::state::{
    AccountName, AccountUser, Archive, Backup, Certificate, Content, Domain, Environment,
    Frequency, Install, Level, Network, PrivateKey, Recipient, Report, Roles, Schedule, Site,
    SiteReport, Source, SshKey, Transfer, World,
};

const OTHER_ACCOUNT: &str = "5cc8e1fa-6a7c-4b2e-9d53-0e9b6f5a2c11";
const TORQUE_MAGAZINE: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
const TORQUE_EVENTS: &str = "d0a5b3f4-3c1e-4f57-8a55-6b1f0c9e7a12";
const MY_SITE: &str = "b7e6f2a0-94d1-4c38-bb0a-2f5d8e1c6a90";
const TORQUEMAG: &str = "294deacc-d8b8-4005-82c4-0727ba8ddde0";
const TORQUE_EVENTS_INSTALL: &str = "8f14e45f-ceea-4b5b-9f6d-8f14e45fceea";
/// The target of the redirect in the documentation.
const PRIMARY_DOMAIN: &str = "e41fa98f-ea80-4006-b229-a9b765d0863a";
const EXAMPLE_DOMAIN: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";

/// Fills the world.
pub(super) fn fill(world: &mut World, now: Timestamp) {
    add_account(world, MAIN_ACCOUNT, "joesaccount");
    add_account(world, OTHER_ACCOUNT, "New Owner Inc");
    add_partial_user(world);
    world.users[MAIN_USER].ssh_keys.insert(
        "e41fa98f-ea80-1f16-a7b7-d748bcc9e64d".to_owned(),
        SshKey {
            uuid: "e41fa98f-ea80-1f16-a7b7-d748bcc9e64d".to_owned(),
            comment: "joe@gmail.com".to_owned(),
            fingerprint: "a1:b2:c3:d4:e5:46:a7:88:c9:40:d2:d7:9b:cd:42:05".to_owned(),
            created_at: time(now, "2019-09-01T15:59:24.277Z"),
        },
    );

    site(
        world,
        now,
        TORQUE_MAGAZINE,
        "Torque Magazine",
        &["production"],
    );
    install(
        world,
        now,
        TORQUEMAG,
        "torquemag",
        TORQUE_MAGAZINE,
        Environment::Production,
    );
    // The two installs of the example of a copy.
    site(world, now, TORQUE_EVENTS, "Torque Events", &["events"]);
    install(
        world,
        now,
        TORQUE_EVENTS_INSTALL,
        "torqueevents",
        TORQUE_EVENTS,
        Environment::Production,
    );
    install(
        world,
        now,
        "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98",
        "torqueeventstg",
        TORQUE_EVENTS,
        Environment::Staging,
    );
    // The two installs of the example of a new account user. One id is not a UUID; it is the same in the documentation.
    site(world, now, MY_SITE, "my-wordpress-site", &[]);
    install(
        world,
        now,
        "ddda3227-9a39-46ae-9e14-20958bb4e6c9",
        "mysite",
        MY_SITE,
        Environment::Production,
    );
    install(
        world,
        now,
        "qada3227-9a39-46ae-9e14-20958bb4e45y",
        "mysitestg",
        MY_SITE,
        Environment::Staging,
    );

    fill_torquemag(world, now);
    // A certificate that expires soon: it has 20 days left.
    let soon = now
        .saturating_add(SignedDuration::from_hours(20 * 24))
        .unwrap_or(now);
    let source = Source::ThirdParty { expires_at: soon };
    let imported_at = time(now, "2026-01-15T09:00:00Z");
    certificate(
        world,
        TORQUE_EVENTS_INSTALL,
        source,
        "torqueevents.wpengine.com",
        imported_at,
    );
    add_past_transfer(world, now);
    add_reports(world, now);
    // A domain on a network that supports sharing links.
    let since = time(now, "2026-04-20T16:00:00.007Z");
    let domain = Domain::new(
        "7b1f0d52-3c8e-4a67-9d20-5e4c1a8f6b93".to_owned(),
        "torqueevents.com".to_owned(),
        Network::Advanced,
        world.random.hex(32),
        since,
    );
    world.add_domain(TORQUE_EVENTS_INSTALL, domain.verified_since(since));
}

/// The schedule and the report of the examples.
fn add_reports(world: &mut World, now: Timestamp) {
    let frequency = Frequency::Days(7);
    let schedule = Schedule {
        uuid: "123e4567-e89b-12d3-a456-426614174000".to_owned(),
        title: "Weekly Site Report".to_owned(),
        next: frequency.first(now),
        frequency,
        recipients: vec![Recipient {
            name: Some("Jane Smith".to_owned()),
            email: "user@example.com".to_owned(),
        }],
        sections: vec!["cover".to_owned()],
        template: "9fe01285-87cc-405b-9f2f-02cc1316bb63".to_owned(),
    };
    world.set_schedule(TORQUE_MAGAZINE, schedule);
    let day = SignedDuration::from_hours(24);
    let ends_at = time(now, "2026-05-20T02:00:42.163034Z");
    world.sites[TORQUE_MAGAZINE].reports.push(SiteReport {
        uuid: "18cb2c9c-5755-4b32-a59b-18acd206bc36".to_owned(),
        title: "Sample report".to_owned(),
        starts_at: ends_at.saturating_sub(day * 7).unwrap_or(ends_at),
        ends_at,
        created_at: ends_at.saturating_add(day).unwrap_or(ends_at),
        recipients: vec!["user@example.com".to_owned()],
        sections: vec!["cover".to_owned()],
        key: "dGhlLWtleS1vZi10aGUtc2FtcGxl".to_owned(),
    });
}

/// The install that the examples are about.
fn fill_torquemag(world: &mut World, now: Timestamp) {
    let torquemag = &mut world.installs[TORQUEMAG];
    // Legacy, so that the example of a certificate order succeeds.
    torquemag.network = Network::Legacy;
    torquemag.php_version = "7.4".to_owned();
    torquemag.stable_ips = Some(vec!["1.2.3.2".to_owned(), "1.1.1.2".to_owned()]);
    torquemag.largefs_file.name = "64f1250c.largefs".to_owned();
    torquemag.largefs_file.content = "e4ccd0696cff6f94".to_owned();
    torquemag.offload_settings = object(json!({
        "cloud": "s3",
        "bucket": "torquemag-media",
        "bucket_region": "us-east-1",
        "path_settings": [{
            "path": "/wp-content/uploads",
            "excluded_paths": ["/wp-content/uploads/private"],
            "redirect_type": "permanent",
        }],
    }));
    backup(
        torquemag,
        "e41fa98f-ea80-4654-b229-a9b765d0863a",
        "Pre-deploy snapshot",
        time(now, "2024-01-15T10:00:00Z"),
    );
    backup(
        torquemag,
        "ac237e1c-3182-4c15-9a3f-6d58a57cbb44",
        "For the archive",
        time(now, "2026-04-20T14:00:00Z"),
    );
    let archive = Archive {
        id: "a6d86d4b-0860-4e2c-870b-0aae34ecf085".to_owned(),
        backup_id: "ac237e1c-3182-4c15-9a3f-6d58a57cbb44".to_owned(),
        notification_emails: vec!["myself@torquemag.com".to_owned()],
        requested_at: time(now, "2026-04-20T15:00:00Z"),
        fails: false,
        key: "dGhlLWtleS1vZi10aGUtZXhhbXBsZQ".to_owned(),
    };
    torquemag.archives.insert(archive.id.clone(), archive);
    let report = Report {
        id: "6a6d5dbd-5cac-41d5-8f3f-14a3e8ae6f76".to_owned(),
        domain: "torquemag.io".to_owned(),
        asked_at: time(now, "2026-04-20T16:05:00Z"),
    };
    torquemag.reports.insert(report.id.clone(), report);

    domain(world, now, PRIMARY_DOMAIN, "torquemag.com", true, None);
    domain(world, now, EXAMPLE_DOMAIN, "torquemag.io", false, None);
    domain(
        world,
        now,
        "6977805b-1f65-4a5d-8d36-6fe609a4d9f3",
        "redirect.com",
        false,
        None,
    );
    let target = Some(PRIMARY_DOMAIN);
    domain(
        world,
        now,
        "0c1d2e3f-4a5b-4c6d-8e7f-8091a2b3c4d5",
        "www.torquemag.com",
        false,
        target,
    );
    // Old enough to have been renewed several times.
    let ordered_at = now
        .saturating_sub(SignedDuration::from_hours(200 * 24))
        .unwrap_or(now);
    let ordered_at = ordered_at.max(time(now, "2026-04-20T16:00:00.007Z"));
    for (id, name) in [
        (PRIMARY_DOMAIN, "torquemag.com"),
        (EXAMPLE_DOMAIN, "torquemag.io"),
    ] {
        let source = Source::LetsEncrypt {
            domain_id: id.to_owned(),
        };
        certificate(world, TORQUEMAG, source, name, ordered_at);
    }
}

fn add_partial_user(world: &mut World) {
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
}

/// The transfer with which the account got the site. It is completed, so that the site can be transferred again.
fn add_past_transfer(world: &mut World, now: Timestamp) {
    let transfer = Transfer {
        id: "7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4".to_owned(),
        site_id: TORQUE_MAGAZINE.to_owned(),
        site_name: "Torque Magazine".to_owned(),
        install_names: vec!["torquemag".to_owned()],
        origin: AccountName {
            id: "1f0e9d8c-7b6a-4958-8473-62514f3e2d1c".to_owned(),
            name: "Acme Corp".to_owned(),
        },
        destination: AccountName {
            id: MAIN_ACCOUNT.to_owned(),
            name: "joesaccount".to_owned(),
        },
        scheduled_time: None,
        created_at: time(now, "2025-07-20T10:00:00Z"),
        cancelled_at: None,
        failed: false,
    };
    world.transfers.insert(transfer.id.clone(), transfer);
}

/// A time of the documentation. If the clock starts before it, a month ago, because everything in the first world is
/// in the past.
fn time(now: Timestamp, text: &str) -> Timestamp {
    let past = now
        .saturating_sub(SignedDuration::from_hours(30 * 24))
        .unwrap_or(now);
    text.parse().unwrap_or(past).min(past)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn site(world: &mut World, now: Timestamp, id: &str, name: &str, tags: &[&str]) {
    let site = Site {
        id: id.to_owned(),
        name: name.to_owned(),
        account_id: MAIN_ACCOUNT.to_owned(),
        group_name: None,
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        created_at: time(now, "2025-07-10T09:59:58.684Z"),
        sandbox: false,
        transferable: false,
        installs: Vec::new(),
        schedules: IndexMap::new(),
        reports: Vec::new(),
    };
    world.sites.insert(site.id.clone(), site);
}

fn install(
    world: &mut World,
    now: Timestamp,
    id: &str,
    name: &str,
    site_id: &str,
    environment: Environment,
) {
    let created_at = time(now, "2025-06-12T09:56:42.386Z");
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

fn domain(
    world: &mut World,
    now: Timestamp,
    id: &str,
    name: &str,
    primary: bool,
    redirect_to: Option<&str>,
) {
    let verified_at = time(now, "2026-04-20T16:00:00.007Z");
    let txt_value = world.random.hex(32);
    let domain = Domain::new(
        id.to_owned(),
        name.to_owned(),
        Network::Legacy,
        txt_value,
        verified_at,
    );
    let redirect_to = redirect_to.map(str::to_owned);
    world.add_domain(
        TORQUEMAG,
        Domain {
            primary,
            redirect_to,
            ..domain.verified_since(verified_at)
        },
    );
}

fn certificate(
    world: &mut World,
    install_id: &str,
    source: Source,
    domain: &str,
    ordered_at: Timestamp,
) {
    let certificate = Certificate {
        id: world.next_certificate(),
        source,
        domains: vec![domain.to_owned()],
        ordered_at,
        serial_number: world.random.hex(32).to_uppercase(),
        approver_email: None,
        certificate: "aGVsbG8K".to_owned(),
        private_key: PrivateKey("d29ybGQK".to_owned()),
    };
    world.installs[install_id].certificates.push(certificate);
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
