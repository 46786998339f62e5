//! Checks that all futures and handles can be sent to another thread and are `'static`.

use http::Method;
use wpengine::{
    Client, ClientBuilder, Credentials, Error, ErrorKind, Response, RetryPolicy,
    paging::{Items, Page, Pages},
    requests::{Progress, Request, RequestFuture, S3Settings, Wait},
    types::{Backup, CacheType, Installation, PrivateKey, Roles, Site},
};

use crate::support::{
    calls::{self, ACCOUNT, INSTALL, SITE},
    clients,
    script::Script,
};

fn is_send_static<T: Send + 'static>(_: &T) {}
fn is_send<T: Send>(_: &T) {}

#[test]
fn the_client_is_shared_between_threads_and_an_error_is_one_word() {
    fn shared<T: Send + Sync + 'static>() {}
    fn cloned<T: Clone>() {}
    fn unpinned<T: Unpin>() {}
    shared::<Client>();
    cloned::<Client>();
    shared::<ClientBuilder>();
    shared::<Credentials>();
    shared::<Error>();
    shared::<ErrorKind>();
    shared::<RetryPolicy>();
    shared::<Response<Site>>();
    shared::<Page<Site>>();
    unpinned::<Items<Site>>();
    unpinned::<Pages<Site>>();
    unpinned::<Progress<Backup>>();
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    assert_eq!(size_of::<Client>(), size_of::<usize>());
}

#[test]
fn every_request_and_its_future_can_be_sent() {
    let client = clients::on(Script::answering("{}"));
    // The type of a call requires `Send + 'static` for every operation.
    for (_, call) in calls::each(&client) {
        is_send_static(&call);
    }
    let (account, site, install) = (
        client.account(ACCOUNT),
        client.site(SITE),
        client.install(INSTALL),
    );

    let request: Request<Site> = site.get();
    is_send_static(&request);
    is_send_static(&request.send());
    let future: RequestFuture<Site> = site.get().into_future();
    is_send_static(&future);

    macro_rules! requests {
        ($($request:expr;)*) => {$(
            is_send_static(&$request);
            is_send_static(&$request.send());
            is_send_static(&$request.into_future());
        )*};
    }
    let (first, last) = calls::days();
    requests! {
        account.users().create("c@example.com", Roles::full()).name("a", "b");
        account.user("u").update(Roles::full());
        account.usage().summary().between(first, last);
        account.usage().insights();
        install.usage().get();
        site.update();
        site.site_transfers().create("a2");
        client.installs().create("abc", ACCOUNT);
        install.update();
        install.copy_to("i2");
        install.purge_cache(CacheType::All);
        install.backup("b").restore(["a@example.com"]);
        install.domains().create("example.com");
        install.domain("d").update();
        install.domain("d").certificate().order("a@example.com").name("a", "b").region("US");
        install.certificates().import_third_party("-----BEGIN CERTIFICATE-----", PrivateKey::new("-----BEGIN PRIVATE KEY-----"));
        install.offload_settings().replace(S3Settings::new());
    }
    is_send_static(&client.request(Method::GET, "/user"));
    is_send_static(&client.request(Method::GET, "/user").send());
    is_send_static(
        &client
            .request(Method::GET, "/user")
            .json::<serde_json::Value>(),
    );
}

#[test]
fn every_stream_and_wait_can_be_sent() {
    let client = clients::on(Script::answering("{}"));
    let list = || client.installs().list();
    is_send_static(&list());
    is_send_static(&list().collect_at_most(1));
    is_send_static(&list().count());
    let mut items: Items<Installation> = list().items();
    is_send_static(&items);
    is_send(&items.next());
    is_send(&items.try_next());
    let mut pages: Pages<Installation> = list().pages();
    is_send_static(&pages);
    is_send(&pages.next());
    is_send(&pages.try_next());
    let install = client.install(INSTALL);
    is_send_static(&install.certificates().list().items());
    is_send_static(&install.certificates().list().collect_at_most(1));
    is_send_static(&client.account(ACCOUNT).usage().list().pages());
    is_send_static(&client.account(ACCOUNT).users().list().items());

    let wait: Wait<Backup> = install.backup("b").wait();
    is_send_static(&wait);
    is_send_static(&install.backup("b").wait().into_future());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_progress_can_be_followed_on_another_thread() {
    let script = Script::answering(r#"{"id":"b1","status":"completed"}"#);
    let mut progress: Progress<Backup> = clients::on(script)
        .install(INSTALL)
        .backup("b1")
        .wait()
        .progress();
    is_send_static(&progress);
    is_send(&progress.next());
    let followed = tokio::spawn(async move { progress.try_next().await });
    let backup = followed
        .await
        .expect("no panic")
        .expect("an answer")
        .expect("a backup");
    assert_eq!(backup.status.as_str(), "completed");
}
