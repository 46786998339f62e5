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

/// What is waited for: work that is under way, or that is started first.
enum Subject<T> {
    Known(Work<T>),
    New(Option<Start<T>>, String),
}

/// How work is started, and what it is then.
struct Start<T> {
    create: RequestFuture<T>,
    work: Describe<T>,
}

/// Makes the work of the thing that was created.
type Describe<T> = Box<dyn FnOnce(&T) -> Work<T> + Send>;

/// Work that is under way.
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
/// that a long wait costs few requests. A state that this version does not know counts as one that is not the end. A question
/// that fails for a while (no connection, a timeout, a failure of the service, a rate limit, an answer that cannot be read) is asked
/// again until the deadline. Dropping the future ends the wait; the work goes on.
///
/// # Errors
///
/// [`WaitTimedOut`](ErrorKind::WaitTimedOut) if the work is not over within the deadline, [`WorkFailed`](ErrorKind::WorkFailed)
/// if it ended badly ([`Error::state`] says how), and every other kind if the service refuses the question, or the request that
/// starts the work fails.
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

    /// A wait for work that a request starts. `name` is what errors call it until it has an id.
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
    /// Why the last question was not answered.
    problem: Option<Error>,
}

enum Step<T> {
    Ask,
    /// A service that hangs does not make the wait longer than its deadline.
    Asking(Asking<T>, Pin<Box<tokio::time::Sleep>>),
    Pausing(Pin<Box<tokio::time::Sleep>>),
    Over,
}

enum Asking<T> {
    Start(Start<T>),
    Question(RequestFuture<T>),
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

    /// The next question, or the request that starts the work.
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

    /// The deadline is over. `starting` if the work may have been started, and nobody knows.
    fn timed_out(&mut self, starting: bool) -> Error {
        self.step = Step::Over;
        let state = self.state.take();
        let mut text = format!(
            "{} was not over within {}",
            self.wait.subject.name(),
            seconds(self.wait.deadline)
        );
        if let Some(state) = &state {
            text.push_str(&format!("; it was `{state}` when last seen"));
        }
        if self.problem.is_some() {
            text.push_str("; the last question was not answered");
        }
        let hint = if starting {
            "wait longer with a longer `deadline`"
        } else {
            "it goes on at the service: wait again, with a longer `deadline` if it is large"
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

    /// What to hand on of an answer; none if it is worth another question.
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

/// Whether a question that failed like this may be answered later.
fn can_pass(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Connect
        | ErrorKind::Timeout
        | ErrorKind::Transport
        | ErrorKind::RateLimit
        | ErrorKind::Limiter => true,
        // An answer that was read and does not fit has no status.
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
