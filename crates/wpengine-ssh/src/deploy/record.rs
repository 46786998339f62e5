//! What is written down about releases.

use std::io::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Options, script::Answer, tree::Tree};
use crate::error::{Error, ErrorKind};

/// The lock of a release that is being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Lock {
    /// The id of the release.
    pub release: String,
    /// Who makes it.
    pub by: String,
    /// How far it is: `uploading`, `saving` and `saved` have not changed the site; `moving` and `undoing` have begun to.
    pub state: String,
    /// Seconds until it goes by itself, if the site was not changed; negative since it has expired.
    pub expires_in: i64,
}

/// A release that can still be taken back, or that was interrupted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Held {
    /// Its id.
    pub id: String,
    /// How far it is; `applied` if it is done, `undone` if it was taken back.
    pub state: String,
    /// The folder of the site that it went to.
    pub target: String,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct Record(pub Value);

/// The releases of a site.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Releases {
    /// The log, the oldest first.
    pub log: Vec<Record>,
    /// What is kept, the oldest first.
    pub held: Vec<Held>,
    /// The release that is in place; empty if there is none.
    pub last: String,
    /// A release that is being made.
    pub lock: Option<Lock>,
}

impl Releases {
    pub(super) fn of(answer: &Answer) -> Self {
        let mut held: Vec<Held> = Vec::new();
        for (name, value) in answer.pairs() {
            let value = String::from_utf8_lossy(value).into_owned();
            match name.as_str() {
                "release" => held.push(Held {
                    id: value,
                    state: String::new(),
                    target: String::new(),
                }),
                "release_state" => held
                    .iter_mut()
                    .rev()
                    .take(1)
                    .for_each(|held| held.state.clone_from(&value)),
                "release_target" => held
                    .iter_mut()
                    .rev()
                    .take(1)
                    .for_each(|held| held.target.clone_from(&value)),
                _ => {}
            }
        }
        let log = answer.text("log");
        Self {
            // A line that was cut off by a full disk is no record.
            log: log
                .lines()
                .filter_map(|line| serde_json::from_str(line).ok().map(Record))
                .collect(),
            held,
            last: answer.text("last"),
            lock: answer.lock(),
        }
    }

    /// The release that is taken back next: an interrupted one, or the one in place.
    pub(super) fn next_to_take_back(
        &self,
        install: &str,
        down_to: Option<&str>,
        is_first: bool,
    ) -> Result<Held, Error> {
        let can_go = |held: &&Held| held.state != "undone";
        if let Some(wanted) = down_to
            && is_first
            && !self
                .held
                .iter()
                .filter(can_go)
                .any(|held| held.id == wanted)
        {
            return Err(Error::input(format!(
                "there is no release {wanted} of {install} that can be taken back"
            ))
            .hint(format!(
                "see which there are: wpengine deploy log {install}"
            )));
        }
        if let Some(lock) = &self.lock
            && lock.expires_in > 0
            && matches!(lock.state.as_str(), "" | "uploading" | "saving" | "saved")
        {
            return Err(Error::new(
                ErrorKind::Locked,
                format!(
                    "{} deploys to {install} now (release {}); nothing was changed",
                    lock.by, lock.release
                ),
            )
            .hint(format!(
                "wait for it. If it was killed: wpengine deploy unlock {install} --force"
            )));
        }
        let interrupted = self.lock.as_ref().map(|lock| lock.release.as_str());
        let id = interrupted.unwrap_or(&self.last);
        if id.is_empty() {
            return Err(Error::input(format!(
                "nothing was deployed to {install} that could be taken back"
            )));
        }
        match self.held.iter().find(|held| held.id == id) {
            Some(held) => Ok(held.clone()),
            // It was interrupted when it had its lock and nothing else.
            None if interrupted.is_some() => Ok(Held {
                id: id.to_owned(),
                state: String::new(),
                target: String::new(),
            }),
            None => Err(Error::input(format!(
                "what the release {id} of {install} replaced is not kept any more"
            ))
            .hint("restore a backup, or deploy the files of before")),
        }
    }
}

/// A new id: it sorts by time, and no two are the same.
pub(super) fn new_id() -> String {
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    format!("{now}-{:08x}", fastrand::u32(..))
}

/// What the log says of a release beside what the script knows: the inside of an object.
pub(super) fn about(tree: &Tree, options: &Options) -> String {
    let about = json!({
        "at": Timestamp::now().round(jiff::Unit::Second).unwrap_or_default().to_string(),
        "target": tree.target,
        "by": options.by,
        "note": options.note,
        "commit": options.commit,
        "files": tree.files.len(),
    });
    let text = about.to_string();
    text.trim_start_matches('{')
        .trim_end_matches('}')
        .to_owned()
}

/// A list of paths in order, each ended by a byte 0, packed for the way.
pub(super) fn packed(paths: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut paths: Vec<Vec<u8>> = paths.collect();
    paths.sort();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for path in paths {
        // Writing into memory does not fail.
        let _ = packer
            .write_all(&path)
            .and_then(|()| packer.write_all(b"\0"));
    }
    packer.finish().unwrap_or_default()
}
