//! The transport to the simulator. It adds latency, applies the fault of a call to the call's first request only, and
//! records what the simulator did for each call.

use std::{
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use tokio::time::{Instant, sleep};
use wpengine::{
    operation::Operation,
    transport::{HttpClient, HttpError, ResponseFuture},
};
use wpengine_sim::{Fault, Simulator};

/// The record of a call that a task is making.
#[derive(Default)]
pub(super) struct Progress {
    /// The fault of the call's first request.
    fault: Option<Fault>,
    /// Whether the fault acted. A fault of the body does not act on an empty body.
    pub(super) has_fired: bool,
    /// The number of requests of the operation itself.
    pub(super) requests: u64,
    /// The number of other requests, in which the client checked whether the operation was done.
    pub(super) looks: u64,
    /// The number of writes that the simulator did.
    pub(super) effects: u64,
    operation: Option<&'static Operation>,
}

tokio::task_local! {
    /// The call of this task.
    pub(super) static CALL: Arc<Mutex<Progress>>;
}

/// The transport.
pub(super) struct Way {
    simulator: Simulator,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    /// The arrival times of the last requests, one more than the limit of a minute.
    arrivals: VecDeque<Instant>,
    /// The shortest time in which one request more than the limit of a minute arrived.
    tightest: Duration,
    arrived: u64,
}

/// The documented limit of requests in a minute.
const A_MINUTE: usize = 100;

impl Progress {
    /// Creates the record of a call of an operation, with the fault of its first request.
    pub(super) fn of(operation: &'static Operation, fault: Option<Fault>) -> Self {
        Self {
            operation: Some(operation),
            fault,
            ..Self::default()
        }
    }
}

impl Way {
    pub(super) fn new(simulator: Simulator, seed: u64) -> Self {
        Self {
            simulator,
            state: Mutex::new(State {
                random: fastrand::Rng::with_seed(seed),
                arrivals: VecDeque::new(),
                tightest: Duration::MAX,
                arrived: 0,
            }),
        }
    }

    /// Returns the number of requests that have arrived.
    pub(super) fn arrived(&self) -> u64 {
        lock(&self.state).arrived
    }

    /// Returns the shortest time in which one request more than the limit of a minute arrived.
    pub(super) fn tightest(&self) -> Duration {
        lock(&self.state).tightest
    }

    /// Waits up to a tenth of a second, the latency of the network.
    async fn on_the_way(&self) {
        let millis = lock(&self.state).random.u64(0..=100);
        sleep(Duration::from_millis(millis)).await;
    }

    fn arrive(&self, call: &Mutex<Progress>, request: &Request<Bytes>) -> Option<Fault> {
        let mut state = lock(&self.state);
        state.arrived += 1;
        state.arrivals.push_back(Instant::now());
        if state.arrivals.len() > A_MINUTE {
            let first = state.arrivals.pop_front().expect("the first of many");
            state.tightest = state.tightest.min(first.elapsed());
        }
        let mut call = lock(call);
        if !call
            .operation
            .is_some_and(|operation| is_of(operation, request))
        {
            call.looks += 1;
            return None;
        }
        call.requests += 1;
        call.fault.take()
    }
}

/// Returns whether a request is a request of the operation.
fn is_of(operation: &Operation, request: &Request<Bytes>) -> bool {
    let path = request.uri().path().strip_prefix("/v1").unwrap_or_default();
    let (parts, template) = (path.split('/'), operation.path.split('/'));
    *request.method() == operation.method
        && parts.clone().count() == template.clone().count()
        && parts
            .zip(template)
            .all(|(part, known)| known.starts_with('{') || part == known)
}

impl HttpClient for Way {
    fn send(&self, request: Request<Bytes>, _most: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            let call = CALL.with(Arc::clone);
            self.on_the_way().await;
            let faults = self.simulator.faults();
            let mut fault = self
                .arrive(&call, &request)
                .map(|fault| faults.add(fault).expect("a fault that makes sense"));
            let mut exchange = pin!(self.simulator.exchange(request));
            let answer = poll_fn(|context| {
                // No other task runs during this poll, so all side effects come from this request.
                let before = self.simulator.side_effects();
                let polled = exchange.as_mut().poll(context);
                let mut call = lock(&call);
                call.effects += self.simulator.side_effects() - before;
                // A fault acts during the first poll or not at all.
                if let Some(id) = fault.take() {
                    call.has_fired = faults.list().iter().any(|fault| fault.acted > 0);
                    faults.remove(id);
                }
                polled
            })
            .await;
            self.on_the_way().await;
            answer.map_err(|broken| HttpError::Broken(broken.into()))
        })
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way").finish_non_exhaustive()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
