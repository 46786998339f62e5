//! Where the next page begins.

use url::form_urlencoded;

use crate::error::{Error, ErrorKind};

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    Start,
    Offset(u64),
    Token(String),
}

impl Cursor {
    pub(crate) fn offset(&self) -> u64 {
        match self {
            Self::Offset(offset) => *offset,
            _ => 0,
        }
    }

    pub(crate) fn token(&self) -> Option<String> {
        match self {
            Self::Token(token) => Some(token.clone()),
            _ => None,
        }
    }
}

/// What a page says of the one after it.
pub(crate) struct Envelope<'a> {
    pub(crate) next: Option<&'a str>,
    pub(crate) pagination: Option<&'a wpengine_raw::values::Pagination>,
    /// Where this page began, and how many items it holds.
    pub(crate) offset: u64,
    pub(crate) items: usize,
}

/// Where the page after this one begins, by offset.
///
/// `next` is an address of which only the offset is read: it is never followed, so that it does not matter which host
/// or scheme it names.
pub(crate) fn next_offset(page: &Envelope<'_>) -> Result<Option<Cursor>, Error> {
    let next = match (page.next.filter(|next| !next.is_empty()), page.pagination) {
        (Some(next), _) => match offset_of(next) {
            Some(offset) => offset,
            // An address without an offset says that there is more, and nothing else.
            None => page.offset.saturating_add(page.items as u64),
        },
        (None, Some(pagination)) => match after(pagination)? {
            Some(offset) => offset,
            None => return Ok(None),
        },
        (None, None) => return Ok(None),
    };
    if next <= page.offset {
        return Err(stands_still(format!(
            "the page at offset {} names {next} as the next",
            page.offset
        )));
    }
    Ok(Some(Cursor::Offset(next)))
}

/// Where the page after this one begins, by token.
pub(crate) fn next_token(token: Option<String>, before: &Cursor) -> Result<Option<Cursor>, Error> {
    let Some(token) = token.filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    let next = Cursor::Token(token);
    if next == *before {
        return Err(token_comes_back());
    }
    Ok(Some(next))
}

/// A token that was used before leads round in a circle.
pub(crate) fn token_comes_back() -> Error {
    stands_still("a page names a token as the next that it was asked with before".to_owned())
}

fn stands_still(how: String) -> Error {
    Error::new(
        ErrorKind::Paging,
        format!("the listing does not advance: {how}"),
    )
    .hint("what was listed before is good, but it is not all; try again later")
}

/// The offset in the query of an address, which may be absolute or not.
fn offset_of(address: &str) -> Option<u64> {
    let (address, _) = address.split_once('#').unwrap_or((address, ""));
    let (_, query) = address.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "offset")?
        .1
        .parse()
        .ok()
}

/// The form of the older overview counts pages instead.
fn after(pagination: &wpengine_raw::values::Pagination) -> Result<Option<u64>, Error> {
    let (Some(current), Some(pages)) = (pagination.current_page, pagination.total_pages) else {
        return Ok(None);
    };
    if current >= pages {
        return Ok(None);
    }
    let next = pagination
        .per_page
        .and_then(|per_page| current.checked_mul(per_page));
    match next {
        Some(next) => Ok(Some(next)),
        None => Err(Error::new(
            ErrorKind::Paging,
            "the answer says that there are more pages, but not where",
        )
        .hint("what was listed before is good, but it is not all")),
    }
}

#[cfg(test)]
mod tests {
    use wpengine_raw::values::Pagination;

    use super::*;

    fn next(next: &str, offset: u64, items: usize) -> Result<Option<Cursor>, Error> {
        next_offset(&Envelope {
            next: Some(next),
            pagination: None,
            offset,
            items,
        })
    }

    #[test]
    fn only_the_offset_of_an_address_is_read() {
        for address in [
            "https://api.wpengineapi.com/v1/sites?limit=100&offset=200",
            "http://api.wpengineapi.com/v1//sites?offset=200&limit=100",
            "https://evil.example/steal?offset=200",
            "/v1/sites?offset=200",
            "?offset=200",
        ] {
            assert_eq!(
                next(address, 100, 100).unwrap(),
                Some(Cursor::Offset(200)),
                "{address}"
            );
        }
    }

    #[test]
    fn an_address_without_an_offset_goes_on_after_the_items() {
        for address in [
            "https://x.example/sites",
            "?offset=",
            "?offset=many",
            "?offset=-1",
        ] {
            assert_eq!(
                next(address, 100, 7).unwrap(),
                Some(Cursor::Offset(107)),
                "{address}"
            );
            assert!(next(address, 100, 0).is_err(), "{address}");
        }
    }

    #[test]
    fn a_page_that_does_not_advance_is_an_error() {
        assert!(next("?offset=100", 100, 100).is_err());
        assert!(next("?offset=0", 100, 100).is_err());
        assert_eq!(next("", 100, 100).unwrap(), None);
    }

    #[test]
    fn an_empty_page_with_a_next_goes_on() {
        assert_eq!(
            next("?offset=200", 100, 0).unwrap(),
            Some(Cursor::Offset(200))
        );
    }

    #[test]
    fn the_older_form_counts_pages() {
        let at = |current, per_page, pages| {
            next_offset(&Envelope {
                next: None,
                pagination: Some(
                    &serde_json::from_value::<Pagination>(serde_json::json!({
                        "current_page": current, "per_page": per_page, "total_pages": pages,
                    }))
                    .unwrap(),
                ),
                offset: 0,
                items: 10,
            })
        };
        assert_eq!(
            at(Some(1), Some(10), Some(3)).unwrap(),
            Some(Cursor::Offset(10))
        );
        assert_eq!(at(Some(3), Some(10), Some(3)).unwrap(), None);
        assert_eq!(at(None, Some(10), Some(3)).unwrap(), None);
        assert!(at(Some(1), None, Some(3)).is_err());
        assert!(at(Some(u64::MAX - 1), Some(u64::MAX), Some(u64::MAX)).is_err());
    }

    #[test]
    fn a_token_that_comes_back_is_an_error() {
        let before = Cursor::Token("a".to_owned());
        assert!(next_token(Some("a".to_owned()), &before).is_err());
        assert_eq!(
            next_token(Some("b".to_owned()), &before).unwrap(),
            Some(Cursor::Token("b".to_owned()))
        );
        assert_eq!(next_token(Some(String::new()), &before).unwrap(), None);
        assert_eq!(next_token(None, &before).unwrap(), None);
    }
}
