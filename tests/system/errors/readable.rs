//! Errors from answers that cannot be read, and from inconsistent listings.

use http::Method;
use wpengine::{Client, ErrorKind};

use super::{Sheet, once};
use crate::support::{
    calls::{ACCOUNT, INSTALL, SITE},
    script::{self, Script},
};

fn answering(body: &str) -> Client {
    let body = body.to_owned();
    once(Script::new(move |_, _| Ok(script::json(200, &body))))
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_says_where_and_why() {
    let mut sheet = Sheet::default();
    let list = |body: &str| answering(body).sites().list().collect_at_most(9);
    sheet.note("no list", list("{}").await);
    sheet.note("a list of null", list(r#"{"results":null}"#).await);
    let site = |fields: &str| format!(r#"{{"id":"s","name":"n","account":{{}},{fields}}}"#);
    let bad_date = site(r#""created_at":7"#);
    sheet.note(
        "a date",
        list(&format!(r#"{{"results":[{bad_date}]}}"#)).await,
    );
    let number = answering(r#"{"id":"s","name":7,"account":{}}"#);
    sheet.note("a number", number.site(SITE).get().await);
    sheet.note(
        "a number, writing",
        number.site(SITE).update().name("x").await,
    );
    sheet.note(
        "HTML",
        answering("<html>hello</html>").site(SITE).get().await,
    );
    sheet.note("nothing", answering("").site(SITE).get().await);
    sheet.note(
        "half of it",
        answering(r#"{"id":"s","na"#).site(SITE).get().await,
    );
    let key = answering(r#"{"cert_info":{"key":["the secret"],"cert":"c"}}"#);
    let certificate = key.install(INSTALL).domain("d").certificate();
    sheet.note("a private key", certificate.get().await);
    let own = answering(r#"{"email":7}"#);
    let own = own
        .request(Method::GET, "/user")
        .json::<std::collections::HashMap<String, String>>();
    sheet.note("a type of one's own", own.await);
    sheet.check("decode", &[ErrorKind::Decode]);
}

#[tokio::test]
async fn a_listing_that_does_not_fit_together_says_how() {
    let mut sheet = Sheet::default();
    let standing =
        r#"{"results":[],"next":"https://api.wpengineapi.com/v1/sites?offset=0","count":9}"#;
    sheet.note(
        "an offset that stands still",
        answering(standing).sites().list().collect_at_most(9).await,
    );
    let token = r#"{"certificates":[],"next_page_token":"t"}"#;
    let certificates = answering(token)
        .install(INSTALL)
        .certificates()
        .list()
        .collect_at_most(9);
    sheet.note("a token that stands still", certificates.await);
    let usage = r#"{"environment_metrics":[{}],"next_page_token":null}"#;
    let usage = answering(usage)
        .account(ACCOUNT)
        .usage()
        .list()
        .collect_at_most(0);
    sheet.note("more than expected", usage.await);
    let uncounted = answering(r#"{"results":[]}"#);
    sheet.note("no count", uncounted.sites().list().count().await);
    let nowhere = r#"{"results":[],"pagination":{"current_page":1,"total_pages":2}}"#;
    sheet.note(
        "pages without a size",
        answering(nowhere).sites().list().collect_at_most(9).await,
    );
    sheet.check("paging", &[ErrorKind::Paging]);
}
