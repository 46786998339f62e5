//! Listings: streams of pages and items, for the three paging styles of the API.

mod cursor;
mod key;
mod offsets;
mod page;
mod stream;

use std::{future::Future, marker::PhantomData, pin::Pin, sync::Arc};

use jiff::civil::Date;
use serde::de::DeserializeOwned;
use wpengine_raw as raw;

pub(crate) use key::{Key, Keyed};
pub use page::Page;
pub(crate) use page::{Fetched, UsageNotes};
pub use stream::{Items, Pages};

use crate::{
    Client,
    call::{self, RawResult},
    check,
    error::{Error, ErrorKind},
    request::option_methods,
    transport::Options,
    types::{AccountId, EnvironmentMetrics, Installation, Site},
};

/// How many pages can be requested at the same time.
const MOST_AT_ONCE: usize = 128;

/// A listing with numeric offsets.
#[derive(Debug)]
pub struct ByOffset(());
/// A listing in which each page contains the token of the next page.
#[derive(Debug)]
pub struct ByToken(());
/// A listing that is returned as a whole.
#[derive(Debug)]
pub struct Unpaged(());

/// The parameters of one page request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) options: Options,
    pub(crate) limit: u32,
    /// The offset of the page, in a listing by offset.
    pub(crate) offset: u64,
    /// The token of the page, in a listing by token; none for the first page.
    pub(crate) token: Option<String>,
    /// The account whose sites or installs are listed; none for all.
    pub(crate) account: Option<AccountId>,
    /// The first and the last day of the usage figures.
    pub(crate) days: Option<(Date, Date)>,
}

pub(crate) type FetchFuture<T> = Pin<Box<dyn Future<Output = Result<Fetched<T>, Error>> + Send>>;

/// Requests one page.
pub(crate) type Fetch<T> = Arc<dyn Fn(Ask) -> FetchFuture<T> + Send + Sync>;

/// A listing that has not been requested yet.
///
/// [`items`](Self::items) returns a stream of all items, and [`pages`](Self::pages) a stream of the pages. Both request
/// a page when it is needed, and borrow nothing. [`collect`](Self::collect) returns all items in a `Vec`. If a page
/// fails, the stream ends with an error; a listing never ends early without one.
///
/// A listing by offset is complete even if the list changes while it is read: it contains every item that exists from
/// the beginning to the end of the listing, and no item twice. For this, each page starts with the last item of the
/// previous page. If a page does not contain this item, the listing goes back and requests an earlier page. `n` items
/// therefore take ⌈(n − 1) / 99⌉ requests. The listing ends with an error of the kind [`Paging`](ErrorKind::Paging) if
/// the list changes faster than it can be read, or if the service counts more items than it lists.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = wpengine_sim::Simulator::builder().start().await?;
/// # let client = wpengine::Client::at(simulator.url())?;
/// let mut sites = client.sites().list().items();
/// while let Some(site) = sites.try_next().await? {
///     println!("{}", site.name);
/// }
///
/// let mut pages = client.sites().list().page_size(10).pages();
/// while let Some(page) = pages.try_next().await? {
///     println!("{} of {:?}", page.items.len(), page.total());
/// }
///
/// let all = client.sites().list().collect().await?;
/// assert_eq!(client.sites().list().count().await?, all.len() as u64);
/// # Ok(())
/// # }
/// ```
#[must_use = "a listing does nothing until its items or pages are read"]
pub struct List<T, Style = ByOffset> {
    operation: &'static str,
    options: Options,
    page_size: u32,
    /// The maximum number of items on a page.
    most: u32,
    /// Whether the listing has numeric offsets.
    by_offset: bool,
    start: u64,
    wanted: Option<usize>,
    account: Option<AccountId>,
    days: Option<(Date, Date)>,
    check: Option<Error>,
    fetch: Fetch<T>,
    concurrency: usize,
    style: PhantomData<fn() -> Style>,
}

