//! How an answer is delivered: completely, or with a connection that breaks.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use jiff::Timestamp;

use crate::clock::Clock;

/// The outcome of a request.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The whole answer is sent.
    Whole(Response<Bytes>),
    /// The answer is sent, with a problem in the middle of the body.
    Broken(Response<Bytes>, Trouble),
    /// The connection is reset without an answer.
    Reset,
}

/// The problem in the middle of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection is reset.
    Reset,
    /// The rest is never sent.
    Hang,
    /// The rest is sent later.
    Pause(Pause),
}

/// How long a delay takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// A duration of the machine's time, or of tokio's if that is paused.
    Real(Duration),
    /// Until the virtual clock reaches this time.
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

/// The part of a body that is sent before the problem: half of it.
pub(crate) fn first_part(body: &Bytes) -> Bytes {
    body.slice(..body.len() / 2)
}

/// A connection that a [fault](crate::Fault) broke, as [`Simulator::exchange`](crate::Simulator::exchange) returns it.
/// Over a socket the client sees a connection reset.
#[derive(Debug)]
#[non_exhaustive]
pub enum Broken {
    /// Nothing of the answer arrived.
    BeforeAnswer,
    /// The head and the first half of the body arrived. `content-length` is the length of the whole body.
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
