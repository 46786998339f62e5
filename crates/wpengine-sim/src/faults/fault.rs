//! The definition of a fault.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that goes wrong: what, on which operation, when, and how often.
///
/// By default it acts once, on the next request of any operation. If several faults could act on a request in the same
/// [phase](Phase), the one that was added first acts, and the others do not count that request.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Fault {
    pub(super) operation: Option<String>,
    pub(super) kind: FaultKind,
    pub(super) phase: Phase,
    pub(super) skip: u64,
    pub(super) count: Option<u64>,
    pub(super) probability: f64,
}

/// When a fault acts, relative to the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before the operation. The operation is not done, except after a delay.
    Before,
    /// After the operation was done, before any of its answer is sent. The write happened, and its answer is lost. A refused
    /// request, for instance with a 400, does not count.
    After,
    /// In the body of the answer of an operation that was done. An answer without a body, or with nothing of that kind
    /// to alter, does not count.
    Body,
}

/// The kind of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// A delay of the machine's time, or of tokio's if that is paused. Use it to test clients' timeouts, which use the
    /// machine's time. In the body: between its halves.
    Delay(Duration),
    /// A delay of virtual time. With an accelerated clock it is shorter; with a manual clock it ends when the clock is
    /// advanced.
    VirtualDelay(Duration),
    /// No answer is sent, and the connection stays open. In the body: the second half is never sent.
    Hang,
    /// The TCP connection is reset. In the body: after the first half.
    Reset,
    /// Only half of the body is sent, as if it were complete.
    TruncatedJson,
    /// JSON that contradicts the document.
    WrongJson,
    /// The gateway's HTML page, with status 502.
    HtmlBadGateway,
    /// The gateway's HTML page, with status 503.
    HtmlServiceUnavailable,
    /// Status 503 without a body.
    EmptyServiceUnavailable,
    /// Status 429. Only [before](Phase::Before) the operation, because the service does not do what it refuses for its rate.
    TooManyRequests(Option<RetryAfter>),
    /// Status 500. The service also answers with it in place of any status that it does not document.
    InternalServerError,
    /// Status 504: the gateway did not get an answer from the service in time.
    GatewayTimeout,
    /// Every enum value is replaced by a value that the document does not have.
    UnknownEnum,
    /// Every object gets a field that the document does not have.
    ExtraField,
    /// Every field is null, except those that are always present and the addresses of other pages.
    Nulls,
    /// `next` names another host. By default the host does not exist. With the origin of its own server a test can see
    /// what is sent there.
    ForeignNext {
        /// Scheme, host and port: `https://elsewhere.example`.
        origin: String,
    },
    /// Before a page other than the first, a resource is added at the front of the list: the last item is listed again.
    InsertBetweenPages,
    /// Before a page other than the first, the first resource of the list is removed: one item is skipped.
    RemoveBetweenPages,
}

/// The `Retry-After` of a 429.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum RetryAfter {
    /// A number of seconds.
    Seconds(u64),
    /// An HTTP date this many seconds after the virtual time, or before it if negative.
    Date {
        /// The difference to the `date` of the same answer.
        date_in_seconds: i64,
    },
    /// Any text, valid or not.
    Text(String),
}

impl RetryAfter {
    /// A number of seconds that overflows every integer type.
    #[must_use]
    pub fn absurd() -> Self {
        Self::Text("99999999999999999999999".to_owned())
    }
}

impl FaultKind {
    /// A `next` with a host that does not exist.
    #[must_use]
    pub fn foreign_next() -> Self {
        Self::ForeignNext {
            origin: FOREIGN_ORIGIN.to_owned(),
        }
    }

    /// Whether it changes a body.
    pub(crate) fn alters_body(&self) -> bool {
        matches!(
            self,
            Self::TruncatedJson
                | Self::WrongJson
                | Self::UnknownEnum
                | Self::ExtraField
                | Self::Nulls
                | Self::ForeignNext { .. }
        )
    }

    /// Whether it changes the list.
    pub(crate) fn is_between_pages(&self) -> bool {
        matches!(self, Self::InsertBetweenPages | Self::RemoveBetweenPages)
    }
}

/// The default origin of a foreign `next`: a name reserved for examples.
pub(super) const FOREIGN_ORIGIN: &str = "https://elsewhere.example";

impl Fault {
    /// A fault that acts once, on the next request. It acts in the body if the kind is about the body, else before the
    /// operation.
    pub fn new(kind: FaultKind) -> Self {
        let phase = if kind.alters_body() {
            Phase::Body
        } else {
            Phase::Before
        };
        Self {
            operation: None,
            kind,
            phase,
            skip: 0,
            count: Some(1),
            probability: 1.0,
        }
    }

    /// Acts only on this operation, by its id in the document: `create_backup`.
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Sets when it acts.
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// Acts before the operation.
    pub fn before(self) -> Self {
        self.in_phase(Phase::Before)
    }

    /// Acts after the operation was done.
    pub fn after(self) -> Self {
        self.in_phase(Phase::After)
    }

    /// Acts in the body of the answer.
    pub fn in_body(self) -> Self {
        self.in_phase(Phase::Body)
    }

    /// Lets this many requests pass before it acts.
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Acts this many times.
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Acts until it is removed.
    pub fn always(mut self) -> Self {
        self.count = None;
        self
    }

    /// Acts only on this share of the requests, from 0 to 1. The seed selects them.
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }
}
