//! The files of a release, as they are on this machine.

use std::{
    ffi::OsStr,
    fs,
    io::Read as _,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

use ignore::WalkBuilder;
use sha2::{Digest as _, Sha256};

use super::rules;
use crate::error::Error;

/// What a file of the folder is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    File { hash: String, size: u64 },
    Link(Vec<u8>),
}

/// A folder whose files are deployed, and where to.
///
/// What `.deployignore` and `.gitignore` in it exclude is left out; a line `!vendor/` in `.deployignore` brings back what `.gitignore`
/// excludes. Symbolic links are sent as links, and must lead to somewhere in the folder.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) target: String,
    /// Relative to the folder, in order.
    pub(crate) files: Vec<Vec<u8>>,
    /// Those of them that are links.
    pub(crate) links: Vec<Vec<u8>>,
    /// Those that are never sent, and why.
    pub(crate) left_out: Vec<(Vec<u8>, &'static str)>,
}

impl Tree {
    /// Reads the names of the files in a folder, to be deployed to this folder of the site: `""` is its root.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Input`](crate::ErrorKind::Input) if there is nothing to deploy, if a link leads out of the folder, or if
    /// nothing may be deployed to the target; [`ErrorKind::Local`](crate::ErrorKind::Local) if something cannot be read.
    pub fn read(root: &Path, target: &str) -> Result<Self, Error> {
        let target = rules::target(target)?;
        let root = root
            .canonicalize()
            .map_err(|error| Error::local(root, &error))?;
        if !root.is_dir() {
            return Err(Error::input(format!(
                "{} is no folder: give the folder whose files are deployed",
                root.display()
            )));
        }
        let mut tree = Self {
            root: root.clone(),
            target,
            files: Vec::new(),
            links: Vec::new(),
            left_out: Vec::new(),
        };
        let walk = WalkBuilder::new(&root)
            .hidden(false)
            .require_git(false)
            // What is outside does not count: a folder that is built, and so ignored, is often what is deployed.
            .parents(false)
            .ignore(false)
            .git_global(false)
            .git_exclude(false)
            .add_custom_ignore_filename(".deployignore")
            // Tools' folders can be large, and nothing in them is ever sent.
            .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != OsStr::new(".git"))
            .build();
        for entry in walk {
            let entry = entry.map_err(|error| Error::local(&root, &error))?;
            let Some(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                continue;
            }
            let Ok(path) = entry.path().strip_prefix(&root) else {
                continue;
            };
            let name = path.as_os_str().as_bytes().to_vec();
            if let Some(why) = rules::never(&tree.on_site(&name)) {
                tree.left_out.push((name, why));
                continue;
            }
            if kind.is_symlink() {
                link(&root, path)?;
                tree.links.push(name.clone());
            } else if !kind.is_file() {
                return Err(Error::input(format!(
                    "{} is neither a file nor a link; remove it, or exclude it in .deployignore",
                    entry.path().display()
                )));
            }
            tree.files.push(name);
        }
        tree.files.sort();
        tree.left_out.sort();
        if tree.files.is_empty() {
            return Err(Error::input(format!(
                "there is nothing to deploy in {}: it is empty, or .deployignore and .gitignore exclude everything",
                root.display()
            )));
        }
        Ok(tree)
    }

    /// What is in each file, or where each link leads to, in the order of the files.
    pub(crate) fn contents(&self) -> Result<Vec<Content>, Error> {
        self.files
            .iter()
            .map(|name| {
                let path = self.root.join(OsStr::from_bytes(name));
                let failed = |error: std::io::Error| Error::local(&path, &error);
                if fs::symlink_metadata(&path).map_err(failed)?.is_symlink() {
                    let leads_to = fs::read_link(&path).map_err(failed)?;
                    return Ok(Content::Link(leads_to.as_os_str().as_bytes().to_vec()));
                }
                let mut file = fs::File::open(&path).map_err(failed)?;
                let mut hash = Sha256::new();
                let mut buffer = vec![0; 64 * 1024];
                let mut size = 0;
                loop {
                    match file.read(&mut buffer).map_err(failed)? {
                        0 => break,
                        count => {
                            hash.update(&buffer[..count]);
                            size += count as u64;
                        }
                    }
                }
                let hex: String = hash
                    .finalize()
                    .iter()
                    .take(16)
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                Ok(Content::File { hash: hex, size })
            })
            .collect()
    }

    /// Some of the files as an archive, with their places on the site.
    pub(crate) fn archive(&self, files: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
        let packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(packer);
        for name in files {
            let path = self.root.join(OsStr::from_bytes(name));
            let failed = |error: std::io::Error| Error::local(&path, &error);
            let place = self.on_site(name);
            let place = Path::new(OsStr::from_bytes(&place));
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o664);
            if fs::symlink_metadata(&path).map_err(failed)?.is_symlink() {
                let leads_to = fs::read_link(&path).map_err(failed)?;
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                archive
                    .append_link(&mut header, place, leads_to)
                    .map_err(failed)?;
            } else {
                let content = fs::read(&path).map_err(failed)?;
                header.set_size(content.len() as u64);
                archive
                    .append_data(&mut header, place, content.as_slice())
                    .map_err(failed)?;
            }
        }
        let packed = archive.into_inner().and_then(|packer| packer.finish());
        packed.map_err(|error| Error::local(&self.root, &error))
    }

    /// Returns how many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none. A tree that was read has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Where a file of the folder is on the site.
    pub(crate) fn on_site(&self, name: &[u8]) -> Vec<u8> {
        match self.target.is_empty() {
            true => name.to_vec(),
            false => [self.target.as_bytes(), b"/", name].concat(),
        }
    }
}

