//! The scripts that read logs, and what they answer.

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use super::{Kind, Source, Sources};
use crate::{
    connection::Done,
    error::{Error, ErrorKind},
    shell,
};

/// A script with its variables.
pub(super) struct Script(Vec<u8>);

impl Script {
    pub(super) fn new(install: &str) -> Self {
        Self(shell::set("install", install))
    }

    pub(super) fn value(mut self, name: &str, value: &str) -> Self {
        self.0.extend(shell::set(name, value));
        self
    }

    pub(super) fn list(mut self, name: &str, values: &[String]) -> Self {
        self.0.extend(format!("{name}=(").as_bytes());
        for value in values {
            // An empty word is a word here.
            let word = match value.is_empty() {
                true => b"''".to_vec(),
                false => shell::quoted(value.as_bytes()),
            };
            self.0.extend(word);
            self.0.push(b' ');
        }
        self.0.extend(b")\n");
        self
    }

    pub(super) fn call(mut self, function: &str) -> Vec<u8> {
        self.0.extend(include_bytes!("remote.sh"));
        self.0
            .extend(format!("{function} </dev/null; exit 0\n").as_bytes());
        self.0
    }
}

fn checked(done: Done, install: &str) -> Result<Vec<u8>, Error> {
    match done.code {
        0 => Ok(done.stdout),
        90 => Err(Error::new(
            ErrorKind::NotReady,
            format!("{install} has no site on the gateway"),
        )
        .hint("a new install is ready 3 to 8 minutes after it was created")),
        255 | 137 | 143 => Err(
            Error::new(ErrorKind::Lost, "a script on the gateway was stopped").said(&done.stderr),
        ),
        code => Err(Error::new(
            ErrorKind::Remote,
            format!("a script on the gateway ended with {code}"),
        )
        .said(&done.stderr)),
    }
}

pub(super) fn sources(done: Done, install: &str) -> Result<Sources, Error> {
    let said = checked(done, install)?;
    let mut parts = said.split(|byte| *byte == 0);
    let mut found = Sources::default();
    while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
        let value = String::from_utf8_lossy(value).into_owned();
        let kind = match name {
            b"wordpress" => Kind::WordPress,
            b"php" => Kind::Php,
            b"server" => Kind::Server,
            b"named" => Kind::Named,
            b"missing" => {
                found.missing.push(value);
                continue;
            }
            b"unreadable" => {
                found.unreadable.push(value);
                continue;
            }
            b"about" => {
                let mut words = value.split(' ');
                if let Some(last) = found.files.last_mut() {
                    last.size = words.next().and_then(|size| size.parse().ok()).unwrap_or(0);
                    let written = words.next().and_then(|at| at.parse().ok());
                    last.written = written.and_then(|at| Timestamp::from_second(at).ok());
                    last.inode = words.next().unwrap_or_default().to_owned();
                }
                continue;
            }
            _ => continue,
        };
        let rotated_from = base(&value).map(str::to_owned);
        found.files.push(Source {
            path: value,
            kind,
            size: 0,
            written: None,
            rotated_from,
            inode: String::new(),
        });
    }
    // Two ways can lead to one file; the first one counts.
    let mut seen = std::collections::BTreeSet::new();
    found
        .files
        .retain(|source| seen.insert(source.inode.clone()));
    found.unreadable.sort();
    found.unreadable.dedup();
    Ok(found)
}

/// The file that a rotated one was: `a.log` of `a.log.1`, `a.log.2.gz`, `a.log-20261126`.
fn base(path: &str) -> Option<&str> {
    let bare = path.strip_suffix(".gz").unwrap_or(path);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    for separator in ['.', '-'] {
        if let Some((base, number)) = bare.rsplit_once(separator)
            && is_number(number)
            && !base.is_empty()
        {
            return Some(base);
        }
    }
    None
}

/// Files with their content, and notes.
type Files = (Vec<(String, String)>, Vec<String>);

/// Whole files: a path, and the packed content in base64. Notes are about those that cannot be read whole.
pub(super) fn files(done: Done, install: &str) -> Result<Files, Error> {
    let said = checked(done, install)?;
    let mut parts = said.split(|byte| *byte == 0);
    let (mut files, mut notes) = (Vec::new(), Vec::new());
    while let Some(name) = parts.next() {
        if name != b"path" {
            continue;
        }
        let (Some(path), Some(content)) = (parts.next(), parts.next()) else {
            break;
        };
        let path = String::from_utf8_lossy(path).into_owned();
        let mut bytes = Vec::new();
        let unpacked = STANDARD
            .decode(content)
            .map_err(std::io::Error::other)
            .and_then(|packed| {
                flate2::read::MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut bytes)
            });
        // What could be unpacked counts all the same.
        if let Err(error) = unpacked {
            notes.push(format!(
                "{install}: {path} is damaged and cannot be read whole: {error}"
            ));
        }
        files.push((path, String::from_utf8_lossy(&bytes).into_owned()));
    }
    Ok((files, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_belong_to_one_that_is_written() {
        for (path, of) in [
            ("logs/a.log", None),
            ("logs/a.log.1", Some("logs/a.log")),
            ("logs/a.log.2.gz", Some("logs/a.log")),
            ("debug.log-20261126", Some("debug.log")),
            ("debug.log-20261126.gz", Some("debug.log")),
            ("php8.2/error.log", None),
            ("logs/x.gz", None),
        ] {
            assert_eq!(base(path), of, "{path}");
        }
    }
}
