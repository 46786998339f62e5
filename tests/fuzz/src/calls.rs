//! Calls of all kinds: reads, writes, deletions, listings, calls with secrets, and requests of any path.

use std::{future::Future, pin::Pin};

use http::Method;
use wpengine::{
    Client, Error,
    types::{CacheType, FreeForm, PrivateKey},
};

pub(super) const ID: &str = "294deacc-d8b8-4005-82c4-0727ba8ddde0";

/// The future of a call, without its result.
pub(super) type Asking = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// A call.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) is_read: bool,
    /// Whether errors must not quote the response body.
    pub(super) is_secret: bool,
    pub(super) ask: fn(&Client) -> Asking,
}

const fn call(name: &'static str, is_read: bool, ask: fn(&Client) -> Asking) -> Call {
    Call {
        name,
        is_read,
        is_secret: false,
        ask,
    }
}

const fn secret(name: &'static str, is_read: bool, ask: fn(&Client) -> Asking) -> Call {
    Call {
        is_secret: true,
        ..call(name, is_read, ask)
    }
}

/// Creates the function that starts a call and drops its result.
macro_rules! ask {
    ($client:ident, $call:expr) => {
        |$client| {
            let call = $call;
            Box::pin(async move { call.await.map(drop) })
        }
    };
}

/// The calls that a failure is tested with. Only append: fuzz inputs refer to them by position.
pub(super) const CALLS: [Call; 16] = [
    call(
        "get_current_user",
        true,
        ask!(client, client.current_user()),
    ),
    call("get_site", true, ask!(client, client.site(ID).get())),
    call(
        "list_sites",
        true,
        ask!(client, client.sites().list().collect_at_most(9)),
    ),
    call(
        "list_account_users",
        true,
        ask!(client, client.account(ID).users().list().collect_at_most(9)),
    ),
    call(
        "list_certificates",
        true,
        ask!(
            client,
            client.install(ID).certificates().list().collect_at_most(9)
        ),
    ),
    call(
        "get_account_usage",
        true,
        ask!(client, client.account(ID).usage().list().collect_at_most(9)),
    ),
    secret(
        "get_domain_certificate",
        true,
        ask!(client, client.install(ID).domain("d").certificate().get()),
    ),
    secret(
        "import_third_party_certificate",
        false,
        ask!(
            client,
            client.install(ID).certificates().import_third_party(
                "-----BEGIN CERTIFICATE-----",
                PrivateKey::new("-----BEGIN PRIVATE KEY-----")
            )
        ),
    ),
    call(
        "create_site",
        false,
        ask!(client, client.sites().create("A site", ID)),
    ),
    call(
        "create_backup",
        false,
        ask!(
            client,
            client
                .install(ID)
                .backups()
                .create("before deploy", ["ops@example.com"])
        ),
    ),
    call(
        "update_site",
        false,
        ask!(client, client.site(ID).update().name("Another name")),
    ),
    call("delete_site", false, ask!(client, client.site(ID).delete())),
    call(
        "purge_cache",
        false,
        ask!(client, client.install(ID).purge_cache(CacheType::Page)),
    ),
    call(
        "GET /brand/new",
        true,
        ask!(client, client.request(Method::GET, "/brand/new").send()),
    ),
    call(
        "GET /brand/new as JSON",
        true,
        ask!(
            client,
            client.request(Method::GET, "/brand/new").json::<FreeForm>()
        ),
    ),
    call(
        "POST /brand/new",
        false,
        ask!(client, client.request(Method::POST, "/brand/new").send()),
    ),
];
