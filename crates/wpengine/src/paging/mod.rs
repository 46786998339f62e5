//! Listings: pages and items, for the three ways in which the API pages.

mod cursor;
mod key;
mod page;
mod plan;
mod stream;

use std::{
    borrow::Cow, fmt, future::Future, marker::PhantomData, pin::Pin, sync::Arc, time::Duration,
};

use http::{HeaderName, HeaderValue};
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use wpengine_raw as raw;

pub(crate) use cursor::Cursor;
pub(crate) use key::Keyed;
pub use page::Page;
pub(crate) use page::{Fetched, UsageNotes};
use plan::Plan;
use stream::Reading;
pub use stream::{Items, Pages};

use crate::{
    Client, RetryPolicy,
    call::{self, RawResult},
    check,
    error::{Error, ErrorKind},
    transport::Options,
    types::{AccountId, EnvironmentMetrics, Installation, Site},
};

/// A listing that pages by a numeric offset.
#[derive(Debug)]
pub struct ByOffset(());
/// A listing that pages by a token of the page before.
#[derive(Debug)]
pub struct ByToken(());
/// A listing that comes whole.
#[derive(Debug)]
pub struct Unpaged(());

/// One page to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) options: Options,
    pub(crate) limit: u32,
    pub(crate) cursor: Cursor,
    /// The account that a listing of sites or installs is narrowed to.
    pub(crate) account: Option<AccountId>,
    /// The first and the last day that usage figures are asked for.
    pub(crate) days: Option<(Date, Date)>,
}

pub(crate) type FetchFuture<T> = Pin<Box<dyn Future<Output = Result<Fetched<T>, Error>> + Send>>;

/// Fetches one page.
pub(crate) type Fetch<T> = Arc<dyn Fn(Ask) -> FetchFuture<T> + Send + Sync>;

/// A listing that has not been asked for yet.
///
/// [`items`](Self::items) gives every item of every page, [`pages`](Self::pages) the pages themselves; both are streams
/// that own what they need and ask for a page when it is wanted. A failure ends the stream with an error: no listing
/// is ever shorter than it should be without one. [`all`](Self::all) collects, up to a number of items.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// # let client = wpengine::Client::builder()
/// #     .base_url(simulator.base_url())
/// #     .credentials(wpengine::Credentials::basic(simulator.user(), simulator.password()))
/// #     .build()?;
/// let mut sites = client.sites().list().items();
/// while let Some(site) = sites.try_next().await? {
///     println!("{}", site.name);
/// }
///
/// let mut pages = client.sites().list().limit(10).pages();
/// while let Some(page) = pages.try_next().await? {
///     println!("{} of {:?}", page.items.len(), page.total());
/// }
///
/// let all = client.sites().list().all(1_000).await?;
/// assert_eq!(client.sites().list().count().await?, all.len() as u64);
/// # Ok(())
/// # }
/// ```
#[must_use = "a listing does nothing until its items or pages are read"]
pub struct List<T, Style = ByOffset> {
    pub(crate) operation: &'static str,
    pub(crate) options: Options,
    limit: u32,
    most: u32,
    start: Cursor,
    account: Option<AccountId>,
    days: Option<(Date, Date)>,
    pub(crate) check: Option<Error>,
    fetch: Fetch<T>,
    key: fn(&T) -> Option<Cow<'_, str>>,
    concurrency: usize,
    verified: bool,
    style: PhantomData<fn() -> Style>,
}

