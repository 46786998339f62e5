//! Changes of a new API release that must not break users.

use wpengine::ErrorKind;

use super::{Desk, mutate, through_the_facade, with_bodies};
use crate::support::{calls, document};

#[tokio::test(start_paused = true)]
async fn every_documented_example_is_read() {
    let desk = Desk::new();
    for (operation, status, body) in with_bodies() {
        let told = desk
            .ask(operation.id, status, &body.example.to_string())
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(!told.contains("Unknown("), "{}: {told}", operation.id);
    }
}

#[tokio::test(start_paused = true)]
async fn any_success_is_one_whatever_number_it_has() {
    let desk = Desk::new();
    for (operation, _, body) in with_bodies() {
        for status in [200, 201, 202] {
            desk.ask(operation.id, status, &body.example.to_string())
                .await
                .unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_body_is_documented_one_is_a_success_only_if_it_can_be_the_services_own() {
    let desk = Desk::new();
    let mut count = 0;
    for operation in document::operations() {
        if operation.success().1.is_some() {
            continue;
        }
        count += 1;
        if calls::looks_first(operation.id) {
            continue;
        }
        let known = wpengine::operations()
            .iter()
            .find(|known| known.id == operation.id)
            .expect("an operation");
        for body in [
            "",
            " ",
            "{}",
            r#"{"message":"Forbidden"}"#,
            "<html>Sign in</html>",
        ] {
            for status in [200, 202, 204, 206] {
                let told = desk.ask(operation.id, status, body).await;
                let is_documented = status == known.success && body.starts_with('{');
                let says_nothing = matches!(body.trim(), "" | "{}");
                if status != 206 && (says_nothing || is_documented) {
                    assert_eq!(told.unwrap_or_else(|error| panic!("{error}")), "()");
                    continue;
                }
                let error = told.expect_err("it is not the service that answered");
                assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
                assert_eq!(error.may_have_happened(), !known.is_read(), "{error}");
            }
        }
    }
    assert_eq!(count, wpengine::operations().len() - with_bodies().len());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_word_is_kept() {
    let count = through_the_facade(mutate::unknown_words, |operation, _, mutation, result| {
        let told = result.unwrap_or_else(|error| panic!("{error}"));
        assert!(
            told.contains("Unknown(\"brand_new_word\")"),
            "{} at {}: {told}",
            operation.id,
            mutation.place
        );
    })
    .await;
    assert!(count > 30, "only {count} words were replaced");
}

#[tokio::test(start_paused = true)]
async fn a_time_or_a_day_that_is_none_is_kept_as_it_came() {
    let count = through_the_facade(mutate::bad_dates, |operation, _, mutation, result| {
        let told = result.unwrap_or_else(|error| panic!("{error}"));
        assert!(
            told.contains("the day before yesterday"),
            "{} at {}: {told}",
            operation.id,
            mutation.place
        );
    })
    .await;
    assert!(count > 60, "only {count} dates were spoilt");
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_written_as_text_is_read() {
    let count = through_the_facade(
        mutate::texts_for_numbers,
        |operation, _, mutation, result| {
            result
                .unwrap_or_else(|error| panic!("{} at {}: {error}", operation.id, mutation.place));
        },
    )
    .await;
    assert!(count > 10, "only {count} numbers were replaced");
}

#[tokio::test(start_paused = true)]
async fn one_more_field_does_not_matter() {
    let count = through_the_facade(mutate::extra_fields, |operation, _, mutation, result| {
        result.unwrap_or_else(|error| panic!("{} at {}: {error}", operation.id, mutation.place));
    })
    .await;
    assert!(count > 150, "only {count} objects were extended");
}

#[tokio::test(start_paused = true)]
async fn null_is_read_wherever_a_field_is_not_always_there() {
    let count = through_the_facade(mutate::nulls, |operation, _, mutation, result| {
        result.unwrap_or_else(|error| panic!("{} at {}: {error}", operation.id, mutation.place));
    })
    .await;
    assert!(count > 500, "only {count} fields were null");
}

#[tokio::test(start_paused = true)]
async fn any_field_that_is_not_always_there_can_be_missing() {
    let count = through_the_facade(mutate::absences, |operation, _, mutation, result| {
        result.unwrap_or_else(|error| panic!("{} at {}: {error}", operation.id, mutation.place));
    })
    .await;
    assert!(count > 500, "only {count} fields were taken out");
}
