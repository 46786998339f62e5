//! One page of a listing.

use wpengine_raw::{types::EnvironmentMetrics, values};

use super::{
    cursor::Next,
    key::{Key, Keyed},
};
use crate::{response::Response, types::Time};

/// One page of a listing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items of this page, in the order of the API.
    pub items: Vec<T>,
    total: Option<u64>,
    offset: u64,
    answer: Response<()>,
    usage: Option<UsageNotes>,
}

/// What an account's usage response contains besides its items.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsageNotes {
    pub(crate) all_environments_included: Option<bool>,
    pub(crate) storage_refreshed: Option<Time>,
    pub(crate) storage_refresh_expected: Option<Time>,
}

impl<T> Page<T> {
    /// Returns the number of items on all pages, if this page contains it.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// Returns the offset of the first item of this page; 0 in listings by token.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the response of this page without its items: the status, the headers, the request id, the rate limit and
    /// the number of attempts.
    pub fn response(&self) -> &Response<()> {
        &self.answer
    }
}

impl Page<EnvironmentMetrics> {
    /// Whether the figures cover every environment of the account. False if the user may not see all of them.
    pub fn all_environments_included(&self) -> Option<bool> {
        self.usage.as_ref()?.all_environments_included
    }

    /// Returns when the storage figures of the account were last measured.
    pub fn storage_refreshed(&self) -> Option<&Time> {
        self.usage.as_ref()?.storage_refreshed.as_ref()
    }

    /// Returns when the current measurement of the storage is expected to end; none if no measurement is running.
    pub fn storage_refresh_expected(&self) -> Option<&Time> {
        self.usage.as_ref()?.storage_refresh_expected.as_ref()
    }
}

/// A page, and what it says about the next page.
pub(crate) struct Fetched<T> {
    pub(crate) page: Page<T>,
    pub(crate) next: Next,
    /// The keys of the items in a listing by offset; empty for other listings.
    pub(crate) keys: Vec<Key>,
}

impl<T> Fetched<T> {
    fn new(answer: Response<()>, items: Vec<T>, total: Option<u64>, next: Next) -> Self {
        Self {
            page: Page {
                items,
                total,
                offset: 0,
                answer,
                usage: None,
            },
            next,
            keys: Vec::new(),
        }
    }

    /// Creates a page of a listing by offset.
    pub(crate) fn of_offset_page(answer: Response<values::Page<T>>) -> Self
    where
        T: Keyed,
    {
        let keys = answer.value.results.iter().map(Keyed::key).collect();
        Self::with_keys(answer, keys)
    }

    /// Creates a page of a listing by offset whose items have these keys.
    pub(crate) fn with_keys(answer: Response<values::Page<T>>, keys: Vec<Key>) -> Self {
        let (raw, answer) = answer.split();
        let next = Next::of_offset_page(raw.next.as_deref(), raw.pagination.as_ref());
        let total = raw.total();
        Self {
            keys,
            ..Self::new(answer, raw.results, total, next)
        }
    }

    /// Creates a page of a listing by token.
    pub(crate) fn of_token_page(
        answer: Response<()>,
        items: Vec<T>,
        total: Option<u64>,
        token: Option<String>,
    ) -> Self {
        Self::new(answer, items, total, Next::of_token(token))
    }

    /// Creates the only page of a listing that is returned as a whole.
    pub(crate) fn whole(answer: Response<()>, items: Vec<T>) -> Self {
        let total = items.len() as u64;
        Self::new(answer, items, Some(total), Next::None)
    }

    pub(crate) fn with_usage(mut self, usage: UsageNotes) -> Self {
        self.page.usage = Some(usage);
        self
    }
}

impl<T> Page<T> {
    /// Keeps the new items only.
    pub(super) fn keep(&mut self, at: u64, fresh: &[bool]) {
        let first = fresh.iter().position(|fresh| *fresh).unwrap_or(fresh.len());
        self.offset = at.saturating_add(first as u64);
        let mut fresh = fresh.iter();
        self.items.retain(|_| fresh.next().copied().unwrap_or(true));
    }
}
