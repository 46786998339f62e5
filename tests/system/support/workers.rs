//! Several processes that share rate limits, against one simulator that records when each request arrives.

use std::{process::Stdio, time::Duration};

use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use wpengine_sim::{ClockMode, RateLimits, Simulator};

pub(crate) struct Workers {
    pub(crate) simulator: Simulator,
    children: Vec<Child>,
    speed: f64,
}

/// The result of the workers' calls.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    /// When the requests arrived, in seconds after the first one.
    pub(crate) arrivals: Vec<f64>,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) refused: u64,
    /// The duration of the slowest call, including its waits.
    pub(crate) slowest: Duration,
}

impl Workers {
    /// Starts worker processes of 8 tasks each. They share a rate limit of `limit` requests per `period` through
    /// `limiter`.
    pub(crate) async fn start(
        processes: usize,
        limiter: &str,
        seconds: f64,
        limit: usize,
        period: Duration,
    ) -> Self {
        // The clock is accelerated so that its minute lasts one period. The simulator refuses requests above the limit.
        let speed = 60.0 / period.as_secs_f64();
        let simulator = Simulator::builder()
            .clock(ClockMode::Accelerated(speed))
            .rate_limits(RateLimits::none().by_address(limit as u32))
            .start()
            .await
            .expect("it starts");
        let children = (0..processes)
            .map(|_| {
                Command::new(env!("CARGO_BIN_EXE_wpengine-worker"))
                    .args([&simulator.url(), limiter, "8"])
                    .arg(seconds.to_string())
                    .arg(limit.to_string())
                    .arg(period.as_millis().to_string())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()
                    .expect("a worker")
            })
            .collect();
        Self {
            simulator,
            children,
            speed,
        }
    }

    /// What the workers warn of until they end.
    pub(crate) async fn warnings(&mut self) -> String {
        let mut warnings = String::new();
        for child in &mut self.children {
            let pipe = child.stderr.as_mut().expect("a pipe");
            pipe.read_to_string(&mut warnings).await.expect("text");
        }
        warnings
    }

    pub(crate) async fn end(self) -> Ended {
        let mut ended = Ended::default();
        for child in self.children {
            let output = child.wait_with_output().await.expect("a worker");
            assert!(output.status.success(), "{output:?}");
            let text = String::from_utf8(output.stdout).expect("text");
            let numbers: Vec<u64> = text
                .split_whitespace()
                .map(|word| word.parse().expect("a number"))
                .collect();
            ended.succeeded += numbers[0];
            ended.failed += numbers[1];
            ended.refused += numbers[2];
            ended.slowest = ended.slowest.max(Duration::from_millis(numbers[3]));
        }
        let mut arrivals: Vec<_> = self
            .simulator
            .requests()
            .iter()
            .map(|request| request.at)
            .collect();
        arrivals.sort();
        let first = arrivals[0];
        ended.arrivals = arrivals
            .into_iter()
            .map(|at| at.duration_since(first).as_secs_f64() / self.speed)
            .collect();
        ended
    }
}

/// Returns how many requests arrived too early: they exceed the limit in some window, wherever that window begins.
pub(crate) fn exceeding(arrivals: &[f64], limit: usize, period: Duration) -> usize {
    arrivals
        .windows(limit + 1)
        .filter(|stretch| stretch[limit] - stretch[0] < period.as_secs_f64())
        .count()
}

#[test]
fn one_too_many_is_seen_wherever_its_window_begins() {
    let minute = Duration::from_secs(60);
    assert_eq!(exceeding(&[0.0, 50.0, 55.0, 60.0], 3, minute), 0);
    assert_eq!(exceeding(&[0.0, 50.0, 55.0, 59.0], 3, minute), 1);
}
