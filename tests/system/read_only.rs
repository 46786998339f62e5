//! A read-only client refuses every write before it is sent.

use http::Method;
use wpengine::{Client, ErrorKind};

use crate::support::{
    calls::{self, INSTALL, SITE},
    clients,
    script::{Script, Turn},
};

fn read_only() -> (std::sync::Arc<Script>, Client) {
    // The service refuses every request with a 400, which is not retried. So each call sends at most one request.
    let script = Script::always(Turn::Status(400));
    let client = clients::builder_on(script.clone())
        .read_only()
        .build()
        .expect("a client");
    assert!(client.is_read_only());
    (script, client)
}

#[tokio::test]
async fn every_reading_operation_passes_and_every_other_is_refused() {
    let (script, client) = read_only();
    for operation in wpengine::operations() {
        let before = script.count();
        let error = calls::call(&client, operation.id)
            .await
            .expect_err("400 or refused");
        if operation.is_read() {
            assert_eq!(error.kind(), ErrorKind::Api, "{}", operation.id);
            assert_eq!(script.count() - before, 1, "{}", operation.id);
            continue;
        }
        assert_eq!(
            error.kind(),
            ErrorKind::ReadOnly,
            "{}: {error}",
            operation.id
        );
        assert_eq!(error.operation(), Some(operation.id));
        assert!(error.to_string().contains(operation.id), "{error}");
        assert!(error.to_string().contains("nothing was sent"), "{error}");
        assert!(error.is_invalid_request() && !error.may_have_happened());
        assert_eq!(
            (error.attempts(), script.count() - before),
            (0, 0),
            "{}",
            operation.id
        );
    }
}

#[tokio::test]
async fn the_same_holds_for_requests_by_path() {
    let (script, client) = read_only();
    for operation in wpengine::operations() {
        let path = filled(operation.path);
        let before = script.count();
        let error = client.request(operation.method.clone(), &path).send().await;
        let error = error.expect_err("400 or refused");
        let sent = script.count() - before;
        assert_eq!(
            sent,
            usize::from(operation.is_read()),
            "{operation}: {error}"
        );
        assert_eq!(
            error.kind() == ErrorKind::ReadOnly,
            !operation.is_read(),
            "{operation}"
        );
    }
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let error = client
            .request(method, "/brand/new")
            .send()
            .await
            .expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
    }
    let reads = script.count();
    client
        .request(Method::GET, "/brand/new")
        .send()
        .await
        .expect_err("400");
    assert_eq!(script.count(), reads + 1);
}

/// Returns the path with a value for each parameter.
fn filled(path: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { "x-1" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn the_same_holds_for_the_generated_client() {
    let (script, client) = read_only();
    let raw = client.raw();
    assert!(raw.delete_install(&INSTALL.into()).await.is_err());
    assert!(raw.delete_site(&SITE.into()).await.is_err());
    assert!(
        raw.verify_domain(&INSTALL.into(), &"d1".into())
            .await
            .is_err()
    );
    assert!(
        raw.refresh_install_disk_usage(&INSTALL.into())
            .await
            .is_err()
    );
    assert_eq!(script.count(), 0);
    assert!(raw.get_install(&INSTALL.into()).await.is_err());
    assert_eq!(script.count(), 1);
}

#[tokio::test]
async fn a_clone_is_as_read_only() {
    let (script, client) = read_only();
    client
        .clone()
        .install(INSTALL)
        .delete()
        .await
        .expect_err("refused");
    assert_eq!(script.count(), 0);
}
