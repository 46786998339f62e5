//! The fleet: the mirror, names, syncs and checks, against a simulated fleet with problems of every kind.

mod checks;
mod kills;
mod launch;
mod mirror;
mod names;
mod plans;
mod questions;
mod reports;
mod table;

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use wpengine::{
    Client, RetryPolicy,
    transport::{HttpClient, ResponseFuture},
};
use wpengine_fleet::Fleet;
use wpengine_sim::Simulator;

use crate::support::{script, simulated};

/// A fleet with its simulator and its folder, which is removed at the end.
struct Bed {
    simulator: Simulator,
    fleet: Fleet,
    folder: tempfile::TempDir,
}

impl Bed {
    /// 9 accounts and 170 installs, with problems of every kind.
    fn troubled() -> Self {
        Self::of(Simulator::builder().fleet(9, 60, 170).troubled().build())
    }

    /// The documentation's examples.
    fn documented() -> Self {
        Self::of(Simulator::builder().build())
    }

    fn of(simulator: Simulator) -> Self {
        let client = simulated::builder(&simulator).build().expect("a client");
        Self::with(simulator, &client)
    }

    fn with(simulator: Simulator, client: &Client) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let fleet = Fleet::open(
            client,
            folder.path().join("cache"),
            folder.path().join("state"),
        );
        Self {
            simulator,
            fleet: fleet.expect("a fleet"),
            folder,
        }
    }

    /// The journal, to make it what it would be days later or after a crash.
    fn state(&self) -> rusqlite::Connection {
        let path = self.folder.path().join("state/state.db");
        rusqlite::Connection::open(path).expect("the state file")
    }

    /// The mirror, to make it what it would be with another clock.
    fn mirror(&self) -> rusqlite::Connection {
        let path = self.folder.path().join("cache/mirror.db");
        rusqlite::Connection::open(path).expect("the mirror")
    }

    /// Another process would open the same files like this.
    fn again(&self) -> Fleet {
        let (cache, state) = (
            self.folder.path().join("cache"),
            self.folder.path().join("state"),
        );
        Fleet::open(self.fleet.client(), cache, state).expect("a fleet")
    }
}

/// A client whose answers have texts replaced, as another version of the service could write them.
fn rewritten(simulator: &Simulator, texts: &'static [(&'static str, &'static str)]) -> Client {
    let builder = simulated::builder(simulator);
    let client = builder.wrap(move |inner| Rewriting { inner, texts });
    client.build().expect("a client")
}

#[derive(Debug)]
struct Rewriting {
    inner: Arc<dyn HttpClient>,
    texts: &'static [(&'static str, &'static str)],
}

impl HttpClient for Rewriting {
    fn send(&self, request: Request<Bytes>, max_size: usize) -> ResponseFuture<'_> {
        Box::pin(async move {
            let (mut parts, body) = self.inner.send(request, max_size).await?.into_parts();
            let mut text = String::from_utf8_lossy(&body).into_owned();
            for (from, to) in self.texts {
                text = text.replace(from, to);
            }
            parts.headers.remove(http::header::CONTENT_LENGTH);
            Ok(Response::from_parts(parts, text.into()))
        })
    }
}

/// A client without retries, so that every fault is seen, to which every path with one of these texts is refused.
fn refused(simulator: &Simulator, texts: Vec<String>) -> Client {
    let builder = simulated::builder(simulator).retry(RetryPolicy::none());
    let client = builder.wrap(|inner| Refusing { inner, texts });
    client.build().expect("a client")
}

struct Refusing {
    inner: Arc<dyn HttpClient>,
    texts: Vec<String>,
}

impl fmt::Debug for Refusing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refusing")
    }
}

impl HttpClient for Refusing {
    fn send(&self, request: Request<Bytes>, max_size: usize) -> ResponseFuture<'_> {
        let path = request.uri().path();
        if self.texts.iter().any(|text| path.contains(text)) {
            let answer: Response<Bytes> = script::json(403, r#"{"message":"Forbidden"}"#);
            return Box::pin(async move { Ok(answer) });
        }
        self.inner.send(request, max_size)
    }
}
