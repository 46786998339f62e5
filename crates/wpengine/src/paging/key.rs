//! What makes an item of a listing the same as one that was seen before.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use wpengine_raw::types::{
    Account, AccountUser, Archive, Backup, Certificate, Domain, EnvironmentMetrics, Installation,
    Site, SiteTransfer, SshKey, Template,
};

/// An item that can be recognised.
pub(crate) trait Keyed {
    /// What it is recognised by; none if the answer does not say it.
    fn key(&self) -> Option<String>;
}

macro_rules! keyed {
    ($($item:ty: $field:ident),* $(,)?) => {
        $(impl Keyed for $item {
            fn key(&self) -> Option<String> {
                Some(self.$field.to_string())
            }
        })*
    };
}

keyed! {
    Account: id,
    AccountUser: user_id,
    Archive: id,
    Backup: id,
    Domain: id,
    Installation: id,
    Site: id,
    SiteTransfer: id,
    SshKey: uuid,
    Template: template_uuid,
}

impl Keyed for Certificate {
    fn key(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }
}

impl Keyed for EnvironmentMetrics {
    fn key(&self) -> Option<String> {
        self.environment_name.clone()
    }
}

/// The items that were seen, as hashes of 128 bits: a listing of a hundred thousand takes a few megabytes, and that two
/// items share a hash, so that one would be lost, does not happen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hashes: HashSet<u128>,
    low: RandomState,
    high: RandomState,
}

impl Seen {
    fn hash(&self, key: &str) -> u128 {
        u128::from(self.high.hash_one(key)) << 64 | u128::from(self.low.hash_one(key))
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.hashes.contains(&self.hash(key))
    }

    /// Whether it was not there before.
    pub(super) fn insert(&mut self, key: &str) -> bool {
        self.hashes.insert(self.hash(key))
    }
}
