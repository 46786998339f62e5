//! One page of a listing.

use crate::types::Time;
use http::{HeaderMap, StatusCode};
use wpengine_raw::{types::EnvironmentMetrics, values};

use super::{
    cursor::Next,
    key::{Key, Keyed},
};
use crate::response::{RateLimit, Response};

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

/// What the usage of an account says besides its items.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsageNotes {
    pub(crate) all_environments_included: Option<bool>,
    pub(crate) storage_refreshed: Option<Time>,
    pub(crate) storage_refresh_expected: Option<Time>,
}

impl<T> Page<T> {
    /// How many items there are over all pages, as this page says it.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The offset of the first item of this page; 0 in listings by token.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.answer.status()
    }

    /// The headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.answer.headers()
    }

    /// The id of the request at the service, which WP Engine's support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.answer.request_id()
    }

    /// What the answer says of the rate limit, if it does.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.answer.rate_limit()
    }
}

impl Page<EnvironmentMetrics> {
    /// Whether the figures cover every environment of the account; false when the user may not see them all.
    #[must_use]
    pub fn all_environments_included(&self) -> Option<bool> {
        self.usage.as_ref()?.all_environments_included
    }

    /// When the storage figures of the account were measured last.
    #[must_use]
    pub fn storage_refreshed(&self) -> Option<&Time> {
        self.usage.as_ref()?.storage_refreshed.as_ref()
    }

    /// When the measurement of the storage that runs now should end; none when none runs.
    #[must_use]
    pub fn storage_refresh_expected(&self) -> Option<&Time> {
        self.usage.as_ref()?.storage_refresh_expected.as_ref()
    }
}

/// A page, and what it says of the next one.
pub(crate) struct Fetched<T> {
    pub(crate) page: Page<T>,
    pub(crate) next: Next,
    /// What the items of a listing by offset are recognised by; empty for other listings.
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

    /// A page of a listing by offset.
    pub(crate) fn of_offset_page(answer: Response<values::Page<T>>) -> Self
    where
        T: Keyed,
    {
        let keys = answer.value.results.iter().map(Keyed::key).collect();
        Self::with_keys(answer, keys)
    }

    /// A page of a listing by offset whose items are recognised by these keys.
    pub(crate) fn with_keys(answer: Response<values::Page<T>>, keys: Vec<Key>) -> Self {
        let (raw, answer) = answer.split();
        let next = Next::of_offset_page(raw.next.as_deref(), raw.pagination.as_ref());
        let total = raw.total();
        Self {
            keys,
            ..Self::new(answer, raw.results, total, next)
        }
    }

    /// A page of a listing by token.
    pub(crate) fn of_token_page(
        answer: Response<()>,
        items: Vec<T>,
        total: Option<u64>,
        token: Option<String>,
    ) -> Self {
        Self::new(answer, items, total, Next::of_token(token))
    }

    /// A listing that comes whole.
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
    /// Leaves the items that are new.
    pub(super) fn keep(&mut self, at: u64, fresh: &[bool]) {
        let first = fresh.iter().position(|fresh| *fresh).unwrap_or(fresh.len());
        self.offset = at.saturating_add(first as u64);
        let mut fresh = fresh.iter();
        self.items.retain(|_| fresh.next().copied().unwrap_or(true));
    }
}
