//! The soak test: a large number of concurrent calls of all operations. A tenth of them get a fault, and the result of
//! every call is checked.
//!
//! By default it makes 2,000 calls. `WPENGINE_SOAK=100000` makes more and also checks the memory. Run that alone:
//! `cargo test -p wpengine-tests soak:: -- --nocapture`. The same `WPENGINE_SOAK_SEED` makes the same calls again.
//!
//! The client has the default rate limits. Every thousand calls take about 45 minutes of virtual
//! time, which is fast because time is paused. So the test also shows that retries stay within the rate limits.

mod calls;
mod cases;
mod ledger;
mod memory;
mod things;
mod wire;

use std::{
    collections::VecDeque,
    io::Write,
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use wpengine::{Client, Credentials, limits::Windows, operation::Operation};
use wpengine_sim::{RateLimits, Simulator};

use calls::Task;
use cases::{Case, cases};
use ledger::{Ended, Ledger};
use things::{Thing, Things};
use wire::{CALL, Progress, Way, lock};

/// The default number of calls.
const SIZE: u64 = 2_000;
/// The number of calls in a round. After a round, the state of the simulator is checked and reset, so that it does not
/// grow without limit.
const ROUND: u64 = 1_000;
const TASKS: u64 = 64;
/// The minimum number of calls for the memory check. With fewer calls, the figures mean nothing, because other tests
/// run at the same time.
const MEASURED: u64 = 20_000;
/// The maximum growth of the memory in the second half, in KiB.
const GROWTH: u64 = 1_024;

/// Chooses the next call and its fault.
struct Plan {
    random: fastrand::Rng,
    cases: Vec<Case>,
    /// The indexes of the next faults. A fault that did not act, because the response had no body, is put back at the
    /// front.
    due: VecDeque<usize>,
    started: u64,
    things: Things,
}

/// A call to make.
struct Turn {
    number: u64,
    operation: &'static Operation,
    thing: Option<Thing>,
    case: Option<usize>,
}

impl Plan {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            cases: cases(),
            due: VecDeque::new(),
            started: 0,
            things: Things::default(),
        }
    }

    /// Returns the next call, or `None` if `end` calls have been started.
    fn turn(&mut self, end: u64) -> Option<Turn> {
        if self.started == end {
            return None;
        }
        self.started += 1;
        if self.started.is_multiple_of(10) {
            let case = self.started / 10 % self.cases.len() as u64;
            self.due.push_back(usize::try_from(case).expect("an index"));
        }
        let case = self.due.pop_front();
        let operations = wpengine::operations();
        let any = operations[self.random.usize(..operations.len())].id;
        let only = case.and_then(|case| self.cases[case].only);
        let (id, thing) = self.things.take(only.unwrap_or(any));
        Some(Turn {
            number: self.started,
            operation: operations.iter().find(|operation| operation.id == id)?,
            thing,
            case,
        })
    }
}

/// The state that all tasks share.
struct Soak {
    simulator: Simulator,
    client: Client,
    way: Arc<Way>,
    plan: Mutex<Plan>,
    ledger: Mutex<Ledger>,
}

impl Soak {
    fn new(seed: u64) -> Self {
        let simulator = Simulator::builder()
            .credentials("soak", "test-password")
            .seed(seed)
            // Only the limit of the address is enabled. A refusal by the limit of an account would be counted as an
            // error: the client only knows the accounts that an operation names, but the simulator knows them all.
            .rate_limits(RateLimits::none().by_address(100))
            .build();
        let way = Arc::new(Way::new(simulator.clone(), seed));
        let client = Client::builder()
            .base_url(simulator.base_url())
            .credentials(Credentials::basic(simulator.user(), simulator.password()))
            .http_client(way.clone())
            .rate_limiter(Windows::default())
            .rate_limit_wait(Duration::from_secs(3_600))
            .build()
            .expect("a client");
        Self {
            simulator,
            client,
            way,
            plan: Mutex::new(Plan::new(seed)),
            ledger: Mutex::default(),
        }
    }

    /// Runs a task, which makes calls until there are no more.
    async fn work(&self, end: u64) {
        loop {
            let Some(turn) = lock(&self.plan).turn(end) else {
                return;
            };
            self.call(turn).await;
        }
    }

