//! Which page to ask for next. Decisions only; the stream asks.

use std::collections::HashSet;

use super::cursor::{self, Cursor};
use crate::error::{Error, ErrorKind};

/// How often in a row a verified listing goes back before it gives up.
const MOST_STEPS_BACK: u32 = 16;

/// What a page says that matters for the plan.
pub(super) struct Answer<'a> {
    pub(super) at: &'a Cursor,
    pub(super) next: Result<Option<Cursor>, Error>,
    pub(super) total: Option<u64>,
    /// How many items it holds, and whether any of them was seen before.
    pub(super) items: u64,
    pub(super) any_seen: bool,
    /// The page after it that is under way already.
    pub(super) under_way: Option<&'a Cursor>,
}

/// What to do with a page and after it.
#[derive(Debug)]
pub(super) enum Step {
    /// It is good, and what is under way is what comes next.
    GoOn,
    /// It is good, but what is under way is of no use.
    Replan,
    /// It is good, and the last one.
    Over,
    /// It is good, and nothing can come after it.
    Fail(Error),
    /// It cannot be placed: it is asked for anew from further back.
    Back,
}

/// A plan for a listing.
#[derive(Debug)]
pub(super) enum Plan {
    Ahead(Ahead),
    Verified(Verified),
}

impl Plan {
    pub(super) fn ahead(start: Cursor) -> Self {
        Self::Ahead(Ahead {
            next: Some(start),
            stride: None,
            total: None,
            tokens: HashSet::new(),
        })
    }

    pub(super) fn verified(start: u64, limit: u64) -> Self {
        Self::Verified(Verified {
            start,
            limit,
            next: Some(start),
            steps_back: 0,
            gap: start,
        })
    }

    /// Whether it matters to it what was seen before.
    pub(super) fn is_verified(&self) -> bool {
        matches!(self, Self::Verified(_))
    }

    /// The page to ask for, if it is known which.
    pub(super) fn ask(&mut self) -> Option<Cursor> {
        match self {
            Self::Ahead(plan) => plan.ask(),
            Self::Verified(plan) => plan.next.take().map(Cursor::Offset),
        }
    }

    pub(super) fn answered(&mut self, answer: Answer<'_>) -> Step {
        match self {
            Self::Ahead(plan) => plan.answered(answer),
            Self::Verified(plan) => plan.answered(answer),
        }
    }
}

/// Page after page, several at once where it is known where they begin: after the first page, its stride and the count
/// say it.
#[derive(Debug)]
pub(super) struct Ahead {
    next: Option<Cursor>,
    stride: Option<u64>,
    total: Option<u64>,
    /// The tokens that were handed back before. An offset only grows; a token can lead round in a circle.
    tokens: HashSet<String>,
}

impl Ahead {
    fn ask(&mut self) -> Option<Cursor> {
        let asked = self.next.take()?;
        if let (Cursor::Offset(offset), Some(stride), Some(total)) =
            (&asked, self.stride, self.total)
        {
            self.next = offset
                .checked_add(stride)
                .filter(|next| *next < total)
                .map(Cursor::Offset);
        }
        Some(asked)
    }

    fn answered(&mut self, answer: Answer<'_>) -> Step {
        self.total = answer.total.or(self.total);
        let next = match answer.next {
            Err(error) => return Step::Fail(error),
            Ok(None) => return Step::Over,
            Ok(Some(next)) => next,
        };
        match &next {
            Cursor::Token(token) if !self.tokens.insert(token.clone()) => {
                return Step::Fail(cursor::token_comes_back());
            }
            Cursor::Offset(offset) => {
                self.stride = offset.checked_sub(answer.at.offset());
            }
            _ => {}
        }
        if answer.under_way == Some(&next) {
            return Step::GoOn;
        }
        self.next = Some(next);
        if answer.under_way.is_some() {
            Step::Replan
        } else {
            Step::GoOn
        }
    }
}

/// One page after the other, each overlapping the one before by an item.
///
/// What stays in the list keeps its order. So when a page holds any item that was seen before, whatever stays and stands before that item
/// was seen too, and what comes after it in the page misses nothing. A page without such an item may have skipped some:
/// then an earlier one is asked for, back to the start if need be.
#[derive(Debug)]
pub(super) struct Verified {
    start: u64,
    limit: u64,
    next: Option<u64>,
    steps_back: u32,
    /// Where the last page was that could not be placed: until the listing is past it, the steps back add up.
    gap: u64,
}

