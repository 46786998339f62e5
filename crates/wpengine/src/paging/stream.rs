//! The streams of pages and items.

use std::{
    collections::{HashSet, VecDeque},
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use super::{
    Ask, Fetch, FetchFuture, Fetched, List, Page,
    cursor::Next,
    offsets::{Answer, Offsets, Step, paging},
};
use crate::{check, error::Error};

/// A stream of the pages of a listing. It requests a page when it is polled, and as many further pages at the same time
/// as [`concurrency`](crate::paging::List::concurrency) allows.
///
/// The pages come in order. Each page contains only its new items, without the item that it has in common with the
/// previous page. The stream ends after an error. Dropping it cancels the requests in progress. Each page is a separate
/// call with a deadline of 300 s by default; the stream as a whole has no deadline.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    operation: &'static str,
    fetch: Fetch<T>,
    ask: Ask,
    plan: Plan,
    concurrency: usize,
    /// How many more items the reader wants; none for all.
    wanted: Option<u64>,
    /// The pages that were requested, in order.
    slots: VecDeque<Slot<T>>,
    has_begun: bool,
    /// Whether a page was accepted.
    has_given: bool,
    end: End,
}

/// The paging style, with its state.
#[derive(Debug)]
enum Plan {
    Offsets(Box<Offsets>),
    /// One page after the other. The set holds all tokens so far: a token that comes back would make an endless loop.
    Tokens(HashSet<String>),
}

/// A page that was requested.
struct Slot<T> {
    at: u64,
    state: SlotState<T>,
}

enum SlotState<T> {
    Busy(FetchFuture<T>),
    Done(Box<Result<Fetched<T>, Error>>),
}

/// What comes after the requested pages.
enum End {
    Open,
    /// This error, then the end.
    Failing(Error),
    Over,
}

impl<T> Pages<T> {
    pub(super) fn new<Style>(list: List<T, Style>) -> Self {
        let least = if list.by_offset { 2 } else { 1 };
        let size = check::page_size(list.page_size, least, list.most);
        let refused = list.check.or_else(|| size.err());
        let limit = match list.wanted.map(u32::try_from) {
            Some(Ok(wanted)) => list.page_size.min(wanted.max(1)),
            _ => list.page_size,
        };
        let wanted = list.wanted.map(|wanted| wanted as u64);
        let plan = if list.by_offset {
            Plan::Offsets(Box::new(Offsets::new(list.start, limit.into(), wanted)))
        } else {
            Plan::Tokens(HashSet::new())
        };
        Self {
            operation: list.operation,
            fetch: list.fetch,
            ask: Ask {
                options: list.options,
                limit,
                offset: list.start,
                token: None,
                account: list.account,
                days: list.days,
            },
            plan,
            concurrency: list.concurrency,
            wanted,
            slots: VecDeque::new(),
            has_begun: false,
            has_given: false,
            end: match refused {
                Some(error) => End::Failing(error.of(list.operation)),
                None if wanted == Some(0) => End::Over,
                None => End::Open,
            },
        }
    }

