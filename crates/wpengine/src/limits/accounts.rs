//! Which account an install or a site belongs to.

use std::{
    any::Any,
    collections::HashMap,
    hash::BuildHasher as _,
    sync::{Arc, Mutex, PoisonError},
};

use foldhash::fast::RandomState;
use wpengine_raw::values::Page;

use crate::types::{AccountReference, Installation, Site};

/// How many ids are kept. In a larger fleet, ids are forgotten and learned again from later responses.
const MOST: usize = 32_768;

/// The accounts of installs and sites, learned from responses. Requests for an install or a site count against the
/// limit of its account, but do not contain the id of the account.
///
/// Only a hash of each id is kept. If two ids had the same hash, a request could count against the limit of another
/// account.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    hasher: RandomState,
    /// The account of each install and site, by the hash of its id.
    known: Mutex<HashMap<u64, Arc<str>, RandomState>>,
}

impl Accounts {
    /// Stores the accounts in a typed response.
    pub(crate) fn learn(&self, answer: &dyn Any) {
        if let Some(page) = answer.downcast_ref::<Page<Installation>>() {
            self.remember(page.results.iter().flat_map(of_install));
        } else if let Some(page) = answer.downcast_ref::<Page<Site>>() {
            self.remember(page.results.iter().flat_map(of_site));
        } else if let Some(install) = answer.downcast_ref::<Installation>() {
            self.remember(of_install(install));
        } else if let Some(site) = answer.downcast_ref::<Site>() {
            self.remember(of_site(site));
        }
    }

    fn remember<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last: Arc<str> = Arc::default();
        for (id, account) in pairs {
            if known.len() >= MOST {
                known.clear();
            }
            // The items of a page often have the same account.
            if *last != *account {
                last = Arc::from(account);
            }
            known.insert(self.hasher.hash_one(id), Arc::clone(&last));
        }
    }

    /// Returns the account of the install or site in a path, if it is known.
    pub(crate) fn of_path(&self, path: &str) -> Option<Arc<str>> {
        let mut parts = path.split('/');
        parts.find(|part| matches!(*part, "installs" | "sites"))?;
        let id = self.hasher.hash_one(parts.next()?);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).cloned()
    }
}

fn of_install(install: &Installation) -> impl Iterator<Item = (&str, &str)> {
    let site = install.site.as_ref().and_then(|site| site.id.as_ref());
    let ids = [Some(install.id.as_str()), site.map(|id| id.as_str())];
    with_account(ids.into_iter().flatten(), &install.account)
}

fn of_site(site: &Site) -> impl Iterator<Item = (&str, &str)> {
    let installs = site.installs.iter().flatten();
    let installs = installs.filter_map(|install| Some(install.id.as_ref()?.as_str()));
    with_account(
        std::iter::once(site.id.as_str()).chain(installs),
        &site.account,
    )
}

fn with_account<'a>(
    ids: impl Iterator<Item = &'a str>,
    account: &'a AccountReference,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let account = account.id.as_ref().map(|id| id.as_str());
    ids.filter_map(move |id| Some((id, account?)))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn the_account_of_an_install_or_a_site_is_learnt_from_answers() {
        let accounts = Accounts::default();
        assert_eq!(accounts.of_path("/v1/installs/i1/backups"), None);
        let install: Installation = from_value(json!({
            "id": "i1", "name": "x", "account": {"id": "a"}, "site": {"id": "s1"},
        }))
        .unwrap();
        accounts.learn(&install);
        let page: Page<Site> = from_value(json!({"results": [
            {"id": "s2", "name": "y", "account": {"id": "b"}, "installs": [{"id": "i2"}]},
        ]}))
        .unwrap();
        accounts.learn(&page);
        for (path, account) in [
            ("/v1/installs/i1/backups", Some("a")),
            ("/v1/sites/s1", Some("a")),
            ("/v1/sites/s2/reports", Some("b")),
            ("/v1/installs/i2", Some("b")),
            ("/v1/installs/i3", None),
            ("/v1/installs", None),
            ("/v1/user", None),
        ] {
            assert_eq!(accounts.of_path(path).as_deref(), account, "{path}");
        }
    }

    #[test]
    fn it_remembers_a_bounded_number() {
        let accounts = Accounts::default();
        let ids: Vec<String> = (0..=MOST).map(|id| id.to_string()).collect();
        accounts.remember(ids.iter().map(|id| (id.as_str(), "a")));
        assert_eq!(accounts.known.lock().unwrap().len(), 1);
    }
}
