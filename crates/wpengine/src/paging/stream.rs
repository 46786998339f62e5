//! The streams of a listing.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;

use super::{Ask, Cursor, Fetch, FetchFuture, Page, cursor};
use crate::error::Error;

/// The pages of a listing: a stream that asks for a page when it is polled for one.
///
/// After an error the stream has ended. Dropping it ends the request that is under way.
#[must_use = "a stream does nothing until it is polled"]
pub struct Pages<T> {
    operation: &'static str,
    fetch: Fetch<T>,
    ask: Ask,
    /// The tokens that were handed back before. An offset only grows; a token can lead round in a circle.
    tokens: HashSet<String>,
    state: State<T>,
}

enum State<T> {
    /// The page at `ask` is next.
    Ready,
    /// The page at `ask` is under way.
    Busy(FetchFuture<T>),
    /// This is next, and then nothing.
    Failing(Error),
    Over,
}

impl<T> Pages<T> {
    pub(super) fn new(
        operation: &'static str,
        fetch: Fetch<T>,
        ask: Ask,
        refused: Option<Error>,
    ) -> Self {
        Self {
            operation,
            fetch,
            ask,
            tokens: HashSet::new(),
            state: refused.map_or(State::Ready, State::Failing),
        }
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
}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Ready => this.state = State::Busy((this.fetch)(this.ask.clone())),
                State::Busy(fetch) => {
                    let fetched = ready!(fetch.as_mut().poll(context));
                    let (state, item) = match fetched {
                        Ok(fetched) => {
                            let next = match fetched.next {
                                Ok(Some(Cursor::Token(token)))
                                    if !this.tokens.insert(token.clone()) =>
                                {
                                    Err(cursor::token_comes_back())
                                }
                                next => next,
                            };
                            let state = match next {
                                Ok(Some(cursor)) => {
                                    this.ask.cursor = cursor;
                                    State::Ready
                                }
                                Ok(None) => State::Over,
                                Err(error) => State::Failing(
                                    error.with(|inner| inner.operation = Some(this.operation)),
                                ),
                            };
                            (state, Ok(fetched.page))
                        }
                        Err(error) => (State::Over, Err(error)),
                    };
                    this.state = state;
                    return Poll::Ready(Some(item));
                }
                State::Failing(_) => {
                    let State::Failing(error) = std::mem::replace(&mut this.state, State::Over)
                    else {
                        return Poll::Ready(None);
                    };
                    return Poll::Ready(Some(Err(error)));
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("operation", &self.operation)
            .field("next", &self.ask.cursor)
            .finish_non_exhaustive()
    }
}

/// The items of a listing: a stream over all its pages.
///
/// After an error the stream has ended. Dropping it ends the request that is under way.
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
