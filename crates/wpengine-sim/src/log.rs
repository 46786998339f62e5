//! The log of requests. Tests use it to check what was requested and that no write was done twice.

use std::collections::{BTreeMap, VecDeque};

use http::Method;
use jiff::Timestamp;
use serde::Serialize;

/// The number of requests that are kept. Older ones are removed, but they stay counted.
const KEPT: usize = 10_000;

/// A request that the simulator has answered.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SeenRequest {
    /// Its number, from 1, in the order in which the answers were ready.
    pub number: u64,
    /// When it arrived, on the simulator's clock.
    pub at: Timestamp,
    /// The method.
    #[serde(serialize_with = "method_text")]
    pub method: Method,
    /// The path of the request.
    pub path: String,
    /// The query without the question mark; empty if there was none.
    pub query: String,
    /// The operation of the API, if it is one.
    pub operation: Option<&'static str>,
    /// The status of the answer, even if the answer was lost; 0 if a fault left the request without an answer.
    pub status: u16,
    /// Whether the request changed something.
    pub side_effect: bool,
    /// The [faults](crate::Fault) that acted, if any: `reset after`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// How often an operation was requested, and how often it changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct OperationCount {
    /// All requests, including refused ones.
    pub requests: u64,
    /// The requests that changed something.
    pub side_effects: u64,
}

fn method_text<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// The last requests, and the counts.
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
            // Allocated at once, because growing under load would fragment memory. Unused capacity takes no physical memory.
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

    /// The last requests, newest first.
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