    /// Returns the next page, or none at the end.
    pub async fn next(&mut self) -> Option<Result<Page<T>, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns the next page, or none at the end.
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can return, and [`Paging`](crate::ErrorKind::Paging) for a listing that does
    /// not advance, or that ends before the number of items that the service counts.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.next().await.transpose()
    }

    fn slot(&self, at: u64) -> Slot<T> {
        let ask = Ask {
            offset: at,
            ..self.ask.clone()
        };
        Slot {
            at,
            state: SlotState::Busy((self.fetch)(ask)),
        }
    }

    /// Requests the first page, and then as many pages as may be in progress at the same time.
    fn fill(&mut self) {
        if !matches!(self.end, End::Open) {
            return;
        }
        if !self.has_begun {
            self.has_begun = true;
            let first = match &self.plan {
                Plan::Offsets(plan) => plan.start(),
                Plan::Tokens(_) => 0,
            };
            self.slots.push_back(self.slot(first));
        }
        while self.slots.len() < self.concurrency
            && let Some(last) = self.slots.back()
            && let Plan::Offsets(plan) = &self.plan
            && let Some(at) = plan.ahead_of(last.at)
        {
            self.slots.push_back(self.slot(at));
        }
    }

    /// Processes the page at the front. Returns none if the page has nothing for the reader.
    fn accept(&mut self, at: u64, fetched: Fetched<T>) -> Option<Page<T>> {
        let Fetched {
            mut page,
            next,
            keys,
        } = fetched;
        let is_first = !std::mem::replace(&mut self.has_given, true);
        match &mut self.plan {
            Plan::Offsets(plan) => {
                let step = plan.answered(&Answer {
                    at,
                    keys: &keys,
                    next: &next,
                    total: page.total(),
                });
                match step {
                    Step::Page { fresh, next } => {
                        page.keep(at, &fresh);
                        self.go_on(next);
                    }
                    Step::Ask(at) => {
                        let slot = self.slot(at);
                        self.slots.push_front(slot);
                        return None;
                    }
                    Step::Fail(error) => {
                        self.fail(error);
                        return None;
                    }
                }
                if page.items.is_empty() && !is_first {
                    return None;
                }
            }
            Plan::Tokens(used) => match next {
                Next::Token(token) if !used.insert(token.clone()) => {
                    self.fail(paging(
                        "the listing does not advance: a page names a next token that was used before",
                    ));
                }
                Next::Token(token) => {
                    self.ask.token = Some(token);
                    let slot = self.slot(0);
                    self.slots.push_back(slot);
                }
                _ => self.finish(End::Over),
            },
        }
        self.cut(&mut page);
        Some(page)
    }

    /// Continues at the offset `next`, or ends the listing. Pages that were requested ahead are dropped if they end
    /// before `next`. All others are kept: they share items with the known pages, or will do so when the gap before
    /// them is closed.
    fn go_on(&mut self, next: Result<Option<u64>, Error>) {
        let next = match next {
            Ok(Some(next)) => next,
            Ok(None) => return self.finish(End::Over),
            Err(error) => return self.fail(error),
        };
        if let Plan::Offsets(plan) = &self.plan {
            self.slots.retain(|slot| !plan.is_behind(slot.at, next));
        }
        if self.slots.front().is_none_or(|slot| slot.at > next) {
            let slot = self.slot(next);
            self.slots.push_front(slot);
        }
    }

    /// Removes the items that the reader does not want.
    fn cut(&mut self, page: &mut Page<T>) {
        let Some(wanted) = &mut self.wanted else {
            return;
        };
        page.items
            .truncate(usize::try_from(*wanted).unwrap_or(usize::MAX));
        *wanted -= page.items.len() as u64;
        if *wanted == 0 {
            self.finish(End::Over);
        }
    }

    fn fail(&mut self, error: Error) {
        self.finish(End::Failing(error.of(self.operation)));
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
            // All pages in progress are polled, so that they advance together. They are handed on in order.
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
                    at,
                    state: SlotState::Done(done),
                }) => match *done {
                    Ok(fetched) => {
                        if let Some(page) = this.accept(at, fetched) {
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

/// The stream owns only boxed futures, so it can be moved.
impl<T> Unpin for Pages<T> {}

debug_fields!(Pages<T> as this: operation = this.operation, under_way = this.slots.len());

/// A stream of the items of all pages of a listing.
///
/// The stream ends after an error. Dropping it cancels the requests in progress. Each page is a separate call with a
/// deadline of 300 s by default; the stream as a whole has no deadline.
#[must_use = "a stream does nothing until it is polled"]
pub struct Items<T> {
    pages: Pages<T>,
    page: VecDeque<T>,
    total: Option<u64>,
}

/// The stream owns only boxed futures, so it can be moved.
impl<T> Unpin for Items<T> {}

impl<T> Items<T> {
    pub(super) fn new(pages: Pages<T>) -> Self {
        Self {
            pages,
            page: VecDeque::new(),
            total: None,
        }
    }

    /// Returns the number of items in the whole list, as the last page says; none before the first page.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Returns the next item, or none at the end.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Returns the next item, or none at the end.
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can return, and [`Paging`](crate::ErrorKind::Paging) for a listing that does
    /// not advance, or that ends before the number of items that the service counts.
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
            // An empty page may be followed by further pages.
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

debug_fields!(Items<T> as this: pages = this.pages, at_hand = this.page.len());
