//! What is on the site, and what a release of some files would change of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Plan, Protected,
    record::Lock,
    rules::Server,
    script::Answer,
    text,
    tree::{Content, Tree},
};
use crate::error::{Error, ErrorKind};

/// The site as it is, seen from the files of a release.
pub(super) struct Compared {
    server: Server,
    /// What an earlier release brought to the same folder.
    ours: BTreeSet<Vec<u8>>,
    last: String,
    /// Whether the folder that is deployed to is there.
    pub(super) is_there: bool,
    lock: Option<Lock>,
    /// What files on the site have in them.
    hashes: BTreeMap<Vec<u8>, String>,
    /// Links on the site, and where they lead to if that was asked.
    links: BTreeMap<Vec<u8>, Vec<u8>>,
    contents: Vec<Content>,
}

/// What is sent, and what is not.
pub(super) struct Changes {
    /// Files that are new or have another content.
    pub(super) files: Vec<Vec<u8>>,
    /// Which of them are new.
    is_new: Vec<bool>,
    /// How many bytes they have.
    pub(super) size: u64,
    pub(super) protected: Vec<Protected>,
    unchanged: usize,
}

impl Compared {
    pub(super) fn of(answer: &Answer, contents: Vec<Content>) -> Result<Self, Error> {
        let set =
            |name: &str| -> BTreeSet<Vec<u8>> { answer.all(name).map(<[u8]>::to_vec).collect() };
        let bare = |path: &[u8]| path.strip_prefix(b"./").unwrap_or(path).to_vec();
        let packed = answer.all("hashes").next().unwrap_or_default();
        let unreadable = || {
            Error::new(
                ErrorKind::Remote,
                "what the gateway says of the files cannot be read",
            )
        };
        let packed = STANDARD.decode(packed).map_err(|_| unreadable())?;
        let mut list = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_end(&mut list)
            .map_err(|_| unreadable())?;
        let hashes = list
            .split(|byte| *byte == 0)
            .filter(|entry| entry.len() > 32)
            .map(|entry| (entry[32..].to_vec(), text(&entry[..32])))
            .collect();
        let mut links: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        let mut last = Vec::new();
        for (name, value) in answer.pairs() {
            match name.as_str() {
                "link" => {
                    last.clone_from(value);
                    links.entry(value.clone()).or_default();
                }
                "leads_to" => {
                    links.insert(last.clone(), value.clone());
                }
                _ => {}
            }
        }
        Ok(Self {
            server: Server {
                found: set("found"),
                brought: set("brought"),
                fixed: answer.all("fixed").map(bare).collect(),
            },
            ours: set("ours"),
            last: answer.text("last"),
            is_there: answer.has("there"),
            lock: answer.lock(),
            hashes,
            links,
            contents,
        })
    }

    pub(super) fn changes(&self, tree: &Tree, adopt: &[String]) -> Changes {
        let mut changes = Changes {
            files: Vec::new(),
            is_new: Vec::new(),
            size: 0,
            protected: tree
                .left_out
                .iter()
                .map(|(name, why)| Protected {
                    path: text(&tree.on_site(name)),
                    why,
                })
                .collect(),
            unchanged: 0,
        };
        for (name, content) in tree.files.iter().zip(&self.contents) {
            let path = tree.on_site(name);
            if let Some(why) = self.server.protects(&path, adopt) {
                changes.protected.push(Protected {
                    path: text(&path),
                    why,
                });
                continue;
            }
            let link = self.links.get(&path);
            let is_same = match content {
                Content::File { hash, .. } => {
                    link.is_none() && self.hashes.get(&path) == Some(hash)
                }
                Content::Link(leads_to) => link == Some(leads_to),
            };
            if is_same {
                changes.unchanged += 1;
                continue;
            }
            if let Content::File { size, .. } = content {
                changes.size += size;
            }
            changes.files.push(name.clone());
            changes
                .is_new
                .push(link.is_none() && !self.hashes.contains_key(&path));
        }
        changes
    }

    /// All files of the release. What is protected stays in the list if an earlier release brought it, so that it is not deleted
    /// either.
    pub(super) fn listed(&self, tree: &Tree, adopt: &[String]) -> impl Iterator<Item = Vec<u8>> {
        tree.files
            .iter()
            .map(|name| tree.on_site(name))
            .filter(|path| self.ours.contains(path) || self.server.protects(path, adopt).is_none())
    }

    pub(super) fn plan(self, tree: &Tree, adopt: &[String]) -> Plan {
        let changes = self.changes(tree, adopt);
        let named = |is_new: bool| -> Vec<String> {
            let files = changes.files.iter().zip(&changes.is_new);
            files
                .filter(|(_, new)| **new == is_new)
                .map(|(name, _)| text(&tree.on_site(name)))
                .collect()
        };
        let (created, changed) = (named(true), named(false));
        let kept: BTreeSet<Vec<u8>> = tree.files.iter().map(|name| tree.on_site(name)).collect();
        let deleted = self.ours.difference(&kept).map(|path| text(path)).collect();
        Plan {
            target: tree.target.clone(),
            created,
            changed,
            deleted,
            protected: changes.protected,
            unchanged: changes.unchanged,
            after: self.last,
            lock: self.lock,
        }
    }
}
