//! Calls of every operation that succeed against the world of the documentation's examples.

use wpengine::Client;

use crate::support::every::{self, Call, INSTALL, SITE};

const USER: &str = "28c78b6d-c2da-4f09-85f5-1ad588089b2d";
const DOMAIN: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";
const BACKUP: &str = "e41fa98f-ea80-4654-b229-a9b765d0863a";
const TRANSFER: &str = "7c3e1a2b-4f5d-4e6c-b7a8-d9e0f1a2b3c4";
const REPORT: &str = "6a6d5dbd-5cac-41d5-8f3f-14a3e8ae6f76";
const SSH_KEY: &str = "e41fa98f-ea80-1f16-a7b7-d748bcc9e64d";
const OTHER_INSTALL: &str = "c9f0f895-fb98-4f3c-9f0f-c9f0f895fb98";

macro_rules! one {
    ($call:expr) => {{
        let call = $call;
        Box::pin(async move { call.await.map(drop) }) as Call
    }};
}

/// The call of one operation, prepared: what it needs is there.
pub(super) async fn call(client: &Client, id: &str) -> Call {
    let account = client.account(every::ACCOUNT);
    let install = client.install(INSTALL);
    let domain = install.domain(DOMAIN);
    match id {
        "get_account_user" => one!(account.user(USER).get()),
        "update_account_user" => one!(account.user(USER).update(wpengine::types::Roles::full())),
        "delete_account_user" => one!(account.user(USER).delete()),
        "get_site_transfer" => one!(client.site(SITE).site_transfer(TRANSFER).get()),
        "create_site_transfer" => {
            let elsewhere = elsewhere(client).await;
            one!(client.site(SITE).site_transfers().create(elsewhere))
        }
        "cancel_site_transfer" => {
            let site = client.site(SITE);
            let started = site
                .site_transfers()
                .create(elsewhere(client).await)
                .scheduled_time(jiff::Timestamp::now() + jiff::Span::new().hours(48))
                .await
                .expect("a transfer");
            one!(site.site_transfer(started.id).cancel())
        }
        "copy_install" => one!(install.copy_to(OTHER_INSTALL)),
        "get_domain" => one!(domain.get()),
        "update_domain" => one!(domain.update().secure_all_urls(true)),
        "delete_domain" => one!(domain.delete()),
        "verify_domain" => one!(domain.verify()),
        "check_domain_status" => one!(domain.check_status()),
        "get_domain_report" => one!(install.domains().report(REPORT)),
        "get_domain_certificate" => one!(domain.certificate().get()),
        "order_domain_certificate" => {
            one!(
                domain
                    .certificate()
                    .order("jane@example.com", "Jane", "Doe", "US")
            )
        }
        "get_backup" => one!(install.backup(BACKUP).get()),
        "restore_backup" => one!(install.backup(BACKUP).restore(["ops@example.com"])),
        "delete_ssh_key" => one!(client.ssh_key(SSH_KEY).delete()),
        other => every::call(client, other),
    }
}

/// The account that the site is not on.
async fn elsewhere(client: &Client) -> wpengine::types::AccountId {
    client
        .accounts()
        .list()
        .all(100)
        .await
        .expect("accounts")
        .into_iter()
        .find(|account| account.id.as_str() != every::ACCOUNT)
        .expect("another account")
        .id
}

#[tokio::test(start_paused = true)]
async fn without_a_fault_every_call_succeeds_at_once_and_every_write_is_done_once() {
    for operation in wpengine::operations() {
        let simulator = wpengine_sim::Simulator::builder().build();
        let client = crate::support::simulated::builder(&simulator)
            .build()
            .expect("a client");
        let call = call(&client, operation.id).await;
        simulator.clear_requests();
        let (attempts, effects) = (client.counters().attempts, simulator.side_effects());
        call.await
            .unwrap_or_else(|error| panic!("{}: {error}", operation.id));
        assert_eq!(client.counters().attempts - attempts, 1, "{}", operation.id);
        assert_eq!(
            simulator.side_effects() - effects,
            u64::from(!operation.is_read()),
            "{}",
            operation.id
        );
    }
}
