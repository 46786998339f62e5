//! Invalid answers: a list without its array, a number instead of a text. The error names the place.

use wpengine::{Error, ErrorKind};

use super::{
    mutate::{self, Mutation},
    through_the_facade,
};
use crate::support::document::Described;

/// Checks that the error contains the place in the body, the status and the operation.
fn assert_names_the_place(
    operation: &Described,
    status: u16,
    mutation: &Mutation,
    result: Result<String, Error>,
) {
    let place = &mutation.place;
    let error = match result {
        Err(error) => error,
        Ok(told) => panic!("{} at {place} was read: {told}", operation.id),
    };
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
    assert_eq!(error.operation(), Some(operation.id));
    assert!(
        error.to_string().contains(&format!("`{place}`")),
        "{place}: {error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_whose_array_is_null_is_an_error_and_never_empty() {
    let count = through_the_facade(mutate::null_lists, assert_names_the_place).await;
    assert!(count > 10, "only {count} lists were broken");
}

#[tokio::test(start_paused = true)]
async fn a_list_without_its_array_is_an_error_and_never_empty() {
    let count = through_the_facade(mutate::absent_lists, assert_names_the_place).await;
    assert!(count > 10, "only {count} lists were broken");
}

#[tokio::test(start_paused = true)]
async fn a_number_where_text_is_documented_is_an_error_with_its_place() {
    let count = through_the_facade(mutate::numbers_for_texts, assert_names_the_place).await;
    assert!(count > 300, "only {count} texts were replaced");
}
