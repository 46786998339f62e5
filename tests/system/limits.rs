//! Rate limits of a client. The requests are counted where they arrive.

use std::{
    future::IntoFuture,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use tokio::time::Instant;
use wpengine::{
    Client, Credentials, ErrorKind,
    limits::{Window, Windows},
    transport::{HttpClient, ResponseFuture},
};

use crate::support::{
    clients::{self, BASE_URL},
    script::{self, Script},
    simulated::{self, Simulated},
    workers::{Workers, exceeding},
};

const USER: &str = r#"{"id":"u","email":"joe@example.com"}"#;
const HOUR: Duration = Duration::from_secs(3600);

/// Records when requests arrive, up to a tenth of a second after they were sent, and answers some time later.
#[derive(Debug)]
struct Arrivals {
    start: Instant,
    seen: Mutex<(u64, Vec<Duration>)>,
}

impl Arrivals {
    fn random(&self, below: u64) -> u64 {
        let (state, _) = &mut *self.seen.lock().unwrap();
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 33) % below
    }
}

impl HttpClient for Arrivals {
    fn send(&self, _request: Request<Bytes>, _most: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(self.random(101))).await;
            self.seen.lock().unwrap().1.push(self.start.elapsed());
            tokio::time::sleep(Duration::from_millis(self.random(1300))).await;
            Ok(script::json(200, r#"{"id":"a","name":"An account"}"#))
        })
    }
}

fn builder(wire: Arc<dyn HttpClient>) -> wpengine::ClientBuilder {
    Client::builder()
        .base_url(BASE_URL)
        .credentials(Credentials::basic("test-user", "test-password"))
        .http_client(wire)
        .rate_limiter(Windows::default())
        .rate_limit_wait(2 * HOUR)
}

