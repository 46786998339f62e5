//! The plan of a listing by offset: decides which page to request next. The stream sends the requests.
//!
//! Each page starts with the last item of the previous page. Items that stay in the list keep their order. If a page
//! contains an item X that was seen before, all remaining items before X were seen too. So the items after X on this
//! page continue the listing without a gap.
//!
//! This holds whenever the page was requested. Pages that were requested ahead can therefore be used after a gap was
//! closed. A page without a known item may have skipped items. Then an earlier page is requested, if necessary back to
//! the start.

use std::collections::BTreeSet;

use super::{cursor::Next, key::Key};
use crate::error::{Error, ErrorKind};

/// How many times in a row a listing goes back without finding a new item before it fails.
const MOST_STEPS_BACK: u32 = 16;

/// How many pages in a row may contain no new item.
const MOST_EMPTY: u32 = 3;

/// The content of a page that the plan needs.
pub(super) struct Answer<'a> {
    pub(super) at: u64,
    pub(super) keys: &'a [Key],
    pub(super) next: &'a Next,
    pub(super) total: Option<u64>,
}

/// What to do after a page.
#[derive(Debug)]
pub(super) enum Step {
    /// The page is valid, and `fresh` marks its new items. `next` is the offset of the next page; none if this was the
    /// last page, and an error if the listing cannot continue.
    Page {
        fresh: Vec<bool>,
        next: Result<Option<u64>, Error>,
    },
    /// The page is not used. The page at this offset is requested instead.
    Ask(u64),
    /// The listing fails.
    Fail(Error),
}

#[derive(Debug)]
pub(super) struct Offsets {
    start: u64,
    /// The page size.
    size: u64,
    /// How many items the reader wants.
    most: Option<u64>,
    /// The ids of all items so far.
    seen: Seen,
    /// The keys of the last valid page, and the offset after it.
    last: Vec<Key>,
    reached: u64,
    /// The highest offset after any valid page.
    furthest: u64,
    has_begun: bool,
    total: Option<u64>,
    /// The number of new items so far.
    given: u64,
    /// The distance from one page to the next, known from the first page.
    stride: u64,
    /// How many items two pages have in common: 1, or 0 for a server that rounds offsets to multiples of the page size.
    overlap: u64,
    /// The offset at which such a server is tested. The page at this offset is valid without a known item.
    full_offset: Option<u64>,
    /// Whether a page did not start with the last item of the previous page.
    is_displaced: bool,
    /// Whether the last page says that it is the last, although the total is higher.
    is_short: bool,
    empty: u32,
    steps_back: u32,
}

/// A set of ids. Nearly all are UUIDs, which take half of the memory in a set of their own. A tree grows in small steps;
/// a hash table would need the old and the new memory at once while it grows.
#[derive(Debug, Default)]
struct Seen {
    uuids: BTreeSet<u128>,
    others: BTreeSet<Box<str>>,
}

impl Seen {
    fn contains(&self, key: &Key) -> bool {
        match key {
            Key::Uuid(uuid) => self.uuids.contains(uuid),
            Key::Id(id) => self.others.contains(id),
            Key::Whole(_) => false,
        }
    }

    fn extend(&mut self, keys: &[Key]) {
        for key in keys {
            match key {
                Key::Uuid(uuid) => {
                    self.uuids.insert(*uuid);
                }
                Key::Id(id) => {
                    self.others.insert(id.clone());
                }
                Key::Whole(_) => {}
            }
        }
    }
}

impl Offsets {
    pub(super) fn new(start: u64, size: u64, most: Option<u64>) -> Self {
        Self {
            start,
            size,
            most,
            seen: Seen::default(),
            last: Vec::new(),
            reached: start,
            furthest: start,
            has_begun: false,
            total: None,
            given: 0,
            stride: 0,
            overlap: 1,
            full_offset: None,
            is_displaced: false,
            is_short: false,
            empty: 0,
            steps_back: 0,
        }
    }

    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Whether a page at offset `at` contains nothing after offset `next`.
    pub(super) fn is_behind(&self, at: u64, next: u64) -> bool {
        at.saturating_add(self.size) <= next
    }

    /// Returns the offset to request ahead after a page at offset `at`, if the total is known from the first page.
    pub(super) fn ahead_of(&self, at: u64) -> Option<u64> {
        let end = self
            .most
            .map_or(u64::MAX, |most| self.start.saturating_add(most));
        let end = end.min(self.total?);
        let next = at.checked_add(self.stride).filter(|next| *next > at)?;
        (next.saturating_add(self.overlap) < end).then_some(next)
    }

