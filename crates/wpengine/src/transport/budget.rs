//! The retry budget that all clones of a client share.
//!
//! Retries make an overload of the service worse. Therefore each retry takes from the budget, and each success adds to
//! it. While most calls succeed, the budget is never used up. While most calls fail, it is soon empty, and calls fail
//! after one attempt.

use std::sync::atomic::{AtomicU32, Ordering};

/// The cost of one retry. A success without a retry adds 1.
const COST: u32 = 5;

/// The remaining budget.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicU32,
    most: u32,
}

impl Budget {
    /// Creates a full budget for `repetitions` retries without a success.
    pub(crate) fn new(repetitions: u32) -> Self {
        let most = repetitions.saturating_mul(COST);
        Self {
            left: AtomicU32::new(most),
            most,
        }
    }

    /// Takes the cost of a retry, if enough is left.
    pub(crate) fn spend(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(COST)
            })
            .is_ok()
    }

    /// Records a successful call. After a retry it adds the cost of one retry, otherwise 1.
    pub(crate) fn earn(&self, repeated: bool) {
        let earned = if repeated { COST } else { 1 };
        // The budget is usually full. Skipping the write avoids contention between cores.
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
