//! The requests that were seen, so that a test can prove what was asked and that nothing was done twice.

use std::collections::VecDeque;

use http::Method;
use serde::Serialize;

/// How many requests are kept; older ones are forgotten, but stay counted.
const KEPT: usize = 10_000;

/// A request that the simulator has answered.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SeenRequest {
    /// Its number, from 1.
    pub number: u64,
    /// The method.
    #[serde(serialize_with = "method_text")]
    pub method: Method,
    /// The path, as it was asked.
    pub path: String,
    /// The query, without the question mark; empty where there was none.
    pub query: String,
    /// Which operation of the API that is, if it is one.
    pub operation: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// Whether it was a write that was done.
    pub side_effect: bool,
}

fn method_text<S: serde::Serializer>(method: &Method, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(method.as_str())
}

/// The last requests, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Log {
    requests: VecDeque<SeenRequest>,
    total: u64,
    side_effects: u64,
}

impl Log {
    pub(crate) fn push(&mut self, mut request: SeenRequest) {
        self.total += 1;
        self.side_effects += u64::from(request.side_effect);
        request.number = self.total;
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(crate) fn requests(&self) -> Vec<SeenRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn side_effects(&self) -> u64 {
        self.side_effects
    }
}
