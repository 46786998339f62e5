//! What a page says about the next page.

use url::form_urlencoded;

/// Whether there is a next page. The offset of the next page is calculated by this library, so a wrong offset in a
/// response loses no items. The URL in `next` is never requested, so it does not matter which host it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The response says that this is the last page.
    None,
    /// There is a next page, at this offset if the response contains it.
    Offset(Option<u64>),
    /// There is a next page, which this token identifies.
    Token(String),
}

impl Next {
    /// Reads `next`, the URL of the next page, or `pagination` of the older overview, which counts pages.
    pub(crate) fn of_offset_page(
        next: Option<&str>,
        pagination: Option<&wpengine_raw::values::Pagination>,
    ) -> Self {
        if let Some(next) = next.filter(|next| !next.is_empty()) {
            return Self::Offset(offset_of(next));
        }
        match pagination {
            Some(pages) if pages.current_page < pages.total_pages => Self::Offset(
                pages
                    .per_page
                    .zip(pages.current_page)
                    .and_then(|(size, page)| size.checked_mul(page)),
            ),
            _ => Self::None,
        }
    }

    pub(crate) fn of_token(token: Option<String>) -> Self {
        match token.filter(|token| !token.is_empty()) {
            Some(token) => Self::Token(token),
            None => Self::None,
        }
    }
}

/// Returns the offset in the query of a URL, which may be absolute or relative.
fn offset_of(address: &str) -> Option<u64> {
    let (address, _) = address.split_once('#').unwrap_or((address, ""));
    let (_, query) = address.split_once('?')?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "offset")?
        .1
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use wpengine_raw::values::Pagination;

    use super::*;

    #[test]
    fn only_the_offset_of_an_address_is_read() {
        for address in [
            "https://api.wpengineapi.com/v1/sites?limit=100&offset=200",
            "http://api.wpengineapi.com/v1//sites?offset=200&limit=100",
            "https://evil.example/steal?offset=200",
            "/v1/sites?offset=200",
            "?offset=200",
        ] {
            let next = Next::of_offset_page(Some(address), None);
            assert_eq!(next, Next::Offset(Some(200)), "{address}");
        }
        for address in [
            "https://x.example/sites",
            "?offset=",
            "?offset=many",
            "?offset=-1",
        ] {
            let next = Next::of_offset_page(Some(address), None);
            assert_eq!(next, Next::Offset(None), "{address}");
        }
        assert_eq!(Next::of_offset_page(Some(""), None), Next::None);
    }

    #[test]
    fn the_older_form_counts_pages() {
        let of = |current: Option<u64>, per_page: Option<u64>, pages: Option<u64>| {
            let pagination: Pagination = serde_json::from_value(serde_json::json!({
                "current_page": current, "per_page": per_page, "total_pages": pages,
            }))
            .unwrap();
            Next::of_offset_page(None, Some(&pagination))
        };
        assert_eq!(of(Some(1), Some(10), Some(3)), Next::Offset(Some(10)));
        assert_eq!(of(Some(3), Some(10), Some(3)), Next::None);
        assert_eq!(of(Some(1), None, Some(3)), Next::Offset(None));
        let huge = of(Some(u64::MAX - 1), Some(u64::MAX), Some(u64::MAX));
        assert_eq!(huge, Next::Offset(None));
    }
}