impl<T: Send + 'static, Style> List<T, Style> {
    /// `most` is how many items a page of this listing may hold, which is also what is asked for by default.
    pub(crate) fn new<F, Fut>(
        operation: &'static str,
        most: u32,
        check: Result<(), Error>,
        fetch: F,
    ) -> Self
    where
        T: Keyed,
        F: Fn(Ask) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Fetched<T>, Error>> + Send + 'static,
    {
        Self {
            operation,
            options: Options::default(),
            // More than a hundred at a time saves requests where the API allows it.
            limit: most,
            most,
            start: Cursor::Start,
            account: None,
            days: None,
            check: check.err(),
            fetch: Arc::new(move |ask| Box::pin(fetch(ask))),
            key: T::key,
            concurrency: 1,
            verified: false,
            style: PhantomData,
        }
    }

    /// Adds a header to every request of this listing. `Authorization` and `User-Agent` are the client's own and stay
    /// as they are.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.options.headers.insert(name, value);
        self
    }

    /// Limits the time for each page, in place of the client's `timeout` of 300 s by default. It covers the wait for the rate
    /// limit, all attempts and the waits between them. There is no limit for the whole listing.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Gives each page extra time that it may only spend waiting for the rate limit, in place of the client's
    /// `rate_limit_wait`, which is none by default.
    pub fn rate_limit_wait(mut self, wait: Duration) -> Self {
        self.options.rate_limit_wait = Some(wait);
        self
    }

    /// Repeats failed attempts by another policy than the client's.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.options.retry = Some(policy);
        self
    }

    /// Every item of every page, in the order of the API.
    pub fn items(self) -> Items<T> {
        Items::new(self.pages())
    }

    /// The pages, one request each.
    pub fn pages(mut self) -> Pages<T> {
        let refused = self
            .check
            .take()
            .or_else(|| check::limit(self.limit, self.most).err())
            .or_else(|| check::verifiable(self.verified, self.limit).err())
            .map(|error| error.with(|inner| inner.operation = Some(self.operation)));
        let plan = if self.verified {
            Plan::verified(self.start.offset(), u64::from(self.limit))
        } else {
            Plan::ahead(self.start.clone())
        };
        let reading = Reading {
            plan,
            concurrency: self.concurrency,
            key: self.key,
        };
        Pages::new(
            self.operation,
            self.fetch,
            Ask {
                options: self.options,
                limit: self.limit,
                cursor: self.start,
                account: self.account,
                days: self.days,
            },
            reading,
            refused,
        )
    }

    /// Collects all items, of which there may be `most` at the most. Each page has the time that
    /// [`timeout`](Self::timeout) says.
    ///
    /// # Errors
    ///
    /// [`Paging`](ErrorKind::Paging) if there are more, so that a list is never silently cut; and every kind of
    /// [`Error`] that a call can end in.
    pub async fn all(self, most: usize) -> Result<Vec<T>, Error> {
        let operation = self.operation;
        let mut items = self.items();
        let mut all = Vec::new();
        while let Some(item) = items.try_next().await? {
            if all.len() == most {
                return Err(Error::new(
                    ErrorKind::Paging,
                    format!("{operation} has more than the {most} items that were expected"),
                )
                .hint("allow more, or read `items()` one by one")
                .with(|inner| inner.operation = Some(operation)));
            }
            all.push(item);
        }
        Ok(all)
    }
}

impl<T: Send + 'static> List<T, ByOffset> {
    /// How many items a page holds at most, 1 to 100; 100 by default.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// How many pages may be under way at once; 1 by default. The first page says how many there are, and the rest is asked
    /// for so many at a time. The items keep their order, and at most so many pages are held.
    pub fn concurrency(mut self, pages: usize) -> Self {
        self.concurrency = pages.max(1);
        self
    }

    /// Misses nothing, even if the list is changed while it is read.
    ///
    /// Without it, a list from which something is removed meanwhile moves up, and what moves over the end of a page is
    /// not seen ([`Items::shrank`] says that it may have happened). With it, each page overlaps the one before by an item, and
    /// where a page holds nothing that was seen before, an earlier one is asked for. So every item that is there from the
    /// beginning to the end comes exactly once, given that what stays keeps its order.
    ///
    /// It costs one request in a hundred more, and some where something was removed; and the pages come one at a time,
    /// whatever [`concurrency`](Self::concurrency) says. If the list changes faster than it can be read, so that going back
    /// 16 times in a row finds nothing known, it ends with an error of the kind [`Paging`](ErrorKind::Paging).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::builder()
    /// #     .base_url(simulator.base_url())
    /// #     .credentials(wpengine::Credentials::basic(simulator.user(), simulator.password()))
    /// #     .build()?;
    /// let installs = client.installs().list().verified().all(100_000).await?;
    /// # let _ = installs;
    /// # Ok(())
    /// # }
    /// ```
    pub fn verified(mut self) -> Self {
        self.verified = true;
        self
    }

    /// Leaves out the first `offset` items.
    pub fn offset(mut self, offset: u64) -> Self {
        self.start = Cursor::Offset(offset);
        self
    }

    /// Asks how many items there are, with one request for one item.
    ///
    /// # Errors
    ///
    /// [`Paging`](ErrorKind::Paging) if the answer does not say; and every kind of [`Error`] that a call can end in.
    pub async fn count(self) -> Result<u64, Error> {
        let operation = self.operation;
        let page = self.limit(1).offset(0).pages().try_next().await?;
        page.and_then(|page| page.total()).ok_or_else(|| {
            Error::new(
                ErrorKind::Paging,
                "the answer does not say how many items there are",
            )
            .hint("count the items of `items()` instead")
            .with(|inner| inner.operation = Some(operation))
        })
    }
}

