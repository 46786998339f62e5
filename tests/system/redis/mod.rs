//! Rate limits that processes share through a real Redis. The limiter fails open: a Redis that fails must not stop a
//! call.

mod canary;
mod processes;
mod server;

use std::time::{Duration, Instant};

use wpengine::{
    Client, Credentials, ErrorKind,
    limits::{LimitError, LimitKey, Observation, Permit, RateLimiter, Window},
};
use wpengine_redis::RedisWindows;
use wpengine_sim::Simulator;

use server::{Data, RedisServer};

use crate::support::script::Script;

const SECOND: Duration = Duration::from_secs(1);
const KEY: fn() -> LimitKey = || LimitKey::new(7);

fn few(redis: &RedisServer, limit: usize) -> RedisWindows {
    RedisWindows::new(&redis.url())
        .expect("a URL")
        .windows([Window::new(limit, SECOND)], [Window::new(5, 60 * SECOND)])
        .margin(Duration::from_millis(100))
}

async fn acquire(windows: &RedisWindows, key: &LimitKey) -> Permit {
    windows.acquire(key, 60 * SECOND).await.expect("a permit")
}

#[tokio::test]
async fn the_first_request_through_a_new_redis_leaves_within_a_second() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let simulator = Simulator::builder().start().await.expect("it starts");
    let client = Client::builder()
        .base_url(simulator.url())
        .rate_limiter(RedisWindows::new(&redis.url()).expect("a URL"))
        .build()
        .expect("a client");
    let started = Instant::now();
    client.current_user().await.expect("an answer");
    assert!(started.elapsed() < SECOND, "{:?}", started.elapsed());
    // The client used Redis. Without Redis it would use its own share, half of the limit.
    let state = client.rate_limit_state(None);
    assert_eq!((state[0].window.limit(), state[0].left), (100, 100));
    client.current_user().await.expect("an answer");
    assert_eq!(client.rate_limit_state(None)[0].left, 99);
}

/// The calls of a runtime that no longer runs are not polled. The limiter has a thread of its own.
#[test]
fn calls_that_nobody_polls_hold_up_no_other_runtime() {
    let busy = tokio::runtime::Runtime::new().expect("a runtime");
    let Some(redis) = busy.block_on(RedisServer::start(Data::Lost)) else {
        return;
    };
    let script = Script::answering(r#"{"id":"u","email":"joe@example.com"}"#);
    let client = Client::builder()
        .credentials(Credentials::basic("user", "password"))
        .http_client(script.clone())
        .rate_limiter(few(&redis, 2))
        .rate_limit_wait(60 * SECOND)
        .build()
        .expect("a client");
    let idle = tokio::runtime::Builder::new_current_thread();
    let idle = { idle }.enable_all().build().expect("a runtime");
    let mut given_up = Vec::new();
    idle.block_on(async {
        for _ in 0..10 {
            let client = client.clone();
            given_up.push(tokio::spawn(async move { client.current_user().await }));
        }
        // Each of them has asked Redis.
        loop {
            let stats: String = redis.command(&["INFO", "commandstats"]).await;
            let calls = stats.split("cmdstat_evalsha:calls=").nth(1);
            let calls = calls.and_then(|calls| calls.split(',').next()?.parse().ok());
            if calls.unwrap_or(0) >= 10 {
                break;
            }
        }
    });
    let sent = script.count();
    assert!(sent < 10, "{sent}");
    // The first runtime does not run from here on.
    let started = Instant::now();
    busy.block_on(async {
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.current_user().await })
            })
            .collect();
        for call in calls {
            call.await.expect("a call").expect("an answer");
        }
    });
    assert!(started.elapsed() < 20 * SECOND, "{:?}", started.elapsed());
    assert_eq!(script.count(), sent + 8);
}

