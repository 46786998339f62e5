//! The requests that were seen, so that a test can prove what was asked and that nothing was done twice.

use std::collections::{BTreeMap, VecDeque};

use http::Method;
use jiff::Timestamp;
use serde::Serialize;

/// How many requests are kept; older ones are forgotten, but stay counted.
const KEPT: usize = 10_000;

/// A request that the simulator has answered.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SeenRequest {
    /// Its number, from 1, in the order in which answers were ready.
    pub number: u64,
    /// When it arrived, on the simulator's clock.
    pub at: Timestamp,
    /// The method.
    #[serde(serialize_with = "method_text")]
    pub method: Method,
    /// The path, as it was asked.
    pub path: String,
    /// The query, without the question mark; empty where there was none.
    pub query: String,
    /// Which operation of the API that is, if it is one.
    pub operation: Option<&'static str>,
    /// The status of the answer, also of one that was lost on its way; 0 where a fault left the request without one.
    pub status: u16,
    /// Whether it was a write that was done.
    pub side_effect: bool,
    /// The [faults](crate::Fault) that acted, if any: `reset after`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// How often an operation was asked, and how often it was a write that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct OperationCount {
    /// All requests, refused ones too.
    pub requests: u64,
    /// The writes that were done.
    pub side_effects: u64,
}

fn method_text<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// The last requests, and how many there were.
#[derive(Debug)]
pub(crate) struct Log {
    requests: VecDeque<SeenRequest>,
    total: u64,
    side_effects: u64,
    operations: BTreeMap<String, OperationCount>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            // All at once: growing under load would leave holes behind. What is not used yet takes no memory.
            requests: VecDeque::with_capacity(KEPT),
            total: 0,
            side_effects: 0,
            operations: BTreeMap::new(),
        }
    }
}

impl Log {
    pub(crate) fn push(&mut self, mut request: SeenRequest) {
        self.total += 1;
        self.side_effects += u64::from(request.side_effect);
        request.number = self.total;
        if let Some(operation) = request.operation {
            let count = match self.operations.get_mut(operation) {
                Some(count) => count,
                None => self.operations.entry(operation.to_owned()).or_default(),
            };
            count.requests += 1;
            count.side_effects += u64::from(request.side_effect);
        }
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.requests.iter().cloned().collect()
    }

    /// The last ones, newest first.
    #[cfg(feature = "explorer")]
    pub(crate) fn last(&self, count: usize) -> Vec<SeenRequest> {
        self.requests.iter().rev().take(count).cloned().collect()
    }

    pub(crate) fn operations(&self) -> &BTreeMap<String, OperationCount> {
        &self.operations
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn side_effects(&self) -> u64 {
        self.side_effects
    }
}
