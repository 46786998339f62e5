//! Running one operation on many items.

use std::{
    future::{Future, ready},
    pin::{Pin, pin},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_core::Stream;
use futures_util::StreamExt as _;

use crate::error::Error;

/// The default number of items in progress at the same time.
const CONCURRENCY: usize = 8;

/// Runs an async function for every item of a listing, several at the same time.
///
/// The [`Outcome`] contains every success and every failure. No item is skipped, unless
/// [`stop_on_failure`](ForEach::stop_on_failure) is set. All requests of a client share its rate limit, so a higher
/// [`concurrency`](ForEach::concurrency) never exceeds the limit.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// # let client = wpengine::Client::at(simulator.url())?;
/// use wpengine::types::CacheType;
///
/// let outcome = wpengine::for_each(client.installs().list().items())
///     .concurrency(4)
///     .on_progress(|progress| println!("{} done, {} failed", progress.done, progress.failed))
///     .run(|install| {
///         let install = client.install(install.id);
///         async move { install.purge_cache(CacheType::Page).await }
///     })
///     .await;
/// for (install, error) in &outcome.failed {
///     println!("{}: {error}", install.name);
/// }
/// assert!(outcome.is_complete());
/// # Ok(())
/// # }
/// ```
pub fn for_each<S, T>(items: S) -> ForEach<S>
where
    S: Stream<Item = Result<T, Error>>,
{
    ForEach {
        items,
        concurrency: CONCURRENCY,
        stop_on_failure: false,
        on_progress: None,
    }
}

/// Runs an async function for every item of a collection in memory, several at the same time. Otherwise like
/// [`for_each`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// # let client = wpengine::Client::at(simulator.url())?;
/// let names = ["torquemag", "torqueevents"];
/// let outcome = wpengine::for_each_of(names)
///     .run(|name| {
///         let installs = client.installs().list();
///         async move { Ok(installs.collect().await?.iter().any(|install| install.name == name)) }
///     })
///     .await;
/// assert_eq!(outcome.done.len(), 2);
/// # Ok(())
/// # }
/// ```
pub fn for_each_of<I>(items: I) -> ForEach<Given<I::IntoIter>>
where
    I: IntoIterator,
    I::IntoIter: Unpin,
{
    for_each(Given(items.into_iter()))
}

/// The items of a collection, as a stream.
#[derive(Debug)]
pub struct Given<I>(I);

impl<I: Iterator + Unpin> Stream for Given<I> {
    type Item = Result<I::Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// A run over many items that has not started yet.
#[must_use = "nothing is done until `run` is awaited"]
pub struct ForEach<S> {
    items: S,
    concurrency: usize,
    stop_on_failure: bool,
    on_progress: Option<Box<dyn FnMut(Progressed) + Send>>,
}

/// The progress of a run over many items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progressed {
    /// The number of items that succeeded.
    pub done: usize,
    /// The number of items that failed.
    pub failed: usize,
    /// The number of items in progress.
    pub running: usize,
}

/// The result of a run over many items. Both lists are in the order of the items.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome<T, R> {
    /// The items that succeeded, each with its result.
    pub done: Vec<(T, R)>,
    /// The items that failed, each with its error.
    pub failed: Vec<(T, Error)>,
    /// The error that ended the listing, if there was one. There may be more items.
    pub listing: Option<Error>,
    /// Whether the run stopped early because of a failure. There may be more items.
    pub stopped: bool,
}

impl<T, R> Outcome<T, R> {
    /// Whether every item was processed and succeeded.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.listing.is_none() && !self.stopped
    }
}

impl<S> ForEach<S> {
    setters! {
        /// Sets how many items are in progress at the same time; 8 by default.
        concurrency(most: usize) concurrency = most.max(1);

        /// Starts no new item after a failure. The items in progress are still finished, because a cancelled write may
        /// or may not have happened.
        stop_on_failure() stop_on_failure = true;

        /// Calls a function after each item, with the progress so far.
        on_progress(tell: impl FnMut(Progressed) + Send + 'static) on_progress = Some(Box::new(tell));
    }

    /// Runs the function `work` for every item. Dropping the future cancels the items in progress. The run has no time
    /// limit of its own; the timeout of the client, 300 s by default, and its `rate_limit_wait` apply to each call.
    pub async fn run<T, R, F, W>(self, mut work: F) -> Outcome<T, R>
    where
        S: Stream<Item = Result<T, Error>>,
        T: Clone,
        F: FnMut(T) -> W,
        W: Future<Output = Result<R, Error>>,
    {
        let Self {
            items,
            concurrency,
            stop_on_failure,
            mut on_progress,
        } = self;
        let (started, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        let listing = Mutex::new(None);
        // The stream of items ends at its first error, which is kept in `listing`, or after a failure of the work if
        // `stop_on_failure` is set.
        let running = items
            .take_while(|_| ready(!stopped.load(Ordering::Relaxed)))
            .scan((), |(), item| {
                ready(item.map_err(|error| *locked(&listing) = Some(error)).ok())
            })
            .enumerate()
            .map(|(number, item)| {
                started.fetch_add(1, Ordering::Relaxed);
                let work = work(item.clone());
                async move { (number, item, work.await) }
            })
            .buffer_unordered(concurrency);
        let mut running = pin!(running);
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        while let Some((number, item, result)) = running.next().await {
            match result {
                Ok(result) => done.push((number, (item, result))),
                Err(error) => {
                    failed.push((number, (item, error)));
                    stopped.fetch_or(stop_on_failure, Ordering::Relaxed);
                }
            }
            if let Some(tell) = &mut on_progress {
                let ended = done.len() + failed.len();
                tell(Progressed {
                    done: done.len(),
                    failed: failed.len(),
                    running: started.load(Ordering::Relaxed) - ended,
                });
            }
        }
        let (listing, stopped) = (locked(&listing).take(), stopped.load(Ordering::Relaxed));
        Outcome {
            done: in_order(done),
            failed: in_order(failed),
            listing,
            stopped,
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn in_order<T>(mut numbered: Vec<(usize, T)>) -> Vec<T> {
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, item)| item).collect()
}

debug_fields!(ForEach<S> as this: concurrency = this.concurrency, stop_on_failure = this.stop_on_failure);
