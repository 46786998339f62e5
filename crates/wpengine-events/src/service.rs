//! All of it in one program that runs for months: looking, delivering, and a page for people and monitoring.

use std::{future::Future, net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, sync::watch};
use wpengine::jiff::Timestamp;

use crate::{Error, Events, Poller, PollerStatus, Sender, page};

/// Runs a poller and a sender over the same events, with a page on this machine if one is wanted.
///
/// ```no_run
/// # async fn run(poller: wpengine_events::Poller, events: wpengine_events::Events) -> Result<(), wpengine_events::Error> {
/// use wpengine_events::{Sender, Service};
///
/// let sender = Sender::new(&events);
/// let service = Service::new(poller, sender).page("127.0.0.1:9184".parse().expect("an address")).await?;
/// service.run(std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a service does nothing until it is run"]
pub struct Service {
    poller: Poller,
    sender: Sender,
    listener: Option<TcpListener>,
}

impl Service {
    /// A service of a poller and a sender.
    pub fn new(poller: Poller, sender: Sender) -> Self {
        Self {
            poller,
            sender,
            listener: None,
        }
    }

    /// Serves a page: `/` for people, `/health` and `/metrics` for monitoring, `/events` as JSON. It is meant for this machine: it has no
    /// password, and answers only if the `Host` of a request is an address or `localhost`.
    ///
    /// # Errors
    ///
    /// [`Error::File`] if the address cannot be listened on.
    pub async fn page(mut self, address: SocketAddr) -> Result<Self, Error> {
        let listener = TcpListener::bind(address).await;
        self.listener = Some(listener.map_err(|error| Error::file(address.to_string(), error))?);
        Ok(self)
    }

    /// The address of the page.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref()?.local_addr().ok()
    }

    /// Runs until `stop` is ready. Looks and deliveries that are under way end before it returns.
    ///
    /// # Errors
    ///
    /// As of [`Poller::run`] and [`Sender::run`].
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let events = self.sender.events().clone();
        let lock = events.lock()?;
        let (tell, told) = watch::channel(false);
        let stopped = || {
            let mut told = told.clone();
            async move {
                // An error means that nobody can tell any more.
                let _ = told.wait_for(|is_told| *is_told).await;
            }
        };
        let started = events.clock.now();
        let seen = View {
            events,
            watch: self.poller.watch(),
            started,
        };
        let page = async {
            match self.listener {
                Some(listener) => page::serve(listener, seen, stopped()).await,
                None => stopped().await,
            }
        };
        let mut work = std::pin::pin!(async {
            tokio::try_join!(
                async {
                    page.await;
                    Ok(())
                },
                self.poller.run_locked(stopped()),
                self.sender.run_locked(stopped()),
            )
        });
        let ended = tokio::select! {
            ended = &mut work => ended,
            () = stop => {
                let _ = tell.send(true);
                work.await
            }
        };
        drop(lock);
        ended.map(drop)
    }
}

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) events: Events,
    pub(crate) watch: crate::Watch,
    started: Timestamp,
}

/// After so long without a look something is wrong, and after so long with looks that fail.
const SILENT: Duration = Duration::from_secs(15 * 60);
const FAILING: Duration = Duration::from_secs(60);

impl View {
    /// What is wrong, in words.
    pub(crate) fn troubles(&self, status: &PollerStatus) -> Vec<String> {
        let mut troubles = Vec::new();
        let (now, last) = (
            self.events.clock.now(),
            status.last_look.unwrap_or(self.started),
        );
        let is_over = |since, time| crate::clock::until(since, now) > time;
        let silent = Some(last).filter(|last| is_over(*last, SILENT));
        let failing = status
            .failing_since
            .filter(|since| is_over(*since, FAILING));
        if let Some(since) = failing.or(silent) {
            let why = status
                .last_failure
                .as_ref()
                .map_or("no request came back", |(_, text)| text);
            troubles.push(format!("no look has succeeded since {since}: {why}"));
        }
        if !status.unknown_accounts.is_empty() {
            troubles.push(format!(
                "the API does not show to these credentials: {}",
                status.unknown_accounts.join(", ")
            ));
        }
        if !status.lagging.is_empty() {
            troubles.push(format!(
                "later than promised: {}",
                status.lagging.join(", ")
            ));
        }
        if let Some(mirror) = &status.mirror {
            troubles.push(format!("the mirror cannot be written: {mirror}"));
        }
        troubles
    }
}
