//! Merges the fragments in `openapi/` into one document.
//!
//! A merge is a union of maps. A key that occurs twice is an error that names both files. References are
//! `#/components/...` in every fragment, so they need no rewriting.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use crate::Failure;

/// The merged document, and the source fragment of each path and component.
pub(crate) struct Merged {
    pub(crate) document: Value,
    /// For example from `/sites` or `schemas/Site` to `site.yaml`.
    pub(crate) origins: BTreeMap<String, String>,
}

/// Files in `openapi/` that are not fragments of the document.
const NOT_FRAGMENTS: [&str; 1] = ["deviations.yaml"];

pub(crate) fn merge(folder: &Path) -> Result<Merged, Failure> {
    let root_file = folder.join("root.yaml");
    let mut document = read(&root_file)?;
    let mut origins = BTreeMap::new();
    let tags: Vec<String> = document["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| tag["name"].as_str().map(str::to_owned))
        .collect();

    let mut fragments = Vec::new();
    for file in fragment_files(folder)? {
        let fragment = read(&file)?;
        let position = tag_of(&fragment)
            .and_then(|tag| tags.iter().position(|known| *known == tag))
            .unwrap_or(usize::MAX);
        fragments.push((position, name_of(&file), fragment));
    }
    // Fragments are ordered by the tags of the API's documentation, then by file name.
    fragments.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));

    let mut paths = Map::new();
    let mut components: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    let root_components = take_map(&mut document, "components");
    add_components(&mut components, &mut origins, root_components, "root.yaml")?;
    for (_, file, mut fragment) in fragments {
        for (path, item) in take_map(&mut fragment, "paths") {
            claim(&mut origins, &path, &file)?;
            paths.insert(path, item);
        }
        let own = take_map(&mut fragment, "components");
        add_components(&mut components, &mut origins, own, &file)?;
        if let Some(key) = fragment.as_object().and_then(|rest| rest.keys().next()) {
            return Err(Failure::msg(format!(
                "openapi/{file}: `{key}` does not belong into a fragment; only root.yaml holds more than `paths` and `components`"
            )));
        }
    }

    document["paths"] = Value::Object(paths);
    document["components"] = serde_json::to_value(components)?;
    Ok(Merged { document, origins })
}

fn fragment_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder)
        .map_err(|error| Failure::msg(format!("cannot read {}: {error}", folder.display())))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = name_of(&path);
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
            && name != "root.yaml"
            && !NOT_FRAGMENTS.contains(&name.as_str())
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn name_of(file: &Path) -> String {
    file.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Reads one YAML file. The parser refuses a mapping with duplicate keys.
fn read(file: &Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::msg(format!("cannot read {}: {error}", file.display())))?;
    serde_saphyr::from_str(&text)
        .map_err(|error| Failure::msg(format!("openapi/{}: {error}", name_of(file))))
}

fn tag_of(fragment: &Value) -> Option<String> {
    fragment["paths"]
        .as_object()?
        .values()
        .flat_map(|item| item.as_object().into_iter().flat_map(Map::values))
        .find_map(|operation| operation["tags"][0].as_str())
        .map(str::to_owned)
}

fn take_map(value: &mut Value, key: &str) -> Map<String, Value> {
    match value
        .as_object_mut()
        .and_then(|object| object.shift_remove(key))
    {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

fn add_components(
    all: &mut BTreeMap<String, BTreeMap<String, Value>>,
    origins: &mut BTreeMap<String, String>,
    own: Map<String, Value>,
    file: &str,
) -> Result<(), Failure> {
    for (kind, entries) in own {
        let Value::Object(entries) = entries else {
            return Err(Failure::msg(format!(
                "openapi/{file}: components.{kind} is not a map"
            )));
        };
        for (name, value) in entries {
            claim(origins, &format!("{kind}/{name}"), file)?;
            all.entry(kind.clone()).or_default().insert(name, value);
        }
    }
    Ok(())
}

fn claim(origins: &mut BTreeMap<String, String>, key: &str, file: &str) -> Result<(), Failure> {
    match origins.insert(key.to_owned(), file.to_owned()) {
        None => Ok(()),
        Some(other) => Err(Failure::msg(format!(
            "`{key}` is given twice: in openapi/{other} and in openapi/{file}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file is written");
        }
        folder
    }

    const ROOT: &str = "openapi: 3.0.3\ntags: [{name: B}, {name: A}]\ncomponents: {schemas: {X: {type: string}}}\n";

    #[test]
    fn fragments_stand_in_the_order_of_the_tags() {
        let folder = folder(&[
            ("root.yaml", ROOT),
            ("a.yaml", "paths: {/a: {get: {tags: [A]}}}\n"),
            ("b.yaml", "paths: {/b: {get: {tags: [B]}}}\n"),
        ]);
        let merged = merge(folder.path()).expect("it merges");
        let paths: Vec<_> = merged.document["paths"]
            .as_object()
            .expect("paths")
            .keys()
            .collect();
        assert_eq!(paths, ["/b", "/a"]);
    }

    #[test]
    fn a_path_or_component_given_twice_names_both_files() {
        for (a, b) in [
            ("paths: {/a: {}}\n", "paths: {/a: {}}\n"),
            (
                "components: {schemas: {Y: {}}}\n",
                "components: {schemas: {Y: {}}}\n",
            ),
        ] {
            let folder = folder(&[("root.yaml", ROOT), ("a.yaml", a), ("b.yaml", b)]);
            let error = merge(folder.path())
                .err()
                .expect("it is refused")
                .to_string();
            assert!(
                error.contains("a.yaml") && error.contains("b.yaml"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_key_given_twice_in_one_file_is_refused() {
        let folder = folder(&[
            ("root.yaml", ROOT),
            ("a.yaml", "paths:\n  /a: {}\n  /a: {}\n"),
        ]);
        let error = merge(folder.path())
            .err()
            .expect("it is refused")
            .to_string();
        assert!(error.contains("a.yaml"), "{error}");
    }

    #[test]
    fn a_fragment_may_hold_nothing_but_paths_and_components() {
        let folder = folder(&[("root.yaml", ROOT), ("a.yaml", "info: {title: no}\n")]);
        let error = merge(folder.path())
            .err()
            .expect("it is refused")
            .to_string();
        assert!(error.contains("`info`"), "{error}");
    }
}
