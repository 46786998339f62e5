//! What holds while Redis does its work.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use wpengine::{ErrorKind, RetryPolicy, Window};

use super::{
    MARGIN, Next, PERIOD, Process, assert_not_exceeded,
    server::{Data, RedisServer},
    windows,
};

#[tokio::test]
async fn processes_share_a_window() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let [one, other] = [(); 2].map(|()| Process::new(windows(&redis.url(), 10)));
    one.ask_times(6).await;
    other.ask_times(4).await;
    let first = one.arrivals()[0];
    other.ask().await.unwrap();
    assert!(other.arrivals()[4] - first >= PERIOD);
    // Whoever asks may use what is left.
    tokio::join!(one.ask_times(10), other.ask_times(10));
    assert_eq!(assert_not_exceeded(&[&one, &other], 10), 31);
}

#[tokio::test]
async fn other_credentials_and_other_prefixes_have_other_windows() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    // Whoever shared a window with another would wait for 48 s.
    let windows = || {
        let each = [Window::new(1, 60 * PERIOD), Window::new(100, PERIOD)];
        windows(&redis.url(), 1).per_credentials(each)
    };
    let one = Process::new(windows());
    let elsewhere = Process::new(windows().prefix("elsewhere"));
    one.ask().await.unwrap();
    let started = Instant::now();
    elsewhere.ask().await.unwrap();
    one.client
        .set_credentials(wpengine::Credentials::basic("another-user", "password"))
        .unwrap();
    one.ask().await.unwrap();
    assert!(started.elapsed() < 30 * PERIOD);
}

#[tokio::test]
async fn an_account_that_is_full_keeps_no_other_waiting() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let windows = windows(&redis.url(), 100).per_account([Window::new(1, 600 * PERIOD)]);
    let process = Process::new(windows);
    let account = process.client.account("a");
    // The answer is of another thing and cannot be read: it counts all the same.
    let _ = account.get().await;
    let (full, waits) = (process.client.clone(), Instant::now());
    let waiting = tokio::spawn(async move { full.account("a").get().await.map(drop) });
    tokio::task::yield_now().await;
    let _ = process.client.account("b").get().await;
    process.ask().await.unwrap();
    assert!(waits.elapsed() < 30 * PERIOD);
    waiting.abort();
    let states = process.client.rate_limit_state(Some(&"a".into()));
    assert_eq!(states[0].left, 0, "{states:?}");
}

#[tokio::test]
async fn requests_of_a_process_leave_in_the_order_in_which_they_asked() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let process = std::sync::Arc::new(Process::new(windows(&redis.url(), 5)));
    let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let tasks: Vec<_> = (0..12)
        .map(|number| {
            let (process, order) = (process.clone(), order.clone());
            tokio::spawn(async move {
                process.ask().await.unwrap();
                order.lock().unwrap().push(number);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..12).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_stops_waiting_takes_no_place() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let process = Process::new(windows(&redis.url(), 1));
    process.ask().await.unwrap();
    for _ in 0..5 {
        assert!(timeout(PERIOD / 20, process.ask()).await.is_err());
    }
    process.ask().await.unwrap();
    let arrivals = process.arrivals();
    let between = arrivals[1] - arrivals[0];
    // Each place that was taken for nothing would cost one period more.
    assert!(between >= PERIOD && between < PERIOD * 4, "{between:?}");
}

#[tokio::test]
async fn what_was_not_sent_makes_room_for_others() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let [one, other] = [(); 2].map(|()| {
        Process::new(windows(&redis.url(), 1).per_account([Window::new(1, 60 * PERIOD)]))
    });
    one.wire.next(Next::CannotConnect);
    let error = one
        .client
        .current_user()
        .retry(RetryPolicy::none())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connect);
    // Without a place given back, this would take 48 s.
    timeout(Duration::from_secs(10), other.ask())
        .await
        .expect("there is room")
        .unwrap();
}

#[tokio::test]
async fn a_slow_answer_holds_its_place_until_a_period_after_it() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let [one, other] = [(); 2].map(|()| Process::new(windows(&redis.url(), 1)));
    // Longer than the window: the place is renewed while the answer is awaited.
    one.wire.next(Next::After(PERIOD * 2));
    let (asked, ()) = tokio::join!(
        async {
            one.ask().await.unwrap();
            Instant::now()
        },
        async {
            while one.arrivals().is_empty() {
                tokio::task::yield_now().await;
            }
            other.ask().await.unwrap();
        }
    );
    assert!(other.arrivals()[0] - asked >= PERIOD);
}

#[tokio::test]
async fn a_refusal_pauses_all_processes_and_nobody_stampedes_after_it() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let [one, other] = [(); 2].map(|()| Process::new(windows(&redis.url(), 20)));
    other.ask().await.unwrap();
    one.wire.refuse(&[("retry-after", "1".to_owned())]);
    let refused = Instant::now();
    one.client
        .current_user()
        .retry(RetryPolicy::none())
        .await
        .unwrap_err();
    while redis
        .command::<Vec<String>>(&["KEYS", "*said*"])
        .await
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    tokio::join!(one.ask_times(3), other.ask_times(3));
    let mut after: Vec<_> = [&one, &other]
        .iter()
        .flat_map(|process| process.arrivals())
        .filter(|arrival| *arrival > refused + Duration::from_millis(500))
        .collect();
    after.sort();
    assert_eq!(after.len(), 6);
    assert!(after[0] - refused >= Duration::from_secs(1));
    // A window of 20 in 0.8 s: one each 40 ms.
    assert!(after[5] - after[0] >= Duration::from_millis(5 * 40 - 10));
}

