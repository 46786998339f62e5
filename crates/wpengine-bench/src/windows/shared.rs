//! Four processes that share limits through a Redis of this run. The periods are scaled down to seconds. One simulator
//! records when each request arrives.

use std::process::{Child, Stdio};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use wpengine::{Client, limits::Window};
use wpengine_redis::RedisWindows;

use super::Limit;
use crate::Failure;
use crate::Run;
use crate::clients::builder;
use crate::process::{self, Redis, Server};
use crate::table::{Row, Target};

const PROCESSES: usize = 4;
const TASKS: usize = 8;
const LIMITS: [Limit; 2] = [
    (100, Duration::from_secs(2)),
    (1_000, Duration::from_secs(40)),
];
/// Allows for the delay from Redis to the process and on to the service. It is not scaled down with the periods,
/// because that delay does not become shorter.
const MARGIN: Duration = Duration::from_millis(100);
const LEAST_USED: Target = Target::AtLeast(0.95);

/// The arguments of a client process.
#[derive(Debug, clap::Args)]
pub(crate) struct KnockArgs {
    #[arg(long)]
    base_url: String,
    #[arg(long)]
    redis: String,
    #[arg(long)]
    seconds: u64,
}

pub(super) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    // Both durations end between two bursts of the shorter limit. Only the longer run reaches the second window of the
    // longer limit.
    let seconds = if run.quick { 11 } else { 45 };
    let time = Duration::from_secs(seconds);
    let redis = Redis::start()?;
    let mut server = Server::start(1, Duration::ZERO)?;
    let processes = (0..PROCESSES)
        .map(|_| start(&server, &redis, seconds + 1))
        .collect::<Result<Vec<Started>, Failure>>()?;
    for process in processes {
        process.end()?;
    }
    let mut arrivals = server.arrivals()?;
    arrivals.sort_unstable();
    let who = format!("{PROCESSES} processes through Redis for {seconds} s");
    Ok(super::rows(&who, &LIMITS, time, Some(&arrivals), LEAST_USED).into())
}

/// A client process. It is stopped on drop.
struct Started(Child);

fn start(server: &Server, redis: &Redis, seconds: u64) -> Result<Started, Failure> {
    let child = process::myself()?
        .args(["knock", "--base-url", &server.base_url])
        .args(["--redis", &redis.url()])
        .args(["--seconds", &seconds.to_string()])
        .stdin(Stdio::null())
        .spawn()?;
    Ok(Started(child))
}

impl Started {
    /// Waits for its end and fails if it failed.
    fn end(mut self) -> Result<(), Failure> {
        let status = self.0.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::msg(format!("a process ended with {status}")))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends requests without a pause for a number of seconds.
pub(crate) async fn knock(args: &KnockArgs) -> Result<(), Failure> {
    let windows = LIMITS.map(|(limit, period)| Window::new(limit, period));
    let limiter = RedisWindows::new(&args.redis)
        .map_err(|error| Failure::msg(error.to_string()))?
        .windows([windows[0]], [windows[1]])
        .margin(MARGIN)
        .prefix("wpengine-bench");
    let client = builder(&args.base_url)
        .rate_limiter(limiter)
        .rate_limit_wait(Duration::from_secs(60))
        .build()?;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| tokio::spawn(timeout_at(end, ask_without_pause(client.clone()))))
        .collect();
    for task in tasks {
        let ended = task
            .await
            .map_err(|error| Failure::msg(error.to_string()))?;
        // A task ends before the timeout only if it failed.
        if let Ok(Err(failure)) = ended {
            return Err(failure);
        }
    }
    Ok(())
}

async fn ask_without_pause(client: Client) -> Result<(), Failure> {
    // Every request names the account: one that does not counts in no hour.
    let account = client.account(super::ACCOUNT);
    loop {
        account.get().await?;
    }
}