#[tokio::test(start_paused = true)]
async fn in_ten_hours_no_window_is_exceeded_and_the_budget_is_used() {
    let start = Instant::now();
    let arrivals = Arc::new(Arrivals {
        start,
        seen: Mutex::new((7, Vec::new())),
    });
    let client = builder(arrivals.clone()).build().unwrap();
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                while start.elapsed() < 10 * HOUR {
                    client.account("a").get().await.expect("an answer");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut arrived = arrivals.seen.lock().unwrap().1.clone();
    arrived.sort();
    for (limit, period) in [(100, Duration::from_secs(60)), (1000, HOUR)] {
        for stretch in arrived.windows(limit + 1) {
            assert!(
                stretch[limit] - stretch[0] >= period,
                "{} requests in {:?}",
                limit + 1,
                stretch[limit] - stretch[0]
            );
        }
    }
    let used = arrived.iter().filter(|at| **at < 10 * HOUR).count();
    assert!(used >= 9_800, "{used} of 10000");
    let counters = client.counters();
    assert_eq!(counters.calls, arrived.len() as u64);
    assert!(counters.limited > 0 && counters.limited_for > HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_time_for_the_rate_limit_fails_at_once_and_one_with_time_waits() {
    let script = Script::answering(USER);
    let client = builder(script.clone())
        .rate_limit_wait(Duration::ZERO)
        .timeout(Duration::from_secs(2))
        .build()
        .unwrap();
    for _ in 0..100 {
        client.current_user().await.unwrap();
    }
    assert_eq!(client.rate_limit_state(None)[0].left, 0);
    let start = Instant::now();
    let error = client.current_user().await.unwrap_err();
    assert!(start.elapsed() < Duration::from_millis(50));
    assert_eq!(error.kind(), ErrorKind::RateLimit);
    assert!(error.is_rate_limited() && !error.may_have_happened());
    assert_eq!((error.attempts(), script.count()), (0, 100));
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(61));
    assert_eq!(
        error.to_string(),
        "GET /user: the rate limit leaves no room within the 2 s that this call may still wait; there is room in 61 s; nothing was sent; send fewer requests, or allow the wait with `rate_limit_wait`"
    );
    let patient = client
        .current_user()
        .rate_limit_wait(Duration::from_secs(120));
    patient.await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 61);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_limit_is_not_the_time_of_the_call() {
    let script = Script::answering(USER);
    let client = builder(script)
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    for _ in 0..101 {
        client.current_user().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_429_pauses_every_clone_and_they_do_not_come_back_together() {
    let script = Script::new(|turn, _| {
        Ok(if turn == 0 {
            let mut answer = script::json(429, r#"{"message":"Too Many Requests"}"#);
            answer
                .headers_mut()
                .insert("retry-after", http::HeaderValue::from_static("20"));
            answer
        } else {
            script::json(200, USER)
        })
    });
    let client = builder(script.clone()).build().unwrap();
    let first = client.clone();
    let first = tokio::spawn(async move { first.current_user().await });
    tokio::time::sleep(Duration::from_millis(1)).await;
    let rest: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.current_user().await })
        })
        .collect();
    first.await.unwrap().unwrap();
    for call in rest {
        call.await.unwrap().unwrap();
    }
    let times = script.times();
    assert_eq!(times.len(), 12);
    for pair in times[1..].windows(2) {
        assert!(pair[0] >= Duration::from_secs(20), "{times:?}");
        assert!(pair[1] - pair[0] >= Duration::from_millis(500), "{times:?}");
    }
    assert_eq!(client.counters().throttled, 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_install_pauses_nobody_else() {
    let script = Script::new(|_, request| {
        Ok(if request.uri().path().ends_with("/purge_cache") {
            script::json(429, r#"{"message":"Object cache purges are rate-limited"}"#)
        } else {
            script::json(200, USER)
        })
    });
    let client = builder(script.clone()).build().unwrap();
    let error = client
        .install("i1")
        .purge_cache(wpengine::types::CacheType::Object)
        .retry(wpengine::RetryPolicy::none())
        .await
        .unwrap_err();
    assert!(error.is_rate_limited());
    let start = Instant::now();
    client.current_user().await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn when_everything_fails_the_budget_runs_out_and_calls_fail_after_one_attempt() {
    let script = Script::always(script::Turn::Status(503));
    let client = builder(script.clone())
        .no_rate_limiter()
        .retry(clients::four_attempts())
        .retry_budget(10)
        .build()
        .unwrap();
    let mut attempts = Vec::new();
    for _ in 0..6 {
        attempts.push(client.clone().current_user().await.unwrap_err().attempts());
    }
    assert_eq!(attempts, [4, 4, 4, 2, 1, 1]);
}

/// A transport that delays each request.
#[derive(Debug)]
struct Slow(Simulated);

impl HttpClient for Slow {
    fn send(&self, request: Request<Bytes>, most: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            self.0.send(request, most).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_reads_ahead_keeps_no_other_call_waiting() {
    let simulator = wpengine_sim::Simulator::builder().fleet(1, 60, 60).build();
    let few = wpengine::limits::Windows::new(
        [wpengine::limits::Window::new(10, Duration::from_secs(1))],
        [],
    );
    let client = simulated::builder(&simulator)
        .http_client(Arc::new(Slow(Simulated(simulator))))
        .rate_limiter(few)
        .build()
        .unwrap();
    let mut installs = client.installs().list().page_size(5).concurrency(4).items();
    let mut read = 0;
    // A page that was fetched ahead is not polled while the loop waits for another call.
    while let Some(install) = installs.try_next().await.unwrap() {
        let asked = client.install(&install.id).get();
        let asked = asked.timeout(Duration::from_secs(60)).into_future();
        let answer = tokio::time::timeout(Duration::from_secs(60), asked).await;
        answer.expect("it gets its turn").unwrap();
        read += 1;
    }
    assert_eq!(read, 60);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_takes_no_place() {
    let script = Script::answering(USER);
    let few = wpengine::limits::Windows::new(
        [wpengine::limits::Window::new(1, Duration::from_secs(60))],
        [],
    );
    let client = builder(script.clone()).rate_limiter(few).build().unwrap();
    client.current_user().await.unwrap();
    for _ in 0..5 {
        let waits = client.current_user().into_future();
        assert!(
            tokio::time::timeout(Duration::from_secs(5), waits)
                .await
                .is_err()
        );
    }
    tokio::task::yield_now().await;
    assert_eq!(client.rate_limit_state(None)[0].waiting, 0);
    let start = Instant::now();
    client.current_user().await.unwrap();
    assert!(
        start.elapsed() <= Duration::from_secs(61),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_clients_that_share_a_limiter_exceed_no_window() {
    let script = Script::answering(USER);
    let second = Duration::from_secs(1);
    let windows = Arc::new(Windows::new([Window::new(100, second)], []));
    let clients = [(); 2].map(|()| {
        let builder = builder(script.clone()).rate_limiter(Arc::clone(&windows));
        builder.build().unwrap()
    });
    let calls: Vec<_> = (0..300)
        .map(|number| {
            let client = clients[number % 2].clone();
            tokio::spawn(async move { client.current_user().await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let times = script.times();
    assert_eq!(times.len(), 300);
    for stretch in times.windows(101) {
        assert!(stretch[100] - stretch[0] >= second, "{stretch:?}");
    }
}

/// The calls of a runtime that no longer runs are not polled. They wait for the rate limit.
#[test]
fn calls_that_nobody_polls_hold_up_no_other_runtime() {
    let idle = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let script = Script::answering(USER);
    let tight = Duration::from_millis(200);
    let windows = Windows::new([Window::new(2, tight)], []).margin(tight / 2);
    let client = builder(script.clone())
        .rate_limiter(windows)
        .build()
        .unwrap();
    let mut given_up = Vec::new();
    idle.block_on(async {
        for _ in 0..2 {
            client.current_user().await.unwrap();
        }
        for _ in 0..10 {
            let client = client.clone();
            given_up.push(tokio::spawn(async move { client.current_user().await }));
        }
        tokio::task::yield_now().await;
    });
    assert_eq!(client.rate_limit_state(None)[0].waiting, 10);
    // The first runtime does not run from here on.
    let busy = tokio::runtime::Runtime::new().unwrap();
    let started = std::time::Instant::now();
    busy.block_on(async {
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let client = client.clone();
                tokio::spawn(async move { client.current_user().await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
    });
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(script.count(), 10);
}

#[tokio::test]
async fn eight_processes_that_share_a_file_exceed_no_window() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("cache").join("limits.json");
    let (limit, second) = (100, Duration::from_secs(1));
    let workers = Workers::start(8, file.to_str().unwrap(), 9.0, limit, second).await;
    let ended = workers.end().await;
    assert_eq!((ended.failed, ended.refused), (0, 0), "{ended:?}");
    assert_eq!(exceeding(&ended.arrivals, limit, second), 0);
    assert!(ended.succeeded >= 400, "{}", ended.succeeded);
}