impl Verified {
    fn answered(&mut self, answer: Answer<'_>) -> Step {
        let at = answer.at.offset();
        if at > self.start && !answer.any_seen {
            self.steps_back += 1;
            self.gap = self.gap.max(at);
            if self.steps_back > MOST_STEPS_BACK {
                return Step::Fail(
                    Error::new(
                        ErrorKind::Paging,
                        "the list changes faster than it can be read",
                    )
                    .hint("what was listed before is good, but it is not all; try again later"),
                );
            }
            let step = self
                .limit
                .saturating_mul(1 << self.steps_back.min(MOST_STEPS_BACK));
            self.next = Some(at.saturating_sub(step).max(self.start));
            return Step::Back;
        }
        if at >= self.gap {
            self.steps_back = 0;
        }
        match answer.next {
            Err(error) => return Step::Fail(error),
            Ok(None) => return Step::Over,
            Ok(Some(_)) => {}
        }
        if answer.items < 2 {
            return Step::Fail(
                Error::new(
                    ErrorKind::Paging,
                    "the pages are too small to be held against each other",
                )
                .hint("ask for larger pages with `limit`"),
            );
        }
        self.next = Some(at + answer.items - 1);
        Step::GoOn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(at: u64, next: Option<u64>, total: u64) -> (Cursor, Option<Cursor>, u64) {
        (Cursor::Offset(at), next.map(Cursor::Offset), total)
    }

    fn answered(
        plan: &mut Plan,
        page: (Cursor, Option<Cursor>, u64),
        under_way: Option<u64>,
    ) -> Step {
        let under_way = under_way.map(Cursor::Offset);
        plan.answered(Answer {
            at: &page.0,
            next: Ok(page.1),
            total: Some(page.2),
            items: 100,
            any_seen: true,
            under_way: under_way.as_ref(),
        })
    }

    fn asked(plan: &mut Plan) -> Vec<u64> {
        std::iter::from_fn(|| plan.ask())
            .map(|cursor| cursor.offset())
            .collect()
    }

    #[test]
    fn after_the_first_page_all_others_are_known() {
        let mut plan = Plan::ahead(Cursor::Start);
        assert_eq!(asked(&mut plan), [0]);
        assert!(matches!(
            answered(&mut plan, page(0, Some(100), 450), None),
            Step::GoOn
        ));
        assert_eq!(asked(&mut plan), [100, 200, 300, 400]);
        assert!(matches!(
            answered(&mut plan, page(100, Some(200), 450), Some(200)),
            Step::GoOn
        ));
        assert_eq!(asked(&mut plan), [0_u64; 0]);
    }

    #[test]
    fn a_smaller_stride_than_asked_replans_the_rest() {
        let mut plan = Plan::ahead(Cursor::Start);
        asked(&mut plan);
        answered(&mut plan, page(0, Some(100), 300), None);
        assert_eq!(asked(&mut plan), [100, 200]);
        assert!(matches!(
            answered(&mut plan, page(100, Some(150), 300), Some(200)),
            Step::Replan
        ));
        assert_eq!(asked(&mut plan), [150, 200, 250]);
    }

    #[test]
    fn a_list_that_grows_goes_on_and_one_that_shrinks_ends() {
        let mut plan = Plan::ahead(Cursor::Start);
        asked(&mut plan);
        answered(&mut plan, page(0, Some(100), 200), None);
        assert_eq!(asked(&mut plan), [100]);
        assert!(matches!(
            answered(&mut plan, page(100, Some(200), 250), None),
            Step::GoOn
        ));
        assert_eq!(asked(&mut plan), [200]);
        assert!(matches!(
            answered(&mut plan, page(200, None, 150), None),
            Step::Over
        ));
    }

    #[test]
    fn without_a_count_pages_are_asked_for_one_by_one() {
        let mut plan = Plan::ahead(Cursor::Start);
        asked(&mut plan);
        let step = plan.answered(Answer {
            at: &Cursor::Start,
            next: Ok(Some(Cursor::Offset(100))),
            total: None,
            items: 100,
            any_seen: false,
            under_way: None,
        });
        assert!(matches!(step, Step::GoOn));
        assert_eq!(asked(&mut plan), [100]);
    }

    #[test]
    fn a_verified_listing_overlaps_and_goes_back_where_it_finds_nothing_it_knows() {
        let mut plan = Plan::verified(0, 10);
        let answer = |plan: &mut Plan, at, items, any_seen, next: Option<u64>| {
            plan.answered(Answer {
                at: &Cursor::Offset(at),
                next: Ok(next.map(Cursor::Offset)),
                total: Some(100),
                items,
                any_seen,
                under_way: None,
            })
        };
        assert_eq!(asked(&mut plan), [0]);
        assert!(matches!(
            answer(&mut plan, 0, 10, false, Some(10)),
            Step::GoOn
        ));
        assert_eq!(asked(&mut plan), [9]);
        assert!(matches!(
            answer(&mut plan, 9, 10, true, Some(19)),
            Step::GoOn
        ));
        assert_eq!(asked(&mut plan), [18]);
        assert!(matches!(
            answer(&mut plan, 18, 10, false, Some(28)),
            Step::Back
        ));
        assert_eq!(
            asked(&mut plan),
            [0],
            "twenty back, but not before the start"
        );
        assert!(matches!(answer(&mut plan, 0, 10, true, None), Step::Over));
    }

    #[test]
    fn a_verified_listing_gives_up_where_nothing_holds_still() {
        let mut plan = Plan::verified(0, 1);
        let at = Cursor::Offset(u64::MAX);
        let mut steps = 0;
        loop {
            let step = plan.answered(Answer {
                at: &at,
                next: Ok(Some(Cursor::Offset(u64::MAX))),
                total: None,
                items: 1,
                any_seen: false,
                under_way: None,
            });
            match step {
                Step::Back => steps += 1,
                Step::Fail(_) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(steps, MOST_STEPS_BACK);
    }
}
