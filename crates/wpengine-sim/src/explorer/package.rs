//! The reference page is Swagger UI. The crate `utoipa-swagger-ui-vendored` contains its release archive, so nothing
//! is downloaded, neither in the build nor at run time.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};
use std::sync::OnceLock;

use bytes::Bytes;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

use super::{CSS, SCRIPT};

/// The files that are served: name here, name in the archive, type.
const SERVED: [(&str, &str, &str); 4] = [
    ("swagger-ui.css", "dist/swagger-ui.css", CSS),
    ("swagger-ui-bundle.js", "dist/swagger-ui-bundle.js", SCRIPT),
    ("LICENSE", "LICENSE", "text/plain; charset=utf-8"),
    ("NOTICE", "NOTICE", "text/plain; charset=utf-8"),
];

/// A file of the package and its type.
pub(super) fn file(name: &str) -> Option<(&'static str, Bytes)> {
    // Unpacked when a page is first opened, so that nothing is spent if no page is opened.
    static FILES: OnceLock<HashMap<&'static str, (&'static str, Bytes)>> = OnceLock::new();
    FILES.get_or_init(unpack).get(name).cloned()
}

fn unpack() -> HashMap<&'static str, (&'static str, Bytes)> {
    let mut files = HashMap::new();
    let Ok(mut archive) = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED)) else {
        return files;
    };
    for index in 0..archive.len() {
        let Ok(mut entry) = archive.by_index(index) else {
            continue;
        };
        // The archive has one top-level folder, named after the version.
        let path = entry.name().unwrap_or_default().into_owned();
        let path = path.split_once('/').map(|(_, path)| path);
        let Some((name, _, kind)) = SERVED.iter().find(|(_, it, _)| Some(*it) == path) else {
            continue;
        };
        let mut content = Vec::new();
        if entry.read_to_end(&mut content).is_ok() {
            files.insert(*name, (*kind, Bytes::from(content)));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_has_every_file_that_is_served() {
        for (name, ..) in SERVED {
            let (_, content) = file(name).unwrap_or_else(|| panic!("{name} is not in the archive"));
            assert!(!content.is_empty(), "{name}");
        }
        assert!(file("package.json").is_none());
    }
}
