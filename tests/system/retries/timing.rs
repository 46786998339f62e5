//! The times of retries. All times are virtual.

use std::time::{Duration, SystemTime};

use wpengine::{
    Error, ErrorKind, RetryPolicy,
    types::{CacheType, User},
};

use crate::support::{
    calls::INSTALL,
    clients,
    script::{Script, Turn, json, with_header},
};

const USER: &str = r#"{"id":"u1","email":"jane@example.com"}"#;

/// A service that answers the first request with this status and `Retry-After`, and the next ones with a success.
fn asks_to_wait(status: u16, retry_after: impl Into<String>) -> std::sync::Arc<Script> {
    let retry_after = retry_after.into();
    Script::new(move |number, _| {
        Ok(match number {
            0 => with_header(json(status, "{}"), "retry-after", &retry_after),
            _ => json(200, USER),
        })
    })
}

async fn ask(script: &std::sync::Arc<Script>) -> Result<User, Error> {
    clients::on(script.clone()).current_user().await
}

fn whole_seconds(script: &Script) -> Vec<u64> {
    script.times().iter().map(Duration::as_secs).collect()
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_in_seconds_is_waited_for_with_some_jitter() {
    for status in [429, 503, 500] {
        let script = asks_to_wait(status, "7");
        ask(&script).await.expect("the second attempt");
        let waited = script.times()[1];
        assert!(
            (7_000..7_710).contains(&waited.as_millis()),
            "{status}: {waited:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_as_a_date_is_waited_for() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(60));
    let script = asks_to_wait(429, date);
    ask(&script).await.expect("the second attempt");
    // The date has whole seconds, and some time has passed since it was formatted.
    let waited = script.times()[1].as_secs_f64();
    assert!((55.0..=66.1).contains(&waited), "{waited}");

    let script = asks_to_wait(503, "Wed, 21 Oct 2015 07:28:00 GMT");
    ask(&script).await.expect("the second attempt");
    assert!(script.times()[1] < Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn an_absurd_retry_after_ends_the_call_with_its_error() {
    const YEAR: u64 = 365 * 24 * 3_600;
    for (absurd, least) in [
        ("300", 300),
        ("86400", 86_400),
        ("18446744073709551615", YEAR),
        // The number does not fit into 64 bits, but it still means a very long wait.
        ("99999999999999999999999999", YEAR),
        ("Fri, 31 Dec 2100 23:59:59 GMT", YEAR),
    ] {
        let script = asks_to_wait(429, absurd);
        let error = ask(&script).await.expect_err("nobody waits that long");
        assert!(error.is_rate_limited());
        assert_eq!(script.count(), 1, "{absurd}");
        let asked = error.retry_after().expect("what the service asked for");
        assert_eq!(asked.as_secs(), least, "{absurd}");
        // The wait can be added to the current time without an overflow.
        assert!(std::time::Instant::now().checked_add(asked).is_some());
        assert!(script.times()[0].is_zero());
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_says_how_long_a_retry_after_may_be() {
    let second = Duration::from_secs(1);
    let script = asks_to_wait(429, "200");
    let client = clients::on(script.clone());
    let call = client.current_user().timeout(second);
    call.rate_limit_wait(230 * second).await.expect("it waits");
    assert!((200..=220).contains(&whole_seconds(&script)[1]));

    let script = asks_to_wait(429, "2");
    let client = clients::on(script.clone());
    let hasty = client.current_user().timeout(second);
    let error = hasty.await.expect_err("too long");
    assert_eq!(error.retry_after(), Some(2 * second));
    assert_eq!(script.count(), 1);

    // The extra time applies only to the rate limit.
    let script = asks_to_wait(503, "2");
    let client = clients::on(script.clone());
    let call = client.current_user().timeout(second);
    call.rate_limit_wait(60 * second).await.expect_err("503");
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_429_without_a_time_pauses_for_a_minute_and_then_doubles_within_the_deadline() {
    for nonsense in ["soon", "-1", "1.5", ""] {
        let script = asks_to_wait(429, nonsense);
        ask(&script).await.expect("the second attempt");
        assert_eq!(whole_seconds(&script), [0, 60], "{nonsense}");
    }
    let script = Script::always(Turn::Status(429));
    let error = clients::on(script.clone()).current_user().await;
    assert!(error.expect_err("429").is_rate_limited());
    assert_eq!(whole_seconds(&script), [0, 60, 180]);
    // A 429 costs time but does not count as an attempt.
    let script = Script::then(&[Turn::Status(429); 2], USER);
    let client = clients::on(script.clone());
    let twice = RetryPolicy::default().max_attempts(2);
    client.current_user().retry(twice).await.expect("an answer");
    assert_eq!(script.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn retries_end_with_their_time_limit() {
    let script = Script::always(Turn::Status(503));
    let client = clients::on(script.clone());
    client.current_user().await.expect_err("503");
    let last = *script.times().last().expect("attempts");
    assert!(last <= Duration::from_secs(61), "{last:?}");
    assert!(script.count() > 3, "{}", script.count());
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_does_not_make_a_write_safe_to_repeat() {
    let script = asks_to_wait(503, "1");
    let client = clients::on(script.clone());
    let error = client
        .sites()
        .create("A site", "a1")
        .await
        .expect_err("503");
    assert_eq!(script.count(), 1);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn the_two_limits_by_install_wait_for_their_window() {
    let script = Script::always(Turn::Status(429));
    let install = clients::on(script.clone()).install(INSTALL);
    install
        .purge_cache(CacheType::Object)
        .await
        .expect_err("429");
    assert_eq!(whole_seconds(&script), [0, 60, 120, 180, 240]);

    let script = Script::always(Turn::Status(429));
    let install = clients::on(script.clone()).install(INSTALL);
    let check = install.domain("d1").check_status();
    let check = check.timeout(Duration::from_secs(18));
    check.await.expect_err("429");
    assert_eq!(whole_seconds(&script), [0, 5, 10, 15]);

    // The `Retry-After` of the service takes precedence.
    let script = Script::new(|_, _| Ok(with_header(json(429, "{}"), "retry-after", "3")));
    let install = clients::on(script.clone()).install(INSTALL);
    install
        .purge_cache(CacheType::Object)
        .timeout(Duration::from_secs(5))
        .await
        .expect_err("429");
    assert_eq!(whole_seconds(&script), [0, 3]);
}

#[tokio::test(start_paused = true)]
async fn the_waits_grow_stay_within_their_limits_and_differ() {
    let mut first_waits = Vec::new();
    for _ in 0..20 {
        let script = Script::always(Turn::Status(503));
        let policy = RetryPolicy::default()
            .max_attempts(6)
            .first_wait(Duration::from_secs(1))
            .longest_wait(Duration::from_secs(3));
        let client = clients::builder_on(script.clone())
            .retry(policy)
            .build()
            .expect("a client");
        let error = client.current_user().await.expect_err("503");
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Api, 6));
        let times = script.times();
        let waits: Vec<_> = times
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64())
            .collect();
        for (wait, most) in waits.iter().zip([1.0, 2.0, 3.0, 3.0, 3.0]) {
            // The clock of tokio has a resolution of one millisecond and rounds up.
            assert!(*wait <= most + 0.002, "{waits:?}");
        }
        first_waits.push((waits[0] * 1000.0) as u64);
    }
    first_waits.sort_unstable();
    first_waits.dedup();
    assert!(first_waits.len() > 5, "no jitter: {first_waits:?}");
}
