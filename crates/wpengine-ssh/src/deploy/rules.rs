//! What a deployment never sends, overwrites or deletes, by where it is and whose it is.

use std::collections::BTreeSet;

use crate::error::Error;

/// A folder of the site as it was given, as names with slashes between them: empty for the root of the site.
///
/// `./`, `/` and `wp-content//` are the same places as without what is too much; `..` is refused.
pub(crate) fn target(given: &str) -> Result<String, Error> {
    let mut parts = Vec::new();
    for part in given.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                return Err(Error::input(format!(
                    "{given:?} leaves the site: name a folder below its root, such as wp-content/themes/acme"
                )));
            }
            part if part.contains(['\0', '\n', '\r']) => {
                return Err(Error::input(format!("{given:?} has a line break in it")));
            }
            part => parts.push(part),
        }
    }
    let target = parts.join("/");
    if let Some(why) = never(target.as_bytes()) {
        return Err(Error::input(format!(
            "{target} {why}, so nothing is deployed there"
        )));
    }
    Ok(target)
}

/// Files by which WordPress is sped up, which the platform brings.
pub(crate) const DROP_INS: [&[u8]; 2] = [
    b"wp-content/object-cache.php",
    b"wp-content/advanced-cache.php",
];

/// Whether a path is of a tool for development, such as `.gitignore`, or a list for this one.
pub(crate) fn is_of_tools(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    never(path) == Some(OF_TOOLS) || name == b".deployignore" || name == b".distignore"
}

const OF_TOOLS: &str = "belongs to a tool and not to the site";

/// Why a path below the root of the site is never touched, whatever is there.
pub(crate) fn never(path: &[u8]) -> Option<&'static str> {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    let name = parts.last().copied().unwrap_or_default();
    let is_hidden = |part: &&[u8]| {
        const TOOLS: [&[u8]; 8] = [
            b".git",
            b".svn",
            b".hg",
            b".github",
            b".idea",
            b".vscode",
            b".gitignore",
            b".gitattributes",
        ];
        TOOLS.contains(part) || *part == b".gitmodules"
    };
    if parts.iter().any(is_hidden)
        || name == b".DS_Store"
        || name.ends_with(b"~")
        || name.ends_with(b".swp")
    {
        return Some(OF_TOOLS);
    }
    let of_site = match parts.as_slice() {
        [first, ..]
            if first.starts_with(b"_wpe")
                || first.starts_with(b".wpe")
                || *first == b".smushit-status" =>
        {
            Some("belongs to the platform")
        }
        [b"wp-config.php"] => Some("has the passwords of the site"),
        [b"wp-content", b"mu-plugins", name, ..]
            if name.starts_with(b"wpe") || *name == b"mu-plugin.php" =>
        {
            Some("belongs to the platform")
        }
        [b"wp-content", b"mysql.sql"] => Some("belongs to the platform"),
        [
            b"wp-content",
            b"uploads"
            | b"blogs.dir"
            | b"cache"
            | b"upgrade"
            | b"upgrade-temp-backup"
            | b"backup-db",
            ..,
        ] => Some("is written by the site itself"),
        [b"wp-content", name] if name.ends_with(b".log") => Some("is written by the site itself"),
        _ => None,
    };
    if of_site.is_some() {
        return of_site;
    }
    let is_secret = |part: &&[u8]| {
        const SECRETS: [&[u8]; 8] = [
            b".aws",
            b".ssh",
            b".npmrc",
            b"auth.json",
            b"id_rsa",
            b"id_ed25519",
            b"id_ecdsa",
            b"wp-config.php",
        ];
        SECRETS.contains(part) || part.starts_with(b".env")
    };
    let is_dump = name.ends_with(b".sql") || name.ends_with(b".sql.gz");
    let is_list = name == b".deployignore" || name == b".distignore";
    (parts.iter().any(is_secret) || is_dump || is_list)
        .then_some("can have secrets, or is for development")
}

/// What the server has that was not brought by a release: where plugins run always, and where WordPress looks for drop-ins.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// Entries of these folders.
    pub(crate) found: BTreeSet<Vec<u8>>,
    /// Files below them that releases brought.
    pub(crate) brought: BTreeSet<Vec<u8>>,
    /// What cannot be written.
    pub(crate) fixed: BTreeSet<Vec<u8>>,
}

