//! Logs of a site: where they are, what is in them, and what comes.
//!
//! The API has no logs, and which of them the gateway shows is promised nowhere. So [`Logs::sources`] looks for them.

mod line;
mod merge;
mod remote;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    time::{sleep, timeout},
};

pub use self::{
    line::{Entries, Level, Line, continues, parse},
    merge::{Filter, merged},
};
use crate::{
    connection::Connection,
    error::{Error, ErrorKind},
    gateway::Gateway,
};

/// What keeps a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// WordPress: `wp-content/debug.log`, or what `WP_DEBUG_LOG` names.
    WordPress,
    /// PHP: what its setting `error_log` names.
    Php,
    /// A file in a folder `logs`.
    Server,
    /// A file that was asked for by its path.
    Named,
}

/// A file with a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Source {
    /// Its path, from the root of the site or from that of the system.
    pub path: String,
    /// What keeps it.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written last.
    pub written: Option<Timestamp>,
    /// The file that it was, before it was rotated; none of a file that is written now.
    pub rotated_from: Option<String>,
    /// What tells it apart from another file with its name.
    #[serde(skip)]
    pub(crate) inode: String,
}

/// What was found on an install.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sources {
    /// Files, each before those that it was rotated to.
    pub files: Vec<Source>,
    /// Paths that were asked for and are not there.
    pub missing: Vec<String>,
    /// Files that are there and cannot be read.
    pub unreadable: Vec<String>,
}

impl Sources {
    /// The files that are written now.
    pub fn live(&self) -> impl Iterator<Item = &Source> {
        self.files
            .iter()
            .filter(|source| source.rotated_from.is_none())
    }
}

/// Something that happens while logs are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A line, without its end.
    Line {
        /// The path of its file.
        source: String,
        /// The line; bytes that are no text are replaced.
        text: String,
    },
    /// Something that a reader should know, such as a file that was cut while it had unread lines.
    Note(String),
}

/// How far a file was read.
#[derive(Clone, Debug, Default)]
struct Place {
    inode: String,
    offset: u64,
    /// A checksum of the last bytes before it.
    mark: String,
    /// The one before, which may still be written to: inode and offset.
    old: Option<(String, u64)>,
    /// A line that has no end yet.
    rest: Vec<u8>,
    /// The same of the one before.
    old_rest: Vec<u8>,
}

impl Place {
    /// Another file has the name now.
    fn rotate(&mut self, inode: &str) {
        let before = std::mem::replace(&mut self.inode, inode.to_owned());
        self.old = Some((before, self.offset));
        self.old_rest = std::mem::take(&mut self.rest);
        self.offset = 0;
        self.mark.clear();
    }
}

/// Rounds that the file before is still looked at.
const LINGER: u32 = 10;

/// The logs of an install. The connection is opened when it is needed, and again if it was lost.
#[derive(Debug)]
pub struct Logs {
    gateway: Gateway,
    install: String,
    connection: Option<Connection>,
    places: BTreeMap<String, Place>,
    pause: Duration,
    /// Whether the last session said anything.
    heard: bool,
}

impl Gateway {
    /// Returns the logs of an install. Nothing is sent yet.
    #[must_use]
    pub fn logs(&self, install: &str) -> Logs {
        Logs {
            gateway: self.clone(),
            install: install.to_owned(),
            connection: None,
            places: BTreeMap::new(),
            pause: Duration::from_secs(1),
            heard: false,
        }
    }
}

impl Logs {
    /// Sets how long to wait between two looks at the files; a second by default.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Returns the name of the install.
    #[must_use]
    pub fn install(&self) -> &str {
        &self.install
    }

    async fn connect(&mut self) -> Result<&Connection, Error> {
        self.gateway
            .reopened(&self.install, &mut self.connection)
            .await
    }

