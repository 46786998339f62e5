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

/// What is known of the call that a task makes at present.
#[derive(Default)]
pub(super) struct Progress {
    /// What is to go wrong with its first request.
    fault: Option<Fault>,
    /// Whether it did: a fault in the body needs a body.
    pub(super) has_fired: bool,
    /// The requests of the operation itself.
    pub(super) requests: u64,
    /// Other requests, by which the client looked whether it was done.
    pub(super) looks: u64,
    /// The writes that the simulator did.
    pub(super) effects: u64,
    operation: Option<&'static Operation>,
}

tokio::task_local! {
    /// The call that this task makes.
    pub(super) static CALL: Arc<Mutex<Progress>>;
}

/// The wire.
pub(super) struct Way {
    simulator: Simulator,
    state: Mutex<State>,
}

struct State {
    random: fastrand::Rng,
    /// When the last requests arrived, one more than a minute may have.
    arrivals: VecDeque<Instant>,
    /// The shortest time in which so many arrived.
    tightest: Duration,
    arrived: u64,
}

/// How many requests a minute may have, by the API's documentation.
const A_MINUTE: usize = 100;

impl Progress {
    /// Of a call of an operation whose first request meets a fault, or none.
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

    /// How many requests have arrived.
    pub(super) fn arrived(&self) -> u64 {
        lock(&self.state).arrived
    }

    /// The shortest time in which more arrived than a minute may have.
    pub(super) fn tightest(&self) -> Duration {
        lock(&self.state).tightest
    }

    /// Up to a tenth of a second.
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

/// Whether a request is one of the operation.
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
                // Nobody else runs meanwhile: whatever is done here is done for this request.
                let before = self.simulator.side_effects();
                let polled = exchange.as_mut().poll(context);
                let mut call = lock(&call);
                call.effects += self.simulator.side_effects() - before;
                // A fault acts at once or not at all.
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
