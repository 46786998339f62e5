//! Four processes under load, with a Redis that is killed, hangs and comes back.

use std::{io::Write, time::Duration};

use tokio::time::sleep;

use super::server::{Data, RedisServer};
use crate::support::workers::{Ended, Workers, exceeding};

/// The rate limit of four processes with 8 tasks each.
const LIMIT: usize = 100;
const PERIOD: Duration = Duration::from_secs(2);

fn report(what: &str, ended: &Ended, limit: usize) {
    let Ended {
        arrivals,
        succeeded,
        failed,
        refused,
        slowest,
    } = ended;
    let _ = writeln!(
        std::io::stderr(),
        "{what}: {} requests, {succeeded} calls succeeded, {failed} failed, {refused} times 429, {} beyond the limit, the slowest call took {slowest:?}",
        arrivals.len(),
        exceeding(arrivals, limit, PERIOD),
    );
}

#[tokio::test]
async fn four_processes_exceed_no_window_and_use_it() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let workers = Workers::start(4, &redis.url(), 12.0, LIMIT, PERIOD).await;
    let ended = workers.end().await;
    report("four processes", &ended, LIMIT);
    assert_eq!(exceeding(&ended.arrivals, LIMIT, PERIOD), 0);
    assert_eq!(ended.failed, 0);
    // 11 s contain 5 windows and the margins between them.
    let used = ended.arrivals.iter().filter(|at| **at < 11.0).count();
    assert!(used >= 480, "{used}");
}

/// Runs the processes while Redis fails. No call waits for these large windows, so the slowest call shows the wait for
/// Redis.
async fn troubled(what: &str, data: Data, trouble: impl AsyncFnOnce(&mut RedisServer)) {
    let Some(mut redis) = RedisServer::start(data).await else {
        return;
    };
    let workers = Workers::start(4, &redis.url(), 9.0, 100_000, PERIOD).await;
    sleep(Duration::from_secs(2)).await;
    trouble(&mut redis).await;
    let ended = workers.end().await;
    report(what, &ended, 100_000);
    assert_eq!(ended.failed, 0);
    assert!(ended.succeeded > 500, "{ended:?}");
    // One second for Redis, plus the time of a call without Redis on a busy machine.
    assert!(
        ended.slowest < Duration::from_millis(1_900),
        "{:?}",
        ended.slowest
    );
}

#[tokio::test]
async fn no_call_fails_or_waits_for_a_redis_that_is_killed_and_restarted() {
    for data in [Data::Kept, Data::Lost] {
        troubled(&format!("killed, data {data:?}"), data, async |redis| {
            redis.kill().await;
            sleep(Duration::from_secs(2)).await;
            redis.start_again().await;
            sleep(Duration::from_secs(1)).await;
            redis.kill().await;
            redis.start_again().await;
        })
        .await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn no_call_fails_or_waits_for_a_redis_that_hangs() {
    troubled("stopped", Data::Lost, async |redis| {
        redis.signal("STOP").await;
        sleep(Duration::from_secs(4)).await;
        redis.signal("CONT").await;
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_is_restarted_empty_under_load_costs_429s_at_the_most() {
    let Some(mut redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let workers = Workers::start(4, &redis.url(), 12.0, LIMIT, PERIOD).await;
    sleep(Duration::from_secs(3)).await;
    redis.kill().await;
    sleep(Duration::from_secs(1)).await;
    redis.start_again().await;
    let ended = workers.end().await;
    report("restarted empty", &ended, LIMIT);
    assert_eq!(ended.failed, 0);
    let used = ended.arrivals.iter().filter(|at| **at < 11.0).count();
    assert!(used >= 400, "{used}");
}

#[tokio::test]
async fn a_redis_that_evicts_keys_is_said_once() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let (memory, policy) = ("maxmemory", "maxmemory-policy");
    let () = redis
        .command(&["CONFIG", "SET", memory, "100mb", policy, "allkeys-lru"])
        .await;
    let mut workers = Workers::start(1, &redis.url(), 3.0, LIMIT, PERIOD).await;
    // The worker connects, loses its connection, and connects again.
    for _ in 0..2 {
        loop {
            let clients: String = redis.command(&["CLIENT", "LIST", "TYPE", "normal"]).await;
            if clients.lines().any(|client| client.contains("cmd=evalsha")) {
                break;
            }
        }
        let killed: u64 = redis.command(&["CLIENT", "KILL", "TYPE", "normal"]).await;
        assert!(killed > 0);
    }
    let warnings = workers.warnings().await;
    let said = warnings.lines().filter(|line| line.contains("evicts keys"));
    assert_eq!(said.count(), 1, "{warnings}");
    assert_eq!(workers.end().await.failed, 0);
}