/// The two listings that can be narrowed to an account.
macro_rules! of_an_account {
    ($item:ty) => {
        impl List<$item, ByOffset> {
            /// Lists those of one account only.
            pub fn account(mut self, account: impl Into<AccountId>) -> Self {
                let account = account.into();
                self.check = self.check.or_else(|| check::id("account", &account).err());
                self.account = Some(account);
                self
            }
        }
    };
}

of_an_account!(Site);
of_an_account!(Installation);

impl<T: Send + 'static> List<T, ByToken> {
    /// How many items a page holds at most. The most that the API allows, and the default: 1000 environments of usage
    /// figures, 100 certificates.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }
}

impl List<EnvironmentMetrics, ByToken> {
    /// Asks for the days from `first` to `last`, both included, not longer ago than 13 months. Without it, for the last
    /// 30 days.
    pub fn between(mut self, first: Date, last: Date) -> Self {
        self.check = self.check.or_else(|| check::days(first, last, None).err());
        self.days = Some((first, last));
        self
    }
}

impl<T, Style> fmt::Debug for List<T, Style> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("operation", &self.operation)
            .field("limit", &self.limit)
            .field("concurrency", &self.concurrency)
            .field("verified", &self.verified)
            .field("start", &self.start)
            .finish_non_exhaustive()
    }
}

/// A listing by offset through the generated client.
pub(crate) fn by_offset<T, F, Fut>(
    client: &Client,
    operation: &'static str,
    check: Result<(), Error>,
    ask: F,
) -> List<T, ByOffset>
where
    T: Keyed + DeserializeOwned + Send + 'static,
    F: Fn(raw::Client, Option<i64>, Option<i64>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = RawResult<raw::values::Page<T>>> + Send + 'static,
{
    by_offset_and_account(client, operation, check, move |raw, _, limit, offset| {
        ask(raw, limit, offset)
    })
}

/// The same, of a listing that can be narrowed to an account.
pub(crate) fn by_offset_and_account<T, F, Fut>(
    client: &Client,
    operation: &'static str,
    check: Result<(), Error>,
    ask: F,
) -> List<T, ByOffset>
where
    T: Keyed + DeserializeOwned + Send + 'static,
    F: Fn(raw::Client, Option<AccountId>, Option<i64>, Option<i64>) -> Fut
        + Clone
        + Send
        + Sync
        + 'static,
    Fut: Future<Output = RawResult<raw::values::Page<T>>> + Send + 'static,
{
    let core = Arc::clone(client.core());
    List::new(operation, 100, check, move |wanted: Ask| {
        let (core, ask) = (Arc::clone(&core), ask.clone());
        async move {
            let offset = wanted.cursor.offset();
            let limit = i64::from(wanted.limit);
            let sent_offset = i64::try_from(offset)
                .map_err(|_| Error::invalid(format!("an offset of {offset} is too large")))?;
            let answer = call::call(&core, operation, wanted.options, move |raw| {
                ask(raw, wanted.account, Some(limit), Some(sent_offset))
            })
            .await?;
            Ok(Fetched::of_offset_page(answer, offset))
        }
    })
}

/// A listing that comes whole, through the generated client.
pub(crate) fn whole<T, L, F, Fut>(
    client: &Client,
    operation: &'static str,
    check: Result<(), Error>,
    ask: F,
    items: fn(L) -> Vec<T>,
) -> List<T, Unpaged>
where
    T: Keyed + Send + 'static,
    L: DeserializeOwned + Send + 'static,
    F: Fn(raw::Client) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = RawResult<L>> + Send + 'static,
{
    let core = Arc::clone(client.core());
    List::new(operation, 100, check, move |wanted: Ask| {
        let (core, ask) = (Arc::clone(&core), ask.clone());
        async move {
            let answer = call::call(&core, operation, wanted.options, ask).await?;
            let (list, answer) = answer.split();
            Ok(Fetched::whole(answer, items(list)))
        }
    })
}
