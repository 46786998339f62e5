//! A worker process of the rate limit tests. Several of them share one limit, through Redis or a file.
//!
//! Usage: `wpengine-worker <base URL with credentials> <redis://... or a path> <tasks> <seconds> <limit>
//! <milliseconds>`. The worker requests an account in a loop for `seconds`. The rate limit is `limit` requests in
//! `milliseconds`. Each request is delayed by 0 to 100 ms. The worker prints the number of calls that succeeded, failed
//! and were throttled, and the duration of the slowest call in milliseconds.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::Request;
use wpengine::{
    Client, ClientBuilder,
    limits::{FileWindows, Window},
    transport::{HttpClient, ResponseFuture},
};
use wpengine_redis::RedisWindows;

const ACCOUNT: &str = "eeda3227-9a39-46ae-9e14-20958bb4e6c9";

/// Delays each request on its way to the simulator.
#[derive(Debug)]
struct Way(Arc<dyn HttpClient>);

impl HttpClient for Way {
    fn send(&self, request: Request<bytes::Bytes>, max_size: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=100))).await;
            self.0.send(request, max_size).await
        })
    }
}

#[derive(Default)]
struct Counts {
    succeeded: u64,
    failed: u64,
    slowest: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, limiter, tasks, seconds, limit, period] = arguments.as_slice() else {
        return Err("six arguments, as the source says".into());
    };
    let until = Instant::now() + Duration::from_secs_f64(seconds.parse()?);
    let window = Window::new(limit.parse()?, Duration::from_millis(period.parse()?));
    let client = limited(Client::builder().base_url(url), limiter, window)?
        .wrap(Way)
        .rate_limit_wait(Duration::from_secs(60))
        .build()?;
    let counts = Arc::new(Mutex::new(Counts::default()));
    let tasks: Vec<_> = (0..tasks.parse::<usize>()?)
        .map(|_| tokio::spawn(work(client.clone(), until, Arc::clone(&counts))))
        .collect();
    for task in tasks {
        task.await?;
    }
    let counts = counts.lock().map_err(|error| error.to_string())?;
    #[expect(clippy::print_stdout, reason = "a program prints")]
    {
        println!(
            "{} {} {} {}",
            counts.succeeded,
            counts.failed,
            client.counters().throttled,
            counts.slowest.as_millis()
        );
    }
    Ok(())
}

fn limited(
    builder: ClientBuilder,
    limiter: &str,
    window: Window,
) -> Result<ClientBuilder, Box<dyn std::error::Error>> {
    let margin = Duration::from_millis(400);
    Ok(if limiter.starts_with("redis://") {
        let windows = RedisWindows::new(limiter)?.windows([window], []);
        builder.rate_limiter(windows.margin(margin).processes(4))
    } else {
        let windows = FileWindows::new(PathBuf::from(limiter)).windows([window], []);
        builder.rate_limiter(windows.margin(margin))
    })
}

async fn work(client: Client, until: Instant, counts: Arc<Mutex<Counts>>) {
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        let started = Instant::now();
        // A call that is still waiting for the rate limit at the end is cancelled.
        let asked = tokio::time::timeout(left, client.account(ACCOUNT).get()).await;
        let Ok(mut counts) = counts.lock() else {
            return;
        };
        match asked {
            Ok(Ok(_)) => counts.succeeded += 1,
            Ok(Err(_)) => counts.failed += 1,
            Err(_) => return,
        }
        counts.slowest = counts.slowest.max(started.elapsed());
    }
}