#[tokio::test]
async fn what_the_service_says_is_left_holds_for_all_processes() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let [one, other] = [(); 2].map(|()| Process::new(windows(&redis.url(), 20)));
    let reset = jiff::Timestamp::now().as_second() + 2;
    let mut answer = crate::support::script::json(200, super::USER);
    for (name, value) in [("limit", 20), ("remaining", 2), ("reset", reset)] {
        let name = http::HeaderName::from_bytes(format!("x-ratelimit-{name}").as_bytes()).unwrap();
        answer.headers_mut().insert(name, value.into());
    }
    one.wire.next(Next::Answer(answer));
    one.ask().await.unwrap();
    while redis
        .command::<Vec<String>>(&["KEYS", "*said*"])
        .await
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    other.ask_times(5).await;
    let end = jiff::Timestamp::now().as_second();
    assert!(end >= reset, "it waited for the reset");
}

#[tokio::test]
async fn every_key_expires() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let process = Process::new(windows(&redis.url(), 3));
    process.ask_times(3).await;
    process.wire.refuse(&[]);
    let keys: Vec<String> = redis.command(&["KEYS", "*"]).await;
    assert!(keys.len() >= 4, "{keys:?}");
    for key in keys {
        let left: i64 = redis.command(&["PTTL", &key]).await;
        // One small key, which tells an idle Redis from an emptied one, stays for a month.
        let longest = match key.as_str() {
            "{wpengine}:meta" => 30 * 24 * 3_600 * 1_000,
            _ => (PERIOD + 2 * MARGIN).as_millis() as i64 + 1_001,
        };
        assert!((0..=longest).contains(&left), "{key}: {left} ms");
    }
}

#[tokio::test]
async fn a_request_is_one_step() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    // With windows as they are by default the keeper looks once a second.
    let process = Process::new(
        wpengine::RedisWindows::new(redis.url())
            .unwrap()
            .trust_empty(),
    );
    process.ask().await.unwrap();
    redis.command::<String>(&["CONFIG", "RESETSTAT"]).await;
    process.ask_times(50).await;
    let stats: String = redis.command(&["INFO", "commandstats"]).await;
    let calls: usize = stats
        .lines()
        .find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="))
        .and_then(|rest| rest.split(',').next())
        .expect("it was asked")
        .parse()
        .unwrap();
    assert!((50..=52).contains(&calls), "{calls} steps");
}

#[tokio::test]
async fn a_listing_that_reads_ahead_keeps_no_other_call_waiting() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let simulator = wpengine_sim::Simulator::builder()
        .fleet(1, 60, 60)
        .start()
        .await
        .unwrap();
    let client = crate::support::clients::at(&simulator.base_url())
        .credentials(wpengine::Credentials::basic(
            simulator.user(),
            simulator.password(),
        ))
        .rate_limiter(windows(&redis.url(), 1_000))
        .build()
        .unwrap();
    let mut installs = client.installs().list().limit(5).concurrency(4).items();
    let work = async {
        while let Some(install) = installs.try_next().await.unwrap() {
            client.install(&install.id).get().await.unwrap();
        }
    };
    timeout(Duration::from_secs(20), work)
        .await
        .expect("every call gets its turn");
}

#[tokio::test]
async fn a_remainder_beyond_all_reason_stops_nobody() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let process = Process::new(windows(&redis.url(), 20));
    let mut answer = crate::support::script::json(200, super::USER);
    let reset = (jiff::Timestamp::now().as_second() + 60).to_string();
    for (name, value) in [
        ("limit", "20"),
        ("remaining", "18446744073709551615"),
        ("reset", &reset),
    ] {
        let name = http::HeaderName::from_bytes(format!("x-ratelimit-{name}").as_bytes()).unwrap();
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    process.wire.next(Next::Answer(answer));
    process.ask().await.unwrap();
    while redis
        .command::<Vec<String>>(&["KEYS", "*said*"])
        .await
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    timeout(Duration::from_secs(20), process.ask_times(3))
        .await
        .expect("there is room");
}

#[tokio::test]
async fn a_process_with_shorter_windows_throws_away_nothing_of_the_others() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let long = windows(&redis.url(), 5).per_credentials([Window::new(5, 4 * PERIOD)]);
    let [long, short] = [long, windows(&redis.url(), 1)].map(Process::new);
    long.ask_times(5).await;
    // One each period: what has ended for the short one has not for the long one.
    short.ask_times(3).await;
    long.ask().await.unwrap();
    let arrivals = long.arrivals();
    assert!(arrivals[5] - arrivals[0] >= 4 * PERIOD);
}
