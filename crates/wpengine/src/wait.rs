//! Waiting for work that takes the service some time.

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
    New(Option<Start<T>>, String),
}

/// The request that starts the work, and the work that follows from its response.
struct Start<T> {
    create: RequestFuture<T>,
    work: Describe<T>,
}

/// Creates the description of the work from the created resource.
type Describe<T> = Box<dyn FnOnce(&T) -> Work<T> + Send>;

/// Work in progress.
pub(crate) struct Work<T> {
    /// The name in error texts: `backup e41f... of install 294d...`.
    pub(crate) name: String,
    pub(crate) ask: Box<dyn Fn() -> RequestFuture<T> + Send>,
    pub(crate) stage: fn(&T) -> Stage,
    /// The hint of the error if the work failed.
    pub(crate) hint: &'static str,
}

/// A wait that has not started yet. Await it for the finished resource, or read its [`progress`](Self::progress).
///
/// A wait requests the state of the work until the work has ended. The pauses between requests start at 2 s and grow by
/// half each time, up to 30 s, so that a long wait takes few requests. An unknown state counts as work in progress. If
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
    pub(crate) fn new(work: Work<T>, deadline: Duration) -> Self {
        Self::of(Subject::Known(work), deadline)
    }

    /// Creates a wait for work that a request starts. `name` is the name in error texts until the work has an id.
    pub(crate) fn starting(
        create: impl IntoFuture<Output = Result<T, Error>, IntoFuture = RequestFuture<T>>,
        work: impl FnOnce(&T) -> Work<T> + Send + 'static,
        name: impl Into<String>,
        deadline: Duration,
    ) -> Self
    where
        T: 'static,
    {
        let start = Start {
            create: create.into_future(),
            work: Box::new(work),
        };
        Self::of(Subject::New(Some(start), name.into()), deadline)
    }

    fn of(subject: Subject<T>, deadline: Duration) -> Self {
        Self {
            subject,
            deadline,
            pause: Duration::from_secs(2),
            longest_pause: Duration::from_secs(30),
        }
    }

    /// Sets the deadline. The default depends on the work, from 10 minutes for a report to 2 hours for a transfer; the
    /// method that creates the wait documents it.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = time;
        self
    }

    /// Sets the first and the longest pause between two requests; 2 s and 30 s by default, and at least 50 ms.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.pause = first.max(SHORTEST_PAUSE);
        self.longest_pause = longest.max(self.pause);
        self
    }

    /// Returns a stream of every response; the last one is the finished resource. The [`deadline`](Self::deadline)
    /// starts now.
    pub fn progress(self) -> Progress<T> {
        Progress {
            ends: Instant::now().checked_add(self.deadline),
            wait: self,
            step: Step::Ask,
            state: None,
            problem: None,
        }
    }
}

impl<T> Subject<T> {
    fn name(&self) -> &str {
        match self {
            Self::Known(work) => &work.name,
            Self::New(_, name) => name,
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
            .field("work", &self.subject.name())
            .field("deadline", &self.deadline)
            .field("pause", &self.pause)
            .field("longest_pause", &self.longest_pause)
            .finish_non_exhaustive()
    }
}

/// A stream of every response of a [`Wait`]; the last one is the finished resource. It ends at the deadline at the
/// latest.
#[must_use = "a stream does nothing until it is polled"]
pub struct Progress<T> {
    wait: Wait<T>,
    /// None if the deadline is too far away for an `Instant`.
    ends: Option<Instant>,
    step: Step<T>,
    /// The last known state.
    state: Option<String>,
    /// Why the last request failed.
    problem: Option<Error>,
}

enum Step<T> {
    Ask,
    /// The request and the deadline, so that a service that hangs does not make the wait longer.
    Asking(Asking<T>, Pin<Box<tokio::time::Sleep>>),
    Pausing(Pin<Box<tokio::time::Sleep>>),
    Over,
}

enum Asking<T> {
    Start(Start<T>),
    Question(RequestFuture<T>),
}

/// The stream owns only boxed futures, so it can be moved.
impl<T> Unpin for Progress<T> {}

impl<T> Progress<T> {
    /// Returns the next response, or none at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns the next response, or none at the end.
    ///
    /// # Errors
    ///
    /// Those of [`Wait`].
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.next().await.transpose()
    }