/// Refuses a link that would lead somewhere else on the server.
fn link(root: &Path, path: &Path) -> Result<(), Error> {
    let full = root.join(path);
    let leads_to = fs::read_link(&full).map_err(|error| Error::local(&full, &error))?;
    let mut depth = path.components().count().saturating_sub(1);
    let mut stays = !leads_to.is_absolute();
    for part in leads_to.components() {
        match part {
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => stays = false,
            },
            Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    if stays {
        return Ok(());
    }
    Err(Error::input(format!(
        "the link {} leads to {}, out of what is deployed; replace it by what it leads to, or exclude it in .deployignore",
        full.display(),
        leads_to.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn names(tree: &Tree) -> Vec<String> {
        let text = |name: &Vec<u8>| String::from_utf8_lossy(name).into_owned();
        tree.files.iter().map(text).collect()
    }

    #[test]
    fn both_kinds_of_ignore_files_count_and_the_own_one_has_the_last_word() {
        let folder = folder(&[
            (".gitignore", "vendor/\n*.map\n"),
            (".deployignore", "!vendor/\ntests/\n"),
            ("a.php", ""),
            ("a.map", ""),
            ("tests/a.php", ""),
            ("vendor/b.php", ""),
            (".git/config", ""),
            (".htaccess", ""),
        ]);
        let tree = Tree::read(folder.path(), "").unwrap();
        assert_eq!(names(&tree), [".htaccess", "a.php", "vendor/b.php"]);
    }

    #[test]
    fn links_stay_inside() {
        let folder = folder(&[("a/b.php", "")]);
        let link = folder.path().join("a/link");
        std::os::unix::fs::symlink("../a/b.php", &link).unwrap();
        assert_eq!(
            names(&Tree::read(folder.path(), "x").unwrap()),
            ["a/b.php", "a/link"]
        );
        for bad in ["/etc/passwd", "../../x", "../a/../../b"] {
            fs::remove_file(&link).unwrap();
            std::os::unix::fs::symlink(bad, &link).unwrap();
            assert!(Tree::read(folder.path(), "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_no_release() {
        let folder = folder(&[(".gitignore", "*\n")]);
        assert!(
            Tree::read(folder.path(), "")
                .unwrap_err()
                .to_string()
                .contains("nothing to deploy")
        );
        assert!(Tree::read(&folder.path().join("missing"), "").is_err());
    }
}
