//! What this process remembers of Redis: by it a loss is noticed, whoever caused it.

use std::{fmt, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::link::Trouble;

#[derive(Debug, Default)]
pub(super) struct Memory {
    heard: Option<Heard>,
    pub(super) outage: Option<Outage>,
    /// Since when requests get no answer although Redis may have others (it is full, say), and when that was last so.
    failing: Option<(Instant, Instant)>,
}

/// The last word from Redis while it knew the windows.
#[derive(Clone, Debug)]
struct Heard {
    epoch: String,
    /// How many processes held places.
    holders: i64,
    /// The time of the server, in microseconds.
    server_time: i64,
    at: Instant,
}

/// What the scripts are told of the memory.
#[derive(Debug, Default)]
pub(super) struct Recollection {
    pub(super) epoch: String,
    pub(super) holders: i64,
    pub(super) server_time: i64,
}

/// Since when Redis cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    pub(super) since: Instant,
    pub(super) why: Why,
}

#[derive(Clone, Debug)]
pub(super) enum Why {
    /// It does not answer, or answers with a failure.
    Down(Arc<Trouble>),
    /// It has lost the windows, or cannot know whether it has; for how long yet, if nobody helps.
    Blind(Duration),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(trouble) => trouble.fmt(f),
            Self::Blind(wait) => write!(
                f,
                "it is new, or was restarted or emptied; nothing leaves until every process that sent something has told it so again, mostly \
                 within seconds, at the latest in {:.0} s",
                wait.as_secs_f64().ceil()
            ),
        }
    }
}

impl Memory {
    /// Redis knows the windows. Gives how long it could not be used, if it could not.
    pub(super) fn heard(
        &mut self,
        epoch: &str,
        holders: i64,
        server_time: i64,
    ) -> Option<Duration> {
        let server_time = server_time.max(self.heard.as_ref().map_or(0, |last| last.server_time));
        self.heard = Some(Heard {
            epoch: epoch.to_owned(),
            holders,
            server_time,
            at: Instant::now(),
        });
        self.outage.take().map(|outage| outage.since.elapsed())
    }

    /// What is remembered. After the longest window nothing of it matters any more.
    pub(super) fn recollection(&self, horizon: Duration) -> Recollection {
        match &self.heard {
            Some(heard) if heard.at.elapsed() <= horizon => Recollection {
                epoch: heard.epoch.clone(),
                holders: heard.holders,
                server_time: heard.server_time,
            },
            _ => Recollection::default(),
        }
    }

    /// A request was answered.
    pub(super) fn answered(&mut self) {
        self.failing = None;
    }

    /// A request was not answered, as were those before it at most `gap` ago. Gives whether that is new.
    pub(super) fn failed(&mut self, why: Why, gap: Duration) -> bool {
        let now = Instant::now();
        let since = match self.failing {
            Some((since, last)) if now - last <= gap => since,
            _ => now,
        };
        self.failing = Some((since, now));
        let is_new = self.trouble(why) && since == now;
        if let Some(outage) = &mut self.outage {
            outage.since = outage.since.min(since);
        }
        is_new
    }

    /// Redis cannot be used. Gives whether that is new.
    pub(super) fn trouble(&mut self, why: Why) -> bool {
        let since = self.outage.as_ref().map(|outage| outage.since);
        self.outage = Some(Outage {
            since: since.unwrap_or_else(Instant::now),
            why,
        });
        since.is_none()
    }
}