    async fn call(&self, turn: Turn) {
        let fault = turn
            .case
            .map(|case| lock(&self.plan).cases[case].fault.clone());
        let progress = Arc::new(Mutex::new(Progress::of(turn.operation, fault)));
        let taken = turn.thing.as_ref().map(|thing| thing.number);
        let task = Task {
            client: &self.client,
            number: turn.number,
            thing: turn.thing,
            now: self.simulator.clock().now(),
        };
        let id = turn.operation.id;
        let result = CALL.scope(progress.clone(), task.call(id)).await;
        let progress = lock(&progress);
        let mut plan = lock(&self.plan);
        let case = turn.case.filter(|_| progress.has_fired);
        lock(&self.ledger).enter(&Ended {
            number: turn.number,
            operation: turn.operation,
            case: case.map(|case| &plan.cases[case]),
            taken,
            progress: &progress,
            result: &result,
        });
        if let (Some(due), None) = (turn.case, case) {
            plan.due.push_front(due);
        }
        if let Ok(Some(thing)) = result {
            plan.things.put(id, thing);
        }
    }

    /// Runs a round, from a new state of the simulator to its check.
    async fn round(self: &Arc<Self>, end: u64) {
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let soak = Arc::clone(self);
                tokio::spawn(async move { soak.work(end).await })
            })
            .collect();
        for task in tasks {
            task.await.expect("a task that ends");
        }
        let mut ledger = lock(&self.ledger);
        ledger.close_round(things::count(self.simulator.snapshot().as_json()));
        for violation in self.simulator.violations() {
            ledger.complain(format!("the simulator: {violation}"));
        }
        let log = self.simulator.operation_counts();
        let logged = log.values().map(|count| count.requests).sum::<u64>();
        ledger.logged(logged, self.simulator.side_effects());
        lock(&self.plan).things.clear();
        self.simulator.reset();
    }
}

/// Reads a number from an environment variable.
fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
    )
}

fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[tokio::test(start_paused = true)]
async fn every_call_is_accounted_for_and_no_write_is_done_twice_whatever_goes_wrong() {
    let size = variable("WPENGINE_SOAK").unwrap_or(SIZE);
    let seed = variable("WPENGINE_SOAK_SEED").unwrap_or(4);
    // The back-off is random. With a fixed seed and one thread, each run is the same.
    fastrand::seed(seed);
    let started = (std::time::Instant::now(), tokio::time::Instant::now());
    let soak = Arc::new(Soak::new(seed));
    let mut resident = Vec::new();
    let mut end = 0;
    while end < size {
        end = (end + ROUND).min(size);
        soak.round(end).await;
        resident.push(memory::resident());
    }
    let counters = soak.client.counters();
    let mut ledger = lock(&soak.ledger);
    ledger.compare(&counters, soak.way.arrived());
    let left = lock(&soak.plan).due.len() as u64;
    let summary = format!(
        "seed {seed}: {}waited for the rate limit {} times, {:?} in total\nvirtual time {:?}, real time {:?}\n",
        ledger.summary(),
        counters.limited,
        counters.limited_for,
        started.1.elapsed(),
        started.0.elapsed(),
    );
    if size > SIZE {
        tell(&summary);
    }
    assert!(
        ledger.problems.is_empty(),
        "{summary}{}",
        ledger.problems.join("\n")
    );
    assert!(
        soak.way.tightest() >= Duration::from_secs(60),
        "{summary}101 requests within {:?}",
        soak.way.tightest()
    );
    assert_eq!(ledger.calls, size, "{summary}");
    assert_eq!(ledger.faulted + left, size / 10, "{summary}");
    if size >= SIZE {
        assert!(left < TASKS, "{summary}");
        let known = wpengine::operations().len();
        assert_eq!(ledger.operations.len(), known, "{summary}");
        assert_eq!(ledger.cases.len(), cases().len(), "{summary}");
    }
    if size >= MEASURED {
        memory_is_flat(&resident);
    }
}

/// Checks that the memory does not grow. Each figure was measured at the end of a round, after the simulator's reset.
fn memory_is_flat(resident: &[Option<u64>]) {
    let (Some(Some(half)), Some(Some(end))) =
        (resident.get((resident.len() - 1) / 2), resident.last())
    else {
        tell("the memory is not checked, because this system has no /proc");
        return;
    };
    tell(&format!(
        "resident: {half} KiB halfway, {end} KiB at the end"
    ));
    assert!(*end <= half + GROWTH, "{half} KiB, then {end} KiB");
}
