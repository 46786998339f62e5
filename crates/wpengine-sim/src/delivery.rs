//! An answer and how it arrives: whole, or with the connection broken on the way.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;

use crate::clock::Clock;

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// It is answered.
    Whole(Response<Bytes>),
    /// It is answered, with trouble in the middle of the body.
    Broken(Response<Bytes>, Trouble),
    /// The connection is reset without an answer.
    Reset,
}

/// What happens in the middle of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection is reset.
    Reset,
    /// Nothing more comes, ever.
    Hang,
    /// The rest comes later.
    Pause(Pause),
}

/// How long something is held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// For so long by the machine's time, or by tokio's where that is paused.
    Real(Duration),
    /// Until the virtual clock shows this.
    Until(Timestamp),
}

impl Pause {
    pub(crate) async fn wait(self, clock: &Clock) {
        match self {
            Self::Real(duration) => tokio::time::sleep(duration).await,
            Self::Until(instant) => clock.wait_until(instant).await,
        }
    }
}

/// How much of a body arrives before there is trouble: half of it.
pub(crate) fn first_part(body: &Bytes) -> Bytes {
    body.slice(..body.len() / 2)
}

/// A connection that a [fault](crate::Fault) broke, as [`Simulator::exchange`](crate::Simulator::exchange) tells it: over a
/// socket the client sees its connection reset.
#[derive(Debug)]
#[non_exhaustive]
pub enum Broken {
    /// Nothing of an answer arrived.
    BeforeAnswer,
    /// Head and first half of the body arrived. `content-length` tells how long the body was to be.
    InBody(Box<Response<Bytes>>),
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BeforeAnswer => "the connection was reset before an answer",
            Self::InBody(_) => "the connection was reset in the middle of the body",
        })
    }
}

impl std::error::Error for Broken {}