    fn judge(&mut self, seen: T) -> Result<T, Error> {
        self.problem = None;
        let Subject::Known(work) = &self.wait.subject else {
            return Ok(seen);
        };
        match (work.stage)(&seen) {
            Stage::Done => {
                self.step = Step::Over;
                Ok(seen)
            }
            Stage::Failed(state) => {
                let text = format!("{} ended as `{state}`", work.name);
                let error = Error::new(ErrorKind::WorkFailed, text).with_hint(work.hint);
                self.step = Step::Over;
                Err(error.with(|inner| inner.state = Some(state)))
            }
            Stage::Going(state) => {
                self.state = Some(state);
                self.pause();
                Ok(seen)
            }
        }
    }

    fn pause(&mut self) {
        let pause = self.wait.pause.min(self.left());
        self.wait.pause = pause.saturating_add(pause / 2).min(self.wait.longest_pause);
        self.step = Step::Pausing(Box::pin(tokio::time::sleep(pause)));
    }

    /// Starts the next request for the state, or the request that starts the work.
    fn ask(&mut self) -> Step<T> {
        let asking = match &mut self.wait.subject {
            Subject::Known(work) => Asking::Question((work.ask)()),
            Subject::New(start, _) => match start.take() {
                Some(start) => Asking::Start(start),
                None => return Step::Over,
            },
        };
        Step::Asking(asking, Box::pin(tokio::time::sleep(self.left())))
    }

    fn left(&self) -> Duration {
        self.ends.map_or(Duration::MAX, |ends| {
            ends.saturating_duration_since(Instant::now())
        })
    }

    /// Ends the wait at the deadline. `starting` if the request that starts the work had no response yet, so that the
    /// work may or may not have started.
    fn timed_out(&mut self, starting: bool) -> Error {
        self.step = Step::Over;
        let state = self.state.take();
        let mut text = format!(
            "{} did not end within {}",
            self.wait.subject.name(),
            seconds(self.wait.deadline)
        );
        if let Some(state) = &state {
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
                inner.state = state;
                inner.may_have_happened = starting;
            });
        match self.problem.take() {
            Some(problem) => error.caused_by(problem),
            None => error,
        }
    }

    /// Returns what to pass on; none if the wait should send another request.
    fn answered(&mut self, answer: Result<T, Error>) -> Option<Result<T, Error>> {
        match answer {
            Ok(seen) => Some(self.judge(seen)),
            Err(error) if can_pass(&error) => {
                self.problem = Some(error);
                self.pause();
                None
            }
            Err(error) => {
                self.step = Step::Over;
                Some(Err(error))
            }
        }
    }

    fn started(&mut self, start: Start<T>, answer: Result<T, Error>) -> Result<T, Error> {
        let created = answer.inspect_err(|_| self.step = Step::Over)?;
        self.wait.subject = Subject::Known((start.work)(&created));
        self.judge(created)
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

impl<T> Stream for Progress<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match &mut this.step {
                Step::Ask => this.step = this.ask(),
                Step::Asking(asking, deadline) => {
                    let future = match asking {
                        Asking::Start(start) => &mut start.create,
                        Asking::Question(question) => question,
                    };
                    let Poll::Ready(answer) = future.as_mut().poll(context) else {
                        ready!(deadline.as_mut().poll(context));
                        let starting = matches!(asking, Asking::Start(_));
                        return Poll::Ready(Some(Err(this.timed_out(starting))));
                    };
                    let asked = std::mem::replace(&mut this.step, Step::Over);
                    let item = match asked {
                        Step::Asking(Asking::Start(start), _) => Some(this.started(start, answer)),
                        _ => this.answered(answer),
                    };
                    if item.is_some() {
                        return Poll::Ready(item);
                    }
                }
                Step::Pausing(pause) => {
                    ready!(pause.as_mut().poll(context));
                    if this.left().is_zero() {
                        let error = this.timed_out(false);
                        return Poll::Ready(Some(Err(error)));
                    }
                    this.step = Step::Ask;
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
