//! Checks before a request is sent: each one returns an error that names the rule.

mod ids;
mod texts;
mod values;

use std::future::{Future, IntoFuture};

use wpengine::{Client, Error, ErrorKind};

use crate::support::{calls::Call, clients, script::Script};

/// A request that must be refused, with the expected text of the error.
struct Refused {
    operation: &'static str,
    rule: &'static str,
    call: Call,
}

fn refused<R, T>(operation: &'static str, rule: &'static str, request: R) -> Refused
where
    R: IntoFuture<Output = Result<T, Error>>,
    R::IntoFuture: Future<Output = Result<T, Error>> + Send + 'static,
    T: Send + 'static,
{
    let request = request.into_future();
    Refused {
        operation,
        rule,
        call: Box::pin(async move { request.await.map(drop) }),
    }
}

async fn all_are_refused(cases: impl FnOnce(&Client) -> Vec<Refused>) {
    let script = Script::answering("{}");
    let cases = cases(&clients::on(script.clone()));
    assert!(!cases.is_empty());
    for Refused {
        operation,
        rule,
        call,
    } in cases
    {
        let error = call.await.expect_err(rule);
        let text = error.to_string();
        assert_eq!(
            error.kind(),
            ErrorKind::InvalidRequest,
            "{operation}: {text}"
        );
        assert!(error.is_invalid_request());
        assert!(
            text.contains(rule),
            "{operation} should say `{rule}`: {text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(error.operation(), Some(operation), "{text}");
        assert_eq!((error.attempts(), error.may_have_happened()), (0, false));
        assert_eq!(script.count(), 0, "{operation} was sent: {text}");
    }
}