    pub(super) fn answered(&mut self, answer: &Answer<'_>) -> Step {
        let known = self.known(answer.keys);
        let is_anchored = known.contains(&true);
        let is_in_place = !self.has_begun || self.last.is_empty() || answer.at <= self.start;
        let is_full_offset = self.full_offset == Some(answer.at);
        let brings_nothing = !known.contains(&false);
        if self.is_short && brings_nothing && self.is_still_short(answer) {
            return Step::Fail(self.cut_short(answer.total));
        }
        if !is_anchored && !is_in_place && !is_full_offset && self.overlap > 0 {
            return self.step_back(answer.at);
        }
        if !is_anchored && is_full_offset {
            // The server rounds offsets. From here on, pages are requested at multiples of the page size.
            (self.overlap, self.stride) = (0, self.size.max(answer.keys.len() as u64));
        }
        if brings_nothing && self.has_begun && self.may_be_rounded(answer) {
            self.full_offset = Some(self.reached);
            return Step::Ask(self.reached);
        }
        let is_on_the_way_back = answer.at.saturating_add(self.overlap) < self.furthest;
        let was_displaced = std::mem::take(&mut self.is_displaced);
        self.take(answer, &known);
        if !brings_nothing {
            (self.empty, self.steps_back) = (0, 0);
        } else if !is_on_the_way_back && self.is_displaced {
            // Since the last page, as many items were inserted in front as the page holds.
            self.steps_back += 1;
        } else if !is_on_the_way_back {
            self.empty += 1;
        }
        self.is_displaced |= was_displaced;
        if self.empty > MOST_EMPTY {
            return Step::Fail(self.stands_still());
        }
        if self.steps_back > MOST_STEPS_BACK {
            return Step::Fail(too_fast());
        }
        let fresh = known.iter().map(|known| !known).collect();
        Step::Page {
            fresh,
            next: self.next(answer),
        }
    }

    /// Marks the items that were seen on earlier pages. Two items with the same id on this page are both new. Items
    /// without an id are compared only with the last item of the previous page.
    fn known(&self, keys: &[Key]) -> Vec<bool> {
        let seam = match self.last.last() {
            Some(last) if !last.is_id() => keys.iter().position(|key| key == last),
            _ => None,
        };
        keys.iter()
            .enumerate()
            .map(|(place, key)| match seam {
                Some(seam) => place <= seam,
                None => self.seen.contains(key),
            })
            .collect()
    }

    /// Whether the server seems to round offsets: according to `next`, this page starts before the requested offset.
    fn may_be_rounded(&self, answer: &Answer<'_>) -> bool {
        let items = answer.keys.len() as u64;
        let began = match answer.next {
            Next::Offset(Some(next)) => next.saturating_sub(items),
            _ => return false,
        };
        items > 0 && began < answer.at && self.full_offset != Some(self.reached)
    }

    /// Accepts a valid page.
    fn take(&mut self, answer: &Answer<'_>, known: &[bool]) {
        let items = answer.keys.len() as u64;
        if !self.has_begun {
            self.stride = items.saturating_sub(1);
        } else if answer.keys.first() != self.last.last() && self.overlap > 0 {
            self.is_displaced = true;
        }
        self.has_begun = true;
        self.given += known.iter().filter(|known| !**known).count() as u64;
        self.seen.extend(answer.keys);
        self.reached = answer.at.saturating_add(items);
        self.furthest = self.furthest.max(self.reached);
        if items > 0 {
            self.last = answer.keys.to_vec();
        }
        self.total = answer.total.or(self.total);
        self.is_short = *answer.next == Next::None && self.is_below_total(self.reached);
    }

    fn is_below_total(&self, reached: u64) -> bool {
        self.total.is_some_and(|total| reached < total)
    }

    /// Whether the listing ended too early, and this page confirms it.
    fn is_still_short(&self, answer: &Answer<'_>) -> bool {
        *answer.next == Next::None && answer.total.is_none_or(|total| total > self.reached)
    }

    /// Returns the offset of the next page; none at the end.
    fn next(&self, answer: &Answer<'_>) -> Result<Option<u64>, Error> {
        let items = answer.keys.len() as u64;
        let is_over = match (answer.next, self.total) {
            (Next::None, Some(_)) => !self.is_short,
            (Next::None, None) => items < self.size,
            _ => false,
        };
        if is_over {
            let expected = self
                .total
                .map_or(0, |total| total.saturating_sub(self.start));
            if self.given < expected && !self.is_displaced {
                return Err(self.cut_short(self.total));
            }
            return Ok(None);
        }
        let next = match answer.next {
            // For an empty page, only its `next` says where the next page is.
            Next::Offset(Some(next)) if items == 0 => (*next).max(answer.at.saturating_add(1)),
            Next::Offset(None) if items == 0 => answer.at.saturating_add(self.size),
            _ => self.reached - self.overlap.min(items),
        };
        if i64::try_from(next).is_err() {
            let message = format!("a page names {next} as the next offset, which is too large");
            return Err(paging(message));
        }
        Ok(Some(next))
    }

    fn step_back(&mut self, at: u64) -> Step {
        self.steps_back += 1;
        self.is_displaced = true;
        if self.steps_back > MOST_STEPS_BACK {
            return Step::Fail(too_fast());
        }
        let step = self.size.saturating_mul(1 << self.steps_back);
        Step::Ask(at.saturating_sub(step).max(self.start))
    }

    fn cut_short(&self, total: Option<u64>) -> Error {
        let total = total.unwrap_or_default().saturating_sub(self.start);
        paging(format!(
            "the listing ends after {} items, and the service says that there are {total}",
            self.given
        ))
    }

    fn stands_still(&self) -> Error {
        paging(format!(
            "the listing does not advance: {} pages in a row brought nothing new, at offset {}",
            self.empty, self.reached
        ))
    }
}

fn too_fast() -> Error {
    paging("the list changes faster than it can be read")
}

pub(super) fn paging(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Paging, message)
        .with_hint("the items listed so far are valid, but not complete; try again later")
}
