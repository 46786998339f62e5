//! Four processes, one Redis: counted where the requests arrive, which takes them 0 to 100 ms.

use std::{process::Stdio, time::Duration};

use tokio::{process::Command, time::sleep};
use wpengine_sim::Simulator;

use super::server::{Data, RedisServer};

/// The windows of the workers.
const WINDOWS: [(usize, f64); 2] = [(100, 2.0), (1_000, 40.0)];

struct Fleet {
    simulator: Simulator,
    workers: Vec<tokio::process::Child>,
}

impl Fleet {
    async fn start(redis: &str, time: Duration) -> Self {
        let simulator = Simulator::builder().start().await.expect("it starts");
        let workers = (0..4)
            .map(|_| {
                Command::new(env!("CARGO_BIN_EXE_wpengine-worker"))
                    .args([&simulator.base_url(), redis, "8"])
                    .arg(time.as_millis().to_string())
                    .env("WPE_API_USER_ID", simulator.user())
                    .env("WPE_API_PASSWORD", simulator.password())
                    .stdout(Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()
                    .expect("a worker")
            })
            .collect();
        Self { simulator, workers }
    }

    /// When requests arrived, in seconds since the first; and how many calls succeeded and failed.
    async fn end(self) -> (Vec<f64>, [u64; 2]) {
        let mut calls = [0, 0];
        for worker in self.workers {
            let output = worker.wait_with_output().await.expect("a worker");
            assert!(output.status.success(), "{output:?}");
            let text = String::from_utf8(output.stdout).expect("text");
            for (sum, word) in calls.iter_mut().zip(text.split_whitespace()) {
                *sum += word.parse::<u64>().expect("a number");
            }
        }
        let mut arrivals: Vec<_> = self
            .simulator
            .requests()
            .iter()
            .map(|request| request.at)
            .collect();
        arrivals.sort();
        let first = arrivals[0];
        let since = |at: jiff::Timestamp| at.duration_since(first).as_secs_f64();
        (arrivals.into_iter().map(since).collect(), calls)
    }
}

fn assert_none_exceeded(arrivals: &[f64]) {
    for (limit, period) in WINDOWS {
        for (index, arrival) in arrivals.iter().enumerate().skip(limit) {
            let before = arrivals[index - limit];
            assert!(
                arrival - before >= period,
                "more than {limit} in {period} s: {} requests from {before:.3} to {arrival:.3} s",
                limit + 1
            );
        }
    }
}

/// How many requests could have arrived at most until then, with nothing lost.
fn budget(until: f64) -> usize {
    let bursts = |period: f64| 1 + (until / period) as usize;
    let of_the_long = bursts(WINDOWS[1].1) - 1;
    let rest = until - of_the_long as f64 * WINDOWS[1].1;
    let (limit, period) = WINDOWS[0];
    of_the_long * WINDOWS[1].0 + (limit * (1 + (rest / period) as usize)).min(WINDOWS[1].0)
}

fn report(what: &str, arrivals: &[f64], until: f64) -> f64 {
    let used = arrivals.iter().filter(|arrival| **arrival <= until).count();
    let share = used as f64 / budget(until) as f64;
    use std::io::Write;
    let _ = writeln!(
        std::io::stderr(),
        "{what}: {used} of {} requests in {until} s, {:.1} %",
        budget(until),
        share * 100.0
    );
    share
}

#[tokio::test]
async fn four_processes_exceed_no_window_and_use_the_budget() {
    let Some(redis) = RedisServer::start(Data::Lost).await else {
        return;
    };
    let fleet = Fleet::start(&redis.url(), Duration::from_millis(42_000)).await;
    let (arrivals, [succeeded, failed]) = fleet.end().await;
    assert_none_exceeded(&arrivals);
    assert_eq!(failed, 0);
    assert!(succeeded as usize <= arrivals.len());
    assert!(report("four processes", &arrivals, 41.0) >= 0.95);
}

#[tokio::test]
async fn a_redis_that_is_killed_and_comes_back_with_its_data_exceeds_no_window() {
    restarted(Data::Kept).await;
}

#[tokio::test]
async fn a_redis_that_is_killed_and_comes_back_empty_exceeds_no_window() {
    restarted(Data::Lost).await;
}

async fn restarted(data: Data) {
    let Some(mut redis) = RedisServer::start(data).await else {
        return;
    };
    let fleet = Fleet::start(&redis.url(), Duration::from_secs(27)).await;
    // At any time: in the middle of a burst, between two, and twice in a row.
    for (before, down) in [(4_300, 500), (3_100, 0), (900, 1_200)] {
        sleep(Duration::from_millis(before)).await;
        redis.kill().await;
        sleep(Duration::from_millis(down)).await;
        redis.start_again().await;
    }
    let (arrivals, [_, failed]) = fleet.end().await;
    assert_none_exceeded(&arrivals);
    assert_eq!(failed, 0, "they wait for Redis");
    let what = format!("restarted three times, data {data:?}");
    report(&what, &arrivals, 15.0);
    let used = report(&what, &arrivals, 26.0);
    assert!(used >= 0.6, "they go on after a restart");
}

#[test]
fn the_budget_is_what_a_perfect_client_could_use() {
    assert_eq!(budget(0.0), 100);
    assert_eq!(budget(3.9), 200);
    assert_eq!(budget(30.0), 1_000);
    assert_eq!(budget(41.0), 1_100);
    assert_eq!(budget(60.0), 2_000);
}