#[tokio::test]
async fn two_limiters_share_a_window_and_a_full_one_is_waited_for() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let (one, two) = (few(&redis, 2), few(&redis, 2));
    let started = Instant::now();
    drop(acquire(&one, &KEY()).await);
    drop(acquire(&two, &KEY()).await);
    assert!(started.elapsed() < SECOND, "{:?}", started.elapsed());
    drop(acquire(&one, &KEY()).await);
    assert!(started.elapsed() >= Duration::from_millis(1_090));
}

#[tokio::test]
async fn a_request_without_time_is_refused_at_once() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let windows = few(&redis, 1);
    drop(acquire(&windows, &KEY()).await);
    let started = Instant::now();
    let refused = windows.acquire(&KEY(), Duration::from_millis(300)).await;
    let Err(LimitError::NoRoom {
        retry_after: Some(wait),
    }) = refused
    else {
        panic!("{refused:?}");
    };
    assert!(wait > SECOND / 2 && wait <= 2 * SECOND, "{wait:?}");
    assert!(started.elapsed() < SECOND / 3);
}

#[tokio::test]
async fn what_was_not_sent_and_what_is_given_up_leave_their_places() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let windows = few(&redis, 1);
    acquire(&windows, &KEY()).await.not_sent();
    drop(acquire(&windows, &KEY()).await);
    for _ in 0..5 {
        // Each of these calls reserves a place in the future and then releases it.
        let key = KEY();
        let asked = windows.acquire(&key, 60 * SECOND);
        let given_up = tokio::time::timeout(Duration::from_millis(50), asked).await;
        given_up.expect_err("the window is full");
    }
    let started = Instant::now();
    drop(acquire(&windows, &KEY()).await);
    assert!(started.elapsed() < Duration::from_millis(1_500));
}

#[tokio::test]
async fn a_429_that_one_meets_pauses_all_and_background_work_leaves_a_share() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let (one, two) = (few(&redis, 10), few(&redis, 10));
    let background = KEY().leave_free(20);
    for _ in 0..8 {
        drop(acquire(&one, &background).await);
    }
    let refused = one.acquire(&background, Duration::ZERO).await;
    assert!(matches!(refused, Err(LimitError::NoRoom { .. })));
    drop(acquire(&two, &KEY()).await);

    let headers = http::HeaderMap::from_iter([(
        http::header::RETRY_AFTER,
        http::HeaderValue::from_static("2"),
    )]);
    one.observe(&KEY(), &Observation::new(true, &headers));
    assert!(one.state(&KEY())[0].paused_for > Some(SECOND));
    // The pause is sent on the same connection, before this command.
    drop(one.acquire(&KEY(), Duration::ZERO).await);
    let refused = two.acquire(&KEY(), SECOND).await;
    let Err(LimitError::NoRoom { retry_after }) = refused else {
        panic!("{refused:?}");
    };
    assert!(retry_after > Some(SECOND), "{retry_after:?}");
}

#[tokio::test]
async fn without_redis_each_process_keeps_to_its_share_and_strict_ones_fail() {
    let nowhere = RedisWindows::new("redis://127.0.0.1:1").expect("a URL");
    let windows = nowhere
        .clone()
        .windows([Window::new(8, 60 * SECOND)], [])
        .processes(4);
    let started = Instant::now();
    for _ in 0..2 {
        drop(windows.acquire(&KEY(), SECOND).await.expect("its share"));
    }
    let refused = windows.acquire(&KEY(), SECOND).await;
    assert!(
        matches!(refused, Err(LimitError::NoRoom { .. })),
        "{refused:?}"
    );
    assert!(started.elapsed() < SECOND, "{:?}", started.elapsed());

    let simulator = Simulator::builder().start().await.expect("it starts");
    let client = Client::builder()
        .base_url(simulator.url())
        .rate_limiter(nowhere.strict())
        .build()
        .expect("a client");
    let error = client.current_user().await.expect_err("no Redis");
    assert_eq!(error.kind(), ErrorKind::Limiter);
    assert_eq!(
        error.to_string(),
        "GET /user: the rate limiter failed: Redis at 127.0.0.1:1 does not answer, and the limiter is strict; nothing was sent"
    );
}
