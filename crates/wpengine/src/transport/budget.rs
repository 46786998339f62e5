//! How many attempts may be repeated in all, over every clone of a client.
//!
//! When a service is in trouble, a client that repeats everything several times makes it worse. So repeating costs, and
//! success earns: as long as most calls succeed nobody notices, and when they don't, calls fail after one attempt.

use std::sync::atomic::{AtomicU32, Ordering};

/// What one repetition costs, in successes.
const COST: u32 = 5;

/// What is left to spend on repetitions.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicU32,
    most: u32,
}

impl Budget {
    /// A budget for so many repetitions in a row without a success.
    pub(crate) fn new(repetitions: u32) -> Self {
        let most = repetitions.saturating_mul(COST);
        Self {
            left: AtomicU32::new(most),
            most,
        }
    }

    /// Pays for a repetition, if that much is left.
    pub(crate) fn spend(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(COST)
            })
            .is_ok()
    }

    /// A call succeeded: what a repetition cost comes back, and any other success earns a little.
    pub(crate) fn earn(&self, repeated: bool) {
        let earned = if repeated { COST } else { 1 };
        // A full budget is the rule: then there is nothing to write, and no other core is disturbed.
        if self.left.load(Ordering::Relaxed) == self.most {
            return;
        }
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_add(earned).min(self.most))
            });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_pays_for_so_many_repetitions_in_a_row() {
        let budget = Budget::new(3);
        assert_eq!((0..10).filter(|_| budget.spend()).count(), 3);
    }

    #[test]
    fn success_earns_and_what_a_successful_repetition_cost_comes_back() {
        let budget = Budget::new(1);
        assert!(budget.spend());
        (0..4).for_each(|_| budget.earn(false));
        assert!(!budget.spend());
        budget.earn(false);
        assert!(budget.spend());
        budget.earn(true);
        assert!(budget.spend());
    }

    #[test]
    fn it_never_holds_more_than_at_first() {
        let budget = Budget::new(2);
        (0..100).for_each(|_| budget.earn(true));
        assert_eq!((0..10).filter(|_| budget.spend()).count(), 2);
    }
}
