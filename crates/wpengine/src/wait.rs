//! Waiting for work that takes the service some time.

use std::{
    future::IntoFuture,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::{
    Client,
    error::{Error, ErrorKind},
    request::RequestFuture,
    requests::Request,
    transport::seconds,
};

/// The minimum pause. Without a pause, a wait would use up the whole rate limit.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// The progress of the work according to one response.
pub(crate) enum Stage {
    Going(String),
    Done,
    Failed(String),
}

/// What is waited for: work in progress, or work that is started first.
enum Subject<T> {
    Known(Work<T>),
    New(Start<T>),
}

/// The request that starts the work, and the work that follows from its response.
struct Start<T> {
    name: String,
    create: RequestFuture<T>,
    work: Describe<T>,
}

/// Creates the description of the work from the created resource.
type Describe<T> = Box<dyn FnOnce(&T) -> Work<T> + Send>;

/// Work in progress.
pub(crate) struct Work<T> {
    /// The name in error texts: `backup e41f... of install 294d...`.
    name: String,
    ask: Box<dyn Fn() -> RequestFuture<T> + Send + Sync>,
    stage: fn(&T) -> Stage,
    /// The hint of the error if the work failed.
    hint: &'static str,
}

impl<T> Work<T> {
    pub(crate) fn new<Asked>(
        name: String,
        ask: impl Fn() -> Asked + Send + Sync + 'static,
        stage: fn(&T) -> Stage,
        hint: &'static str,
    ) -> Self
    where
        Asked: IntoFuture<Output = Result<T, Error>>,
        Asked::IntoFuture: Send + 'static,
    {
        Self {
            name,
            ask: Box::new(move || Box::pin(ask().into_future())),
            stage,
            hint,
        }
    }
}

/// A wait that has not started yet. Await it for the finished resource, or read its [`progress`](Self::progress).
///
/// A wait requests the state of the work until the work has ended. The pauses between requests start at 2 s and grow by
/// half each time, up to 30 s, so that a long wait takes few requests. With a loopback base URL, as of the
/// simulator, they are 0.1 s to 1 s. An unknown state counts as work in progress. If
/// such a request fails for a reason that can pass (no connection, a timeout, a server error, a rate limit, or an
/// unreadable response), the wait sends it again until the deadline. Dropping the future ends the wait, but not the
/// work at the service.
///
/// # Errors
///
/// [`WaitTimedOut`](ErrorKind::WaitTimedOut) if the work has not ended before the deadline,
/// [`WorkFailed`](ErrorKind::WorkFailed) if the work failed ([`Error::state`] returns its state), and every other kind
/// if the service refuses a request, or if the request that starts the work fails.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait<T> {
    subject: Subject<T>,
    deadline: Duration,
    pause: Duration,
    longest_pause: Duration,
}

impl<T> Wait<T> {
    pub(crate) fn new(client: &Client, work: Work<T>, deadline: Duration) -> Self {
        Self::of(client, Subject::Known(work), deadline)
    }

    /// Creates a wait for work that a request starts. `name` is the name in error texts until the work has an id.
    pub(crate) fn starting(
        create: Request<T>,
        work: impl FnOnce(&T) -> Work<T> + Send + 'static,
        name: impl Into<String>,
        deadline: Duration,
    ) -> Self
    where
        T: DeserializeOwned + Send + 'static,
    {
        let client = create.client.clone();
        let start = Start {
            name: name.into(),
            create: create.into_future(),
            work: Box::new(work),
        };
        Self::of(&client, Subject::New(start), deadline)
    }

    fn of(client: &Client, subject: Subject<T>, deadline: Duration) -> Self {
        let (pause, longest_pause) = if client.is_on_this_machine() {
            (Duration::from_millis(100), Duration::from_secs(1))
        } else {
            (Duration::from_secs(2), Duration::from_secs(30))
        };
        Self {
            subject,
            deadline,
            pause,
            longest_pause,
        }
    }

    /// Sets the deadline. The default depends on the work, from 10 minutes for a report to 2 hours for a transfer; the
    /// method that creates the wait documents it.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = time;
        self
    }

    /// Sets the first and the longest pause between two requests, at least 50 ms. The default is 2 s and 30 s, or 0.1 s
    /// and 1 s if the base URL is a loopback address. Set longer ones for a proxy on this machine that leads to the
    /// service.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.pause = first.max(SHORTEST_PAUSE);
        self.longest_pause = longest.max(self.pause);
        self
    }

    /// Returns a stream of every response; the last one is the finished resource. The [`deadline`](Self::deadline)
    /// starts now.
    pub fn progress(self) -> Progress<T>
    where
        T: Send + 'static,
    {
        let name = self.subject.name().to_owned();
        let waiting = Waiting {
            subject: self.subject,
            clock: Clock {
                ends: Instant::now().checked_add(self.deadline),
                deadline: self.deadline,
                pause: self.pause,
                longest_pause: self.longest_pause,
                pausing: None,
                state: None,
                problem: None,
            },
        };
        let answers = stream::unfold(Some(waiting), |waiting| async move {
            Some(waiting?.advance().await)
        });
        Progress {
            name,
            answers: Box::pin(answers.fuse()),
        }
    }
}

