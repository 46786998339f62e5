//! What all handles and connections of one simulator share.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::clock::Clock;
use crate::log::Log;
use crate::state::World;
use crate::world::Plan;

/// One simulator's insides.
pub(crate) struct Shared {
    pub(crate) seed: u64,
    pub(crate) clock: Clock,
    pub(crate) plan: Plan,
    pub(crate) world: Mutex<World>,
    pub(crate) log: Mutex<Log>,
    pub(crate) check_answers: bool,
    pub(crate) violations: Mutex<Vec<String>>,
    requests: AtomicU64,
}

impl Shared {
    pub(crate) fn new(seed: u64, clock: Clock, plan: Plan, check_answers: bool) -> Self {
        let world = plan.build(seed, clock.now());
        Self {
            seed,
            clock,
            plan,
            world: Mutex::new(world),
            log: Mutex::default(),
            check_answers,
            violations: Mutex::default(),
            requests: AtomicU64::new(0),
        }
    }

    /// The number of the next request.
    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Everything as it was at the start: world, time, log.
    pub(crate) fn reset(&self) {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        self.clock.reset();
        *world = self.plan.build(self.seed, self.clock.now());
        *self.log.lock().unwrap_or_else(PoisonError::into_inner) = Log::default();
        self.violations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.requests.store(0, Ordering::Relaxed);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("seed", &self.seed)
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
