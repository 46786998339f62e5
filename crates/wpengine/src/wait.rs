//! Waiting for work that the service does on its own time.

use std::{
    fmt,
    future::{Future, IntoFuture, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_core::Stream;
use tokio::time::Instant;

use crate::{
    error::{Error, ErrorKind},
    request::RequestFuture,
    transport::seconds,
};

/// Without any pause a wait would spend the whole rate limit.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// How far the work is, by one answer.
pub(crate) enum Stage {
    Going(String),
    Done,
    Failed(String),
}

/// What is waited for.
pub(crate) struct Work<T> {
    /// As errors name it: `backup e41f... of install 294d...`.
    pub(crate) name: String,
    pub(crate) ask: Box<dyn Fn() -> RequestFuture<T> + Send>,
    pub(crate) stage: fn(&T) -> Stage,
    /// What to do when it failed.
    pub(crate) hint: &'static str,
}

/// A wait that has not begun yet: await it for the finished thing, or read its [`progress`](Self::progress).
///
/// It asks about the work, pauses, and asks again. The pauses begin with 2 s and grow by half each time up to 30 s, so
/// that a long wait costs few requests. A state that this version does not know counts as one that is not the end.
/// Dropping the future ends the wait; the work goes on.
///
/// # Errors
///
/// [`WaitTimedOut`](ErrorKind::WaitTimedOut) when the work is not over within the limit, [`WorkFailed`](ErrorKind::WorkFailed)
/// when it ended badly ([`Error::state`] says how), and every other kind when the service could not be asked.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait<T> {
    work: Work<T>,
    deadline: Duration,
    pause: Duration,
    longest_pause: Duration,
}

impl<T> Wait<T> {
    pub(crate) fn new(work: Work<T>, deadline: Duration) -> Self {
        Self {
            work,
            deadline,
            pause: Duration::from_secs(2),
            longest_pause: Duration::from_secs(30),
        }
    }

    /// Sets how long to wait. The default depends on the work, from 10 minutes for a report to 2 hours for a transfer: the
    /// method that makes the wait says it.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = time;
        self
    }

    /// The first pause between two questions, and the longest; 2 s and 30 s by default, and never less than 50 ms.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.pause = first.max(SHORTEST_PAUSE);
        self.longest_pause = longest.max(self.pause);
        self
    }

    /// Every answer on the way, the finished thing last: a stream. Its [`deadline`](Self::deadline) begins now.
    pub fn progress(self) -> Progress<T> {
        Progress {
            ends: Instant::now().checked_add(self.deadline),
            wait: self,
            step: Step::Ask,
            state: None,
        }
    }
}

impl<T: Send + 'static> IntoFuture for Wait<T> {
    type Output = Result<T, Error>;
    type IntoFuture = RequestFuture<T>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut progress = self.progress();
            let mut last = None;
            while let Some(seen) = progress.next().await {
                last = Some(seen?);
            }
            last.ok_or_else(|| Error::new(ErrorKind::WaitTimedOut, "nothing was waited for"))
        })
    }
}

impl<T> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("work", &self.work.name)
            .field("deadline", &self.deadline)
            .field("pause", &self.pause)
            .field("longest_pause", &self.longest_pause)
            .finish_non_exhaustive()
    }
}

/// The progress of work that is waited for: a stream of every answer, the finished thing last. It ends at the latest with the
/// limit of its [`Wait`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Progress<T> {
    wait: Wait<T>,
    /// None where the limit is beyond all time.
    ends: Option<Instant>,
    step: Step<T>,
    /// The state that was seen last.
    state: Option<String>,
}

enum Step<T> {
    Ask,
    /// A service that hangs does not make the wait longer than its limit.
    Asking(RequestFuture<T>, Pin<Box<tokio::time::Sleep>>),
    Pausing(Pin<Box<tokio::time::Sleep>>),
    Over,
}

/// Nothing in it is ever pinned in place.
impl<T> Unpin for Progress<T> {}

impl<T> Progress<T> {
    /// The next answer, or none at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// The next answer, or none at the end.
    ///
    /// # Errors
    ///
    /// As of [`Wait`].
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.next().await.transpose()
    }

    fn judge(&mut self, seen: T) -> Result<T, Error> {
        match (self.wait.work.stage)(&seen) {
            Stage::Done => {
                self.step = Step::Over;
                Ok(seen)
            }
            Stage::Failed(state) => {
                self.step = Step::Over;
                Err(Error::new(
                    ErrorKind::WorkFailed,
                    format!("{} ended as `{state}`", self.wait.work.name),
                )
                .hint(self.wait.work.hint)
                .with(|inner| inner.state = Some(state)))
            }
            Stage::Going(state) => {
                self.state = Some(state);
                let pause = self.wait.pause.min(self.left());
                self.wait.pause = pause.saturating_add(pause / 2).min(self.wait.longest_pause);
                self.step = Step::Pausing(Box::pin(tokio::time::sleep(pause)));
                Ok(seen)
            }
        }
    }

    fn left(&self) -> Duration {
        self.ends.map_or(Duration::MAX, |ends| {
            ends.saturating_duration_since(Instant::now())
        })
    }

    fn timed_out(&mut self) -> Error {
        self.step = Step::Over;
        let state = self.state.take();
        let seen = match &state {
            Some(state) => format!("; it was `{state}` when last seen"),
            None => String::new(),
        };
        Error::new(
            ErrorKind::WaitTimedOut,
            format!(
                "{} was not over within {}{seen}",
                self.wait.work.name,
                seconds(self.wait.deadline)
            ),
        )
        .hint("it goes on at the service: wait again, with a longer `deadline` if it is large")
        .with(|inner| inner.state = state)
    }
}

impl<T> Stream for Progress<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.step {
                Step::Ask => {
                    let limit = Box::pin(tokio::time::sleep(self.left()));
                    self.step = Step::Asking((self.wait.work.ask)(), limit);
                }
                Step::Asking(asking, limit) => {
                    let item = match asking.as_mut().poll(context) {
                        Poll::Ready(Ok(seen)) => self.judge(seen),
                        Poll::Ready(Err(error)) => {
                            self.step = Step::Over;
                            Err(error)
                        }
                        Poll::Pending => {
                            ready!(limit.as_mut().poll(context));
                            Err(self.timed_out())
                        }
                    };
                    return Poll::Ready(Some(item));
                }
                Step::Pausing(pause) => {
                    ready!(pause.as_mut().poll(context));
                    if self.left().is_zero() {
                        let error = self.timed_out();
                        return Poll::Ready(Some(Err(error)));
                    }
                    self.step = Step::Ask;
                }
                Step::Over => return Poll::Ready(None),
            }
        }
    }
}

impl<T> fmt::Debug for Progress<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("wait", &self.wait)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
