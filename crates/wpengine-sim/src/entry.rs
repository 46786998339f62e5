//! The log entry of one request. It is written once, at the latest when the request ends or its client disconnects.

use std::sync::PoisonError;

use bytes::Bytes;
use http::Request;

use crate::faults::{FaultKind, Phase};
use crate::log::SeenRequest;
use crate::shared::Shared;

/// The log entry of a request that is being answered.
pub(crate) struct Entry<'a> {
    shared: &'a Shared,
    seen: Option<SeenRequest>,
}

impl<'a> Entry<'a> {
    pub(crate) fn new(
        shared: &'a Shared,
        request: &Request<Bytes>,
        operation: Option<&'static str>,
    ) -> Self {
        let seen = SeenRequest {
            number: 0,
            at: shared.clock.now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            operation,
            status: 0,
            side_effect: false,
            faults: Vec::new(),
        };
        Self {
            shared,
            seen: Some(seen),
        }
    }

    pub(crate) fn set_status(&mut self, status: u16) {
        if let Some(seen) = &mut self.seen {
            seen.status = status;
        }
    }

    pub(crate) fn set_side_effect(&mut self) {
        if let Some(seen) = &mut self.seen {
            seen.side_effect = true;
        }
    }

    pub(crate) fn add_fault(&mut self, kind: &FaultKind, phase: Phase) {
        let phase = match phase {
            Phase::Before => "before",
            Phase::After => "after",
            Phase::Body => "body",
        };
        if let Some(seen) = &mut self.seen {
            seen.faults.push(format!("{} {phase}", kind.name()));
        }
    }

    /// Writes the entry now, because what follows may never end.
    pub(crate) fn write(&mut self) {
        if let Some(seen) = self.seen.take() {
            self.shared
                .log
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(seen);
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.write();
    }
}