impl<T: Send + 'static, Style> List<T, Style> {
    /// `most` is the maximum number of items on a page of this listing, and the default page size.
    pub(crate) fn new<F, Fut>(
        operation: &'static str,
        most: u32,
        check: Result<(), Error>,
        fetch: F,
    ) -> Self
    where
        F: Fn(Ask) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Fetched<T>, Error>> + Send + 'static,
    {
        Self {
            operation,
            options: Options::default(),
            page_size: most,
            most,
            by_offset: false,
            start: 0,
            wanted: None,
            account: None,
            days: None,
            check: check.err(),
            fetch: Arc::new(move |ask| Box::pin(fetch(ask))),
            concurrency: 1,
            style: PhantomData,
        }
    }

    option_methods!();

    pub(crate) fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Lists the first `items` items only, and requests no more pages than needed for them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let newest = client.install("294deacc-d8b8-4005-82c4-0727ba8ddde0").backups().list().take(1).collect().await?;
    /// assert!(newest.len() <= 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn take(mut self, items: usize) -> Self {
        self.wanted = Some(self.wanted.map_or(items, |wanted| wanted.min(items)));
        self
    }

    /// Returns a stream of all items, in the order of the API.
    pub fn items(self) -> Items<T> {
        Items::new(self.pages())
    }

    /// Returns a stream of the pages; each takes one request.
    pub fn pages(self) -> Pages<T> {
        Pages::new(self)
    }

    /// Returns all items.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let simulator = wpengine_sim::Simulator::builder().start().await?;
    /// # let client = wpengine::Client::at(simulator.url())?;
    /// let installs = client.installs().list().concurrency(8).collect().await?;
    /// assert_eq!(installs.len() as u64, client.installs().list().count().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Every kind of [`Error`] that a call can return, and [`Paging`](ErrorKind::Paging).
    pub async fn collect(self) -> Result<Vec<T>, Error> {
        self.collect_at_most(usize::MAX).await
    }

    /// Returns all items, at most `most` of them.
    ///
    /// # Errors
    ///
    /// [`Paging`](ErrorKind::Paging) if there are more items, so that a list is never cut without an error; and every
    /// kind of [`Error`] that a call can return.
    pub async fn collect_at_most(self, most: usize) -> Result<Vec<T>, Error> {
        let operation = self.operation;
        let mut items = self.items();
        let mut all = Vec::new();
        while let Some(item) = items.try_next().await? {
            if all.len() == most {
                return Err(Error::new(
                    ErrorKind::Paging,
                    format!("{operation} has more than the {most} items that were expected"),
                )
                .with_hint("allow more, or read `items()` one by one")
                .of(operation));
            }
            all.push(item);
        }
        Ok(all)
    }

    /// Returns the first item that is the one, and reads no page after it.
    pub(crate) async fn find(self, is_it: impl Fn(&T) -> bool) -> Result<Option<T>, Error> {
        let mut items = self.items();
        while let Some(item) = items.try_next().await? {
            if is_it(&item) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}

impl<T: Send + 'static> List<T, ByOffset> {
    /// Marks the listing as a listing by offset.
    pub(crate) fn paged_by_offset(mut self) -> Self {
        self.by_offset = true;
        self
    }

    setters! {
        /// Sets the maximum number of items on a page, from 2 to 100; 100 by default.
        page_size(items: u32) page_size = items;

        /// Sets how many pages may be requested at the same time, at most 128; 1 by default. The first page is
        /// requested alone, because its response contains the number of items. The items keep their order.
        concurrency(pages: usize) concurrency = pages.clamp(1, MOST_AT_ONCE);
    }

    /// Skips the first `offset` items.
    pub fn offset(mut self, offset: u64) -> Self {
        self.start = offset;
        if i64::try_from(offset).is_err() {
            let error = Error::invalid(format!("an offset of {offset} is too large"));
            self.check = self.check.or(Some(error));
        }
        self
    }

    /// Returns the number of items. It takes one request, for one item.
    ///
    /// # Errors
    ///
    /// [`Paging`](ErrorKind::Paging) if the response does not contain the number; and every kind of [`Error`] that a
    /// call can return.
    pub async fn count(mut self) -> Result<u64, Error> {
        let operation = self.operation;
        self.start = 0;
        let page = self.take(1).pages().try_next().await?;
        page.and_then(|page| page.total()).ok_or_else(|| {
            Error::new(
                ErrorKind::Paging,
                "the answer does not say how many items there are",
            )
            .with_hint("count the items of `items()` instead")
            .of(operation)
        })
    }
}

