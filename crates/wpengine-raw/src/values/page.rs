//! One page of a listing by offset, in both documented forms.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{SeqAccess, Visitor},
};

/// One page of a listing.
///
/// A body without the array of items is an error, not an empty page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Page<T> {
    /// The items of this page.
    #[serde(deserialize_with = "items", bound(deserialize = "T: Deserialize<'de>"))]
    pub results: Vec<T>,
    /// The URL of the previous page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The URL of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The number of items on all pages.
    #[serde(
        default,
        deserialize_with = "super::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub count: Option<u64>,
    /// Replaces the three fields above in the form of the API's older overview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Pagination>,
}

/// The position of a page in the list, in the form of the API's older overview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Pagination {
    /// The number of items on all pages.
    #[serde(
        default,
        deserialize_with = "super::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub total: Option<u64>,
    /// The number of items on this page.
    #[serde(
        default,
        deserialize_with = "super::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub count: Option<u64>,
    /// The page size.
    #[serde(
        default,
        deserialize_with = "super::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub per_page: Option<u64>,
    /// The number of this page, starting at 1.
    #[serde(
        default,
        deserialize_with = "super::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub current_page: Option<u64>,
    /// The number of pages.
    #[serde(
        default,
        deserialize_with = "super::optional_integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub total_pages: Option<u64>,
}

/// The usual page size.
const USUAL: usize = 100;

/// Decodes the items into a `Vec` with capacity for a usual page. Growing it from empty would copy each item once more
/// on average.
fn items<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct Items<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::with_capacity(USUAL);
            while let Some(item) = sequence.next_element()? {
                items.push(item);
            }
            if items.len() < USUAL / 2 {
                items.shrink_to_fit();
            }
            Ok(items)
        }
    }

    deserializer.deserialize_seq(Items(PhantomData))
}

impl<T> Page<T> {
    /// Returns the number of items on all pages, from either form.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        self.count
            .or_else(|| self.pagination.as_ref().and_then(|form| form.total))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_envelopes_are_read() {
        let page: Page<u8> = serde_json::from_str(
            r#"{"previous":null,"next":"https://x/y?limit=1&offset=1","count":2,"results":[1]}"#,
        )
        .unwrap();
        assert_eq!((page.total(), page.results), (Some(2), vec![1]));
        let page: Page<u8> = serde_json::from_str(
            r#"{"results":[1],"pagination":{"total":3,"count":1,"per_page":1,"current_page":1,"total_pages":3}}"#,
        )
        .unwrap();
        assert_eq!(page.total(), Some(3));
    }

    #[test]
    fn a_page_without_its_array_is_an_error() {
        for body in [
            "{}",
            r#"{"results":null}"#,
            r#"{"next":null,"count":0}"#,
            "null",
        ] {
            assert!(serde_json::from_str::<Page<u8>>(body).is_err(), "{body}");
        }
    }
}
