//! Faults: what can go wrong between a client and the service, on demand.
//!
//! A [`Fault`] says what happens, on which operation, when and how often. [`check`] refuses faults that make no sense,
//! [`register`] selects the fault that acts on a request, [`answer`] has the answers of a broken gateway, [`alter`] changes
//! bodies, and [`between_pages`] changes the world during a listing. [`dispatch`](crate::dispatch) shows where they act.

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
/// // The next backup is created, but its answer is lost.
/// simulator.faults().add(Fault::new(FaultKind::Reset).on("create_backup").after())?;
/// // About every third request gets the gateway's HTML page. The same seed selects the same requests.
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

    /// Adds a fault after the existing ones and returns its number.
    ///
    /// # Errors
    ///
    /// If the fault makes no sense: an unknown operation, a kind that cannot act in that phase (a 429 after the
    /// operation was done), or a probability outside 0 to 1.
    pub fn add(&self, fault: Fault) -> Result<u64, FaultError> {
        check::check(&fault)?;
        Ok(self.register().add(fault))
    }

    /// All faults, the oldest first, including those that will not act again.
    #[must_use]
    pub fn list(&self) -> Vec<FaultStatus> {
        self.register().list()
    }

    /// Removes one fault. Returns false if there is none with that number.
    pub fn remove(&self, id: u64) -> bool {
        self.register().remove(id)
    }

    /// Removes all faults. Requests that they already delay or broke are not affected.
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