impl Server {
    /// Why a path is not touched on this server. What `adopted` names is taken over from somebody else.
    pub(crate) fn protects(&self, path: &[u8], adopted: &[String]) -> Option<&'static str> {
        if let Some(why) = never(path) {
            return Some(why);
        }
        let above = |path: &[u8]| -> Vec<Vec<u8>> {
            let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            let mut all: Vec<Vec<u8>> = ends.map(|(end, _)| path[..end].to_vec()).collect();
            all.push(path.to_vec());
            all
        };
        let places = above(path);
        if places.iter().any(|place| self.fixed.contains(place)) {
            return Some("cannot be written: it belongs to the platform");
        }
        let is_adopted = |place: &[u8]| {
            adopted
                .iter()
                .any(|name| name.trim_matches('/').as_bytes() == place)
        };
        let foreign = |place: &&Vec<u8>| {
            let below = [place.as_slice(), b"/"].concat();
            let next = self.brought.range(below.clone()..).next();
            self.found.contains(*place)
                && !self.brought.contains(*place)
                && !next.is_some_and(|path| path.starts_with(&below))
        };
        match places.iter().find(foreign) {
            Some(place) if !is_adopted(place) => Some(
                "was not brought by a release: it belongs to the platform, or to somebody else",
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_however_it_is_written() {
        for root in ["", ".", "./", "/", "//", "/./", "././/"] {
            assert_eq!(target(root).unwrap(), "", "{root}");
        }
        for content in [
            "wp-content",
            "wp-content/",
            "wp-content//",
            "/wp-content",
            "./wp-content/.",
        ] {
            assert_eq!(target(content).unwrap(), "wp-content", "{content}");
        }
        for bad in [
            "..",
            "wp-content/../..",
            "a/../b",
            "_wpeprivate",
            "/_wpeprivate//x",
            "wp-content/uploads/",
            "a\nb",
        ] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_belongs_to_others_is_known_by_its_place() {
        for path in [
            "wp-config.php",
            "_wpeprivate/config.json",
            "wp-content/mu-plugins/mu-plugin.php",
            "wp-content/mu-plugins/wpengine-common/plugin.php",
            "wp-content/mu-plugins/wpe-anything-new.php",
            "wp-content/uploads/2026/a.jpg",
            "wp-content/debug.log",
            ".git/config",
            "wp-content/themes/a/.git/HEAD",
            ".env",
            "tools/.env.production",
            "wp-content/themes/a/.npmrc",
            "dump.sql.gz",
            "old/wp-config.php",
        ] {
            assert!(never(path.as_bytes()).is_some(), "{path}");
        }
        for path in [
            "wp-content/mu-plugins/mine.php",
            "wp-content/plugins/wpe-helper/a.php",
            "wp-content/themes/a/uploads/x.png",
            "wp-content/themes/a/cache/x.php",
            ".htaccess",
            "wp-content/plugins/a/readme.log",
        ] {
            assert_eq!(never(path.as_bytes()), None, "{path}");
        }
    }

    #[test]
    fn what_nobody_brought_stays_unless_it_is_adopted() {
        let all = |paths: &[&str]| paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let server = Server {
            found: all(&[
                "wp-content/mu-plugins/loader.php",
                "wp-content/mu-plugins/mine",
                "wp-content/object-cache.php",
            ]),
            brought: all(&["wp-content/mu-plugins/mine/a.php"]),
            fixed: all(&["wp-content/plugins/locked"]),
        };
        let protects = |path: &str, adopted: &[&str]| {
            let adopted: Vec<String> = adopted.iter().map(|name| (*name).to_owned()).collect();
            server.protects(path.as_bytes(), &adopted).is_some()
        };
        assert!(protects("wp-content/mu-plugins/loader.php", &[]));
        assert!(!protects(
            "wp-content/mu-plugins/loader.php",
            &["wp-content/mu-plugins/loader.php"]
        ));
        assert!(protects("wp-content/object-cache.php", &[]));
        assert!(!protects("wp-content/mu-plugins/mine/b.php", &[]));
        assert!(!protects("wp-content/mu-plugins/new.php", &[]));
        assert!(protects(
            "wp-content/plugins/locked/a.php",
            &["wp-content/plugins/locked"]
        ));
    }
}