    /// Closes the connection. Reading goes on where it was if it is opened again.
    pub async fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.close().await;
        }
    }

    /// Looks for logs. Paths that are named are looked at too.
    ///
    /// # Errors
    ///
    /// Those of [`Gateway::connect`], [`ErrorKind::NotReady`] if the install has no site.
    pub async fn sources(&mut self, named: &[String]) -> Result<Sources, Error> {
        let script = remote::Script::new(&self.install)
            .list("named", named)
            .call("discover");
        let connection = self.connect().await?;
        let done = connection
            .script(&script, b"", Duration::from_secs(120))
            .await?;
        remote::sources(done, &self.install)
    }

    /// Reads files up to the size that they had when they were found, or the last lines of each. Returns those that are still there.
    /// A packed file that is damaged has what could be unpacked, and is [noted](Content::notes).
    ///
    /// # Errors
    ///
    /// Those of [`Gateway::connect`].
    pub async fn read(
        &mut self,
        sources: &[Source],
        last_lines: Option<usize>,
    ) -> Result<Content, Error> {
        let paths: Vec<String> = sources.iter().map(|source| source.path.clone()).collect();
        let sizes: Vec<String> = sources
            .iter()
            .map(|source| source.size.to_string())
            .collect();
        let script = remote::Script::new(&self.install)
            .list("paths", &paths)
            .list("sizes", &sizes)
            .value("lines", &last_lines.unwrap_or(0).to_string())
            .call("fetch");
        let connection = self.connect().await?;
        let done = connection
            .script(&script, b"", Duration::from_secs(1_800))
            .await?;
        let (files, notes) = remote::files(done, &self.install)?;
        let named = |(path, content): (String, String)| {
            let source = sources.iter().find(|source| source.path == path)?;
            Some((source.clone(), content))
        };
        Ok(Content {
            files: files.into_iter().filter_map(named).collect(),
            notes,
        })
    }

    /// Begins to follow a file: from its beginning, or behind what it had when it was found.
    pub fn add(&mut self, source: &Source, start: Start) {
        let mut place = Place::default();
        if start == Start::End {
            place.offset = source.size;
            // If another file has the name by now, the rest of this one is looked for.
            place.inode = source
                .inode
                .rsplit(':')
                .next()
                .unwrap_or_default()
                .to_owned();
        }
        self.places.entry(source.path.clone()).or_insert(place);
    }

    /// Follows the files until `tell` says that it is enough, by returning false. Cuts, rotated files and files that were cut off lose
    /// and double no line; what cannot be read any more is said.
    ///
    /// # Errors
    ///
    /// Those of [`Gateway::connect`], but not if it cannot be reached for a while: it is asked again.
    pub async fn follow(&mut self, mut tell: impl FnMut(Event) -> bool) -> Result<(), Error> {
        let mut failures = 0;
        loop {
            let ended = self.rounds(0, &mut tell).await;
            // A connection that worked for a while and was cut is nothing unusual.
            if std::mem::take(&mut self.heard) {
                failures = 0;
            }
            match ended {
                Ok(false) => return Ok(()),
                Ok(true) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::Lost | ErrorKind::Unavailable | ErrorKind::TimedOut
                    ) =>
                {
                    failures += 1;
                    if failures == 3
                        && !tell(Event::Note(format!(
                            "{}: the gateway cannot be reached; trying again: {}",
                            self.install,
                            error.message()
                        )))
                    {
                        return Ok(());
                    }
                    sleep(Duration::from_millis(100) * 2_u32.pow(failures.min(8))).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what came since the last time, once, and closes the connection: for more installs than can be followed at once.
    ///
    /// # Errors
    ///
    /// Those of [`Gateway::connect`].
    pub async fn turn(&mut self, mut tell: impl FnMut(Event) -> bool) -> Result<bool, Error> {
        let ended = self.rounds(1, &mut tell).await;
        self.disconnect().await;
        ended
    }

    /// Reads over one session. Returns whether more is wanted.
    async fn rounds(
        &mut self,
        most: u32,
        tell: &mut impl FnMut(Event) -> bool,
    ) -> Result<bool, Error> {
        let paths: Vec<String> = self.places.keys().cloned().collect();
        let script = self.script(&paths, most);
        let patience = self.pause + Duration::from_secs(60);
        let install = self.install.clone();
        self.connect().await?;
        let Some(connection) = self.connection.take() else {
            return Ok(true);
        };
        let result = {
            let mut running = connection.shell(|_| {}).await?;
            let (stdin, stdout) = (running.child.stdin.take(), running.child.stdout.take());
            let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
                return Ok(true);
            };
            let written = stdin.write_all(&script).await;
            drop(stdin);
            let mut reader = BufReader::with_capacity(64 * 1024, stdout);
            let mut header = String::new();
            loop {
                if written.is_err() {
                    break Err(connection.lost(b""));
                }
                header.clear();
                match timeout(patience, reader.read_line(&mut header)).await {
                    Ok(Ok(1..)) if header.ends_with('\n') => {}
                    // A single turn ends by itself.
                    Ok(Ok(0)) if most > 0 => break Ok(true),
                    Err(_) => {
                        break Err(Error::new(
                            ErrorKind::TimedOut,
                            format!("{install} says nothing any more"),
                        ));
                    }
                    _ => break Err(connection.lost(b"")),
                }
                self.heard = true;
                let words: Vec<&str> = header.trim_end().split(' ').collect();
                let mut data = Vec::new();
                if let ["data", _, _, _, length, _] = words.as_slice() {
                    data.resize(length.parse().unwrap_or(0), 0);
                    match timeout(patience, reader.read_exact(&mut data)).await {
                        Ok(Ok(_)) => {}
                        // A piece that did not arrive whole is sent again.
                        _ => break Err(connection.lost(b"")),
                    }
                }
                if header == "full\n" {
                    break Err(Error::new(
                        ErrorKind::Remote,
                        format!("the gateway of {install} has no room for temporary files"),
                    ));
                }
                if header == "failed\n" {
                    break Err(Error::new(
                        ErrorKind::NotReady,
                        format!("{install} has no site on the gateway"),
                    ));
                }
                let mut goes_on = true;
                self.take(&paths, &words, &data, &mut |event| {
                    goes_on &= tell(event);
                });
                if !goes_on {
                    break Ok(false);
                }
            }
        };
        self.connection = Some(connection);
        result
    }

    fn script(&self, paths: &[String], most: u32) -> Vec<u8> {
        let places = || paths.iter().filter_map(|path| self.places.get(path));
        let texts = |of: fn(&Place) -> String| -> Vec<String> { places().map(of).collect() };
        remote::Script::new(&self.install)
            .list("path", paths)
            .list("inode", &texts(|place| place.inode.clone()))
            .list("place", &texts(|place| place.offset.to_string()))
            .list("mark", &texts(|place| place.mark.clone()))
            .list(
                "old_inode",
                &texts(|place| {
                    place
                        .old
                        .as_ref()
                        .map(|old| old.0.clone())
                        .unwrap_or_default()
                }),
            )
            .list(
                "old_place",
                &texts(|place| place.old.as_ref().map_or(0, |old| old.1).to_string()),
            )
            .list("old_left", &texts(|_| (LINGER - 1).to_string()))
            .value("linger", &LINGER.to_string())
            .value("piece", "262144")
            .value("pause", &self.pause.as_secs_f64().to_string())
            .value("most_rounds", &most.to_string())
            .call("follow")
    }

    /// Takes in a piece of what the script says.
    fn take(
        &mut self,
        paths: &[String],
        words: &[&str],
        data: &[u8],
        tell: &mut impl FnMut(Event),
    ) {
        let Some(path) = words
            .get(1)
            .and_then(|number| paths.get(number.parse::<usize>().ok()?))
        else {
            return;
        };
        let Some(place) = self.places.get_mut(path) else {
            return;
        };
        let number = |at: usize| {
            words
                .get(at)
                .and_then(|word| word.parse().ok())
                .unwrap_or(0_u64)
        };
        match words {
            ["data", _, inode, _, _, mark] => {
                let end = number(3) + number(4);
                let is_old = place.old.as_ref().is_some_and(|old| old.0 == *inode);
                let rest = if is_old {
                    place.old = Some(((*inode).to_owned(), end));
                    &mut place.old_rest
                } else {
                    if !place.inode.is_empty() && place.inode != *inode {
                        // It was rotated twice since the last look: this is the file between.
                        tell_rest(path, &mut place.old_rest, tell);
                        place.rotate(inode);
                    }
                    (*inode).clone_into(&mut place.inode);
                    place.offset = end;
                    (*mark).clone_into(&mut place.mark);
                    &mut place.rest
                };
                for part in data.split_inclusive(|byte| *byte == b'\n') {
                    rest.extend(part);
                    if rest.ends_with(b"\n") {
                        tell(line_of(path, rest));
                    }
                }
            }
            ["rotated", _, inode] => {
                tell_rest(path, &mut place.old_rest, tell);
                place.rotate(inode);
            }
            // The file before is not looked at any more.
            ["ended", _] => {
                tell_rest(path, &mut place.old_rest, tell);
                place.old = None;
            }
            ["truncated", _, inode, _] => {
                tell_rest(path, &mut place.rest, tell);
                tell(Event::Note(format!(
                    "{}: {path} was cut after {} bytes had been read of it; lines that were written just before are lost",
                    self.install,
                    number(3)
                )));
                (*inode).clone_into(&mut place.inode);
                place.offset = 0;
                place.mark.clear();
            }
            ["lost", _, _, _] => {
                tell(Event::Note(format!(
                    "{}: {path} was rotated away after {} bytes had been read of it, and the file is gone; lines that were written just before are lost",
                    self.install,
                    number(3)
                )));
            }
            _ => {}
        }
    }
}

/// Where following a file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// With its first line.
    Beginning,
    /// Behind what it had when [`Logs::sources`] found it.
    End,
}

/// What was read of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Content {
    /// Each file with what is in it.
    pub files: Vec<(Source, String)>,
    /// What a reader should know, such as a file that is damaged.
    pub notes: Vec<String>,
}

/// Tells of a line that never got its end.
fn tell_rest(path: &str, rest: &mut Vec<u8>, tell: &mut impl FnMut(Event)) {
    if !rest.is_empty() {
        tell(line_of(path, rest));
    }
}

fn line_of(path: &str, bytes: &mut Vec<u8>) -> Event {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let text = String::from_utf8_lossy(text).into_owned();
    bytes.clear();
    Event::Line {
        source: path.to_owned(),
        text,
    }
}
