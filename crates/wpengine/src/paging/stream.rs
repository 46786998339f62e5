//! The streams of a listing.

use std::{
    borrow::Cow,
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use super::{
    Ask, Cursor, Fetch, FetchFuture, Fetched, Page,
    key::Seen,
    plan::{Answer, Plan, Step},
};
use crate::error::Error;

/// The pages of a listing: a stream that asks for a page when it is polled for one, and for as many more at the same time
/// as [`concurrency`](crate::paging::List::concurrency) allows.
///
/// The pages come in order, and an item that a page repeats because the list was changed meanwhile is left out of it.
/// After an error the stream has ended. Dropping it ends the requests that are under way. Each page is a call of its own, with
/// a limit of 300 s by default; the stream as a whole has none.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    operation: &'static str,
    fetch: Fetch<T>,
    ask: Ask,
    plan: Plan,
    concurrency: usize,
    /// The pages under way, in order.
    slots: VecDeque<Slot<T>>,
    seen: Seen,
    key: fn(&T) -> Option<Cow<'_, str>>,
    most_total: Option<u64>,
    shrank: bool,
    end: End,
}

/// A page that was asked for.
struct Slot<T> {
    cursor: Cursor,
    state: SlotState<T>,
}

enum SlotState<T> {
    Busy(FetchFuture<T>),
    Done(Box<Result<Fetched<T>, Error>>),
}

/// Whether anything can come after the pages that are under way.
enum End {
    Open,
    /// This, and then nothing.
    Failing(Error),
    Over,
}

/// How a listing is read.
pub(super) struct Reading<T> {
    pub(super) plan: Plan,
    pub(super) concurrency: usize,
    pub(super) key: fn(&T) -> Option<Cow<'_, str>>,
}

impl<T> Pages<T> {
    pub(super) fn new(
        operation: &'static str,
        fetch: Fetch<T>,
        ask: Ask,
        reading: Reading<T>,
        refused: Option<Error>,
    ) -> Self {
        Self {
            operation,
            fetch,
            ask,
            plan: reading.plan,
            concurrency: reading.concurrency,
            slots: VecDeque::new(),
            seen: Seen::default(),
            key: reading.key,
            most_total: None,
            shrank: false,
            end: refused.map_or(End::Open, End::Failing),
        }
    }

    /// Whether a page said that there are fewer items than a page before it: something was removed while the list was
    /// read, and what moved up over the end of a page may be missing.
    ///
    /// A [`verified`](crate::paging::List::verified) listing misses nothing.
    #[must_use]
    pub fn shrank(&self) -> bool {
        self.shrank
    }

    /// The next page, or none at the end.
    pub async fn next(&mut self) -> Option<Result<Page<T>, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// The next page, or none at the end.
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can end in, and [`Paging`](crate::ErrorKind::Paging) for a listing that does
    /// not advance.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.next().await.transpose()
    }

    /// Asks for as many pages as may be under way at once.
    fn fill(&mut self) {
        while matches!(self.end, End::Open)
            && self.slots.len() < self.concurrency
            && let Some(cursor) = self.plan.ask()
        {
            let mut ask = self.ask.clone();
            ask.cursor = cursor.clone();
            self.slots.push_back(Slot {
                cursor,
                state: SlotState::Busy((self.fetch)(ask)),
            });
        }
    }

    /// Takes the page at the front. None if it has to be asked for anew.
    fn accept(&mut self, cursor: &Cursor, fetched: Fetched<T>) -> Option<Page<T>> {
        let Fetched { mut page, next } = fetched;
        let key = self.key;
        // Only a verified listing asks; the others would look everything up twice.
        let any_seen = self.plan.is_verified()
            && page
                .items
                .iter()
                .filter_map(key)
                .any(|key| self.seen.contains(&key));
        let step = self.plan.answered(Answer {
            at: cursor,
            next,
            total: page.total(),
            items: page.items.len() as u64,
            any_seen,
            under_way: self.slots.front().map(|slot| &slot.cursor),
        });
        match step {
            Step::GoOn => {}
            Step::Replan => self.slots.clear(),
            Step::Back => return None,
            Step::Over => self.finish(End::Over),
            Step::Fail(error) => {
                let operation = self.operation;
                self.finish(End::Failing(
                    error.with(|inner| inner.operation = Some(operation)),
                ));
            }
        }
        self.shrank |= page.total() < self.most_total && page.total().is_some();
        self.most_total = self.most_total.max(page.total());
        let seen = &mut self.seen;
        seen.reserve(page.items.len());
        page.items
            .retain(|item| key(item).is_none_or(|key| seen.insert(&key)));
        Some(page)
    }

    fn finish(&mut self, end: End) {
        self.slots.clear();
        self.end = end;
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            this.fill();
            for slot in &mut this.slots {
                if let SlotState::Busy(fetch) = &mut slot.state
                    && let Poll::Ready(done) = fetch.as_mut().poll(context)
                {
                    slot.state = SlotState::Done(Box::new(done));
                }
            }
            match this.slots.pop_front() {
                None => {
                    return Poll::Ready(match std::mem::replace(&mut this.end, End::Over) {
                        End::Failing(error) => Some(Err(error)),
                        End::Open | End::Over => None,
                    });
                }
                Some(Slot {
                    cursor,
                    state: SlotState::Done(done),
                }) => match *done {
                    Ok(fetched) => {
                        if let Some(page) = this.accept(&cursor, fetched) {
                            return Poll::Ready(Some(Ok(page)));
                        }
                    }
                    Err(error) => {
                        this.finish(End::Over);
                        return Poll::Ready(Some(Err(error)));
                    }
                },
                Some(busy) => {
                    this.slots.push_front(busy);
                    return Poll::Pending;
                }
            }
        }
    }
}

/// Nothing in it is ever pinned in place.
impl<T> Unpin for Pages<T> {}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &self.operation)
            .field("under_way", &self.slots.len())
            .finish_non_exhaustive()
    }
}

/// The items of a listing: a stream over all its pages.
///
/// After an error the stream has ended. Dropping it ends the request that is under way. Each page is a call of its own, with a
/// limit of 300 s by default; the stream as a whole has none.
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<T> {
    pages: Pages<T>,
    page: VecDeque<T>,
    total: Option<u64>,
}

/// Nothing in it is ever pinned in place.
impl<T> Unpin for Items<T> {}

impl<T> Items<T> {
    pub(super) fn new(pages: Pages<T>) -> Self {
        Self {
            pages,
            page: VecDeque::new(),
            total: None,
        }
    }

    /// How many items there are in all, as the last page said it; none before the first.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Whether something was removed while the list was read, as [`Pages::shrank`] says it.
    #[must_use]
    pub fn shrank(&self) -> bool {
        self.pages.shrank()
    }

    /// The next item, or none at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// The next item, or none at the end.
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can end in, and [`Paging`](crate::ErrorKind::Paging) for a listing that does
    /// not advance.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.next().await.transpose()
    }
}

impl<T> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.page.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            // A page can be empty and yet not be the last one.
            match ready!(Pin::new(&mut self.pages).poll_next(context)) {
                Some(Ok(page)) => {
                    self.total = page.total();
                    self.page = page.items.into();
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("pages", &self.pages)
            .field("at_hand", &self.page.len())
            .finish()
    }
}
