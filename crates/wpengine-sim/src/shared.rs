//! The state that all handles and connections of one simulator share.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::faults::Register;
use crate::limits::{Limiter, RateLimits};
use crate::log::Log;
use crate::state::World;
use crate::world::{Plan, Population};

/// The shared state of one simulator.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) plan: Plan,
    /// The seed and the kind of world for a reset.
    origin: Mutex<Origin>,
    /// A copy of the seed of `origin` that can be read without a lock.
    seed: AtomicU64,
    pub(crate) world: Mutex<World>,
    pub(crate) faults: Mutex<Register>,
    pub(crate) limiter: Mutex<Limiter>,
    pub(crate) log: Mutex<Log>,
    pub(crate) check_answers: bool,
    pub(crate) violations: Mutex<Vec<String>>,
    /// Whether other machines can reach the simulator.
    pub(crate) is_exposed: AtomicBool,
    /// Notified when something changes that a snapshot contains.
    pub(crate) changed: Notify,
    requests: AtomicU64,
}

/// What a world is created from.
#[derive(Debug, Clone)]
struct Origin {
    seed: u64,
    population: Population,
}

impl Shared {
    pub(crate) fn new(seed: u64, clock: Clock, plan: Plan, check_answers: bool) -> Self {
        let population = plan.population.clone();
        let world = plan.build(seed, &population, clock.now());
        Self {
            clock,
            origin: Mutex::new(Origin { seed, population }),
            seed: AtomicU64::new(seed),
            world: Mutex::new(world),
            faults: Mutex::default(),
            limiter: Mutex::new(Limiter::new(plan.limits)),
            log: Mutex::default(),
            check_answers,
            violations: Mutex::default(),
            is_exposed: AtomicBool::new(false),
            changed: Notify::new(),
            requests: AtomicU64::new(0),
            plan,
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed.load(Ordering::Relaxed)
    }

    /// The number of the next request.
    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// The number of requests so far.
    pub(crate) fn request_count(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn set_request_count(&self, count: u64) {
        self.requests.store(count, Ordering::Relaxed);
    }

    /// Resets world, time, limits and log to the start, and removes all faults.
    pub(crate) fn reset(&self) {
        let origin = self.origin.lock().unwrap_or_else(PoisonError::into_inner);
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        self.clock.reset();
        *world = self
            .plan
            .build(origin.seed, &origin.population, self.clock.now());
        self.seed.store(origin.seed, Ordering::Relaxed);
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        *self.limiter.lock().unwrap_or_else(PoisonError::into_inner) =
            Limiter::new(self.plan.limits);
        self.clear_requests();
        self.violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.requests.store(0, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Resets to another world.
    pub(crate) fn rebuild(&self, seed: u64, population: Population) {
        *self.origin.lock().unwrap_or_else(PoisonError::into_inner) = Origin { seed, population };
        self.reset();
    }

    /// Clears the log of requests.
    pub(crate) fn clear_requests(&self) {
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Log::default();
    }

    pub(crate) fn rate_limits(&self) -> RateLimits {
        self.limiter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .limits()
    }

    /// Sets the limits. Requests so far are no longer counted.
    pub(crate) fn set_rate_limits(&self, limits: RateLimits) {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.install_limits = limits.install;
        *self.limiter.lock().unwrap_or_else(PoisonError::into_inner) = Limiter::new(limits);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("seed", &self.seed())
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
