//! Faults: what can go wrong between a client and the service, on demand.
//!
//! A [`Fault`] says what happens, to which operation, when and how often. [`check`] refuses those that make no sense,
//! [`register`] decides which acts on a request, [`answer`] has the answers of a broken gateway, [`alter`] changes bodies,
//! and [`between_pages`] changes the world while somebody lists it. Where they act is said in [`dispatch`](crate::dispatch).

pub(crate) mod alter;
pub(crate) mod answer;
pub(crate) mod between_pages;
mod check;
mod fault;
mod form;
mod register;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use check::FaultError;
pub use fault::{Fault, FaultKind, Phase, RetryAfter};
pub(crate) use form::FaultForm;
pub use register::FaultStatus;
pub(crate) use register::Register;

/// The faults of a simulator, from [`Simulator::faults`](crate::Simulator::faults).
///
/// ```
/// # fn main() -> Result<(), wpengine_sim::FaultError> {
/// use wpengine_sim::{Fault, FaultKind, Simulator};
///
/// let simulator = Simulator::builder().build();
/// // The next backup is taken, and nobody is told.
/// simulator.faults().add(Fault::new(FaultKind::Reset).on("create_backup").after())?;
/// // Every third request or so finds the gateway down, the same ones in every run.
/// simulator.faults().add(Fault::new(FaultKind::HtmlBadGateway).always().with_probability(0.3))?;
/// assert_eq!(simulator.faults().list().len(), 2);
/// simulator.faults().clear();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Faults<'a>(&'a Mutex<Register>);

impl<'a> Faults<'a> {
    pub(crate) fn new(register: &'a Mutex<Register>) -> Self {
        Self(register)
    }

    /// Adds a fault, behind those that are there, and gives its number.
    ///
    /// # Errors
    ///
    /// If the fault makes no sense: an operation that there is not, a kind that cannot be in that phase (a 429 after the
    /// operation was done), a probability that is none.
    pub fn add(&self, fault: Fault) -> Result<u64, FaultError> {
        check::check(&fault)?;
        Ok(self.register().add(fault))
    }

    /// All faults, the oldest first, also those that have acted as often as they were to.
    #[must_use]
    pub fn list(&self) -> Vec<FaultStatus> {
        self.register().list()
    }

    /// Takes one fault away. False if there is none with that number.
    pub fn remove(&self, id: u64) -> bool {
        self.register().remove(id)
    }

    /// Takes all faults away. What they hold up or have broken stays so.
    pub fn clear(&self) {
        self.register().clear();
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Faults<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.list()).finish()
    }
}
