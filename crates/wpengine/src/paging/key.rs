//! What makes an item of a listing the same as one that was seen before.

use std::{
    borrow::Cow,
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, Hasher},
};

use wpengine_raw::types::{
    Account, AccountUser, Archive, Backup, Certificate, Domain, EnvironmentMetrics, Installation,
    ReportSchedule, Site, SiteReport, SiteTransfer, SshKey, Template,
};

/// An item that can be recognised.
pub(crate) trait Keyed {
    /// What it is recognised by; none if the answer does not say it.
    fn key(&self) -> Option<Cow<'_, str>>;
}

macro_rules! keyed {
    ($($item:ty: $field:ident),* $(,)?) => {
        $(impl Keyed for $item {
            fn key(&self) -> Option<Cow<'_, str>> {
                Some(Cow::Borrowed(&self.$field))
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
    ReportSchedule: uuid,
    Site: id,
    SiteReport: uuid,
    SiteTransfer: id,
    SshKey: uuid,
    Template: template_uuid,
}

impl Keyed for Certificate {
    fn key(&self) -> Option<Cow<'_, str>> {
        self.id.map(|id| Cow::Owned(id.to_string()))
    }
}

impl Keyed for EnvironmentMetrics {
    fn key(&self) -> Option<Cow<'_, str>> {
        self.environment_name.as_deref().map(Cow::Borrowed)
    }
}

/// The items that were seen, as hashes of 64 bits that are seeded anew for each listing: a hundred thousand take two
/// megabytes. That two of a hundred thousand share a hash, so that one would be lost, happens once in four billion listings.
#[derive(Debug, Default)]
pub(super) struct Seen {
    hashes: HashSet<u64, BuildHasherDefault<AsItIs>>,
    hasher: foldhash::fast::RandomState,
}

impl Seen {
    fn hash(&self, key: &str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key.as_bytes());
        hasher.finish()
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        self.hashes.reserve(more);
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.hashes.contains(&self.hash(key))
    }

    /// Whether it was not there before.
    pub(super) fn insert(&mut self, key: &str) -> bool {
        self.hashes.insert(self.hash(key))
    }
}

/// The hash of what is a hash already.
#[derive(Debug, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
