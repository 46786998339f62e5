//! A call of every operation that succeeds in the simulator's default state, which is built from the documentation's
//! examples.

use wpengine::Client;

use crate::support::calls::{self, ACCOUNT, ADVANCED_DOMAIN, ADVANCED_INSTALL, Call, SITE};

/// Prepares the call of one operation: creates the resources that it needs.
pub(super) async fn call(client: &Client, id: &str) -> Call {
    let transfers = client.site(SITE).site_transfers();
    match id {
        // The network of the documentation's domain does not support sharing links.
        "create_domain_sharing_link" => {
            let create = client
                .install(ADVANCED_INSTALL)
                .domain(ADVANCED_DOMAIN)
                .create_sharing_link();
            Box::pin(async move { create.await.map(drop) })
        }
        "create_site_transfer" => {
            let create = transfers.create(elsewhere(client).await);
            Box::pin(async move { create.await.map(drop) })
        }
        "cancel_site_transfer" => {
            let started = transfers
                .create(elsewhere(client).await)
                .scheduled_time(jiff::Timestamp::now() + jiff::Span::new().hours(48))
                .await
                .expect("a transfer");
            let cancel = client.site(SITE).site_transfer(started.id).cancel();
            Box::pin(async move { cancel.await.map(drop) })
        }
        other => calls::call(client, other),
    }
}

/// Returns an account that does not contain the site.
async fn elsewhere(client: &Client) -> wpengine::types::AccountId {
    client
        .accounts()
        .list()
        .collect_at_most(100)
        .await
        .expect("accounts")
        .into_iter()
        .find(|account| account.id.as_str() != ACCOUNT)
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
        let expected = 1 + u64::from(calls::looks_first(operation.id));
        let attempts = client.counters().attempts - attempts;
        assert_eq!(attempts, expected, "{}", operation.id);
        assert_eq!(
            simulator.side_effects() - effects,
            u64::from(!operation.is_read()),
            "{}",
            operation.id
        );
    }
}