impl<T> Subject<T> {
    fn name(&self) -> &str {
        match self {
            Self::Known(work) => &work.name,
            Self::New(start) => &start.name,
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

debug_fields!(Wait<T> as this: work = this.subject.name(), deadline = this.deadline, pause = this.pause,
    longest_pause = this.longest_pause);

/// A stream of every response of a [`Wait`]; the last one is the finished resource. It ends at the deadline at the
/// latest.
#[must_use = "a stream does nothing until it is polled"]
pub struct Progress<T> {
    name: String,
    answers: Pin<Box<dyn Stream<Item = Result<T, Error>> + Send>>,
}

impl<T> Progress<T> {
    /// Returns the next response, or none at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        self.answers.next().await
    }

    /// Returns the next response, or none at the end.
    ///
    /// # Errors
    ///
    /// Those of [`Wait`].
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.next().await.transpose()
    }
}

impl<T> Stream for Progress<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.answers.as_mut().poll_next(context)
    }
}

debug_fields!(Progress<T> as this: work = this.name);

/// A wait in progress.
struct Waiting<T> {
    subject: Subject<T>,
    clock: Clock,
}

impl<T> Waiting<T> {
    /// Waits for the next response. It returns itself unless that was the last one.
    async fn advance(self) -> (Result<T, Error>, Option<Self>) {
        let Self { subject, mut clock } = self;
        let (seen, work) = match subject {
            Subject::Known(work) => (clock.ask(&work).await, work),
            Subject::New(start) => match timeout(clock.left(), start.create).await {
                Ok(Ok(created)) => {
                    let work = (start.work)(&created);
                    (Ok(created), work)
                }
                Ok(Err(error)) => return (Err(error), None),
                Err(_) => return (Err(clock.timed_out(&start.name, true)), None),
            },
        };
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return (Err(error), None),
        };
        match (work.stage)(&seen) {
            Stage::Done => (Ok(seen), None),
            Stage::Failed(state) => {
                let text = format!("{} ended as `{state}`", work.name);
                let error = Error::new(ErrorKind::WorkFailed, text)
                    .with_hint(work.hint)
                    .with(|inner| inner.state = Some(state));
                (Err(error), None)
            }
            Stage::Going(state) => {
                clock.state = Some(state);
                clock.pause();
                let subject = Subject::Known(work);
                (Ok(seen), Some(Self { subject, clock }))
            }
        }
    }
}

/// The times of a wait, and what it has seen so far.
struct Clock {
    /// None if the deadline is too far away for an `Instant`.
    ends: Option<Instant>,
    deadline: Duration,
    /// The length of the next pause.
    pause: Duration,
    longest_pause: Duration,
    /// The pause since the last response.
    pausing: Option<Pin<Box<Sleep>>>,
    /// The last known state.
    state: Option<String>,
    /// Why the last request failed.
    problem: Option<Error>,
}

impl Clock {
    /// Requests the state of the work, again if it fails for a reason that can pass.
    async fn ask<T>(&mut self, work: &Work<T>) -> Result<T, Error> {
        loop {
            if let Some(pause) = self.pausing.take() {
                pause.await;
                if self.left().is_zero() {
                    return Err(self.timed_out(&work.name, false));
                }
            }
            // The deadline includes the request, so that a service that hangs does not make the wait longer.
            match timeout(self.left(), (work.ask)()).await {
                Ok(Err(error)) if can_pass(&error) => {
                    self.problem = Some(error);
                    self.pause();
                }
                Ok(answer) => {
                    self.problem = None;
                    return answer;
                }
                Err(_) => return Err(self.timed_out(&work.name, false)),
            }
        }
    }

    fn pause(&mut self) {
        let pause = self.pause.min(self.left());
        self.pause = pause.saturating_add(pause / 2).min(self.longest_pause);
        self.pausing = Some(Box::pin(sleep(pause)));
    }

    fn left(&self) -> Duration {
        self.ends.map_or(Duration::MAX, |ends| {
            ends.saturating_duration_since(Instant::now())
        })
    }

    /// Ends the wait at the deadline. `starting` if the request that starts the work had no response yet, so that the
    /// work may or may not have started.
    fn timed_out(&mut self, name: &str, starting: bool) -> Error {
        let mut text = format!("{name} did not end within {}", seconds(self.deadline));
        if let Some(state) = &self.state {
            text.push_str(&format!("; it was `{state}` when last seen"));
        }
        if self.problem.is_some() {
            text.push_str("; the last request for its state failed");
        }
        let hint = if starting {
            "wait longer with a longer `deadline`"
        } else {
            "the work continues at the service: wait again, with a longer `deadline` if the work is large"
        };
        let error = Error::new(ErrorKind::WaitTimedOut, text)
            .with_hint(hint)
            .with(|inner| {
                inner.state = self.state.take();
                inner.may_have_happened = starting;
            });
        match self.problem.take() {
            Some(problem) => error.caused_by(problem),
            None => error,
        }
    }
}

/// Whether a request may succeed later although it failed with this error.
fn can_pass(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Connect
        | ErrorKind::Timeout
        | ErrorKind::Transport
        | ErrorKind::RateLimit
        | ErrorKind::Limiter => true,
        // A response that was decoded but does not match the request has no status.
        ErrorKind::Decode => error.status().is_some(),
        ErrorKind::Api => error.is_server_error() || error.is_rate_limited(),
        _ => false,
    }
}
