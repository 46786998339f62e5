//! Offset paging: `{previous, next, count, results}`, with URLs at the simulator's own origin.

use serde::Serialize;

/// The requested part of a list.
#[derive(Debug, Clone)]
pub(crate) struct PageRequest {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    /// The URL of the list without a query: `http://127.0.0.1:4010/v1/sites`.
    pub(crate) address: String,
    /// The other query parameters, which the links must keep: `&account_id=...` or nothing.
    pub(crate) filter: String,
}

/// One page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    previous: Option<String>,
    next: Option<String>,
    count: usize,
    results: Vec<T>,
}

impl<T> Page<T> {
    /// The number of items on the page.
    pub(crate) fn len(&self) -> usize {
        self.results.len()
    }
}

impl PageRequest {
    /// The page of an iterator of all `items`. Only the items of the page are converted with `show`.
    pub(crate) fn of<I: Iterator, T>(&self, items: I, show: impl FnMut(I::Item) -> T) -> Page<T> {
        let mut count = 0;
        let mut taken = Vec::new();
        for item in items {
            if count >= self.offset && taken.len() < self.limit {
                taken.push(item);
            }
            count += 1;
        }
        self.page(count, taken.into_iter().map(show).collect())
    }

    /// The page of an iterator with a known length. Items outside the page are not visited.
    pub(crate) fn of_all<I: ExactSizeIterator, T>(
        &self,
        items: I,
        show: impl FnMut(I::Item) -> T,
    ) -> Page<T> {
        let count = items.len();
        self.page(
            count,
            items.skip(self.offset).take(self.limit).map(show).collect(),
        )
    }

    fn page<T>(&self, count: usize, results: Vec<T>) -> Page<T> {
        // With a limit of 0 there are no links, because each would lead to the same page again.
        let previous = (self.offset > 0 && self.limit > 0)
            .then(|| self.link(self.offset.saturating_sub(self.limit)));
        let end = self.offset.saturating_add(self.limit);
        let next = (self.limit > 0 && end < count).then(|| self.link(end));
        Page {
            previous,
            next,
            count,
            results,
        }
    }

    fn link(&self, offset: usize) -> String {
        format!(
            "{}?limit={}&offset={offset}{}",
            self.address, self.limit, self.filter
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(limit: usize, offset: usize, total: usize) -> Page<usize> {
        let address = "http://127.0.0.1:1/v1/sites".to_owned();
        PageRequest {
            limit,
            offset,
            address,
            filter: "&account_id=a".to_owned(),
        }
        .of(0..total, |item| item)
    }

    #[test]
    fn the_pages_together_hold_everything_once() {
        let mut seen = Vec::new();
        for offset in (0..25).step_by(10) {
            seen.extend(page(10, offset, 25).results);
        }
        assert_eq!(seen, (0..25).collect::<Vec<_>>());
    }

    #[test]
    fn it_is_the_same_page_when_everything_is_visible() {
        for (limit, offset) in [(10, 0), (10, 20), (10, 30), (0, 0), (100, 0)] {
            let request = PageRequest {
                limit,
                offset,
                address: String::new(),
                filter: String::new(),
            };
            let (of, of_all) = (
                request.of(0..25, |item| item),
                request.of_all(0..25, |item| item),
            );
            assert_eq!(
                serde_json::to_value(of).unwrap(),
                serde_json::to_value(of_all).unwrap()
            );
        }
    }

    #[test]
    fn only_the_middle_page_has_both_neighbours() {
        let (first, middle, last) = (page(10, 0, 25), page(10, 10, 25), page(10, 20, 25));
        assert_eq!(first.previous, None);
        assert_eq!(
            middle.previous.as_deref(),
            Some("http://127.0.0.1:1/v1/sites?limit=10&offset=0&account_id=a")
        );
        assert_eq!(
            middle.next.as_deref(),
            Some("http://127.0.0.1:1/v1/sites?limit=10&offset=20&account_id=a")
        );
        assert_eq!(last.next, None);
        assert_eq!(last.count, 25);
    }

    #[test]
    fn a_limit_of_zero_counts_only() {
        let page = page(0, 0, 25);
        assert_eq!((page.results.len(), page.count), (0, 25));
        assert_eq!((page.previous, page.next), (None, None));
    }
}
