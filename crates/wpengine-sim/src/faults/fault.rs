//! What a fault is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that goes wrong: what, with which operation, when, and how often.
///
/// Unless told otherwise it happens to the next request of any operation, once. Of several faults that could act on a
/// request in the same [phase](Phase), the one that was added first does, and the others do not count that request.
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

/// When a fault acts, seen from the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Before the operation: nothing is done, except after a delay.
    Before,
    /// After the operation was done, and before anything of its answer: the write happened, and its answer is lost.
    /// A request that is refused, by a 400 for instance, does not count.
    After,
    /// In the body of the answer to an operation that was done. An answer without a body does not count, nor does one
    /// in which there is nothing of the kind to alter.
    Body,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// It takes longer by so much of the machine's time, or of tokio's where that is paused: for the time-outs of
    /// clients, which know no other. In the body: between its halves.
    Delay(Duration),
    /// It takes longer by so much of virtual time: on an accelerated clock that is over sooner, and on a manual one when
    /// somebody has advanced it.
    VirtualDelay(Duration),
    /// No answer comes, and the connection stays open. In the body: no second half.
    Hang,
    /// The TCP connection is reset. In the body: after its first half.
    Reset,
    /// Half of the body, as if it was the whole.
    TruncatedJson,
    /// JSON, but not what the document promises.
    WrongJson,
    /// The gateway's HTML page, with status 502.
    HtmlBadGateway,
    /// The gateway's HTML page, with status 503.
    HtmlServiceUnavailable,
    /// Status 503 without a body.
    EmptyServiceUnavailable,
    /// Status 429. Only [before](Phase::Before) the operation: what the service refuses for its rate, it has not done.
    TooManyRequests(Option<RetryAfter>),
    /// Status 500: what comes out of the service for any status that it does not document.
    InternalServerError,
    /// Status 504: the gateway has not waited for the service.
    GatewayTimeout,
    /// Every enumerated text has a value that the document does not know.
    UnknownEnum,
    /// Every object has a field that the document does not know.
    ExtraField,
    /// Every field is null that is not always there. The addresses of other pages stay as they are.
    Nulls,
    /// `next` names another host, by default nobody's. With the origin of a server of one's own a test can see what is
    /// sent there.
    ForeignNext {
        /// Scheme, host and port: `https://elsewhere.example`.
        origin: String,
    },
    /// Before a page other than the first is answered, something is put in front of the list: its last item comes again.
    InsertBetweenPages,
    /// Before a page other than the first is answered, the first item of the list goes: the next one is skipped.
    RemoveBetweenPages,
}

/// What a 429 says about when to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum RetryAfter {
    /// So many seconds.
    Seconds(u64),
    /// The HTTP date that is so many seconds ahead on the virtual clock, or behind it.
    Date {
        /// How far ahead it is of the `date` of the same answer.
        date_in_seconds: i64,
    },
    /// Any text, sensible or not.
    Text(String),
}

impl RetryAfter {
    /// A number of seconds that no type holds.
    #[must_use]
    pub fn absurd() -> Self {
        Self::Text("99999999999999999999999".to_owned())
    }
}

impl FaultKind {
    /// A `next` that names a host which nobody has.
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

    /// Whether it changes what is listed.
    pub(crate) fn is_between_pages(&self) -> bool {
        matches!(self, Self::InsertBetweenPages | Self::RemoveBetweenPages)
    }
}

/// Where a foreign `next` leads, unless told otherwise: a name that is reserved for examples.
pub(super) const FOREIGN_ORIGIN: &str = "https://elsewhere.example";

impl Fault {
    /// A fault that happens once, to the next request: in the body if that is what it is about, else before the
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

    /// Only with this operation, by the id that the document gives it: `create_backup`.
    pub fn on(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// When it acts.
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// Before the operation.
    pub fn before(self) -> Self {
        self.in_phase(Phase::Before)
    }

    /// After the operation was done.
    pub fn after(self) -> Self {
        self.in_phase(Phase::After)
    }

    /// In the body of the answer.
    pub fn in_body(self) -> Self {
        self.in_phase(Phase::Body)
    }

    /// Lets so many requests go first.
    pub fn skip(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Acts so many times.
    pub fn times(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Acts until it is taken away.
    pub fn always(mut self) -> Self {
        self.count = None;
        self
    }

    /// Acts on this share of the requests only, from 0 to 1. Which ones is drawn from the seed.
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }
}
