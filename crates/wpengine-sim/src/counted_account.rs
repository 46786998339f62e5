//! The account for which a request counts.
//!
//! The documentation limits requests "per account" and does not define more. Here a request counts for the account
//! that it names in the path, the query or the body, directly or through a site or an install. A request that names
//! none, such as a list of all installs, counts for the caller's first account.

use serde_json::Value;

use crate::call::Call;

/// The account's id; `None` for a request without credentials.
pub(crate) fn counted_account(call: &Call<'_>, body: &[u8]) -> Option<String> {
    if call.caller.is_empty() {
        return None;
    }
    let world = &*call.world;
    let of_site = |id: &str| world.sites.get(id).map(|site| site.account_id.clone());
    let of_install = |id: &str| {
        let install = world.installs.get(id);
        install.map(|install| install.account_id.clone())
    };
    let itself = |id: &str| world.accounts.contains_key(id).then(|| id.to_owned());
    let named = itself(call.path("account_id"))
        .or_else(|| of_install(call.path("install_id")))
        .or_else(|| of_site(call.path("site_id")))
        .or_else(|| itself(call.query("account_id")?));
    named
        .or_else(|| {
            let body: Value = serde_json::from_slice(body).ok()?;
            let account = body["account_id"]
                .as_str()
                .or_else(|| body["user"]["account_id"].as_str());
            account
                .and_then(itself)
                .or_else(|| of_install(body["source_environment_id"].as_str()?))
        })
        .or_else(|| {
            let mut accounts = world.accounts.values();
            let first = accounts.find(|account| account.users.contains_key(&call.caller));
            first.map(|account| account.id.clone())
        })
}