/// The two listings that can be limited to one account.
macro_rules! of_an_account {
    ($item:ty) => {
        impl List<$item, ByOffset> {
            /// Lists the items of one account only.
            pub fn account(mut self, account: impl Into<AccountId>) -> Self {
                let account = account.into();
                self.check = self.check.or_else(|| check::ids(&[&account]).err());
                self.account = Some(account);
                self
            }
        }
    };
}

of_an_account!(Site);
of_an_account!(Installation);

impl<T: Send + 'static> List<T, ByToken> {
    /// Sets the maximum number of items on a page. The default is the maximum of the API: 1000 environments of usage
    /// figures, or 100 certificates.
    pub fn page_size(mut self, items: u32) -> Self {
        self.page_size = items;
        self
    }
}

impl List<EnvironmentMetrics, ByToken> {
    /// Sets the first and the last day of the figures. Both days are included, and the first may be at most 13 months
    /// ago. The default is the last 30 days.
    pub fn between(mut self, first: Date, last: Date) -> Self {
        self.check = self.check.or_else(|| check::days(first, last, None).err());
        self.days = Some((first, last));
        self
    }
}

debug_fields!(List<T, Style> as this: operation = this.operation, page_size = this.page_size,
    concurrency = this.concurrency, offset = this.start, take = this.wanted);

/// A listing by offset: the handle or collection, and the call of the generated client with its ids, which are checked.
macro_rules! offset_list {
    // Of all accounts, or of the account that the listing is limited to.
    ($this:ident, $operation:ident by account) => {
        $crate::paging::by_offset(
            &$this.client,
            stringify!($operation),
            Ok(()),
            |raw, account, limit, offset| async move {
                raw.$operation(account.as_ref(), limit, offset).await
            },
        )
    };
    ($this:ident, $operation:ident($($id:ident),*)) => {{
        let check = $crate::check::ids(&[$(&$this.$id),*]);
        $(let $id = $this.$id.clone();)*
        $crate::paging::by_offset(&$this.client, stringify!($operation), check, move |raw, _, limit, offset| {
            $(let $id = $id.clone();)*
            async move { raw.$operation($(&$id,)* limit, offset).await }
        })
    }};
}

pub(crate) use offset_list;

/// Creates a listing by offset that uses the generated client. `ask` gets the account that the listing is limited to,
/// the page size and the offset.
pub(crate) fn by_offset<T, F, Fut>(
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
            let limit = i64::from(wanted.limit);
            // The plan fails before an offset is too large for this type.
            let offset = i64::try_from(wanted.offset).unwrap_or(i64::MAX);
            let answer = call::call(&core, operation, wanted.options, move |raw| {
                ask(raw, wanted.account, Some(limit), Some(offset))
            })
            .await?;
            Ok(Fetched::of_offset_page(answer))
        }
    })
    .paged_by_offset()
}

/// A listing that is returned as a whole: the handle or collection, the call of the generated client with its id, which
/// is checked, and the field of the answer.
macro_rules! whole_list {
    ($this:ident, $operation:ident($id:ident).$items:ident) => {{
        let check = $crate::check::ids(&[&$this.$id]);
        let $id = $this.$id.clone();
        $crate::paging::whole(
            &$this.client,
            stringify!($operation),
            check,
            move |raw| {
                let $id = $id.clone();
                async move { raw.$operation(&$id).await }
            },
            |list| list.$items,
        )
    }};
}

pub(crate) use whole_list;

/// Creates a listing that is returned as a whole, and uses the generated client.
pub(crate) fn whole<T, L, F, Fut>(
    client: &Client,
    operation: &'static str,
    check: Result<(), Error>,
    ask: F,
    items: fn(L) -> Vec<T>,
) -> List<T, Unpaged>
where
    T: Send + 'static,
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
