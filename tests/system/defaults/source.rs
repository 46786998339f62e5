//! The library's own source, as far as it takes to know what waits and what its documentation says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What was found in it.
#[derive(Default)]
pub(super) struct Source {
    /// `Type::method` of every public method that is `async`, or gives a future or a wait, and `Type: Trait` of every
    /// public future and stream.
    pub(super) waiting: BTreeSet<String>,
    documentation: BTreeMap<String, String>,
}

/// What gives a future or a wait, by its return type.
const FUTURES: [&str; 4] = [
    "-> Wait<",
    "-> PermitFuture",
    "-> TokenFuture",
    "-> RequestFuture",
];

impl Source {
    pub(super) fn read() -> Self {
        let mut source = Self::default();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/wpengine/src");
        source.folder(&root);
        assert!(source.documentation.len() > 300, "this reads the source");
        source
    }

    /// The documentation of an item, as one line.
    pub(super) fn documentation(&self, item: &str) -> String {
        self.documentation
            .get(item)
            .unwrap_or_else(|| panic!("there is no {item}"))
            .clone()
    }

    fn folder(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).expect("the source of the library");
        for entry in entries.map(|entry| entry.expect("a file").path()) {
            if entry.is_dir() {
                self.folder(&entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                self.file(&fs::read_to_string(&entry).expect("text"));
            }
        }
    }

    fn file(&mut self, text: &str) {
        let (mut owner, mut documentation) = (Owner::default(), Vec::new());
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let (trimmed, mut whole) = (line.trim(), line.trim().to_owned());
            if trimmed == "#[cfg(test)]" {
                return;
            }
            if let Some(said) = trimmed.strip_prefix("///") {
                documentation.push(said.trim());
                continue;
            }
            if trimmed.starts_with("#[doc = example!(") {
                while !whole.ends_with(")]") {
                    let Some(line) = lines.next() else { return };
                    line.trim().clone_into(&mut whole);
                }
                continue;
            }
            if trimmed.starts_with("#[") {
                continue;
            }
            let words = trimmed
                .trim_start_matches("pub ")
                .trim_start_matches("async ");
            if words.starts_with("fn ") || trimmed.starts_with("impl") {
                while !whole.contains('{') && !whole.ends_with(';') {
                    let Some(line) = lines.next() else { return };
                    whole.push(' ');
                    whole.push_str(line.trim());
                }
            }
            if trimmed.starts_with("impl") {
                owner = Owner::of_impl(&whole);
                if owner.is_waiting() {
                    self.waiting.insert(format!("{}: {}", owner.name, owner.of));
                }
            } else if let Some(name) = trimmed
                .strip_prefix("pub struct ")
                .or_else(|| trimmed.strip_prefix("pub trait "))
            {
                let name = identifier(name);
                self.documentation
                    .insert(name.clone(), documentation.join(" "));
                if trimmed.starts_with("pub trait") {
                    owner = Owner {
                        name,
                        is_public_trait: true,
                        ..Owner::default()
                    };
                }
            } else if let Some(name) = words.strip_prefix("fn ") {
                let item = format!("{}::{}", owner.name, identifier(name));
                let public = trimmed.starts_with("pub ") || owner.is_public_trait;
                let waits = whole.starts_with("pub async ")
                    || FUTURES.iter().any(|future| whole.contains(future));
                // The wire is for tests only.
                if public && waits && owner.name != "Wire" {
                    self.waiting.insert(item.clone());
                }
                if public {
                    self.documentation.insert(item, documentation.join(" "));
                }
            }
            documentation.clear();
        }
    }
}

/// Whose methods these are.
#[derive(Default)]
struct Owner {
    name: String,
    /// The trait that is implemented, if one is.
    of: String,
    is_public_trait: bool,
}

impl Owner {
    fn of_impl(line: &str) -> Self {
        let mut rest = line.trim_start_matches("impl");
        if rest.starts_with('<') {
            // To the end of the parameters.
            let mut depth = 0;
            let end = rest.find(|letter| {
                depth += i32::from(letter == '<') - i32::from(letter == '>');
                depth == 0
            });
            rest = &rest[end.expect("balanced") + 1..];
        }
        let head = rest.split('{').next().unwrap_or_default();
        let head = head.split(" where").next().unwrap_or_default().trim();
        let (of, name) = match head.split_once(" for ") {
            Some((of, name)) => (identifier(of.rsplit("::").next().unwrap_or(of)), name),
            None => (String::new(), head),
        };
        // One parameter says nothing of what it is; of a listing the second one says how it pages.
        let name = match name.trim() {
            "$name" => "(request values)".to_owned(),
            name if name.contains(',') => name.to_owned(),
            name => identifier(name),
        };
        Self {
            name,
            of,
            is_public_trait: false,
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(self.of.as_str(), "IntoFuture" | "Future" | "Stream")
    }
}

/// The name at the beginning of a text.
fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}
