//! The list of faults, and which of them acts on a request.

use serde::Serialize;

use super::fault::{Fault, FaultKind, Phase};
use super::form::FaultForm;
use crate::random::Random;

/// All faults, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Register {
    last_id: u64,
    faults: Vec<Active>,
}

#[derive(Debug)]
struct Active {
    id: u64,
    fault: Fault,
    seen: u64,
    acted: u64,
}

/// A fault and what it has done so far.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FaultStatus {
    /// Its number.
    pub id: u64,
    /// The fault.
    #[serde(flatten, serialize_with = "as_form")]
    pub fault: Fault,
    /// The number of requests on which it could have acted.
    pub seen: u64,
    /// The number of requests on which it acted.
    pub acted: u64,
}

fn as_form<S: serde::Serializer>(fault: &Fault, serializer: S) -> Result<S::Ok, S::Error> {
    FaultForm::from(fault).serialize(serializer)
}

impl Register {
    pub(super) fn add(&mut self, fault: Fault) -> u64 {
        self.last_id += 1;
        self.faults.push(Active {
            id: self.last_id,
            fault,
            seen: 0,
            acted: 0,
        });
        self.last_id
    }

    pub(super) fn list(&self) -> Vec<FaultStatus> {
        let each = self.faults.iter().map(|active| FaultStatus {
            id: active.id,
            fault: active.fault.clone(),
            seen: active.seen,
            acted: active.acted,
        });
        each.collect()
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        let before = self.faults.len();
        self.faults.retain(|active| active.id != id);
        self.faults.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The fault that acts on a request in this phase, if any. `applies` says whether a kind can act on the request;
    /// if not, the fault does not count the request.
    pub(crate) fn fire(
        &mut self,
        seed: u64,
        phase: Phase,
        operation: &str,
        mut applies: impl FnMut(&FaultKind) -> bool,
    ) -> Option<FaultKind> {
        for active in &mut self.faults {
            let fault = &active.fault;
            let is_meant = fault.phase == phase
                && fault.operation.as_ref().is_none_or(|id| id == operation)
                && fault.count.is_none_or(|count| active.acted < count);
            if !is_meant || !applies(&fault.kind) {
                continue;
            }
            active.seen += 1;
            if active.seen > fault.skip && active.is_drawn(seed) {
                active.acted += 1;
                return Some(active.fault.kind.clone());
            }
        }
        None
    }
}

impl Active {
    /// Whether the fault acts on this request. The result depends only on the seed, the fault and the number of
    /// requests that it has seen. So requests that the fault does not see change nothing.
    fn is_drawn(&self, seed: u64) -> bool {
        let mut random = Random::for_text(
            seed ^ self.seen.rotate_left(32),
            &format!("fault {}", self.id),
        );
        random.unit() < self.fault.probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(seed: u64, fault: Fault, requests: usize) -> Vec<bool> {
        let mut register = Register::default();
        register.add(fault);
        (0..requests)
            .map(|_| {
                register
                    .fire(seed, Phase::Before, "get_site", |_| true)
                    .is_some()
            })
            .collect()
    }

    #[test]
    fn it_skips_then_acts_so_many_times() {
        let fault = Fault::new(FaultKind::Hang).skip(2).times(3);
        assert_eq!(
            fired(0, fault, 7),
            [false, false, true, true, true, false, false]
        );
    }

    #[test]
    fn draws_are_those_of_the_seed_and_come_out_at_the_probability() {
        let fault = || Fault::new(FaultKind::Hang).always().with_probability(0.3);
        let one = fired(1, fault(), 1000);
        assert_eq!(one, fired(1, fault(), 1000));
        assert_ne!(one, fired(2, fault(), 1000));
        let share = one.iter().filter(|acted| **acted).count();
        assert!((250..350).contains(&share), "{share} of 1000");
        assert!(
            fired(1, fault().with_probability(0.0), 100)
                .iter()
                .all(|acted| !acted)
        );
        assert!(
            fired(1, fault().with_probability(1.0), 100)
                .iter()
                .all(|acted| *acted)
        );
    }

    #[test]
    fn the_first_that_acts_leaves_the_others_untouched() {
        let mut register = Register::default();
        register.add(Fault::new(FaultKind::Reset).on("get_site"));
        register.add(Fault::new(FaultKind::Hang));
        let mut fire = |operation| register.fire(0, Phase::Before, operation, |_| true);
        assert_eq!(fire("get_site"), Some(FaultKind::Reset));
        assert_eq!(fire("get_site"), Some(FaultKind::Hang));
        assert_eq!(fire("get_site"), None);
        let seen: Vec<_> = register.list().iter().map(|status| status.seen).collect();
        assert_eq!(seen, [1, 1]);
    }

    #[test]
    fn other_operations_other_phases_and_what_it_cannot_alter_do_not_count() {
        let mut register = Register::default();
        register.add(Fault::new(FaultKind::Nulls).on("get_site"));
        assert_eq!(register.fire(0, Phase::Body, "get_user", |_| true), None);
        assert_eq!(register.fire(0, Phase::After, "get_site", |_| true), None);
        assert_eq!(register.fire(0, Phase::Body, "get_site", |_| false), None);
        assert_eq!(register.list()[0].seen, 0);
        assert_eq!(
            register.fire(0, Phase::Body, "get_site", |_| true),
            Some(FaultKind::Nulls)
        );
    }
}
