//! One of several processes that share rate limits through Redis: asks as often as it may, for a given time.
//!
//! `wpengine-worker <base URL> <Redis> <tasks> <milliseconds>`, with the credentials in the environment. A request takes 0 to
//! 100 ms on its way. Prints how many calls succeeded and how many failed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use wpengine::{Client, Credentials, RedisWindows, Window, Wire, WireError, WireFuture};

/// The way to the simulator, which takes a while.
#[derive(Debug)]
struct Way(reqwest::Client);

impl Wire for Way {
    fn send(&self, request: Request<Bytes>, _most: usize) -> WireFuture<'_> {
        Box::pin(async move {
            let jitter = Duration::from_millis(fastrand::u64(0..=100));
            tokio::time::sleep(jitter).await;
            let request = reqwest::Request::try_from(request).map_err(broken)?;
            let answer = self.0.execute(request).await.map_err(broken)?;
            let mut whole = Response::new(Bytes::new());
            *whole.status_mut() = answer.status();
            *whole.headers_mut() = answer.headers().clone();
            *whole.body_mut() = answer.bytes().await.map_err(broken)?;
            Ok(whole)
        })
    }
}

fn broken(error: reqwest::Error) -> WireError {
    WireError::Broken(error.into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base_url, redis, tasks, milliseconds] = arguments.as_slice() else {
        return Err("usage: wpengine-worker <base URL> <Redis> <tasks> <milliseconds>".into());
    };
    let until = Instant::now() + Duration::from_millis(milliseconds.parse()?);
    let windows = RedisWindows::new(redis)?
        .per_credentials([Window::new(100, Duration::from_secs(2))])
        .per_account([Window::new(1_000, Duration::from_secs(40))])
        .margin(Duration::from_millis(150))
        .patience(Duration::from_secs(60))
        .trust_empty();
    let client = Client::builder()
        .base_url(base_url)
        .credentials(Credentials::from_env()?)
        .rate_limiter(windows)
        .wire(Arc::new(Way(reqwest::Client::builder()
            .no_proxy()
            .build()?)))
        .build()?;
    let counts = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let tasks: Vec<_> = (0..tasks.parse::<usize>()?)
        .map(|_| {
            let (client, counts) = (client.clone(), Arc::clone(&counts));
            tokio::spawn(async move {
                while let Some(left) = until.checked_duration_since(Instant::now()) {
                    // Whoever waits for a place at the end gives it up.
                    match tokio::time::timeout(left, client.current_user()).await {
                        Ok(Ok(_)) => counts[0].fetch_add(1, Ordering::Relaxed),
                        Ok(Err(_)) => counts[1].fetch_add(1, Ordering::Relaxed),
                        Err(_) => break,
                    };
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    let [succeeded, failed] = &*counts;
    #[expect(clippy::print_stdout, reason = "a program prints")]
    {
        println!(
            "{} {}",
            succeeded.load(Ordering::Relaxed),
            failed.load(Ordering::Relaxed)
        );
    }
    Ok(())
}
