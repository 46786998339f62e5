//! Applies faults to an operation: before it, after it, and in the body of its answer.

use std::sync::PoisonError;

use bytes::Bytes;
use http::{Method, Response};
use jiff::{SignedDuration, Timestamp};

use super::Asked;
use crate::delivery::{Delivery, Pause, Trouble};
use crate::entry::Entry;
use crate::faults::{FaultKind, Phase, alter, answer, between_pages};

impl Asked<'_> {
    /// The fault that acts in a phase, if any.
    pub(super) fn fire(
        &self,
        phase: Phase,
        applies: impl FnMut(&FaultKind) -> bool,
    ) -> Option<FaultKind> {
        let mut faults = self
            .shared
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if faults.is_empty() {
            return None;
        }
        faults.fire(self.shared.seed(), phase, &self.operation.id, applies)
    }

    pub(super) fn fits_before(&self, kind: &FaultKind) -> bool {
        let query = self.request.uri().query();
        !kind.is_between_pages() || between_pages::is_later_page(&self.operation.id, query)
    }

    /// Applies a fault before or after the operation. Returns `None` if the fault only delays.
    pub(super) async fn suffer(
        &self,
        kind: &FaultKind,
        phase: Phase,
        entry: &mut Entry<'_>,
    ) -> Option<Delivery> {
        entry.add_fault(kind, phase);
        let clock = &self.shared.clock;
        match kind {
            FaultKind::Hang => {
                entry.write();
                std::future::pending().await
            }
            FaultKind::Reset => Some(Delivery::Reset),
            kind => match self.pause(kind) {
                Some(pause) => {
                    if phase == Phase::After {
                        // The operation is done, so the entry is complete even if the answer is lost.
                        entry.write();
                    }
                    pause.wait(clock).await;
                    None
                }
                None => {
                    let response = answer::answer(kind, clock.now())?;
                    entry.set_status(response.status().as_u16());
                    Some(Delivery::Whole(response))
                }
            },
        }
    }

    fn pause(&self, kind: &FaultKind) -> Option<Pause> {
        match *kind {
            FaultKind::Delay(by) => Some(Pause::Real(by)),
            FaultKind::VirtualDelay(by) => {
                let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
                let until = self.shared.clock.now().saturating_add(by);
                Some(Pause::Until(until.unwrap_or(Timestamp::MAX)))
            }
            _ => None,
        }
    }

    /// Applies a fault to the body of the answer.
    pub(super) fn break_body(
        &self,
        mut response: Response<Bytes>,
        entry: &mut Entry<'_>,
    ) -> Delivery {
        let mut altered = None;
        let fired = self.fire(Phase::Body, |kind| {
            if !kind.alters_body() {
                // The other faults cut the body into two parts, which needs at least two bytes.
                return response.body().len() > 1 && self.request.method() != Method::HEAD;
            }
            let status = response.status().as_u16();
            let schema = self.operation.answers.get(&status).and_then(Option::as_ref);
            altered = alter::alter(
                kind,
                schema.map(|schema| schema.value()),
                response.body(),
                self.request
                    .uri()
                    .path_and_query()
                    .map_or("/", |target| target.as_str()),
            );
            altered.is_some()
        });
        let Some(kind) = fired else {
            return Delivery::Whole(response);
        };
        entry.add_fault(&kind, Phase::Body);
        let trouble = match &kind {
            FaultKind::Hang => Trouble::Hang,
            FaultKind::Reset => Trouble::Reset,
            kind => match self.pause(kind) {
                Some(pause) => Trouble::Pause(pause),
                None => {
                    if let Some(body) = altered {
                        *response.body_mut() = Bytes::from(body);
                    }
                    return Delivery::Whole(response);
                }
            },
        };
        Delivery::Broken(response, trouble)
    }
}
