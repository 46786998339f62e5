//! The schedule, the order, and when it ends.

use std::time::Duration;

use proptest::prelude::*;
use wpengine_events::{Endpoint, Events, Filter, Sender};

use super::{HOUR, Receiver, add, asking_to_wait, endpoint, events, run, secret, status};

async fn deliveries(events: &Events, id: &str) -> Vec<wpengine_events::Delivery> {
    events.get(id).await.unwrap().unwrap().1
}

async fn sender(
    events: &Events,
    receiver: &Receiver,
    endpoints: impl IntoIterator<Item = Endpoint>,
) -> Sender {
    let sender = Sender::new(events).http_client(receiver.clone());
    sender.endpoints(endpoints).await.unwrap();
    sender
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_fails_is_tried_ten_times_in_75_hours_and_then_the_delivery_is_dead() {
    let events = events();
    let receiver = Receiver::new(|_, got| {
        if got.kind == "ping" {
            status(204)
        } else {
            status(503)
        }
    });
    let sender = sender(&events, &receiver, [endpoint("ops")]).await;
    let id = add(&events, "installs/1", "1").await;
    run(&sender, 100 * HOUR).await;
    let tries: Vec<f64> = receiver
        .got()
        .iter()
        .filter(|got| got.id == id)
        .map(|got| got.at.as_secs_f64())
        .collect();
    assert_eq!(tries.len(), 10);
    assert!(tries[0] < 1.0);
    let waits = [
        5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0,
    ];
    let mut apart = std::collections::BTreeSet::new();
    for (pair, wait) in tries.windows(2).zip(waits) {
        let ratio = (pair[1] - pair[0]) / wait;
        assert!(
            (0.8..=1.2).contains(&ratio) || (pair[1] - pair[0] - wait).abs() < 1.5,
            "{pair:?}"
        );
        apart.insert((ratio * 1_000.0) as i64);
    }
    assert!(apart.len() > 4, "the waits are spread: {apart:?}");
    let [delivery] = &deliveries(&events, &id).await[..] else {
        panic!("one delivery");
    };
    assert_eq!((delivery.state.as_str(), delivery.tries), ("dead", 10));
    assert!(
        delivery.error.as_deref().unwrap().contains("503"),
        "{delivery:?}"
    );

    // It is tried again on request, with the same id.
    assert_eq!(events.resend_one(&id, None).await.unwrap(), Some(1));
    run(&sender, Duration::from_secs(2)).await;
    assert_eq!(receiver.got().last().unwrap().id, id);
    assert_eq!(events.resend_one("evt_unknown", None).await.unwrap(), None);
    assert!(
        events
            .resend_one(&id, Some("other"))
            .await
            .unwrap_err()
            .to_string()
            .contains("there are: ops")
    );
}

#[tokio::test(start_paused = true)]
async fn the_next_event_of_an_object_waits_for_the_one_before_it_and_others_do_not() {
    let events = events();
    // The first event fails for an hour.
    let receiver = Receiver::new(|_, got| match got.at < HOUR && got.object == "installs/1" {
        true => status(500),
        false => status(200),
    });
    let sender = sender(
        &events,
        &receiver,
        [endpoint("ordered"), endpoint("any").unordered()],
    )
    .await;
    let mut ids = Vec::new();
    for (object, key) in [
        ("installs/1", "a"),
        ("installs/1", "b"),
        ("installs/2", "c"),
        ("installs/1", "d"),
    ] {
        ids.push(add(&events, object, key).await);
    }
    run(&sender, Duration::from_secs(2)).await;
    let tried = |id: &str| receiver.got().iter().filter(|got| got.id == id).count();
    assert_eq!(
        [
            tried(&ids[0]),
            tried(&ids[1]),
            tried(&ids[2]),
            tried(&ids[3])
        ],
        [2, 1, 2, 1]
    );
    run(&sender, 10 * HOUR).await;
    for id in &ids {
        for delivery in deliveries(&events, id).await {
            assert_eq!(delivery.state, "delivered", "{delivery:?}");
        }
    }
    let done_at = |id: String| {
        let events = &events;
        async move {
            deliveries(events, &id)
                .await
                .into_iter()
                .find(|one| one.endpoint == "ordered")
                .unwrap()
                .done_at
        }
    };
    let (a, b, d) = (
        done_at(ids[0].clone()).await,
        done_at(ids[1].clone()).await,
        done_at(ids[3].clone()).await,
    );
    assert!(a <= b && b <= d);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_is_given_up_on_and_tried_again() {
    let events = events();
    let mut receiver = Receiver::new(|_, _| status(200));
    receiver.hangs = Some(1);
    let sender = sender(&events, &receiver, [endpoint("ops")]).await;
    let id = add(&events, "installs/1", "1").await;
    run(&sender, Duration::from_secs(60)).await;
    let tries: Vec<_> = receiver
        .got()
        .into_iter()
        .filter(|got| got.id == id)
        .collect();
    assert_eq!(tries.len(), 2);
    // 20 s until it is given up, and the first wait.
    let apart = (tries[1].at - tries[0].at).as_secs_f64();
    assert!((23.0..=28.0).contains(&apart), "{apart}");
    assert_eq!(deliveries(&events, &id).await[0].state, "delivered");
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let events = events();
    let receiver = Receiver::new(|_, got| {
        if got.kind == "ping" {
            status(200)
        } else {
            status(302)
        }
    });
    let sender = sender(&events, &receiver, [endpoint("ops")]).await;
    let id = add(&events, "installs/1", "1").await;
    run(&sender, Duration::from_secs(2)).await;
    let delivery = &deliveries(&events, &id).await[0];
    assert_eq!((delivery.state.as_str(), delivery.tries), ("pending", 1));
    assert!(
        delivery
            .error
            .as_deref()
            .unwrap()
            .contains("redirects are not followed")
    );
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_asks_to_wait_is_waited_for() {
    for (code, value, least) in [(429, "600", 600.0), (503, "86400000", 86_400.0)] {
        let events = events();
        let receiver = Receiver::new(move |number, _| {
            if number == 1 {
                asking_to_wait(code, value)
            } else {
                status(200)
            }
        });
        let sender = sender(&events, &receiver, [endpoint("ops")]).await;
        let id = add(&events, "installs/1", "1").await;
        run(&sender, 48 * HOUR).await;
        let tries: Vec<_> = receiver
            .got()
            .into_iter()
            .filter(|got| got.id == id)
            .collect();
        let apart = (tries[1].at - tries[0].at).as_secs_f64();
        assert!(
            tries.len() == 2 && (least..least + 10.0).contains(&apart),
            "{apart}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_gets_nothing_more_until_somebody_enables_it() {
    let events = events();
    let receiver = Receiver::new(|number, _| {
        if number == 1 {
            status(410)
        } else {
            status(200)
        }
    });
    let sender = sender(&events, &receiver, [endpoint("ops")]).await;
    for key in 0..5 {
        add(&events, &format!("installs/{key}"), "1").await;
    }
    // What was under way at the same time may still come.
    run(&sender, 50 * HOUR).await;
    let before = receiver.got().len();
    assert!(before <= 6, "{before}");
    add(&events, "installs/7", "1").await;
    run(&sender, 50 * HOUR).await;
    assert_eq!(receiver.got().len(), before);
    let [status] = &events.endpoints().await.unwrap()[..] else {
        panic!("one endpoint");
    };
    assert!(
        status.disabled_at.is_some() && status.reason.as_deref().unwrap().contains("410"),
        "{status:?}"
    );
    let kinds: Vec<String> = super::super::events::all(&events)
        .await
        .into_iter()
        .map(|event| event.kind)
        .collect();
    assert!(kinds.contains(&"endpoint.disabled".to_owned()), "{kinds:?}");
    assert!(events.enable("ops").await.unwrap() && !events.enable("other").await.unwrap());
    run(&sender, HOUR).await;
    assert_eq!(
        events.endpoints().await.unwrap()[0].pending,
        0,
        "what has waited is delivered"
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_disabled_after_five_days_of_failures_alone() {
    for is_mended in [false, true] {
        let events = events();
        let receiver = Receiver::new(
            move |_, got| match is_mended && got.object == "installs/3" {
                true => status(200),
                false => status(500),
            },
        );
        let sender = sender(&events, &receiver, [endpoint("ops")]).await;
        for hour in 0..130 {
            add(
                &events,
                &format!("installs/{}", hour % 60),
                &hour.to_string(),
            )
            .await;
            run(&sender, HOUR).await;
            let is_disabled = events.endpoints().await.unwrap()[0].disabled_at.is_some();
            assert_eq!(is_disabled, !is_mended && hour >= 120, "after {hour} hours");
            if is_disabled {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_endpoint_gets_what_its_filter_lets_through_in_its_own_form() {
    let events = events();
    let receiver = Receiver::new(|_, _| status(200));
    let only = |name: &str, filter: Filter| endpoint(name).filter(filter);
    let sender = sender(
        &events,
        &receiver,
        [
            only("deploys", Filter::default().types(["deploy.*"])),
            only("installs", Filter::default().installs(["torquemag"])),
            only("account", Filter::default().accounts(["a"])),
        ],
    )
    .await;
    let add =
        |kind: &'static str, data: serde_json::Value| events.add(kind, "installs/1", "1", data);
    add("deploy.finished", serde_json::json!({})).await.unwrap();
    add(
        "install.updated",
        serde_json::json!({"install": "torquemag", "account_id": "b"}),
    )
    .await
    .unwrap();
    add(
        "backup.completed",
        serde_json::json!({"install": "other", "account_id": "a"}),
    )
    .await
    .unwrap();
    run(&sender, HOUR).await;
    let status = events.endpoints().await.unwrap();
    let delivered: Vec<_> = status
        .iter()
        .map(|one| (one.name.as_str(), one.delivered))
        .collect();
    // Each got its ping, too.
    assert_eq!(delivered, [("account", 2), ("deploys", 2), ("installs", 2)]);
}

#[tokio::test(start_paused = true)]
async fn endpoints_change_while_it_runs_and_nothing_is_lost() {
    let events = events();
    let receiver = Receiver::new(|_, _| status(200));
    let sender = sender(&events, &receiver, [endpoint("one")]).await;
    let running = tokio::spawn({
        let sender = sender.clone();
        async move { sender.run(std::future::pending()).await }
    });
    add(&events, "installs/1", "1").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    sender.endpoints([]).await.unwrap();
    let missed = add(&events, "installs/1", "2").await;
    sender
        .endpoints([endpoint("one"), endpoint("two")])
        .await
        .unwrap();
    let last = add(&events, "installs/1", "3").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    running.abort();
    let of = |id: String| {
        let events = events.clone();
        async move { deliveries(&events, &id).await.len() }
    };
    // An endpoint gets what happens while it is there.
    assert_eq!((of(missed).await, of(last).await), (0, 2));
    let pings = receiver
        .got()
        .iter()
        .filter(|got| got.kind == "ping")
        .count();
    assert_eq!(
        pings, 2,
        "a new endpoint gets a ping, one that was there gets none"
    );
    assert!(
        sender
            .endpoints([endpoint("x"), endpoint("x")])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_command_gets_each_event_and_its_end_says_whether_it_was_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let events = Events::open(folder.path().join("events.db")).unwrap();
    let out = folder.path().join("out");
    let script = format!(
        "cat >> {0}; echo $WPENGINE_EVENT_TYPE >> {0}; grep -q good {0}",
        out.display()
    );
    let sender = Sender::new(&events);
    sender
        .endpoints([Endpoint::command("script", ["sh", "-c", &script]).unwrap()])
        .await
        .unwrap();
    let bad = events
        .add(
            "deploy.finished",
            "installs/1",
            "1",
            serde_json::json!("bad"),
        )
        .await
        .unwrap();
    let good = events
        .add(
            "deploy.finished",
            "installs/2",
            "1",
            serde_json::json!("good"),
        )
        .await
        .unwrap();
    let done = async {
        loop {
            let states = [
                deliveries(&events, &bad).await,
                deliveries(&events, &good).await,
            ];
            if states.iter().all(|one| one[0].tries == 1) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    sender.run(done).await.unwrap();
    let states = [
        deliveries(&events, &bad).await,
        deliveries(&events, &good).await,
    ];
    assert_eq!(states[1][0].state, "delivered", "{states:?}");
    let text = std::fs::read_to_string(out).unwrap();
    assert!(
        text.contains(&good) && text.contains("deploy.finished\n"),
        "{text}"
    );
    // Another process may not run the same file.
    let other = Events::open(folder.path().join("events.db")).unwrap();
    let lock = sender.run(async {
        let taken = Sender::new(&other)
            .run(std::future::ready(()))
            .await
            .unwrap_err();
        assert!(
            taken
                .to_string()
                .contains("another process runs these events"),
            "{taken}"
        );
    });
    lock.await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn events_of_an_object_are_accepted_in_order_whatever_fails(
        objects in prop::collection::vec(0..4_u8, 1..40),
        failures in prop::collection::vec(any::<bool>(), 0..100),
    ) {
        let got = super::super::events::paused(async {
            let events = events();
            let receiver = Receiver::new(move |number, _| match failures.get(number) {
                Some(true) => status(500),
                _ => status(200),
            });
            let sender = sender(&events, &receiver, [Endpoint::webhook("ops", "https://receiver.example.com/", [secret()]).unwrap()]).await;
            let mut ids = Vec::new();
            for (key, object) in objects.iter().enumerate() {
                ids.push((object, add(&events, &format!("installs/{object}"), &key.to_string()).await));
            }
            // As long as it takes: one after the other may be tried for days, and the endpoint be disabled in between.
            for _ in 0..60 {
                run(&sender, 24 * HOUR).await;
                events.enable("ops").await.unwrap();
                if events.endpoints().await.unwrap()[0].pending == 0 {
                    break;
                }
            }
            let mut order = Vec::new();
            for (object, id) in ids {
                let delivery = deliveries(&events, &id).await.remove(0);
                assert_ne!(delivery.state, "pending");
                order.push((*object, delivery.done_at));
            }
            order
        });
        for object in 0..4 {
            let times: Vec<_> = got.iter().filter(|(other, _)| *other == object).map(|(_, at)| at).collect();
            prop_assert!(times.is_sorted(), "{times:?}");
        }
    }
}
