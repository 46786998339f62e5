//! 32 tasks in one process, with the default limits. It runs in memory for hours of simulated time, with a latency of
//! 0 to 100 ms in each direction.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::time::Instant;
use wpengine::{
    Client,
    limits::Windows,
    transport::{HttpClient, HttpError, ResponseFuture},
};
use wpengine_sim::Simulator;

use super::Limit;
use crate::Failure;
use crate::Run;
use crate::clients::builder;
use crate::server::{PASSWORD, USER};
use crate::table::{Row, Target};

const TASKS: usize = 32;
const LIMITS: [Limit; 2] = [
    (100, Duration::from_secs(60)),
    (1_000, Duration::from_secs(3_600)),
];
const LEAST_USED: Target = Target::AtLeast(0.98);

pub(super) fn measure(run: &Run) -> Result<Vec<Row>, Failure> {
    let hours = if run.quick { 3 } else { 10 };
    let time = Duration::from_secs(hours * 3_600);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    let arrivals = runtime.block_on(arrivals(time))?;
    let who = format!("{TASKS} tasks in one process for {hours} simulated hours");
    Ok(super::rows(&who, &LIMITS, time, Some(&arrivals), LEAST_USED).into())
}

/// When the requests of all tasks arrived.
async fn arrivals(time: Duration) -> Result<Vec<Duration>, Failure> {
    let simulator = Simulator::builder().credentials(USER, PASSWORD).build();
    let way = Arc::new(Way {
        arrivals: Mutex::default(),
        random: Mutex::new(fastrand::Rng::with_seed(7)),
        began: Instant::now(),
        simulator,
    });
    let client = builder(&way.simulator.base_url())
        .http_client(Arc::clone(&way) as Arc<dyn HttpClient>)
        // Neither a base URL on this machine nor a transport of one's own has a limiter by default.
        .rate_limiter(Windows::default())
        .rate_limit_wait(LIMITS[1].1)
        .build()?;
    let end = way.began + time;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| tokio::spawn(ask_without_pause(client.clone(), end)))
        .collect();
    for task in tasks {
        task.await
            .map_err(|error| Failure::msg(error.to_string()))??;
    }
    let mut arrivals = way.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
    arrivals.sort_unstable();
    Ok(std::mem::take(&mut arrivals))
}

async fn ask_without_pause(client: Client, end: Instant) -> Result<(), Failure> {
    // Every request names the account: one that does not counts in no hour.
    let account = client.account(super::ACCOUNT);
    while Instant::now() < end {
        account.get().await?;
    }
    Ok(())
}

/// The transport to a simulator in memory.
struct Way {
    arrivals: Mutex<Vec<Duration>>,
    random: Mutex<fastrand::Rng>,
    began: Instant,
    simulator: Simulator,
}

impl Way {
    fn jitter(&self) -> Duration {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(random.u64(0..=100))
    }
}

impl HttpClient for Way {
    fn send(&self, request: Request<Bytes>, _most: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            tokio::time::sleep(self.jitter()).await;
            self.arrivals
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(self.began.elapsed());
            let answer = self.simulator.exchange(request).await;
            tokio::time::sleep(self.jitter()).await;
            answer.map_err(|broken| HttpError::Broken(broken.into()))
        })
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way")
    }
}
